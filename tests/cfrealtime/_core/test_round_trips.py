"""What the service can write is read back whole; whatever else it writes is a value of its type or one error.

The models and the readers are found by themselves: those of a new part of the API come under this with it.
"""

from __future__ import annotations

import inspect
import json
import pkgutil
import types
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cfrealtime import models
from cfrealtime._core import requests
from cfrealtime._core.codec import structure
from cfrealtime._core.exchange import UnreadableError
from cfrealtime.models.shared import wire_name
from tests.cfrealtime.twins import generated_attributes, generated_names, twin_of


def name(value):
    return value.__name__


def defined_in(package, wanted):
    """What the modules of a package define themselves."""
    names = [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    return [
        value
        for name in names
        for value in vars(import_module(name)).values()
        if wanted(value) and value.__module__ == name
    ]


def is_reader(value):
    return inspect.isfunction(value) and list(inspect.signature(value).parameters) == ["document"]


def keeps_extra(value):
    return attrs.has(value) and "extra" in attrs.fields_dict(value)


def within(hint):
    """The models that a type is made of, itself included, and what those are made of."""
    if not attrs.has(hint):
        return {model for part in get_args(hint) for model in within(part)}
    return {hint}.union(*(within(part) for part in get_type_hints(hint).values()))


# Only what an answer is read into keeps what it does not know.
MODELS = sorted({part for model in defined_in(models, keeps_extra) for part in within(model)}, key=name)
# The others are in these.
WHOLE = [model for model in MODELS if not any(model in within(other) - {other} for other in MODELS)]
READERS = {reader: get_type_hints(reader)["return"] for reader in defined_in(requests, is_reader)}

# A busy machine is no failure.
SLOW = [HealthCheck.too_slow]

# All that json.loads can give, lone surrogates and infinities included, under names that mean something.
KEYS = st.sampled_from(sorted({name for model in MODELS for name in generated_names(twin_of(model))}))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "offer", "answer", "v=0", "backend_error", 1.5])
    | st.text(st.characters(), max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inside, max_size=3)
    ),
    max_leaves=5,
)
TOP = {"sessionId"}.union(*(generated_names(twin_of(model)) for model in WHOLE))
DOCUMENTS = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(TOP), JSON))
# An empty field is an absent one, so there is none in what is to be read back.
TEXT = st.text(min_size=1, max_size=5)
EXTRA = st.dictionaries(TEXT.map("new-{}".format), st.integers() | st.lists(TEXT, max_size=2), max_size=2)
SIMPLE = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False),
    types.NoneType: st.none(),
    Mapping[str, Any]: EXTRA,
}


@cache
def values(hint):
    """Any value of a type."""
    parts = get_args(hint)
    if attrs.has(hint):
        return st.builds(hint, **{name: values(part) for name, part in get_type_hints(hint).items()})
    if get_origin(hint) in {Union, types.UnionType}:
        return st.one_of(*map(values, parts))
    if get_origin(hint) is tuple:
        return st.lists(values(parts[0]), max_size=3).map(tuple)
    return st.sampled_from(parts) if get_origin(hint) is Literal else SIMPLE[hint]


def fits(value, hint):
    """Whether a value is of a type, and so is all that it holds."""
    parts = get_args(hint)
    if attrs.has(hint):
        fields = get_type_hints(hint).items()
        return type(value) is hint and all(fits(getattr(value, name), part) for name, part in fields)
    if get_origin(hint) in {Union, types.UnionType}:
        return any(fits(value, part) for part in parts)
    if get_origin(hint) is tuple:
        return type(value) is tuple and all(fits(item, parts[0]) for item in value)
    return value in parts if get_origin(hint) is Literal else isinstance(value, get_origin(hint) or hint)


def stems_from(document, value):
    """Whether all that was read stands in the document as it is: nothing guessed, nothing converted."""
    if isinstance(value, dict) and isinstance(document, dict):
        return all(stems_from(document.get(key), part) for key, part in value.items())
    if isinstance(value, list) and isinstance(document, list):
        return len(value) == len(document) and all(map(stems_from, document, value))
    # What is left out has been read as its default.
    absent = document in (None, "") and value in (False, [])
    return absent or (value == document and isinstance(value, bool) == isinstance(document, bool))


def generated(value):
    """A value as its twin among the generated models."""
    if isinstance(value, tuple):
        return [generated(item) for item in value]
    if not attrs.has(type(value)):
        return value
    twin = twin_of(type(value))
    names = generated_attributes(twin)
    known = {
        names[wire_name(attribute)]: generated(getattr(value, attribute.name))
        for attribute in attrs.fields(type(value))
        if attribute.name not in {"error", "extra"} and getattr(value, attribute.name) is not None
    }
    error = getattr(value, "error", None)
    if error is not None:
        # On the wire an item's error is flat, beside the item's own fields.
        known["error_code"] = error.code
        known |= {} if error.description is None else {"error_description": error.description}
    instance = twin(**known)
    instance.additional_properties.update(getattr(value, "extra", {}))
    return instance


def document_of(value):
    """What the service would have written."""
    return json.loads(json.dumps(generated(value).to_dict()))


@cache
@st.composite
def spoiled(draw, model):
    """A document that is right, but for one place in it."""
    document = place = document_of(draw(values(model)))
    while place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or draw(st.booleans()):
            place[key] = draw(JSON)
            break
        place = place[key]
    return document


def test_the_models_and_readers_of_every_part_are_found():
    found = {model.__name__ for model in MODELS}
    assert {"TracksResult", "SessionState", "EstablishResult", "Simulcast", "ItemError"} <= found
    assert not {"LocalTrack", "RemoteDataChannel"} & found
    assert {"created_session", "published", "established"} <= {reader.__name__ for reader in READERS}


@pytest.mark.parametrize("model", WHOLE, ids=name)
@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_what_the_service_can_write_is_read_back_whole(model, data):
    value = data.draw(values(model))
    # Not by ==, which leaves out what is in `extra`.
    assert attrs.asdict(structure(document_of(value), model)) == attrs.asdict(value)


def outcome(read, *arguments):
    """A value, or what an unreadable answer did name. Nothing else may come of reading."""
    try:
        return read(*arguments)
    except UnreadableError as error:
        return error.partial


@pytest.mark.parametrize("result", sorted(set(READERS.values()), key=str), ids=str)
@settings(max_examples=50, deadline=None, suppress_health_check=SLOW)
@given(data=st.data())
def test_any_document_is_a_value_of_its_type_or_unreadable(result, data):
    document = data.draw(DOCUMENTS | spoiled(result) if attrs.has(result) else DOCUMENTS)
    for reader in (reader for reader, read_as in READERS.items() if read_as == result):
        assert fits(outcome(reader, document), result | None)
    if attrs.has(result):
        value = outcome(structure, document, result)
        assert value is None or stems_from(document, document_of(value))
