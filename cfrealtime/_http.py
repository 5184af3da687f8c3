"""Sending, in two colours. The only hand-written module that imports httpx.

What a call may take in all is `timeout` seconds: connecting, sending, waiting and reading the body. The async
sender holds that exactly. The sync one cannot interrupt a read: it gives every phase what is left of the
time, and looks at the clock after every piece of the body. A silent server is left on time; one that is slow
to connect or trickles its body, after at most twice the time; one that trickles its headers can hold on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import httpx

from cfrealtime._core.decode import decode
from cfrealtime._core.exchange import Batch, Request, Response
from cfrealtime._core.settings import Settings
from cfrealtime.errors import InvalidRequestError, NotSentError, OutcomeUnknownError, RealtimeError

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

SyncTransport: TypeAlias = httpx.BaseTransport
AsyncTransport: TypeAlias = httpx.AsyncBaseTransport

# More than any answer for 64 tracks takes; what is cut off here is not JSON any more, and reported as such.
BODY_LIMIT: Final = 8 * 1024 * 1024

_NO_CONNECTION: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class SyncHttp:
    """Sends requests and decodes their answers; may be shared by threads."""

    def __init__(self, settings: Settings, transport: SyncTransport | None) -> None:
        self._base_url = settings.base_url
        self._timeout = settings.timeout
        verify = _tls() if transport is None else True
        self._client = httpx.Client(headers=_headers(settings), transport=transport, verify=verify)

    def call(self, request: Request[T]) -> T:
        """The value of a request's answer."""
        return decode(request, self.send(request))

    def call_all(self, batch: Batch[T]) -> T:
        """The joined values of several requests, one after the other."""
        results: list[T] = []
        for request in batch.requests:
            try:
                results.append(self.call(request))
            except RealtimeError as error:
                batch.keep(error, results)
                raise
        return batch.total(results)

    def send(self, request: Request[Any]) -> Response:
        """Send one request and read its response, whatever its status."""
        if self._client.is_closed:
            raise _closed(request)
        deadline = time.monotonic() + self._timeout
        outgoing = _build(self._client, self._base_url, request, self._timeout)
        timeouts: dict[str, float] = outgoing.extensions["timeout"]

        def shrink(event: str, _: object) -> None:
            # httpcore looks the time-outs up when a phase starts, which is when it calls this.
            if event.endswith(".started"):
                timeouts.update(dict.fromkeys(timeouts, max(deadline - time.monotonic(), 0.001)))

        outgoing.extensions["trace"] = shrink
        try:
            response = self._client.send(outgoing, stream=True)
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
        except (httpx.HTTPError, OSError) as error:
            failure = _failure(request, error, self._timeout)
        else:
            return _received(response, body)
        raise failure

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


class AsyncHttp:
    """Sends requests and decodes their answers, on whichever event loop it is called."""

    def __init__(self, settings: Settings, transport: AsyncTransport | None) -> None:
        self._base_url = settings.base_url
        self._timeout = settings.timeout
        self._headers = _headers(settings)
        self._transport = transport
        self._verify = _tls() if transport is None else True
        self._closed = False
        # Connections belong to the loop they were opened on, so every loop has its own pool.
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}

    async def call(self, request: Request[T]) -> T:
        """The value of a request's answer."""
        return decode(request, await self.send(request))

    async def call_all(self, batch: Batch[T]) -> T:
        """The joined values of several requests, one after the other."""
        results: list[T] = []
        for request in batch.requests:
            try:
                results.append(await self.call(request))
            except RealtimeError as error:
                batch.keep(error, results)
                raise
        return batch.total(results)

    async def send(self, request: Request[Any]) -> Response:
        """Send one request and read its response, whatever its status."""
        if self._closed:
            raise _closed(request)
        client = self._client()
        outgoing = _build(client, self._base_url, request, None)
        # A transport of the caller's own tells nothing: what it was given counts as sent.
        watch = _Watch(left=self._transport is not None)
        outgoing.extensions["trace"] = watch
        try:
            async with asyncio.timeout(self._timeout):
                response = await client.send(outgoing, stream=True)
                try:
                    body = bytearray()
                    async for piece in response.aiter_bytes():
                        body += piece
                        if len(body) > BODY_LIMIT:
                            break
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            failure = _failure(request, error, self._timeout, left=watch.left)
        else:
            return _received(response, body)
        finally:
            await watch.clean_up()
        raise failure

    async def aclose(self) -> None:
        """Close the connections of the running loop, and take no more calls on any."""
        self._closed = True
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            self._clients = {known: held for known, held in self._clients.items() if not known.is_closed()}
            client = httpx.AsyncClient(headers=self._headers, transport=self._transport, verify=self._verify)
            self._clients[loop] = client
        return client


class _Watch:
    """What httpcore tells of a call: whether it began to leave, and a socket that nobody may own."""

    def __init__(self, *, left: bool) -> None:
        self.left = left
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".connect_tcp.complete"):
            self._stream = info["return_value"]
        elif event.endswith((".start_tls.complete", ".send_request_headers.started")):
            self._stream = None
            self.left = self.left or event.endswith(".started")

    async def clean_up(self) -> None:
        """Close the socket of a TLS handshake that was cancelled: httpcore forgets it."""
        if self._stream is not None:
            await self._stream.aclose()


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes some 25 ms: once in a process is enough.
    return httpx.create_ssl_context()


def _headers(settings: Settings) -> httpx.Headers:
    # httpx hides the Authorization header in the repr of its headers.
    return httpx.Headers(
        {
            "Authorization": f"Bearer {settings.app_secret}",
            "Accept": "application/json",
            "User-Agent": f"cfrealtime/{version('cfrealtime')}",
        }
    )


def _build(
    client: httpx.Client | httpx.AsyncClient, base_url: str, request: Request[Any], timeout: float | None
) -> httpx.Request:
    return client.build_request(
        request.method,
        base_url + request.path,
        params=request.query or None,
        content=request.body,
        headers=None if request.body is None else {"Content-Type": "application/json"},
        timeout=timeout,
    )


def _received(response: httpx.Response, body: bytearray) -> Response:
    return Response(response.status_code, dict(response.headers), bytes(body))


def _failure(
    request: Request[Any], error: httpx.HTTPError | OSError, timeout: float, *, left: bool = True
) -> RealtimeError:
    """The typed error for one of httpx's, quoted only where no byte of an answer can be in its text.

    An OSError is a transport of the caller's own that broke, or, as TimeoutError, the async deadline.
    """
    if isinstance(error, _NO_CONNECTION) or (isinstance(error, TimeoutError) and not left):
        slow = isinstance(error, (TimeoutError, httpx.TimeoutException))
        reason = f"no connection within {timeout:g} s" if slow else f"there is no connection ({error})"
        return NotSentError(reason, operation=request.operation, session_id=request.session_id)
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        reason = f"no complete answer within {timeout:g} s"
    else:
        reason = f"the connection broke before the answer was complete ({type(error).__name__})"
    return OutcomeUnknownError(reason, operation=request.operation, session_id=request.session_id)


def _closed(request: Request[Any]) -> InvalidRequestError:
    return InvalidRequestError(
        f"{request.operation} was not sent: this client is closed. Make a new one.",
        operation=request.operation,
    )
