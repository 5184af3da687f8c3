"""The protocol as JSON Schema, drawn from the core's values: what they say is what the schema says."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from attrs import NOTHING, Attribute, fields, has

from ..core.commands import COMMAND_NAMES
from ..core.notices import NOTICE_NAMES

_SCALARS: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    object: {},
}


def json_schema() -> dict[str, Any]:
    """Every message of protocol v1, in both directions (JSON Schema 2020-12)."""
    definitions: dict[str, Any] = {}
    directions = {
        title: {"oneOf": [_reference(cls, definitions, name) for cls, name in names.items()]}
        for title, names in (("client_to_room", COMMAND_NAMES), ("room_to_client", NOTICE_NAMES))
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cfrealtime rooms, signaling protocol v1",
        "$defs": {**directions, **dict(sorted(definitions.items()))},
        "oneOf": [{"$ref": f"#/$defs/{title}"} for title in directions],
    }


def _reference(cls: type[Any], definitions: dict[str, Any], message: str | None = None) -> dict[str, Any]:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}
        definitions[cls.__name__] = _object(cls, definitions, message)
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _object(cls: type[Any], definitions: dict[str, Any], message: str | None) -> dict[str, Any]:
    hints = get_type_hints(cls)
    properties = {a.name: _field(a, hints[a.name], definitions) for a in fields(cls)}
    required = [a.name for a in fields(cls) if a.default is NOTHING]
    if message is not None:
        properties = {"type": {"const": message}, **properties}
        required.insert(0, "type")
    return {
        "type": "object",
        "description": (cls.__doc__ or "").strip().split("\n")[0],
        "properties": properties,
        "required": required,
    }


def _field(attribute: Attribute[Any], hint: object, definitions: dict[str, Any]) -> dict[str, Any]:
    bounds = {k: v for k, v in attribute.metadata.items() if k in ("pattern", "minLength")}
    return {**_type(hint, definitions), **bounds}


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any annotation
    origin, args = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if has(hint):
        return _reference(hint, definitions)
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple:
        return {"type": "array", "items": _type(args[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _type(args[1], definitions)}
    if origin in (Union, UnionType):
        return {"anyOf": [_type(arg, definitions) for arg in args]}
    raise TypeError(f"no JSON Schema for {hint}")
