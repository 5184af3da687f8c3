"""The life of a join goes as its picture says."""

from __future__ import annotations

import asyncio
import re

import pytest

from cfrealtime_rooms.testing import Guests
from tests.cfrealtime_rooms.hosting import hosting
from tests.cfrealtime_rooms.signaling.record import Tape
from tests.docs.pages import page

OPERATIONS = {"sessions/new": "new_session", "tracks/new": "new_tracks", "renegotiate": "renegotiate"}


def arrows(start: str) -> list[tuple[str, str, str]]:
    """From whom to whom goes what, in the picture that follows a heading."""
    text = page("architecture.md").text.split(f"## {start}\n")[1]
    picture = text.split("```mermaid\n")[1].split("```")[0]
    return re.findall(r"^ +(\w)->>(\w): ([\w/]+)", picture, re.MULTILINE)


@pytest.mark.looptime
async def test_a_join_goes_as_the_picture_says():
    drawn = arrows("The life of a join")
    async with hosting() as (rooms, emulator):
        tape = Tape(rooms)
        async with Guests(tape, "hall", latency=0.05) as guests:
            await guests.join_at_once("one", "two")
            await asyncio.sleep(20)
            before, calls = len(tape.lines), emulator.count()
            await guests.join("third")
            await asyncio.sleep(20)
            (third,) = [
                p["session_id"] for p in rooms.inspect("hall")["participants"] if p["name"] == "third"
            ]
            made = [call for call in emulator.journal()["calls"] if call["n"] > calls]
            said = [(who, does, what["type"]) for who, does, what in tape.lines[before:] if what]

    ways = {("C", "R"): "says", ("R", "C"): "hears"}
    talk = [(ways[one, other], what) for one, other, what in drawn if (one, other) in ways]
    assert [(does, what) for who, does, what in said if who == "third" and what != "delta"] == talk
    ways = {("O", "R"): "says", ("R", "O"): "hears"}
    talk = [(ways[one, other], what) for one, other, what in drawn if (one, other) in ways]
    for other in ("one", "two"):
        assert [(does, what) for who, does, what in said if who == other] == talk

    called = [OPERATIONS[what] for _, to, what in drawn if to == "S"]
    own = [call for call in made if call["session_id"] in (None, third)]
    assert [call["operation"] for call in own] == called[:4]
    others = [call for call in made if call not in own]
    assert sorted(call["operation"] for call in others) == sorted(2 * called[4:])
