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
from cfrealtime._direct import CLOSED, KEEPALIVE_EXPIRY, Service, lost, usable
from cfrealtime.aio.pool import AsyncPools


class AsyncDirectEngine:
    """Sends through connections of its own, apart for each event loop that it is called on."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = Service(base_url)
        self._tls = tls
        self._sockets = _Sockets()
        self._pools = AsyncPools(self._connection, usable)

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        progress = _Progress()
        try:
            async with asyncio.timeout(seconds), self._pools.here().one() as connection:
                progress.left = True
                outgoing = self._service.outgoing(request, headers, progress)
                response = await connection.handle_async_request(outgoing)
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
        await self._pools.aclose()

    def _connection(self) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            self._service.origin,
            ssl_context=self._tls,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=self._sockets,
        )


class _Progress(dict[str, float]):
    """Passed as the time-outs of a request, of which it has none: the phase that asks tells how far it is."""

    left = False

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - a dict's
        """No time-out. A request leaves with the first write."""
        if key in {"connect", "write"}:
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
