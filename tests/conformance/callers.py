"""The WebSocket server of a test, as an application runs one for its adapters."""

from __future__ import annotations

import asyncio
import http
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cfrealtime.emulator.adapters import messages
from cfrealtime.emulator.adapters.messages import Message
from tests.conformance.target import Way

PIECE = 19_200
"""A tenth of a second of PCM."""


class Callers:
    """Who calls us: adapters, by a path that only this test knows."""

    def __init__(self, base_url: str) -> None:
        self.got: list[Message] = []
        self.sizes: list[int] = []
        """Of all messages, with their overhead."""
        self.lines: list[ServerConnection] = []
        """Every connection that was made, the newest last."""
        self.tried = 0
        """How often somebody wanted one."""
        self.away = False
        """Whether nobody gets one."""
        self._base_url = base_url
        self._path = f"/{secrets.token_hex(8)}"

    @property
    def url(self) -> str:
        """Where adapters connect to, with a token as applications have one."""
        return f"{self._base_url}{self._path}?token=once"

    @property
    def moved_url(self) -> str:
        """Where they are sent on to `url`."""
        return f"{self._base_url}{self._path}/moved"

    async def leave(self) -> None:
        """Close the newest connection, and take none until we are back."""
        self.away = True
        await self.lines[-1].close()

    async def say(self, sound: bytes) -> None:
        """Send PCM as it is meant to be sent: in pieces."""
        for start in range(0, len(sound), PIECE):
            await self.say_at_once(sound[start : start + PIECE])

    async def say_at_once(self, sound: bytes) -> None:
        """Send PCM in one message."""
        await self.lines[-1].send(messages.encode(Message(sound)))

    async def take(self, connection: ServerConnection) -> None:
        """One caller, until it hangs up."""
        self.lines.append(connection)
        try:
            async for data in connection:
                message = messages.decode(data) if isinstance(data, bytes) else None
                assert message is not None, "an adapter sent what is no message"
                self.got.append(message)
                self.sizes.append(len(data))
        except ConnectionClosed:
            return

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Who asks for a connection gets one, if the path is right and we are there."""
        if request.path == f"{self._path}/moved":
            return Response(307, "Moved", Headers({"Location": self.url, "Content-Length": "0"}), b"")
        if request.path != f"{self._path}?token=once":
            return connection.respond(http.HTTPStatus.NOT_FOUND, "nobody")
        self.tried += 1
        return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "away") if self.away else None


@asynccontextmanager
async def taking_calls(way: Way) -> AsyncGenerator[Callers]:
    """Listen where a way leads to."""
    callers = Callers(way.url)
    listening = serve(
        callers.take, "127.0.0.1", way.port, process_request=callers.admit, max_size=None, ping_interval=None
    )
    async with listening:
        try:
            yield callers
        finally:
            await asyncio.gather(*(line.close() for line in callers.lines), return_exceptions=True)
