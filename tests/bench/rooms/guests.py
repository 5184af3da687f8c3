"""Clients of a room that do their part of every exchange at once, and cost as little as a client can."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from typing import Any, Final, cast

from cfrealtime import AsyncRealtime
from cfrealtime_rooms import Rooms
from tests.bench.rooms.service import Service
from tests.bench.sdk.work import sections

_EXCHANGE: Final = re.compile(r'"exchange":(\d+)')
_TRACKS: Final = [
    {"mid": "0", "source": "microphone", "kind": "audio"},
    {"mid": "1", "source": "camera", "kind": "video"},
]
_JOIN: Final = json.dumps({"type": "join", "offer": sections(2, "sendonly"), "tracks": _TRACKS})
_MEDIA: Final = json.dumps(
    {"type": "media", "epoch": 1, "state": "connected", "sending": ["microphone", "camera"]}
)


@lru_cache(maxsize=1024)
def _answer(length: int) -> str:
    """SDP of about that length, as it stands in JSON."""
    return json.dumps(sections(max(1, length // len(sections(1, "recvonly"))), "recvonly"))


def forget_texts() -> None:
    """Hold no answers, where memory is counted."""
    _answer.cache_clear()


class Guest:
    """One participant with microphone and camera. It keeps nothing of what it is told."""

    def __init__(self) -> None:
        self._connection: Any = None

    async def enter(self, stack: AsyncExitStack, rooms: Rooms, room_id: str, name: str) -> None:
        """Open a channel and join."""
        connecting = rooms.connect(room_id, identity=name, name=name, send=self.told)
        self._connection = await stack.enter_async_context(connecting)
        await self._connection.receive(_JOIN)

    async def told(self, text: str) -> None:
        """The room has said something."""
        if text.startswith('{"type":"answer"'):
            await self._connection.receive(f'{{"type": "applied", "exchange": {_exchange(text)}}}')
            await self._connection.receive(_MEDIA)
        elif text.startswith('{"type":"offer"'):
            sdp = _answer(len(text))
            await self._connection.receive(
                f'{{"type": "answer", "exchange": {_exchange(text)}, "sdp": {sdp}}}'
            )
        elif text.startswith('{"type":"error"'):
            raise AssertionError(text)


def _exchange(text: str) -> str:
    found = _EXCHANGE.search(text)
    assert found is not None
    return found[1]


@asynccontextmanager
async def meeting(service: Service, realtime: AsyncRealtime | None = None) -> AsyncGenerator[Rooms]:
    """Rooms on the service: straight, or through the SDK."""
    async with Rooms(realtime or cast("AsyncRealtime", service), ice_servers=()) as rooms:
        yield rooms


def tracks_in(size: int) -> int:
    """What is received in all by so many who receive each other."""
    return 2 * size * (size - 1)
