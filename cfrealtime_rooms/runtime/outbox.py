"""One participant's outgoing messages: in order, one at a time, bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property

from ..core.notices import Closed, Delta, Joined, Message, Notice, Snapshot
from ..signaling import encode

SendText = Callable[[str], Awaitable[object]]
CloseChannel = Callable[[int, str], Awaitable[object]]

log = logging.getLogger("cfrealtime_rooms")

REASON_BYTES = 123
"""A WebSocket close frame holds no more."""
TRY_AGAIN = 1013
"""The close code for a channel that failed: its client comes back."""


class Letter:
    """A notice and its text, which is made once however many participants it goes to."""

    def __init__(self, notice: Notice) -> None:
        self.notice = notice

    @cached_property
    def text(self) -> str:
        """The notice as it goes over the wire."""
        return encode(self.notice)


class Outbox:
    """Sends what the room tells one client, through the host's `send`.

    A client that is too slow loses deltas and messages, never negotiation, and `overflowed` is called so
    that it gets a snapshot instead. A `send` that raises, that takes longer than `deadline` seconds, or that
    lets more negotiation pile up than `capacity`, ends the channel: `broken` is called, then the host's
    `close`.
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
        self.dropped = 0
        """How many messages were left out, since a snapshot says the same."""
        self._waiting: deque[Letter] = deque()
        self._stale = False
        """Deltas were left out, and no snapshot has been put since."""
        self._asked = False
        """`overflowed` was called, and its snapshot has not come yet."""
        self._hang_up: tuple[int, str] | None = None
        self._ended = self._closing = False
        self._wake = asyncio.Event()
        self._task = self._start(self._run())

    def put(self, letter: Letter) -> None:
        """Queue a message. Never blocks."""
        if self._ended or self._hang_up is not None:
            return
        if isinstance(letter.notice, Snapshot | Joined):
            self._stale = self._asked = False
        elif self._stale and isinstance(letter.notice, Delta):
            self.dropped += 1
            return
        self._waiting.append(letter)
        if len(self._waiting) > self._capacity and not isinstance(letter.notice, Closed):
            self._drop_what_a_snapshot_replaces()
        self._wake.set()

    @property
    def waiting(self) -> int:
        """How many messages are still to be sent."""
        return len(self._waiting)

    @property
    def hung_up(self) -> bool:
        """Whether the room has ended the channel."""
        return self._hang_up is not None

    def hang_up(self, code: int, reason: str) -> None:
        """Close the channel once everything queued has been sent. The first to hang up decides."""
        if self._hang_up is None:
            self._hang_up = code, reason.encode()[:REASON_BYTES].decode(errors="ignore")
        self._wake.set()

    async def finish(self, within: float | None = None) -> None:
        """The host's block is over: stop, but let a channel that is being closed say its last message."""
        if self._hang_up is None:
            self._task.cancel()
        self._ended = True
        try:
            await asyncio.wait({self._task}, timeout=self._deadline if within is None else within)
        finally:
            self._task.cancel()

    async def end(self, within: float | None = None) -> None:
        """The room is over: the same, and a channel whose client does not read is closed all the same."""
        try:
            await self.finish(within)
        finally:
            if self._hang_up is not None and not self._closing:
                self._task = self._start(self._close_channel(*self._hang_up))
        await asyncio.wait({self._task}, timeout=within)

    @staticmethod
    def _start(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work, name="room outbox")

    def _drop_what_a_snapshot_replaces(self) -> None:
        left = [w for w in self._waiting if not isinstance(w.notice, Delta | Message | Snapshot)]
        self.dropped += len(self._waiting) - len(left)
        self._waiting, self._stale, self._asked = deque(left), True, False
        if len(left) > self._capacity:
            self._ended = True
            self._task.cancel()
            self._task = self._start(self._give_up("its client does not read"))

    async def _run(self) -> None:
        try:
            while await self._next():
                pass
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            await self._give_up("its send was cancelled")
        except Exception as error:
            # The host's own code: whatever it raises is the end of this channel, and of nothing else.
            await self._give_up(type(error).__name__)

    async def _next(self) -> bool:
        """Send one message, or close; False when there is nothing more to do for good."""
        if self._waiting:
            await self._deliver(self._waiting.popleft())
        elif self._hang_up is not None:
            self._ended = True
            await self._close_channel(*self._hang_up)
            return False
        elif self._stale and not self._asked:
            self._asked = True
            self._overflowed()
        else:
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _deliver(self, letter: Letter) -> None:
        try:
            text = letter.text
        except Exception:
            log.exception("a %s cannot be written as JSON: left out", type(letter.notice).__name__)
            return
        async with asyncio.timeout(self._deadline):
            await self._send(text)

    async def _give_up(self, why: str) -> None:
        """The channel is of no use any more. Its participant may come back on another."""
        log.info("a channel failed (%s); its participant may resume", why)
        self._ended = True
        self._waiting.clear()
        self._broken()
        await self._close_channel(*(self._hang_up or (TRY_AGAIN, "try again")))

    async def _close_channel(self, code: int, reason: str) -> None:
        if self._close is None:
            return
        self._closing = True
        try:
            async with asyncio.timeout(self._deadline):
                await self._close(code, reason)
        except Exception as error:
            log.info("a channel could not be closed (%s)", type(error).__name__)
