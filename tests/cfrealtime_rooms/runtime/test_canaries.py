"""Canaries: descriptions, tokens, passwords and texts, looked for in everything that is logged or shown."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

import cfrealtime_rooms
from cfrealtime.emulator import Emulator
from cfrealtime_rooms import IceServer
from cfrealtime_rooms.core import machine
from cfrealtime_rooms.core.commands import Answer, Applied, Media
from cfrealtime_rooms.core.inputs import Received
from cfrealtime_rooms.hooks import RoomHooks
from cfrealtime_rooms.runtime.actor import RoomActor
from cfrealtime_rooms.testing import Guests

from ..hosting import hosting, settle

pytestmark = pytest.mark.looptime

ICE = IceServer(("turn:t",), "user", "canary-credential")


async def meet(
    caplog: pytest.LogCaptureFixture, disturb: Callable[[Emulator], None] | None = None, **options: Any
) -> tuple[list[str], list[object], str]:
    """Two join with DEBUG on, one resumes, one is refused; gives the secrets, the state and its reprs."""
    caplog.set_level(logging.DEBUG)
    async with hosting(grace=3.0, ice_servers=[ICE], **options) as (rooms, emulator), Guests(rooms) as guests:
        if disturb is not None:
            disturb(emulator)
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: bool(ann.others) and not ann.missing() and not bob.missing())
        secrets = [
            "canary-credential",
            "Basic ",
            "Bearer ",
            ann.token,
            bob.token,
            ann.peer.ufrag,
            bob.peer.ufrag,
        ]
        await ann.drop()
        await ann.reconnect()
        secrets.append(ann.token)
        ann.send_raw('{"type": "offer", "grant": 99, "sdp": "canary-sdp", "tracks": []}')
        ann.send_raw('{"type": "answer", "exchange": 99, "sdp": "canary-sdp"')
        await bob.publish("screen")
        await settle()
        actors = [one for one in gc.get_objects() if isinstance(one, RoomActor)]
        shown = [
            one for actor in actors for one in (actor, actor._machine, actor._machine.room, actor._tenure)
        ]
        shown += [rooms, rooms._services, rooms.inspect("demo"), rooms.metrics()]
        text = " ".join(map(repr, shown))
    return [*secrets, "canary-sdp", "a=ice-pwd", "secret"], shown, text


def found(secrets: list[str], text: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


async def test_nothing_secret_is_logged(caplog):
    secrets, _, _ = await meet(caplog)
    logged = caplog.text + " ".join(str(vars(record)) for record in caplog.records)
    assert found(secrets, logged) == []


async def test_nothing_secret_is_logged_when_everything_fails(caplog, monkeypatch):
    handle = machine.RoomMachine.handle

    def faulty(self: machine.RoomMachine, given: Any, now: float) -> None:
        handle(self, given, now)
        if isinstance(given, Received) and isinstance(given.command, Answer | Applied | Media):
            raise ZeroDivisionError

    monkeypatch.setattr(machine.RoomMachine, "handle", faulty)
    secrets, _, _ = await meet(caplog)
    assert "could not be dealt with" in caplog.text
    assert found(secrets, caplog.text) == []


PROSE = "canary-prose of the service, with the app's secret"


def everything_fails_once(emulator: Emulator) -> None:
    """Refusals whose code is prose, answers that are lost or garbage, items that fail, sessions that end."""
    for number, operation in enumerate(("new_session", "new_tracks", "renegotiate"), start=1):
        emulator.faults.answer_with(operation, 500, code=PROSE, nth=number)
        emulator.faults.answer_with(operation, 429, nth=number + 2)
        emulator.faults.lose_answer(operation, nth=number + 4)
        emulator.faults.refuse(operation, nth=number + 6)


async def test_nothing_secret_is_logged_or_shown_when_the_service_fails(caplog):
    secrets, _, text = await meet(caplog, everything_fails_once)
    assert "new session for" in caplog.text
    assert "refused" in caplog.text
    secrets += ["canary-prose"]
    logged = caplog.text + " ".join(str(vars(record)) for record in caplog.records)
    assert found(secrets, logged) == []
    assert found([secret for secret in secrets if secret != "secret"], text) == []


async def test_nothing_secret_is_told_to_hooks(caplog):
    heard: list[object] = []
    hooks = RoomHooks(*[heard.append] * len(attrs.fields(RoomHooks)))
    secrets, _, _ = await meet(caplog, everything_fails_once, hooks=hooks)
    secrets += ["canary-prose"]
    assert {type(one).__name__ for one in heard} >= {"CallInfo", "OutcomeInfo", "ExchangeInfo", "RoomInfo"}
    everything = repr(heard) + str([attrs.asdict(one) for one in heard])
    assert found(secrets, everything) == []


def test_there_is_one_logger():
    sources = [path.read_text() for path in Path(cfrealtime_rooms.__path__[0]).rglob("*.py")]
    names = {name for text in sources for name in re.findall(r"getLogger\((.*)\)", text)}
    assert names == {'"cfrealtime_rooms"'}


async def test_nothing_secret_is_shown(caplog):
    secrets, shown, text = await meet(caplog)
    assert any(attrs.has(type(one)) for one in shown)
    assert found([secret for secret in secrets if secret != "secret"], text) == []
    assert "app_secret" not in text
