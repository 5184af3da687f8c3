"""JSON values into frozen values, strictly: one reader for each type that a message's field may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from attrs import NOTHING, Attribute, fields, has

Reader = Callable[[object, str], Any]
"""Takes a JSON value and the name of its place; gives the field's value or raises `WrongValueError`."""

_SCALARS: Mapping[object, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a string"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}


class WrongValueError(Exception):
    """A value is not what its place asks for. The sentence names the place and never quotes the value."""


def reader(hint: Any) -> Reader:  # noqa: ANN401 - any annotation
    """How to read values of one annotation."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is object:
        return _as_it_is
    if hint in _SCALARS:
        return _scalar(*_SCALARS[hint])
    if has(hint):
        return _object(hint)
    if origin is Literal:
        return _choice(args)
    if origin is tuple:
        return _list(reader(args[0]))
    if origin is Mapping:
        return _mapping(reader(args[1]))
    if origin in (Union, UnionType) and len(args) == 2 and NoneType in args:
        return _optional(reader(args[0] if args[1] is NoneType else args[1]))
    raise TypeError(f"no reader for {hint}")


def _as_it_is(value: object, _: str) -> object:
    return value


def _scalar(types: tuple[type, ...], says: str) -> Reader:
    def read(value: object, place: str) -> object:
        # For Python true is a number, for JSON it is not.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise WrongValueError(f"{place} must be {says}")
        return value

    return read


def _choice(allowed: tuple[str, ...]) -> Reader:
    says = " or ".join(allowed)

    def read(value: object, place: str) -> object:
        if not isinstance(value, str) or value not in allowed:
            raise WrongValueError(f"{place} must be {says}")
        return value

    return read


def _optional(inner: Reader) -> Reader:
    def read(value: object, place: str) -> object:
        return None if value is None else inner(value, place)

    return read


def _list(item: Reader) -> Reader:
    def read(value: object, place: str) -> object:
        if not isinstance(value, list):
            raise WrongValueError(f"{place} must be a list")
        return tuple(item(one, f"{place}[{n}]") for n, one in enumerate(cast("list[object]", value)))

    return read


def _mapping(inner: Reader) -> Reader:
    def read(value: object, place: str) -> object:
        if not isinstance(value, dict):
            raise WrongValueError(f"{place} must be an object")
        # The key is the client's own text: it is not named.
        items = cast("dict[str, object]", value).items()
        return {key: inner(one, f"every value of {place}") for key, one in items}

    return read


def _object(cls: type[Any]) -> Reader:
    hints = get_type_hints(cls)
    members = [(a.name, _bounded(a, reader(hints[a.name])), a.default is NOTHING) for a in fields(cls)]

    def read(value: object, place: str) -> object:
        if not isinstance(value, dict):
            raise WrongValueError(f"{place} must be an object")
        given = cast("dict[str, object]", value)
        prefix = f"{place}." if place else ""
        found: dict[str, object] = {}
        for name, read_member, required in members:
            if name in given:
                found[name] = read_member(given[name], prefix + name)
            elif required:
                raise WrongValueError(f"{prefix}{name} is missing")
        return cls(**found)

    return read


def _bounded(attribute: Attribute[Any], inner: Reader) -> Reader:
    """The same reader, which also holds a value against the pattern that its field declares."""
    pattern = attribute.metadata.get("pattern")
    if pattern is None:
        return inner
    matches = re.compile(pattern).fullmatch

    def read(value: object, place: str) -> object:
        text = inner(value, place)
        if not matches(text):
            raise WrongValueError(f"{place} must be 1 to 64 letters, digits or _.:+/-")
        return text

    return read
