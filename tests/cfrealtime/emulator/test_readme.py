"""The README's tables say what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs
import pytest

import cfrealtime.emulator
from cfrealtime.emulator.journal import Entry
from cfrealtime.emulator.options import _parser
from cfrealtime.emulator.rules.faults import EFFECTS, ON_CALLS, ON_SESSIONS, ON_TRACKS

PACKAGE = Path(cfrealtime.emulator.__file__).parent
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
WHEN = {ON_CALLS: "calls", ON_SESSIONS: "session", ON_TRACKS: "session, track", (): ""}


def table(heading: str) -> list[list[str]]:
    """The cells of the table that begins with a heading row."""
    rows = README.split(f"\n| {heading} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def field(attribute: attrs.Attribute) -> str:
    """A field as the catalogue shows it, with its default."""
    if attribute.default is attrs.NOTHING:
        return f"`{attribute.name}`"
    if attribute.default is None:
        return f"`{attribute.name}`?"
    text = attribute.default if isinstance(attribute.default, str) else json.dumps(attribute.default)
    return f"`{attribute.name}={text}`"


def test_the_catalogue_of_faults_is_the_codes():
    assert table("kind | fields | what happens | when") == [
        [
            f"`{kind}`",
            " ".join(field(attribute) for attribute in attrs.fields(effect)),
            effect.__doc__.rstrip("."),
            WHEN[effect.conditions],
        ]
        for kind, effect in EFFECTS.items()
    ]


def test_every_condition_is_explained():
    assert [row[0].strip("`") for row in table("condition |")] == list(ON_CALLS)


def test_every_field_of_a_call_is_explained():
    explained = {name for row in table("`calls` |") for name in re.findall(r"`(\w+)`", row[0])}
    assert explained == {attribute.name for attribute in attrs.fields(Entry)}


def test_every_option_is_explained():
    explained = {name for row in table("option |") for name in re.findall(r"--[\w-]+", row[0])}
    known = {name for action in _parser()._actions for name in action.option_strings}
    assert explained == known - {"-h", "--help"}


@pytest.mark.parametrize(
    "pattern", [r'Event\(\s*"(\w+)"', r'_happened\("(\w+)"', r'\(\("(\w+)", begun\)', r'\("(\w+)", over\)']
)
def test_every_event_is_named(pattern):
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    kinds = {kind for source in sources for kind in re.findall(pattern, source)}
    assert kinds
    assert {kind for kind in kinds if f"`{kind}`" not in README} == set()
