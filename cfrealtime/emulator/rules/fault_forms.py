"""Faults as JSON and as a line of text, both ways.

{"kind": "lose_answer", "operation": "new_tracks", "nth": 2}
lose_answer operation=new_tracks nth=2
"""

from __future__ import annotations

import json
import shlex
from typing import Any, cast

import attrs

from cfrealtime.emulator.refusals import Json

from .fault_bounds import FaultError, Text
from .faults import EFFECTS, ON_CALLS, Effect, Fault


def read_many(value: object) -> tuple[Fault, ...]:
    """One fault or several: a list of them, or an object that has such a list as `faults`."""
    whole: object = value
    if isinstance(value, dict):
        whole = cast("dict[str, object]", value).get("faults", whole)
    if isinstance(whole, list):
        return tuple(read(item) for item in cast("list[object]", whole))
    return (read(whole),)


def read(value: object) -> Fault:
    """A fault out of its JSON, which may be its line of text, too."""
    if isinstance(value, str):
        return _from_text(value)
    if not isinstance(value, dict):
        raise FaultError("A fault is an object with a kind, or a line of text.")
    fields = dict(cast("dict[str, Any]", value))
    effect = _effect(fields.pop("kind", None))
    own = {name: fields.pop(name) for name in _names(effect) if name in fields}
    missing = [a.name for a in attrs.fields(effect) if a.default is attrs.NOTHING and a.name not in own]
    if missing:
        raise FaultError(f"{effect.kind} needs {' and '.join(missing)}.")
    unknown = [name for name in fields if name not in ON_CALLS]
    if unknown:
        known = ", ".join((*_names(effect), *effect.conditions)) or "no fields"
        raise FaultError(f"{effect.kind} does not know {', '.join(map(repr, unknown))}; it takes {known}.")
    given = {name: item for name, item in fields.items() if item is not None}
    return Fault(effect(**own), **given)


def write(fault: Fault) -> Json:
    """The JSON of a fault: what was not set is left out."""
    own = {a.name: getattr(fault.effect, a.name) for a in attrs.fields(type(fault.effect))}
    conditions = {a.name: getattr(fault, a.name) for a in attrs.fields(Fault) if a.name in ON_CALLS}
    if fault.probability == 1.0:
        del conditions["probability"]
    fields = {name: value for name, value in (own | conditions).items() if value is not None}
    return {"kind": fault.effect.kind, **fields}


def describe(fault: Fault) -> str:
    """A fault as a line of text, without what goes without saying."""
    defaults = {a.name: a.default for a in attrs.fields(type(fault.effect))}
    fields = {
        name: value for name, value in write(fault).items() if value != defaults.get(name, attrs.NOTHING)
    }
    kind = fields.pop("kind")
    return " ".join((kind, *(f"{name}={_as_text(value)}" for name, value in fields.items())))


def _effect(kind: object) -> type[Effect]:
    if not isinstance(kind, str) or kind not in EFFECTS:
        raise FaultError(f"kind is none of {', '.join(EFFECTS)}.")
    return EFFECTS[kind]


def _names(effect: type[Effect]) -> list[str]:
    return [attribute.name for attribute in attrs.fields(effect)]


def _from_text(text: str) -> Fault:
    try:
        kind, *words = shlex.split(text) or [""]
    except ValueError as error:
        raise FaultError(f"The fault cannot be read: {error}.") from error
    effect = _effect(kind)
    texts = {a.name for a in (*attrs.fields(effect), *attrs.fields(Fault)) if isinstance(a.validator, Text)}
    fields: Json = {"kind": kind}
    for word in words:
        name, given, value = word.partition("=")
        if not given:
            raise FaultError(f"{word!r} is not of the form name=value.")
        fields[name] = value if name in texts else _from_word(value)
    return read(fields)


def _from_word(value: str) -> object:
    try:
        return cast("object", json.loads(value))
    except (ValueError, RecursionError):
        return value


def _as_text(value: object) -> str:
    return shlex.quote(value) if isinstance(value, str) else json.dumps(value)
