"""The host's view of what happens: every subscriber gets every event, in order."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from typing import Self

from ..core.events import RoomEvent

log = logging.getLogger("cfrealtime_rooms")

CAPACITY = 10_000
"""Events kept for a subscriber that does not keep up; the oldest go first."""


class EventStream:
    """One subscriber's events: `async for event in stream`. It ends when the rooms are closed."""

    def __init__(self, *, ended: bool = False, capacity: int = CAPACITY) -> None:
        self._events: deque[RoomEvent] = deque()
        self._capacity = capacity
        self._ended = ended
        self._behind = False
        self._news = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RoomEvent:
        while not self._events:
            self._behind = False
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    def put(self, event: RoomEvent) -> None:
        """Keep an event for the subscriber. Never blocks."""
        self._events.append(event)
        if len(self._events) > self._capacity:
            self._events.popleft()
            if not self._behind:
                log.warning("a subscriber of room events is too slow: its oldest events are dropped")
            self._behind = True
        self._news.set()

    def end(self) -> None:
        """Nothing comes after what is kept."""
        self._ended = True
        self._news.set()


class EventHub:
    """Spreads events to whoever iterates. A slow or stuck subscriber holds up nobody."""

    def __init__(self) -> None:
        # Weak: a stream that its subscriber has let go of needs no farewell.
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._closed = False

    def emit(self, event: RoomEvent) -> None:
        """Give an event to every subscriber."""
        for stream in self._streams:
            stream.put(event)

    def subscribe(self) -> EventStream:
        """Every event from this call on, until the rooms are closed."""
        stream = EventStream(ended=self._closed)
        self._streams.add(stream)
        return stream

    def close(self) -> None:
        """End every stream after what its subscriber has not seen yet."""
        self._closed = True
        for stream in self._streams:
            stream.end()
