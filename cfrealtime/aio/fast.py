"""Sending with aiohttp, which takes a fraction of httpcore's work when many calls are in flight.

What it does by itself and httpx does not is switched off: repeating requests, following redirects, keeping
cookies, reading netrc, unpacking bodies. Results and errors are those of the other engines.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from contextvars import ContextVar
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode, urlsplit

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, broken, received, too_slow
from cfrealtime._direct import CLOSED, KEEPALIVE_EXPIRY, MAX_CONNECTIONS, unreachable
from cfrealtime._environment import proxy_for, trusted
from cfrealtime.errors import ConfigurationError

try:
    import aiohttp
    from aiohttp import ClientHandlerType  # there since 3.12, which is what is needed
    from yarl import URL
except ImportError:
    raise ConfigurationError(
        'engine= is "httpx", or "aiohttp" after pip install "cfrealtime[fast]".'
    ) from None

if TYPE_CHECKING:
    from aiohttp.connector import Connection

    from cfrealtime._http import AsyncHttpClient, AsyncTransport

# As much as httpcore reads of an answer's head; error pages of proxies have long headers.
_LONGEST_LINE: Final = 100 * 1024
# aiohttp warns of more than this in one piece.
_LONGEST_PIECE: Final = 2**20


def fast_engine(
    engine: str, base_url: str, http_client: AsyncHttpClient | None, transport: AsyncTransport | None
) -> AsyncFastEngine:
    """The engine of that name, if nothing was given that only httpx can use."""
    if engine != "aiohttp":
        raise ConfigurationError(f'engine= is "httpx" or "aiohttp": {engine!r} will not do.')
    if http_client is not None or transport is not None:
        raise ConfigurationError(
            'engine="aiohttp" has connections of its own: pass neither http_client= nor transport= with it.'
        )
    return AsyncFastEngine(base_url)


class AsyncFastEngine:
    """Sends through aiohttp's sessions, one for each event loop that it is called on."""

    def __init__(self, base_url: str) -> None:
        self.closed = False
        self._base_url = base_url
        self._proxy, authorization = _proxy(base_url)
        # What a tunnel is asked for with, and what goes with every request where there is no tunnel.
        tunnelled = base_url.startswith("https:")
        self._to_proxy = authorization if tunnelled else []
        self._with_all = [] if tunnelled else authorization
        secure = tunnelled or (self._proxy is not None and self._proxy.scheme == "https")
        self._tls = trusted() if secure else None
        # Connections belong to the loop they were opened on.
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        call = _Call()
        token = _CALL.set(call)
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(request, headers)
        except (aiohttp.ClientError, _DroppedError, OSError, UnicodeError) as error:
            return _lost(error, seconds, left=call.left)
        finally:
            _CALL.reset(token)
            call.finish()

    async def _exchange(self, request: Request[Any], headers: Headers) -> Response:
        session = await self._session()
        # aiohttp learns from the loop that a server closed a connection. Where the loop was blocked it does
        # not know yet: one round reads what the sockets hold, and then this task goes on.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        response = await session.request(
            request.method,
            self._url(request),
            data=_content(request.body),
            headers=[*_lines(request, headers), *self._with_all],
            allow_redirects=False,
            proxy=self._proxy,
            proxy_headers=self._to_proxy,
        )
        try:
            body = bytearray()
            while piece := await response.content.readany():
                body += piece
                if len(body) > BODY_LIMIT:
                    break
        finally:
            # A connection with something unread on it is closed.
            response.release()
        return received(response.status, response.raw_headers, bytes(body))

    async def aclose(self) -> None:
        """Close the connections of the running loop, and take no more calls on any."""
        self.closed = True
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            session = self._sessions[loop] = _open(self._tls)
            for other in [known for known in self._sessions if known.is_closed()]:
                # Its sockets went with its loop; what is closed here is what would complain.
                await self._sessions.pop(other).close()
        return session

    def _url(self, request: Request[Any]) -> URL:
        query = f"?{urlencode(request.query)}" if request.query else ""
        return URL(f"{self._base_url}{request.path}{query}", encoded=True)


class _Call:
    """How far a call is: a request leaves as soon as it has a connection, which comes after any tunnel."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    @property
    def left(self) -> bool:
        return self.transport is not None

    def finish(self) -> None:
        """Drop a connection that was closed: aiohttp lets it send what is left, and say good-bye by TLS."""
        if self.transport is not None and self.transport.is_closing():
            self.transport.abort()


_CALL: Final[ContextVar[_Call]] = ContextVar("call")


class _Connector(aiohttp.TCPConnector):
    """Connections, each told to the call that gets it."""

    async def connect(self, *args: Any, **options: Any) -> Connection:  # noqa: ANN401 - aiohttp's
        """Take one from the pool, or make one."""
        connection = await super().connect(*args, **options)
        _CALL.get().transport = connection.transport
        return connection


def _open(tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    """A session with the limits of an httpx client, and names looked up as everything else does."""
    return aiohttp.ClientSession(
        connector=_Connector(
            ssl=tls or True,
            limit=MAX_CONNECTIONS,
            keepalive_timeout=KEEPALIVE_EXPIRY,
            resolver=aiohttp.ThreadedResolver(),
        ),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        skip_auto_headers=["Content-Type"],
        middlewares=[_once],
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
    )


class _DroppedError(Exception):
    """A connection broke; the cause is what aiohttp raised."""


async def _once(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """Send once. After these errors aiohttp would send a PUT or a GET again, unless it does not know them."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _DroppedError from error


def _lost(error: Exception, seconds: float, *, left: bool) -> Lost:
    """What an error says of a request. Nobody's words are repeated but the system's: others quote answers."""
    known = error.__cause__ if isinstance(error, _DroppedError) else error
    match known:
        case TimeoutError():
            return too_slow(seconds, left=left)
        case Exception() if left:
            return broken(known)
        case aiohttp.ClientHttpProxyError(status=status):
            return unreachable(str(status))
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            return unreachable(str(cause))
        case aiohttp.ClientConnectorError(os_error=cause):
            return unreachable(str(cause))
        case UnicodeError():
            return unreachable(str(known))
        case _:
            return unreachable("")


def _lines(request: Request[Any], headers: Headers) -> list[tuple[str, str]]:
    lines = headers.bare if request.body is None else headers.with_json
    return [(name.decode(), value.decode()) for name, value in lines]


def _content(body: bytes | None) -> bytes | BytesIO | None:
    return body if body is None or len(body) <= _LONGEST_PIECE else BytesIO(body)


def _proxy(base_url: str) -> tuple[URL | None, list[tuple[str, str]]]:
    """The environment's proxy for an address, and the header that opens it, apart: aiohttp shows URLs."""
    proxy = proxy_for(base_url)
    if proxy is None:
        return None, []
    parts = urlsplit(proxy)
    if parts.scheme not in {"http", "https"}:
        raise ConfigurationError(
            f'engine="aiohttp" cannot use the {parts.scheme.upper()} proxy that the environment names. Leave '
            "engine= out, or name the service's host in NO_PROXY."
        )
    if parts.username is None:
        return URL(proxy), []
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return URL(place.geturl()), [("Proxy-Authorization", f"Basic {b64encode(pair.encode()).decode()}")]
