"""The host's view of what happens: every subscriber gets every event, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from ..core.events import RoomEvent

log = logging.getLogger("cfrealtime_rooms")

CAPACITY = 10_000
"""Events kept for a subscriber that does not keep up; the oldest go first."""


class EventHub:
    """Spreads events to whoever iterates. A slow or stuck subscriber holds up nobody."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[RoomEvent | None]] = set()

    def emit(self, event: RoomEvent) -> None:
        """Give an event to every subscriber. Never blocks."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
                log.warning("a subscriber of room events is too slow: its oldest event was dropped")
            queue.put_nowait(event)

    async def subscribe(self) -> AsyncIterator[RoomEvent]:
        """Every event from now on, until the rooms are closed."""
        queue: asyncio.Queue[RoomEvent | None] = asyncio.Queue(CAPACITY)
        self._queues.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End every iteration after what it has not seen yet."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
