"""Sending with httpcore, which is what httpx sends with, in two colours.

Pools, time-outs and certificates are those that an httpx client has by default. What is left out is what httpx
does for requests of every kind: merging of URLs, cookies, authentication, redirects. With a proxy in the
environment, or a client or transport of the caller's own, `cfrealtime._http` sends.

Errors of httpx are understood here, too: tools for tests, like respx, raise them out of the pool.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable
from typing import Any, Final, TypedDict, cast
from urllib.parse import urlencode, urlsplit

import httpcore

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, broken, received, refused, too_slow
from cfrealtime._http import HttpxError, lost

# The defaults of httpx: a test holds them against it.
MAX_CONNECTIONS: Final = 100
MAX_KEEPALIVE: Final = 20
KEEPALIVE_EXPIRY: Final = 5.0

_NO_CONNECTION: Final = (httpcore.ConnectError, httpcore.ProxyError, httpcore.UnsupportedProtocol)
_NO_CONNECTION_IN_TIME: Final = (httpcore.ConnectTimeout, httpcore.PoolTimeout)
_BROKEN: Final = (httpcore.NetworkError, httpcore.ProtocolError, OSError)


class _Limits(TypedDict):
    ssl_context: ssl.SSLContext | None
    max_connections: int
    max_keepalive_connections: int
    keepalive_expiry: float


class _Timeouts(dict[str, float]):
    """What is left of a call's time: httpcore looks it up when a phase starts, so each gets the rest."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.left = True

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - a dict's
        """The rest, for any phase. A request waits in the pool before it leaves, with the first write."""
        if key in {"pool", "write"}:
            self.left = key == "write"
        return max(self.deadline - time.monotonic(), 0.001)


class SyncDirectEngine:
    """Sends through a connection pool; may be shared by threads."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = _Service(base_url)
        self._pool = httpcore.ConnectionPool(**_limits(tls))

    def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status.

        A read cannot be interrupted: a server that trickles its body is left after at most twice the time,
        one that trickles its headers can hold on.
        """
        timeouts = _Timeouts(seconds)
        outgoing = self._service.outgoing(request, headers, timeouts)
        try:
            response = self._pool.handle_request(outgoing)
            try:
                body = bytearray()
                for piece in cast("Iterable[bytes]", response.stream):
                    body += piece
                    if len(body) > BODY_LIMIT:
                        break
                    if time.monotonic() > timeouts.deadline:
                        return too_slow(seconds, left=True)
            finally:
                response.close()
        except _NO_CONNECTION as error:
            return refused(error)
        except httpcore.TimeoutException as error:
            return too_slow(seconds, left=not isinstance(error, _NO_CONNECTION_IN_TIME))
        except _BROKEN as error:
            return broken(error)
        except HttpxError as error:
            return lost(error, seconds)
        return received(response.status, response.headers, bytes(body))

    def close(self) -> None:
        """Close every connection."""
        self.closed = True
        self._pool.close()


class AsyncDirectEngine:
    """Sends through connection pools, one for each event loop that it is called on."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = _Service(base_url)
        self._tls = tls
        # Connections belong to the loop they were opened on.
        self._pools: dict[asyncio.AbstractEventLoop, httpcore.AsyncConnectionPool] = {}

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        timeouts = _Timeouts(seconds)
        outgoing = self._service.outgoing(request, headers, timeouts)
        try:
            async with asyncio.timeout(seconds):
                response = await self._pool().handle_async_request(outgoing)
                try:
                    body = bytearray()
                    async for piece in response.aiter_stream():
                        body += piece
                        if len(body) > BODY_LIMIT:
                            break
                finally:
                    await response.aclose()
        except _NO_CONNECTION as error:
            return refused(error)
        except (httpcore.TimeoutException, TimeoutError):
            return too_slow(seconds, left=timeouts.left)
        except _BROKEN as error:
            return broken(error)
        except HttpxError as error:
            return lost(error, seconds)
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
            pool = httpcore.AsyncConnectionPool(**_limits(self._tls), network_backend=_Backend())
            self._pools[loop] = pool
        return pool


class _Service:
    """Where requests go, taken apart once."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._scheme = parts.scheme.encode()
        self._host = (parts.hostname or "").encode("idna")
        self._port = parts.port
        self._path = parts.path
        self._host_header = (b"Host", parts.netloc.encode("idna"))

    def outgoing(self, request: Request[Any], headers: Headers, timeouts: _Timeouts) -> httpcore.Request:
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = httpcore.URL(
            scheme=self._scheme,
            host=self._host,
            port=self._port,
            target=f"{self._path}{request.path}{query}".encode("ascii"),
        )
        lines = [self._host_header, *(headers.bare if request.body is None else headers.with_json)]
        if request.body is not None:
            lines.append((b"Content-Length", b"%d" % len(request.body)))
        elif request.method != "GET":
            lines.append((b"Content-Length", b"0"))
        return httpcore.Request(
            request.method, url, headers=lines, content=request.body, extensions={"timeout": timeouts}
        )


class _Backend(httpcore.AsyncNetworkBackend):
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
        """Read."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Write."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        """What is known of the socket."""
        return self._stream.get_extra_info(info)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands. httpcore forgets the socket of a handshake that is cancelled."""
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise


def _limits(tls: ssl.SSLContext | None) -> _Limits:
    return {
        "ssl_context": tls,
        "max_connections": MAX_CONNECTIONS,
        "max_keepalive_connections": MAX_KEEPALIVE,
        "keepalive_expiry": KEEPALIVE_EXPIRY,
    }
