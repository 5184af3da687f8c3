"""Sending with httpcore, on asyncio."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

import httpcore

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, received
from cfrealtime._direct import CLOSED, KEEPALIVE_EXPIRY, MAX_CONNECTIONS, MAX_KEEPALIVE, Service, lost


class AsyncDirectEngine:
    """Sends through connections of its own, apart for each event loop that it is called on."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = Service(base_url)
        self._tls = tls
        # Connections belong to the loop they were opened on.
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        progress = _Progress()
        try:
            async with asyncio.timeout(seconds):
                return await self._pool().exchange(
                    self._service.outgoing(request, headers, progress), progress
                )
        except Exception as error:
            known = lost(error, seconds, left=progress.left)
            if known is None:
                raise
            return known

    async def aclose(self) -> None:
        """Close the connections of the running loop, and take no more calls on any."""
        self.closed = True
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.aclose()

    def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            self._pools = {known: held for known, held in self._pools.items() if not known.is_closed()}
            pool = self._pools[loop] = _Pool(self._service.origin, self._tls)
        return pool


class _Progress(dict[str, float]):
    """Passed as the time-outs of a request, of which it has none: the phase that asks tells how far it is."""

    left = False

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - a dict's
        """No time-out. A request leaves with the first write."""
        if key in {"connect", "write"}:
            self.left = key == "write"
        return None


class _Pool:
    """Connections to the service.

    httpcore's own pool loses places: a call that is cancelled while it waits for one can leave a connection
    there that nobody opens and nobody closes. With a hundred of them no call gets through any more. It also
    looks at every connection for every call, which with fifty in flight is most of the work.
    """

    def __init__(self, origin: httpcore.Origin, tls: ssl.SSLContext | None) -> None:
        self._origin, self._tls, self._sockets = origin, tls, _Sockets()
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        # The last one used is the first one used again.
        self._idle: deque[httpcore.AsyncHTTPConnection] = deque()
        self._busy: set[httpcore.AsyncHTTPConnection] = set()
        self._closed = False

    async def exchange(self, request: httpcore.Request, progress: _Progress) -> Response:
        """Send a request on a connection that no other call has."""
        async with self._places:
            connection = await self._take()
            self._busy.add(connection)
            try:
                progress.left = True
                response = await connection.handle_async_request(request)
                try:
                    body = bytearray()
                    async for piece in response.aiter_stream():
                        body += piece
                        if len(body) > BODY_LIMIT:
                            break
                finally:
                    await response.aclose()
            finally:
                self._busy.discard(connection)
                await self._put(connection)
        return received(response.status, response.headers, bytes(body))

    async def aclose(self) -> None:
        """Close every connection, those in use too."""
        self._closed = True
        for connection in [*self._idle, *self._busy]:
            await connection.aclose()
        self._idle.clear()

    async def _take(self) -> httpcore.AsyncHTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            self._origin,
            ssl_context=self._tls,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=self._sockets,
        )

    async def _put(self, connection: httpcore.AsyncHTTPConnection) -> None:
        if self._closed or not connection.is_idle():
            await connection.aclose()
            return
        self._idle.append(connection)
        while self._idle and (len(self._idle) > MAX_KEEPALIVE or self._idle[0].has_expired()):
            await self._idle.popleft().aclose()


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
