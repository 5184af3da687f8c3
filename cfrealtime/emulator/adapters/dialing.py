"""How adapters reach a WebSocket: the only module that knows the `websockets` package."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from cfrealtime.emulator.limits import ADAPTER_CONNECT_WAIT, INGEST_MESSAGE_BYTES

_CLOSE_WAIT = 1.0
_SILENT = logging.Logger("cfrealtime.emulator.adapters", logging.CRITICAL + 1)
"""Belongs to no tree of loggers and says nothing: endpoints hold tokens, messages hold sound."""


class HandshakeFailedError(Exception):
    """The endpoint took no WebSocket connection."""


class ChannelClosedError(Exception):
    """The connection is gone."""


class Channel(Protocol):
    """An open WebSocket."""

    async def send(self, message: bytes) -> None:
        """Send a binary message. ChannelClosedError when the connection is gone."""
        ...

    async def receive(self) -> bytes | str:
        """The next message. ChannelClosedError when the connection is gone."""
        ...

    async def aclose(self) -> None:
        """Close it; it may be closed already."""
        ...


Dial = Callable[[str], Awaitable[Channel]]
"""Opens the WebSocket at a URL, or raises TimeoutError or HandshakeFailedError. A test may give its own."""


class _Connect(connect):
    """Takes no redirect (docs, WebSocket adapter)."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _WebSocket:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: bytes) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            raise ChannelClosedError from None

    async def receive(self) -> bytes | str:
        try:
            return await self._connection.recv()
        except ConnectionClosed:
            raise ChannelClosedError from None

    async def aclose(self) -> None:
        await self._connection.close()


async def dial(url: str) -> Channel:
    """Open a WebSocket: no redirects, no headers of our own, no proxy, no compression. Implements `Dial`."""
    try:
        connection = await _Connect(
            url,
            compression=None,
            user_agent_header=None,
            proxy=None,
            open_timeout=ADAPTER_CONNECT_WAIT,
            close_timeout=_CLOSE_WAIT,
            max_size=INGEST_MESSAGE_BYTES,
            logger=_SILENT,
        )
    except TimeoutError:
        raise
    except (OSError, EOFError, InvalidHandshake, InvalidURI, ConnectionClosed, ValueError) as error:
        raise HandshakeFailedError from error
    return _WebSocket(connection)


WEBSOCKETS: Final[Dial] = dial
