"""Connections for calls: as many at once, and as many kept, as an httpx client has."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

from cfrealtime._direct import MAX_CONNECTIONS, MAX_KEEPALIVE


class Closable(Protocol):
    """A connection, or a client that makes one connection."""

    async def aclose(self) -> None:
        """Close it, in use or not."""
        ...


T = TypeVar("T", bound=Closable)


class AsyncPool(Generic[T]):
    """Gives every call a connection that no other call has, and closes what a failed call had.

    httpcore's own pool loses places: a call that is cancelled while it waits for one can leave a connection
    there that nobody opens and nobody closes, and with a hundred of them no call gets through any more. It
    also looks at every connection for every call, which with fifty in flight is most of the work.
    """

    def __init__(self, make: Callable[[], T], usable: Callable[[T], bool]) -> None:
        self._make, self._usable = make, usable
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        # The last one used is the first one used again.
        self._idle: deque[T] = deque()
        self._busy: set[T] = set()
        self._closed = False

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[T]:
        """A connection for one call, when there is a place for it."""
        async with self._places:
            connection = await self._take()
            self._busy.add(connection)
            try:
                yield connection
            except BaseException:
                await connection.aclose()
                raise
            finally:
                self._busy.discard(connection)
            await self._put(connection)

    async def aclose(self) -> None:
        """Close every connection, those in use too."""
        self._closed = True
        closing = [*self._idle, *self._busy]
        self._idle.clear()
        for connection in closing:
            await connection.aclose()

    async def _take(self) -> T:
        while self._idle:
            connection = self._idle.pop()
            if self._usable(connection):
                return connection
            await connection.aclose()
        return self._make()

    async def _put(self, connection: T) -> None:
        if self._closed or not self._usable(connection):
            await connection.aclose()
            return
        self._idle.append(connection)
        while self._idle and (len(self._idle) > MAX_KEEPALIVE or not self._usable(self._idle[0])):
            await self._idle.popleft().aclose()


class AsyncPools(Generic[T]):
    """A pool for each event loop, since connections belong to the loop they were opened on."""

    def __init__(self, make: Callable[[], T], usable: Callable[[T], bool]) -> None:
        self._make, self._usable = make, usable
        self._pools: dict[asyncio.AbstractEventLoop, AsyncPool[T]] = {}

    def here(self) -> AsyncPool[T]:
        """The running loop's."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._pools = {known: held for known, held in self._pools.items() if not known.is_closed()}
            pool = self._pools[loop] = AsyncPool(self._make, self._usable)
        return pool

    async def aclose(self) -> None:
        """Close the running loop's."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()
