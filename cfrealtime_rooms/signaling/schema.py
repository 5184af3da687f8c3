"""The protocol as JSON Schema, drawn from the core's values: what they say is what the schema says."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from attrs import NOTHING, Attribute, fields, has

from ..core.commands import COMMAND_NAMES
from ..core.notices import NOTICE_NAMES

DIRECTIONS: Final[Mapping[str, Mapping[type[Any], str]]] = {
    "client_to_room": COMMAND_NAMES,
    "room_to_client": NOTICE_NAMES,
}
_SCALARS: Final[Mapping[object, Mapping[str, Any]]] = {
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
        for title, names in DIRECTIONS.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cfrealtime rooms, signaling protocol v1",
        "$defs": {**directions, **dict(sorted(definitions.items()))},
        "anyOf": [{"$ref": f"#/$defs/{title}"} for title in directions],
    }


def remarks(cls: type[Any]) -> dict[str, str]:
    """What is written under each field of a class, in one line."""
    body = _classes(cls.__module__)[cls.__name__].body
    found: dict[str, str] = {}
    for field, remark in pairwise(body):
        match field, remark:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = _on_the_wire(text)
            case _:
                pass
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def summary(cls: type[Any]) -> str:
    """A class's docstring, in one line."""
    return _on_the_wire(inspect.getdoc(cls) or "")


def _on_the_wire(text: str) -> str:
    """In one line, and in the words of JSON."""
    names = {cls.__name__: name for names in DIRECTIONS.values() for cls, name in names.items()}
    text = re.sub(r"`(\w+)`", lambda found: f"`{names.get(found[1], found[1])}`", text)
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))


def _reference(cls: type[Any], definitions: dict[str, Any], message: str | None = None) -> dict[str, Any]:
    # A message inside another has no `type`.
    inside = message is None and any(cls in names for names in DIRECTIONS.values())
    name = f"{cls.__name__}Inside" if inside else cls.__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _object(cls, definitions, message)
    return {"$ref": f"#/$defs/{name}"}


def _object(cls: type[Any], definitions: dict[str, Any], message: str | None) -> dict[str, Any]:
    hints, said = get_type_hints(cls), remarks(cls)
    properties = {a.name: _field(a, hints[a.name], said.get(a.name), definitions) for a in fields(cls)}
    required = [a.name for a in fields(cls) if a.default is NOTHING]
    if message is not None:
        properties = {"type": {"const": message}, **properties}
        required.insert(0, "type")
    return {"type": "object", "description": summary(cls), "properties": properties, "required": required}


def _field(
    attribute: Attribute[Any], hint: object, remark: str | None, definitions: dict[str, Any]
) -> dict[str, Any]:
    bounds = {k: v for k, v in attribute.metadata.items() if k == "pattern"}
    described = {"description": remark} if remark else {}
    return {**_type(hint, definitions), **bounds, **described}


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any annotation
    hint = getattr(hint, "__supertype__", hint)  # numbers of the core have types of their own
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
