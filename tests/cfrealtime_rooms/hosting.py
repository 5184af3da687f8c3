"""What a host does, for tests: rooms on an emulator in this process, and channels that keep what is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator
from cfrealtime_rooms import Rooms


def client_of(emulator: Emulator) -> AsyncRealtime:
    """The SDK, on an emulator in this process."""
    transport = httpx.ASGITransport(emulator.app)
    return AsyncRealtime("demo", "secret", base_url="http://emulator/v1", transport=transport)


def nowhere() -> AsyncRealtime:
    """The SDK, with a service that cannot be reached."""

    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    return AsyncRealtime(
        "demo", "secret", base_url="http://nowhere/v1", transport=httpx.MockTransport(refuse)
    )


@asynccontextmanager
async def hosting(**options: Any) -> AsyncIterator[tuple[Rooms, Emulator]]:
    """Rooms and the emulator they run on. Not fixtures: those would be torn down outside of virtual time."""
    async with Emulator() as emulator, client_of(emulator) as realtime, Rooms(realtime, **options) as rooms:
        yield rooms, emulator


class Channel:
    """One client's channel, without a client: what the room says is kept, and the test says the rest."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.closed: list[tuple[int, str]] = []

    async def send(self, text: str) -> None:
        """For `Rooms.connect`."""
        self.told.append(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        """For `Rooms.connect`."""
        self.closed.append((code, reason))

    @property
    def types(self) -> list[str]:
        """What kinds of messages came, in order."""
        return [message["type"] for message in self.told]

    def last(self, kind: str) -> dict[str, Any]:
        """The newest message of a kind."""
        return next(message for message in reversed(self.told) if message["type"] == kind)


@asynccontextmanager
async def channel(
    rooms: Rooms, identity: str = "ann", room_id: str = "hall", **options: Any
) -> AsyncIterator[tuple[Channel, Any]]:
    """A channel with its connection, after `welcome`; the host gives the identity as a name."""
    kept = Channel()
    given: dict[str, Any] = {"name": identity, "send": kept.send, "close": kept.close, **options}
    async with rooms.connect(room_id, identity=identity, **given) as connection:
        await settle()
        yield kept, connection


@asynccontextmanager
async def viewer(
    rooms: Rooms, identity: str = "ann", room_id: str = "hall", **options: Any
) -> AsyncIterator[tuple[Channel, Any]]:
    """The same, in the room: without media, so no call is made."""
    async with channel(rooms, identity, room_id, **options) as (kept, connection):
        await connection.receive('{"type": "join"}')
        await settle()
        yield kept, connection


async def settle() -> None:
    """Let everything that is ready to happen, happen."""
    await asyncio.sleep(0.01)


def tasks_of_rooms() -> list[str]:
    """Names of the tasks that rooms have running."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return [name for name in names if "room" in name]
