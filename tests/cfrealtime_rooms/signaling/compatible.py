"""What a later schema of the protocol breaks for those who speak an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def breaks(old: Json, new: Json) -> list[str]:
    """Every change that a room or a client of the earlier schema would notice."""
    return [*_direction("client_to_room", old, new), *_direction("room_to_client", old, new)]


def messages(schema: Json, direction: str) -> dict[str, Json]:
    """The definition of each message of a direction, by its type."""
    found: dict[str, Json] = {}
    for one in schema["$defs"][direction]["oneOf"]:
        definition = _resolved(one, schema)
        # In the first schema a snapshot had lost its type.
        kind = definition["properties"].get("type", {"const": "snapshot"})
        found[kind["const"]] = definition
    return found


def pruned(value: Any, definition: Json, schema: Json) -> Any:
    """What somebody who knows only this schema sees of a value."""
    definition = _resolved(definition, schema)
    for one in definition.get("anyOf", ()):
        if "properties" in _resolved(one, schema) or "items" in one:
            return pruned(value, one, schema) if value is not None else None
    if isinstance(value, dict) and "properties" in definition:
        known = definition["properties"]
        return {key: pruned(one, known[key], schema) for key, one in value.items() if key in known}
    if isinstance(value, list) and "items" in definition:
        return [pruned(one, definition["items"], schema) for one in value]
    return value


def _direction(direction: str, old: Json, new: Json) -> Iterator[str]:
    before, after = messages(old, direction), messages(new, direction)
    for name, definition in before.items():
        if name not in after:
            yield f"{direction}: {name} is gone"
        elif direction == "client_to_room":  # what an earlier client sends, the room must still read
            yield from _narrowed(name, definition, old, after[name], new)
            yield from _removed(name, definition, old, after[name], new)
        else:  # what the room sends now, an earlier client must be able to read
            yield from _narrowed(name, after[name], new, definition, old)
            yield from _removed(name, definition, old, after[name], new)


def _resolved(definition: Json, schema: Json) -> Json:
    reference = definition.get("$ref")
    return schema["$defs"][reference.removeprefix("#/$defs/")] if reference else definition


def _removed(place: str, old: Json, in_old: Json, new: Json, in_new: Json) -> Iterator[str]:
    """Fields that are no longer there, at any depth."""
    old, new = _resolved(old, in_old), _resolved(new, in_new)
    for key, field in old.get("properties", {}).items():
        if key not in new.get("properties", {}):
            yield f"{place}.{key} is gone"
        else:
            yield from _removed(f"{place}.{key}", field, in_old, new["properties"][key], in_new)
    if "items" in old and "items" in new:
        yield from _removed(f"{place}[]", old["items"], in_old, new["items"], in_new)


def _narrowed(place: str, sent: Json, in_sent: Json, read: Json, in_read: Json) -> Iterator[str]:
    """Why a value that is sent may not be one that is read."""
    sent, read = _resolved(sent, in_sent), _resolved(read, in_read)
    if "anyOf" in sent:
        for one in sent["anyOf"]:
            yield from _narrowed(place, one, in_sent, read, in_read)
        return
    if "anyOf" in read:
        reasons = [list(_narrowed(place, sent, in_sent, one, in_read)) for one in read["anyOf"]]
        if all(reasons):
            yield min(reasons, key=len)[0]
        return
    yield from _other_values(place, sent, read)
    for key in set(read.get("required", ())) - set(sent.get("required", ())):
        yield f"{place}.{key} is required"
    for key, field in read.get("properties", {}).items():
        if key in sent.get("properties", {}):
            yield from _narrowed(f"{place}.{key}", sent["properties"][key], in_sent, field, in_read)
    for inside in ("items", "additionalProperties"):
        if inside in read and inside in sent:
            yield from _narrowed(f"{place}[]", sent[inside], in_sent, read[inside], in_read)


def _other_values(place: str, sent: Json, read: Json) -> Iterator[str]:
    if (
        "type" in read
        and _type(sent) != read["type"]
        and (_type(sent), read["type"]) != ("integer", "number")
    ):
        yield (
            f"{place} is {_type(sent)}, and was {read['type']}" if "type" in sent else f"{place} is any value"
        )
    if "enum" in read:
        for value in sent.get("enum", ["any text"]):
            if value not in read["enum"]:
                yield f"{place} may be {value}"
    if "const" in read and sent.get("const") != read["const"]:
        yield f"{place} is {sent.get('const')}"
    if "pattern" in read and sent.get("pattern") != read["pattern"]:
        yield f"{place} has another pattern"


def _type(definition: Json) -> str | None:
    return "string" if "enum" in definition else definition.get("type")
