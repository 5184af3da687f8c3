"""Connections for calls: as many at once, and as many kept, as an httpx client has."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

import httpcore

from cfrealtime._direct import MAX_CONNECTIONS, MAX_KEEPALIVE


class Closable(Protocol):
    """A connection, or a client that makes one connection."""

    def close(self) -> None:
        """Close it, in use or not."""
        ...


T = TypeVar("T", bound=Closable)


class SyncPool(Generic[T]):
    """Gives every call a connection that no other call has, and closes what a failed call had.

    Why it is not httpcore's own, `cfrealtime.aio.pool` says.
    """

    def __init__(self, make: Callable[[], T], usable: Callable[[T], bool]) -> None:
        self._make, self._usable = make, usable
        self._places = threading.Semaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        # The last one used is the first one used again.
        self._idle: deque[T] = deque()
        self._busy: set[T] = set()
        self._closed = False

    @contextmanager
    def one(self, seconds: float) -> Generator[T]:
        """A connection for one call, if there is a place for it within some seconds."""
        if not self._places.acquire(timeout=seconds):
            raise httpcore.PoolTimeout
        try:
            connection = self._take()
            well = False
            try:
                yield connection
                well = True
            finally:
                self._put(connection, well=well)
        finally:
            self._places.release()

    def close(self) -> None:
        """Close every connection, those in use too."""
        with self._lock:
            self._closed = True
            closing = [*self._idle, *self._busy]
            self._idle.clear()
        for connection in closing:
            connection.close()

    def _take(self) -> T:
        closing: list[T] = []
        with self._lock:
            while self._idle and not self._usable(self._idle[-1]):
                closing.append(self._idle.pop())
            connection = self._idle.pop() if self._idle else self._make()
            self._busy.add(connection)
        for each in closing:
            each.close()
        return connection

    def _put(self, connection: T, *, well: bool) -> None:
        closing: list[T] = []
        with self._lock:
            self._busy.discard(connection)
            if well and not self._closed and self._usable(connection):
                self._idle.append(connection)
            else:
                closing.append(connection)
            while self._idle and (len(self._idle) > MAX_KEEPALIVE or not self._usable(self._idle[0])):
                closing.append(self._idle.popleft())
        for each in closing:
            each.close()
