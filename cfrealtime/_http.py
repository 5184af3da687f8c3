"""Sending with an httpx client, in two colours. The only hand-written module that imports httpx.

What a request may take in all is a number of seconds: connecting, sending, waiting and reading the body. The
async engine holds that exactly. The sync one cannot interrupt a read: it gives every phase what is left of
the time, and looks at the clock after every piece of the body. A silent server is left on time; one that is
slow to connect or trickles its body, after at most twice the time; one that trickles its headers can hold on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeAlias, TypeVar

import httpx

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, broken, stamped
from cfrealtime._core.redaction import redact
from cfrealtime._direct import CLOSED, lost
from cfrealtime._environment import trusted
from cfrealtime.aio.pool import AsyncPools
from cfrealtime.errors import ConfigurationError

C = TypeVar("C", httpx.Client, httpx.AsyncClient)
SyncTransport: TypeAlias = httpx.BaseTransport
AsyncTransport: TypeAlias = httpx.AsyncBaseTransport
SyncHttpClient: TypeAlias = httpx.Client
AsyncHttpClient: TypeAlias = httpx.AsyncClient


class SyncClientEngine:
    """Sends through an httpx client; may be shared by threads."""

    def __init__(
        self, base_url: str, *, http_client: httpx.Client | None, transport: httpx.BaseTransport | None
    ) -> None:
        redact()
        self.closed = False
        self._base_url = base_url
        self._owned = http_client is None
        self._client = http_client or _made(httpx.Client, transport)

    def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        deadline = time.monotonic() + seconds
        outgoing = _build(self._client, self._base_url, request, headers, seconds)
        timeouts: dict[str, float] = outgoing.extensions["timeout"]

        def shrink(event: str, _: object) -> None:
            # httpcore looks the time-outs up when a phase starts, which is when it calls this.
            if event.endswith(".started"):
                timeouts.update(dict.fromkeys(timeouts, max(deadline - time.monotonic(), 0.001)))

        outgoing.extensions["trace"] = shrink
        try:
            response = self._client.send(outgoing, stream=True, follow_redirects=False)
            try:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > BODY_LIMIT:
                        break
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the body did not end in time")
            finally:
                response.close()
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            return lost(error, seconds, left=True) or broken(error)
        return _received(response, body)

    def close(self) -> None:
        """Close every connection; a client of the caller's own is the caller's to close."""
        self.closed = True
        if self._owned:
            self._client.close()


class AsyncClientEngine:
    """Sends through the caller's httpx client or transport, or through clients of its own.

    Of its own there are as many as there are calls at once, each with one connection, apart for each event
    loop: `cfrealtime.aio.pool` says why they are not one client.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http_client: httpx.AsyncClient | None,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        redact()
        self.closed = False
        self._base_url = base_url
        self._owned = http_client is None
        # Without a transport it only says at once what is wrong with the environment.
        client = http_client or _made(httpx.AsyncClient, transport)
        self._client = client if http_client or transport else None
        self._pools = AsyncPools(lambda: _made(httpx.AsyncClient, None), lambda _: True)

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        # A transport of the caller's own may tell nothing: what it was given counts as sent.
        watch = Watch(left=self._client is not None)
        place = nullcontext(self._client) if self._client else self._pools.here().one()
        try:
            async with asyncio.timeout(seconds), place as client:
                outgoing = _build(client, self._base_url, request, headers, None)
                outgoing.extensions["trace"] = watch
                response = await client.send(outgoing, stream=True, follow_redirects=False)
                try:
                    body = bytearray()
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > BODY_LIMIT:
                            break
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            return lost(error, seconds, left=watch.left) or broken(error)
        finally:
            await watch.clean_up()
        return _received(response, body)

    async def aclose(self) -> None:
        """Close the connections of the running loop, and take no more calls on any."""
        self.closed = True
        await self._pools.aclose()
        if self._owned and self._client is not None:
            await self._client.aclose()


class Watch:
    """What httpcore tells of a call: whether it began to leave, and a socket that nobody may own."""

    def __init__(self, *, left: bool) -> None:
        self.left = left
        self._sent = False
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        match event.partition(".")[2]:
            case "connect_tcp.started":
                # A transport can send several times.
                self.left = self._sent
            case "connect_tcp.complete":
                self._stream = info["return_value"]
            case "start_tls.complete":
                self._stream = None
            case "send_request_headers.started":
                # A tunnel's request is not the call's.
                if info["request"].method != b"CONNECT":
                    self._sent = self.left = True
                    self._stream = None
            case _:
                pass

    async def clean_up(self) -> None:
        """Close the socket of a TLS handshake that was cancelled: httpcore forgets it."""
        if self._stream is not None:
            await self._stream.aclose()


def _made(kind: Callable[..., C], transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None) -> C:
    """A client that keeps no cookies, or what is wrong with the proxies that the environment names."""
    try:
        return kind(
            transport=transport,
            verify=trusted() if transport is None else True,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
    except ImportError:
        raise ConfigurationError(
            'The environment names a SOCKS proxy (ALL_PROXY, …), which needs pip install "httpx[socks]".'
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(
            "A proxy setting of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY) cannot be "
            "used: a proxy must look like http://host:port."
        ) from None


def _build(
    client: httpx.Client | httpx.AsyncClient,
    base_url: str,
    request: Request[Any],
    headers: Headers,
    seconds: float | None,
) -> httpx.Request:
    return client.build_request(
        request.method,
        base_url + request.path,
        params=request.query or None,
        content=request.body,
        headers=headers.bare if request.body is None else headers.with_json,
        timeout=seconds,
    )


def _received(response: httpx.Response, body: bytearray) -> Response:
    # httpx has unpacked it, and that can make very much of the little that was read last.
    return stamped(response.status_code, dict(response.headers), bytes(body[:BODY_LIMIT]))
