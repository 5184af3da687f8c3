"""Record a meeting for `versions/`, before a release.

`python -m tests.cfrealtime_rooms.signaling.record NAME` writes NAME.jsonl, who said what in what order, and
NAME.schema.json. Tests hold every later version against both; what is recorded is not recorded again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import looptime

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.signaling.schema import json_schema
from cfrealtime_rooms.testing import Guests

VERSIONS = Path(__file__).parent / "versions"


class Tape:
    """Rooms that note everything that passes by."""

    def __init__(self, rooms: Rooms) -> None:
        self.lines: list[tuple[str, str, Any]] = []
        self._rooms = rooms

    @asynccontextmanager
    async def connect(self, room_id: str, *, identity: str, send: Any, **options: Any) -> AsyncIterator[Any]:
        """As `Rooms.connect`."""

        async def told(text: str) -> None:
            self.lines.append((identity, "hears", json.loads(text)))
            await send(text)

        self.lines.append((identity, "opens", None))
        async with self._rooms.connect(room_id, identity=identity, send=told, **options) as connection:
            hears = connection.receive

            async def receive(text: str) -> None:
                self.lines.append((identity, "says", json.loads(text)))
                await hears(text)

            connection.receive = receive
            try:
                yield connection
            finally:
                self.lines.append((identity, "closes", None))


async def meet(rooms: Rooms, guests: Guests) -> None:
    """A meeting in which everything happens that pages do."""
    ann = await guests.join("ann", attributes={"hand": "down"})
    bob = await guests.join("bob")
    cy = await guests.join("cy", sources=())
    await asyncio.sleep(10)
    ann.mute("microphone")
    bob.set_attributes(hand="up")
    bob.say("hello")
    bob.say(data={"poll": [1, None]}, to=[ann.participant_id])
    rooms.say("demo", text="welcome, all")
    await asyncio.sleep(1)
    await ann.publish("screen")
    await asyncio.sleep(5)
    ann.unpublish("screen")
    cy.send_raw('{"type": "snapshot"}')
    cy.send_raw('{"type": "nonsense"}')
    await asyncio.sleep(5)
    await bob.drop()
    await asyncio.sleep(2)
    await bob.reconnect()
    await asyncio.sleep(5)
    await ann.drop()
    await ann.reconnect(reload=True)
    await asyncio.sleep(10)
    bob.peer.break_connection()
    await asyncio.sleep(15)
    for one in (ann, bob, cy):
        assert not one.missing(), one.describe()
        assert not one.faults, one.describe()
        assert [error.code for error in one.errors] == ["bad_message"] * (one is cy), one.describe()
    await bob.leave()
    rooms.remove("demo", "cy")
    await asyncio.sleep(2)
    rooms.close_room("demo")
    await asyncio.sleep(2)


async def record(name: str) -> None:
    """The whole of it."""
    async with Emulator() as emulator:
        transport = httpx.ASGITransport(emulator.app)
        async with (
            AsyncRealtime("demo", "secret", base_url="http://emulator/v1", transport=transport) as realtime,
            Rooms(realtime) as rooms,
        ):
            tape = Tape(rooms)
            async with Guests(tape, "demo", latency=0.02) as guests:
                await meet(rooms, guests)
            lines = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in tape.lines)
    schema = json.dumps(json_schema(), indent=1) + "\n"
    for path, text in ((f"{name}.jsonl", lines), (f"{name}.schema.json", schema)):
        with (VERSIONS / path).open("x", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    looptime.new_event_loop().run_until_complete(record(sys.argv[1]))
