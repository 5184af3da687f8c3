"""A WebSocket server on loopback, as an application would run it for its adapters."""

from __future__ import annotations

import asyncio
import http
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cfrealtime.emulator.adapters import messages
from cfrealtime.emulator.adapters.messages import Message


class Bot:
    """Takes connections, keeps what it is sent, and can speak."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.got_at: list[float] = []
        self.requests: list[Request] = []
        self.connections: list[ServerConnection] = []
        self.server: Server | None = None

    @property
    def url(self) -> str:
        port = self.server.sockets[0].getsockname()[1]
        return f"ws://127.0.0.1:{port}/bot?token=once"

    async def say(self, sound: bytes) -> None:
        for start in range(0, len(sound), 19_200):
            await self.connections[-1].send(messages.encode(Message(sound[start : start + 19_200])))

    async def _take(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            async for data in connection:
                message = messages.decode(data)
                assert message is not None
                self.got.append(message)
                self.got_at.append(asyncio.get_running_loop().time())
        except ConnectionClosed:
            return

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        if request.path.startswith("/forbidden"):
            return connection.respond(http.HTTPStatus.FORBIDDEN, "no")
        if request.path.startswith("/moved"):
            return Response(307, "Moved", Headers({"Location": self.url, "Content-Length": "0"}), b"")
        return None


@asynccontextmanager
async def running_bot() -> AsyncGenerator[Bot]:
    bot = Bot()
    async with serve(bot._take, "127.0.0.1", 0, process_request=bot._answer, max_size=None) as bot.server:
        yield bot
