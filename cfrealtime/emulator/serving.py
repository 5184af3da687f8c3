"""A real HTTP server for the application, inside a running event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from .spoiling import ABORT

_LOG = logging.getLogger("uvicorn.error")


class _Server(uvicorn.Server):
    """A server that says when it is ready and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class _Abortable(H11Protocol):
    """A connection that the application can break, which no message of ASGI does."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast("asyncio.Transport", transport)
        super().connection_made(connection)
        self.app_state = {**self.app_state, ABORT: connection.abort}


class _Unexpected(logging.Filter):
    """Keeps a server from complaining of what was asked for: calls cut off by its end."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError):
            return False
        return "graceful shutdown exceeded" not in str(record.msg)


@asynccontextmanager
async def serving(app: ASGIApp, host: str, port: int) -> AsyncGenerator[tuple[str, int]]:
    """Serve while the context lasts; gives the address bound. OSError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # Connections inherit it. Otherwise the end of an answer waits 40 ms for the client to acknowledge its
    # head: asyncio sees to that only where a socket's protocol is named, and `create_server` names none.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        http=_Abortable,
        lifespan="off",
        access_log=False,
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server, expected = _Server(config), _Unexpected()
    _LOG.addFilter(expected)
    task = asyncio.create_task(server.serve([listener]))
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield listener.getsockname()[:2]
    finally:
        ready.cancel()
        server.should_exit = True
        try:
            await task
        finally:
            _LOG.removeFilter(expected)
