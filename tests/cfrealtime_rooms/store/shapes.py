"""What documents look like, one line a field: `python -m tests.cfrealtime_rooms.store.shapes` writes it down.

Names of classes are not in it: they may change. A line that changes or goes needs a new major version and an
upgrade; one that comes, and may be absent, needs a new minor one.
"""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from attrs import NOTHING, Factory, fields, has

from cfrealtime_rooms.core.events import EVENT_NAMES, RoomEvent
from cfrealtime_rooms.core.secrecy import SECRET
from cfrealtime_rooms.core.state import Room
from cfrealtime_rooms.store.codec import ROOM
from cfrealtime_rooms.store.conversion import UNIONS
from cfrealtime_rooms.store.events import EVENT
from cfrealtime_rooms.store.versions import Format

FOLDER = Path(__file__).parent / "shapes"
TAGGED: Mapping[Any, Mapping[type[Any], str]] = {**UNIONS, RoomEvent: EVENT_NAMES}
ROOTS: Mapping[str, tuple[Format, Any]] = {"room": (ROOM, Room), "event": (EVENT, RoomEvent)}
_KIND = re.compile(r"<\w+>")
SCALARS = {str: "text", int: "integer", float: "number", bool: "boolean", NoneType: "null", object: "any"}


def shape(kind: str) -> list[str]:
    """The present shape of a kind of documents."""
    _, root = ROOTS[kind]
    return sorted(_lines(root, kind, ""))


def file_of(kind: str) -> Path:
    """Where the shape of the present version is written down."""
    return FOLDER / f"{kind}-{ROOTS[kind][0].version}.txt"


def _lines(hint: Any, path: str, remark: str) -> Iterator[str]:
    hint = getattr(hint, "__supertype__", hint)
    names = _names_of(hint)
    if names:
        for cls, name in names.items():
            yield from _object(cls, f"{path}<{name}>", remark)
    elif has(hint):
        yield from _object(hint, path, remark)
    elif (inner := _inside(hint)) is not None:
        mark, held = inner
        yield from _lines(held, f"{path}{mark}", remark)
    elif _optional(hint) is not None:
        yield from _lines(_optional(hint), path, f" or null{remark}")
    else:
        yield f"{path}: {_word(hint)}{remark}"


def _object(cls: type[Any], path: str, remark: str) -> Iterator[str]:
    hints = get_type_hints(cls)
    saved = [one for one in fields(cls) if one.init]
    if not saved or remark:
        yield f"{path}: object{remark}"
    for one in saved:
        absent = "" if one.default is NOTHING else f", absent: {_default(one.default)}"
        secret = ", SECRET" if SECRET.items() <= one.metadata.items() else ""
        yield from _lines(hints[one.name], f"{path}.{one.name}", f"{absent}{secret}")


def _names_of(hint: Any) -> Mapping[type[Any], str] | None:
    return next((names for union, names in TAGGED.items() if union == hint), None)


def _inside(hint: Any) -> tuple[str, Any] | None:
    """What a collection holds, under which mark."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (dict, Mapping):
        return "{}", args[1]
    if origin in (list, set, frozenset, deque) or (origin is tuple and args[-1] is Ellipsis):
        return "[]", args[0]
    return None


def _optional(hint: Any) -> Any:
    """What it is when it is not null, if that is more than a word."""
    args = get_args(hint)
    if get_origin(hint) not in (Union, UnionType) or NoneType not in args:
        return None
    return Union[tuple(arg for arg in args if arg is not NoneType)]  # noqa: UP007 - of a tuple


def _word(hint: Any) -> str:
    if hint in SCALARS:
        return SCALARS[hint]
    if get_origin(hint) is Literal:
        return " or ".join(map(json.dumps, get_args(hint)))
    if get_origin(hint) is tuple:
        return f"({', '.join(map(_word, get_args(hint)))})"
    raise TypeError(f"no word for {hint}")


def _default(default: Any) -> str:
    """As it would be written."""
    made = default.factory() if isinstance(default, Factory) else default
    names = next((names for names in UNIONS.values() if type(made) in names), None)
    if names is not None:
        return names[type(made)]
    if has(type(made)):
        return "its defaults"
    return "empty" if made in ((), {}, set(), [], deque()) else json.dumps(made)


def addition(before: set[str], after: set[str], *, new_kinds: bool) -> bool:
    """Whether a reader of the one can read the other, both ways.

    New kinds: of events, of which a reader may leave out those that it does not know.
    """
    known, added = {_path(line) for line in before}, after - before
    optional = {_path(line) for line in added if ", absent: " in line}

    def may_come(path: str) -> bool:
        for kind in _KIND.finditer(path):
            others = any(one.startswith(path[: kind.start() + 1]) for one in known)
            if others and not any(one.startswith(path[: kind.end()]) for one in known):
                return new_kinds
        return any(path == one or path.startswith(f"{one}.") for one in optional)

    return before <= after and all(may_come(_path(line)) for line in added)


def _path(line: str) -> str:
    return line.partition(":")[0]


def main() -> int:
    """Write the shapes of the present versions. One that is written down already is not changed."""
    FOLDER.mkdir(exist_ok=True)
    changed = 0
    for kind in ROOTS:
        path, lines = file_of(kind), "\n".join(shape(kind)) + "\n"
        if not path.exists():
            path.write_text(lines, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != lines:
            print(f"{path.name} says something else: give the {kind} a new version")
            changed = 1
    return changed


if __name__ == "__main__":
    sys.exit(main())
