"""One participant's outgoing messages: in order, one at a time, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from ..core.notices import Closed, Delta, Message, Notice
from ..signaling import encode

SendText = Callable[[str], Awaitable[object]]
CloseChannel = Callable[[int, str], Awaitable[object]]

log = logging.getLogger("cfrealtime_rooms")


class Outbox:
    """Sends what the room tells one client, through the host's `send`.

    A client that is too slow loses deltas and messages, never negotiation, and `overflowed` is called so
    that it gets a snapshot instead. A `send` that raises, or takes longer than `deadline` seconds, ends the
    channel.
    """

    def __init__(
        self,
        send: SendText,
        close: CloseChannel | None,
        *,
        overflowed: Callable[[], None],
        broken: Callable[[], None],
        deadline: float = 10.0,
        capacity: int = 256,
    ) -> None:
        self._send, self._close = send, close
        self._overflowed, self._broken = overflowed, broken
        self._deadline, self._capacity = deadline, capacity
        self._waiting: deque[Notice] = deque()
        self._stale = False
        self._hang_up: tuple[int, str] | None = None
        self._ended = False
        self._wake = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="room outbox")

    def put(self, notice: Notice) -> None:
        """Queue a notice. Never blocks."""
        if self._ended or self._hang_up is not None:
            return
        if self._stale and isinstance(notice, Delta):
            return
        self._waiting.append(notice)
        if len(self._waiting) > self._capacity and not isinstance(notice, Closed):
            self._drop_what_a_snapshot_replaces()
        self._wake.set()

    def hang_up(self, code: int, reason: str) -> None:
        """Close the channel once everything queued has been sent."""
        self._hang_up = self._hang_up or (code, reason)
        self._wake.set()

    async def finish(self) -> None:
        """The host's block is over: stop, but let a channel that is being closed say its last message."""
        if self._hang_up is None:
            self._task.cancel()
        self._ended = True
        await asyncio.wait({self._task}, timeout=self._deadline)
        self._task.cancel()

    def _drop_what_a_snapshot_replaces(self) -> None:
        self._waiting = deque(n for n in self._waiting if not isinstance(n, Delta | Message))
        self._stale = True

    async def _run(self) -> None:
        try:
            while await self._next():
                pass
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # The host's own code: whatever it raises is the end of this channel, and of nothing else.
            log.info(
                "a channel could not be written to (%s); its participant may resume", type(error).__name__
            )
            self._ended = True
            self._broken()

    async def _next(self) -> bool:
        """Send one message, or close; False when there is nothing more to do for good."""
        if self._waiting:
            text = encode(self._waiting.popleft())
            async with asyncio.timeout(self._deadline):
                await self._send(text)
        elif self._hang_up is not None:
            self._ended = True
            if self._close is not None:
                async with asyncio.timeout(self._deadline):
                    await self._close(*self._hang_up)
            return False
        elif self._stale:
            self._stale = False
            self._overflowed()
        else:
            self._wake.clear()
            await self._wake.wait()
        return True
