"""A WebSocket server in memory: what adapters dial instead of the network, so that time can be virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cfrealtime.emulator.adapters import messages
from cfrealtime.emulator.adapters.dialing import ChannelClosedError, HandshakeFailedError
from cfrealtime.emulator.adapters.messages import Message


class Line:
    """One connection of an adapter, seen from the server."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.closed = asyncio.Event()
        self._to_adapter: asyncio.Queue[bytes | str] = asyncio.Queue()
        self.reading = True

    # What the server does.

    def say(self, sound: bytes) -> None:
        self._to_adapter.put_nowait(messages.encode(Message(sound)))

    def say_raw(self, message: bytes | str) -> None:
        self._to_adapter.put_nowait(message)

    def unread(self) -> int:
        return self._to_adapter.qsize()

    def hang_up(self) -> None:
        self.closed.set()

    # What the adapter does.

    async def send(self, message: bytes) -> None:
        if self.closed.is_set():
            raise ChannelClosedError
        decoded = messages.decode(message)
        assert decoded is not None
        self.got.append(decoded)

    async def receive(self) -> bytes | str:
        getting = asyncio.ensure_future(self._to_adapter.get())
        closing = asyncio.ensure_future(self.closed.wait())
        try:
            await asyncio.wait({getting, closing}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            raise ChannelClosedError
        finally:
            getting.cancel()
            closing.cancel()

    async def aclose(self) -> None:
        self.closed.set()


class Endpoint:
    """Where adapters connect to: takes everybody unless told otherwise."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.dialled: list[tuple[float, str]] = []
        """When each attempt was made, and the URL."""
        self.refuses = False
        self.hangs = False

    async def dial(self, url: str) -> Line:
        self.dialled.append((asyncio.get_running_loop().time(), url))
        if self.hangs or "/hang" in url:
            await asyncio.Event().wait()
        if self.refuses or "/refuse" in url:
            raise HandshakeFailedError
        self.lines.append(Line())
        return self.lines[-1]


def sound_of(got: Sequence[Message]) -> bytes:
    """The sound of some messages, one after another."""
    return b"".join(message.payload for message in got)
