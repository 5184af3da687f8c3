"""One room at work: faults inside it, wake-ups, and what it performs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cfrealtime_rooms.core import machine
from cfrealtime_rooms.core.commands import Mute
from cfrealtime_rooms.core.inputs import Received
from cfrealtime_rooms.runtime import actor

from ..hosting import Channel, hosting, settle, viewer

pytestmark = pytest.mark.looptime


async def test_a_fault_over_one_message_is_answered_to_its_sender_and_the_room_goes_on(monkeypatch, caplog):
    handle = machine.RoomMachine.handle

    def faulty(self: machine.RoomMachine, given: Any, now: float) -> None:
        if isinstance(given, Received) and isinstance(given.command, Mute):
            raise ZeroDivisionError
        handle(self, given, now)

    monkeypatch.setattr(machine.RoomMachine, "handle", faulty)
    async with hosting() as (rooms, _), viewer(rooms, "ann") as (ann, says), viewer(rooms, "bob") as (bob, _):
        before = len(bob.told)
        await says.receive('{"type": "mute", "source": "camera", "muted": true}')
        await says.receive('{"type": "message", "text": "still here"}')
        await settle()
        assert ann.last("error") == {
            "type": "error",
            "code": "internal",
            "message": "The room could not deal with that; it has been logged.",
            "in_reply_to": "mute",
        }
        assert bob.types[before:] == ["message"]
    assert "Received could not be dealt with" in caplog.text


async def test_a_decision_that_fails_loses_nothing_and_is_made_again(monkeypatch, caplog):
    flush, failing = machine.RoomMachine.flush, True
    tries = 0

    def faulty(self: machine.RoomMachine, now: float) -> Any:
        nonlocal tries
        tries += 1
        if failing:
            raise RuntimeError("a fault of the core's")
        return flush(self, now)

    async with hosting() as (rooms, _), viewer(rooms, "ann") as (ann, says):
        monkeypatch.setattr(machine.RoomMachine, "flush", faulty)
        await says.receive('{"type": "message", "text": "hi"}')
        await asyncio.sleep(10)
        assert "message" not in ann.types
        assert tries <= 12
        failing = False
        await asyncio.sleep(2)
        assert ann.last("message")["text"] == "hi"
    assert "deciding failed; the room goes on" in caplog.text


async def test_what_goes_to_many_is_written_once(monkeypatch):
    written: list[str] = []
    encode = actor.Letter.text.func

    def counted(letter: Any) -> str:
        written.append(type(letter.notice).__name__)
        return encode(letter)

    monkeypatch.setattr(actor.Letter.text, "func", counted)
    async with (
        hosting() as (rooms, _),
        viewer(rooms, "ann") as (_, says),
        viewer(rooms, "bob") as (bob, _),
        viewer(rooms, "cy") as (cy, _),
    ):
        written.clear()
        await says.receive('{"type": "message", "text": "hi"}')
        await says.receive('{"type": "attributes", "attributes": {"hand": "up"}}')
        await settle()
        assert bob.types[-2:] == cy.types[-2:] == ["message", "delta"]
        assert written == ["Message", "Delta"]


async def test_what_is_refused_at_the_door_is_answered_after_welcome():
    async with hosting() as (rooms, _):
        kept = Channel()
        async with rooms.connect("hall", identity="ann", name="Ann", send=kept.send) as connection:
            await connection.receive("garbage, before anything was said")
            await connection.receive('{"type": "join"}')
            await connection.receive("garbage")
            await settle()
        assert kept.types == ["welcome", "error", "joined", "delta", "error"]
