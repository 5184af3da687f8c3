"""Canaries: descriptions, tokens, passwords and texts, looked for in everything that is logged or shown."""

from __future__ import annotations

import gc
import logging
from typing import Any

import attrs
import pytest

from cfrealtime_rooms import IceServer
from cfrealtime_rooms.core import machine
from cfrealtime_rooms.core.commands import Answer, Applied, Media
from cfrealtime_rooms.core.inputs import Received
from cfrealtime_rooms.runtime.actor import RoomActor
from cfrealtime_rooms.testing import Guests

from ..hosting import hosting, settle

pytestmark = pytest.mark.looptime

ICE = IceServer(("turn:t",), "user", "canary-credential")


async def meet(caplog: pytest.LogCaptureFixture, **options: Any) -> tuple[list[str], list[object], str]:
    """Two join with DEBUG on, one resumes, one is refused; gives the secrets, the state and its reprs."""
    caplog.set_level(logging.DEBUG)
    async with hosting(grace=3.0, ice_servers=[ICE], **options) as (rooms, _), Guests(rooms) as guests:
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
        shown += [rooms, rooms._services, rooms.inspect("demo")]
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


async def test_nothing_secret_is_shown(caplog):
    secrets, shown, text = await meet(caplog)
    assert any(attrs.has(type(one)) for one in shown)
    assert found([secret for secret in secrets if secret != "secret"], text) == []
    assert "app_secret" not in text
