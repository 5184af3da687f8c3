"""Sending with httpcore, on asyncio."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, received
from cfrealtime._direct import Service, limits, lost


class AsyncDirectEngine:
    """Sends through connection pools, one for each event loop that it is called on."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = Service(base_url)
        self._tls = tls
        # Connections belong to the loop they were opened on.
        self._pools: dict[asyncio.AbstractEventLoop, httpcore.AsyncConnectionPool] = {}

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        progress = _Progress()
        try:
            async with asyncio.timeout(seconds):
                outgoing = self._service.outgoing(request, headers, progress)
                response = await self._pool().handle_async_request(outgoing)
                try:
                    body = bytearray()
                    async for piece in response.aiter_stream():
                        body += piece
                        if len(body) > BODY_LIMIT:
                            break
                finally:
                    await response.aclose()
        except Exception as error:
            known = lost(error, seconds, left=progress.left)
            if known is None:
                raise
            return known
        return received(response.status, response.headers, bytes(body))

    async def aclose(self) -> None:
        """Close the connections of the running loop, and take no more calls on any."""
        self.closed = True
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()

    def _pool(self) -> httpcore.AsyncConnectionPool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._pools = {known: held for known, held in self._pools.items() if not known.is_closed()}
            pool = httpcore.AsyncConnectionPool(**limits(self._tls), network_backend=_Sockets())
            self._pools[loop] = pool
        return pool


class _Progress(dict[str, float]):
    """Passed as the time-outs of a request, of which it has none: the phase that asks tells how far it is."""

    left = True

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - a dict's
        """No time-out. A request waits in the pool before it leaves, which is with the first write."""
        if key in {"pool", "write"}:
            self.left = key == "write"
        return None


class _Sockets(httpcore.AsyncNetworkBackend):
    """asyncio's sockets, of which none is lost when its TLS handshake is cancelled."""

    def __init__(self) -> None:
        self._sockets = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect."""
        return _Stream(await self._sockets.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._sockets.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A fresh connection; with TLS another stream takes its place."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        # httpcore forgets the socket of a handshake that is cancelled.
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise
