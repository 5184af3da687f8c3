"""Pages drawn from the tables of cfrealtime_rooms: `python -m tests.docs.rooms [--check]`."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from string import Template
from types import ModuleType
from typing import Any

from attrs import fields

from cfrealtime_rooms.core import failures, phases
from cfrealtime_rooms.core.events import EVENT_NAMES
from cfrealtime_rooms.core.failures import FAILURES, PATIENCE, AtFirst, Failure, Reaction, Replace, Verdict
from cfrealtime_rooms.core.history import OPERATIONS
from cfrealtime_rooms.core.phases import NEGOTIATION, Otherwise, Phase, Refusal, Trigger, follows
from cfrealtime_rooms.core.settings import Settings
from cfrealtime_rooms.signaling.schema import remarks, summary
from cfrealtime_rooms.store.codec import ROOM
from cfrealtime_rooms.store.events import EVENT
from tests.cfrealtime_rooms.store.shapes import shape
from tests.docs.pages import DOCS, ROOT

TEMPLATES = ROOT / "tests" / "docs" / "templates"
MADE = (
    "<!-- Made by `python -m tests.docs.rooms` from the tables of the code. Changes made here are lost. -->"
)


_PATIENCE = {
    phases.AwaitingOffer: "grant",
    phases.AwaitingApplied: "applied",
    phases.AwaitingAnswer: "answer",
}


def picture() -> str:
    """The negotiation as a state diagram of mermaid's."""
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> Idle"]
    for before, ways in NEGOTIATION.items():
        for trigger, after in ways.items():
            if trigger is not Trigger.END and after is not before:
                lines.append(f"    {before.__name__} --> {after.__name__}: {trigger.value}")
    return "\n".join([*lines, "    Retired --> [*]"])


def lane() -> str:
    """The page about the lane."""
    return _filled(
        "lane",
        picture=picture(),
        phases="\n".join(f"| `{one.__name__}` | {summary(one)} | {_patience(one)} |" for one in NEGOTIATION),
        triggers=_members(phases, Trigger),
        pairs="\n".join(_pairs()),
        failures="\n".join(_failures()),
        patience=PATIENCE,
        kinds=_members(failures, Failure),
        reactions=_members(failures, Reaction),
    )


def _filled(template: str, **parts: object) -> str:
    text = (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(made=MADE, **parts)


def _patience(phase: type[Phase]) -> str:
    setting = _PATIENCE.get(phase)
    return f"{getattr(Settings(), setting):g} s (`Settings.{setting}`)" if setting else ""


def _pairs() -> Iterator[str]:
    yield f"| | {' | '.join(f'`{phase.__name__}`' for phase in NEGOTIATION)} |"
    yield f"|---|{'---|' * len(NEGOTIATION)}"
    for trigger in Trigger:
        cells = (_cell(follows(phase, trigger)) for phase in NEGOTIATION)
        yield f"| {trigger.value} | {' | '.join(cells)} |"


def _cell(way: type[Phase] | Refusal | Otherwise) -> str:
    match way:
        case Refusal(code, _):
            return f"`{code}`"
        case Otherwise():
            return {Otherwise.LATE: "*late*", Otherwise.NOTHING: "", Otherwise.FAULT: "*never*"}[way]
        case _:
            return f"**{way.__name__}**"


def _failures() -> Iterator[str]:
    calls = {cls: OPERATIONS[cls] for cls in FAILURES}
    yield f"| | {' | '.join(f'`{name}`' for name in calls.values())} |"
    yield f"|---|{'---|' * len(calls)}"
    for failure in Failure:
        cells = (_verdict(FAILURES[cls][failure]) for cls in calls)
        yield f"| {failure.value} | {' | '.join(cells)} |"


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case AtFirst(first, last):
            return f"{_verdict(first)}, then {_verdict(last)}"
        case Replace(_, uncertain):
            return "**new session**, *and read*" if uncertain else "**new session**"
        case Reaction():
            return verdict.value


def _members(module: ModuleType, enum: type[Any]) -> str:
    """A list of the members of an enumeration, with what is written under each."""
    about = _remarks_of_members(module, enum)
    return "\n".join(f"- **{one.value}**: {about.get(one.name, '')}".rstrip(": ") for one in enum)


def _remarks_of_members(module: ModuleType, enum: type[Any]) -> dict[str, str]:
    """What is written under each member of an enumeration."""
    tree = ast.parse(inspect.getsource(module))
    (body,) = (one.body for one in tree.body if isinstance(one, ast.ClassDef) and one.name == enum.__name__)
    found: dict[str, str] = {}
    for member, remark in pairwise(body):
        match member, remark:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
            case _:
                pass
    return found


def documents() -> str:
    """The page about documents."""
    secret = [
        re.match(r"[^:]+", line)[0].replace("{}", ".*") for line in shape("room") if line.endswith("SECRET")
    ]
    return _filled(
        "documents",
        event=EVENT.version,
        room=ROOM.version,
        secrets="\n".join(f"- `{path.replace('[]', '')}`" for path in secret),
        events="\n".join(_events()),
    )


def _events() -> Iterator[str]:
    lines = shape("event")
    for cls, name in EVENT_NAMES.items():
        yield f"### {name}\n{summary(cls)}\n\n| field | | |\n|---|---|---|"
        said = remarks(cls)
        for one in fields(cls):
            start = f"event<{name}>.{one.name}"
            found = (line for line in lines if re.match(re.escape(start) + r"[:\[{.]", line))
            word = _word(next(found), start)
            yield f"| `{one.name}` | {word} | {said.get(one.name, '')} |"
        yield ""


def _word(line: str, start: str) -> str:
    """What a field holds, out of a line of its shape."""
    mark, _, rest = line.removeprefix(start).partition(": ")
    rest, null = rest.partition(",")[0].removesuffix(" or null"), " or null" if " or null" in rest else ""
    if mark.startswith("."):
        return "`publish`, `subscribe`, `message`, or null"
    return {"[]": f"list of {rest}s", "{}": f"object of {rest}s"}.get(mark, rest) + null


PAGES: Mapping[str, Callable[[], str]] = {"reference/lane.md": lane, "reference/documents.md": documents}


def main() -> int:
    """Write the pages, or say whether they are as they would be written."""
    parser = argparse.ArgumentParser(description="Write docs/reference/lane.md and documents.md.")
    parser.add_argument("--check", action="store_true", help="only say whether they are up to date")
    check, other = parser.parse_args().check, 0
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not check:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            print(f"{path.relative_to(ROOT)} is not what the code says: python -m tests.docs.rooms")
            other = 1
    return other


if __name__ == "__main__":
    sys.exit(main())
