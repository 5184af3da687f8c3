"""A participant over a host's WebSocket, which comes back by itself when the connection drops.

Needs the package `websockets`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypedDict, Unpack

from cfrealtime_rooms.testing.channel_trial import Channel, ChannelEndedError
from cfrealtime_rooms.testing.negotiator import Outgoing
from cfrealtime_rooms.testing.participant import Participant
from cfrealtime_rooms.testing.peer import PeerFactory, SilentPeer

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_FIRST_PAUSE, _LONGEST_PAUSE = 0.3, 5.0


class Options(TypedDict, total=False):
    """How a participant differs from the usual one."""

    name: str | None
    attributes: Mapping[str, str] | None
    sources: Iterable[str | Outgoing]
    peer_factory: PeerFactory


class WebSocketParticipant(Participant):
    """A participant whose channel is a WebSocket."""

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        attributes: Mapping[str, str] | None = None,
        sources: Iterable[str | Outgoing] = ("microphone", "camera"),
        peer_factory: PeerFactory = SilentPeer,
    ) -> None:
        super().__init__(name=name, sources=sources, attributes=attributes, peer_factory=peer_factory)
        self._url = url
        self._running: asyncio.Task[None] | None = None
        self._socket: ClientConnection | None = None
        self._patient = False
        """Whether a channel that cannot be opened is tried again: once it has been open."""

    async def open(self, *, within: float = 30.0) -> None:
        """Open the channel; returns when the room has said welcome. Raises OSError where nobody listens."""
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._ended)
        await self.wait_until(lambda: self.attached, within=within, what="welcome")

    async def drop(self) -> None:
        """Lose the connection; it comes back by itself."""
        if self._socket is not None:
            self._socket.transport.abort()
        await self.wait_until(lambda: not self.attached, what="the channel to drop")

    async def aclose(self) -> None:
        """Drop the channel and the connection to the SFU, without a word."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        self.detach()
        await self.close()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while self.closed is None:
            try:
                await self._channel()
                pause = _FIRST_PAUSE
            except OSError:
                if not self._patient:
                    raise
            self.detach()
            if self.closed is None:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  (jitter, not a secret)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _channel(self) -> None:
        """One WebSocket from its opening to its end."""
        from websockets.asyncio.client import connect as open_socket
        from websockets.exceptions import ConnectionClosed, InvalidHandshake

        try:
            async with open_socket(self._url, max_size=None, proxy=None) as socket:
                self._socket, self._patient = socket, True
                outgoing = asyncio.Queue[str]()
                self.attach(outgoing.put_nowait)
                writer = asyncio.create_task(_write(socket, outgoing))
                try:
                    with suppress(ConnectionClosed):
                        async for text in socket:
                            await self.receive(text if isinstance(text, str) else text.decode())
                finally:
                    self._socket = None
                    writer.cancel()
                    await asyncio.wait([writer])
                if socket.close_code is not None and _is_final(socket.close_code):
                    self.closed = self.closed or socket.close_reason or "refused"
                    self._waiters.look()
        except InvalidHandshake as error:
            raise ConnectionRefusedError(f"the host refused the WebSocket: {error}") from error

    def _ended(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled() and (error := running.exception()) is not None:
            self.break_off(error)


def _is_final(code: int) -> bool:
    """Whether a host that closes with this code means: do not come back."""
    return code == 1008 or 4000 <= code <= 4999


async def _write(socket: ClientConnection, outgoing: asyncio.Queue[str]) -> None:
    from websockets.exceptions import ConnectionClosed

    with suppress(ConnectionClosed):
        while True:
            await socket.send(await outgoing.get())


@asynccontextmanager
async def connect(
    url: str, *, join: bool = True, **options: Unpack[Options]
) -> AsyncGenerator[WebSocketParticipant, None]:
    """A participant in the room behind a host's URL; options are those of `WebSocketParticipant`."""
    participant = WebSocketParticipant(url, **options)
    try:
        await participant.open()
        if join:
            await participant.join()
        yield participant
    finally:
        await participant.aclose()


class _WebSocketChannel:
    """A `Channel` of the kit for channels."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            await self._socket.send(text)

    async def receive(self) -> str:
        from websockets.exceptions import ConnectionClosed

        try:
            text = await self._socket.recv()
        except ConnectionClosed:
            raise ChannelEndedError(self._socket.close_code, self._socket.close_reason) from None
        return text if isinstance(text, str) else text.decode()

    async def lose(self) -> None:
        self._socket.transport.abort()


@asynccontextmanager
async def websocket_channel(url: str) -> AsyncGenerator[Channel, None]:
    """A WebSocket to a host, for the kit in `cfrealtime_rooms.testing.channels`."""
    from websockets.asyncio.client import connect as open_socket

    async with open_socket(url, max_size=None, proxy=None, compression=None, close_timeout=0.5) as socket:
        yield _WebSocketChannel(socket)
