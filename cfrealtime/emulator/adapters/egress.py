"""A publication that goes out to a WebSocket, which is tried for again when it is lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from attrs import frozen

from cfrealtime.emulator.limits import ADAPTER_RECONNECT
from cfrealtime.emulator.rules.adapters import retry_delay

from . import messages
from .dialing import Channel, ChannelClosedError, HandshakeFailedError
from .messages import Message


class Outbox:
    """The messages that wait for the WebSocket: of too many the newest."""

    def __init__(self, size: int) -> None:
        self._waiting: deque[Message] = deque(maxlen=size)
        self._filled = asyncio.Event()

    def put(self, message: Message) -> None:
        """Add a message."""
        self._waiting.append(message)
        self._filled.set()

    async def take(self) -> Message:
        """The oldest message, as soon as there is one."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()


class Maker(Protocol):
    """Makes messages of RTP packets."""

    outbox: Outbox

    def take(self, packet: bytes) -> None:
        """An RTP packet of the publication. Returns at once and calls nobody."""
        ...

    async def run(self) -> None:
        """Whatever takes longer, until it is cancelled."""
        ...


@frozen
class Reports:
    """Whom an egress tells how its WebSocket fares."""

    lost: Callable[[], None]
    recovered: Callable[[], None]


class Egress:
    """Sends what a maker makes, over one WebSocket after another to the same endpoint."""

    def __init__(
        self, channel: Channel, dial_again: Callable[[], Awaitable[Channel]], maker: Maker, reports: Reports
    ) -> None:
        self.bytes_processed = 0
        self._channel = channel
        self._dial_again = dial_again
        self._maker = maker
        self._reports = reports

    async def run(self) -> str:
        """Until the endpoint stays away; gives why it is over."""
        making = asyncio.create_task(self._maker.run())
        try:
            while True:
                await self._serve()
                self._reports.lost()
                channel = await self._reconnect()
                if channel is None:
                    return f"its WebSocket was lost for {ADAPTER_RECONNECT:g} seconds"
                self._channel = channel
                self._reports.recovered()
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            await self.aclose()

    async def aclose(self) -> None:
        """Close the WebSocket."""
        await self._channel.aclose()

    async def _serve(self) -> None:
        """Send until the WebSocket is gone. What the endpoint says is not for us, but has to be read."""
        tasks = {asyncio.create_task(self._send()), asyncio.create_task(self._ignore())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.aclose()

    async def _send(self) -> None:
        try:
            while True:
                data = messages.encode(await self._maker.outbox.take())
                await self._channel.send(data)
                self.bytes_processed += len(data)
        except ChannelClosedError:
            return

    async def _ignore(self) -> None:
        try:
            while True:
                await self._channel.receive()
        except ChannelClosedError:
            return

    async def _reconnect(self) -> Channel | None:
        """A new WebSocket to the same endpoint; None when the time for it is over."""
        try:
            async with asyncio.timeout(ADAPTER_RECONNECT):
                return await self._keep_dialling()
        except TimeoutError:
            return None

    async def _keep_dialling(self) -> Channel:
        attempt = 0
        while True:
            await asyncio.sleep(retry_delay(attempt))
            attempt += 1
            with suppress(TimeoutError, HandshakeFailedError):
                return await self._dial_again()
