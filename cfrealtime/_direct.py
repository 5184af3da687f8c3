"""Sending with httpcore, which is what httpx sends with: what both colours share.

Limits, time-outs and certificates are those that an httpx client has by default. What is left out is what
httpx does for requests of every kind: merging of URLs, cookies, authentication, redirects; and a pool that
looks at all its connections for every request. With a proxy in the environment, or a client or transport of
the caller's own, `cfrealtime._http` sends.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpcore

from cfrealtime._core.exchange import Lost, Request
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import broken, refused, too_slow

# The defaults of httpx; a test holds them against it.
MAX_CONNECTIONS: Final = 100
MAX_KEEPALIVE: Final = 20
KEEPALIVE_EXPIRY: Final = 5.0

# What httpx has for each of httpcore's errors has the same name.
_NO_CONNECTION: Final = {"ConnectError", "ProxyError", "UnsupportedProtocol", "UnicodeError"}
_NO_CONNECTION_IN_TIME: Final = {"ConnectTimeout", "PoolTimeout"}
_TOO_SLOW: Final = {"ReadTimeout", "WriteTimeout", "TimeoutError"}
_BROKEN: Final = {"NetworkError", "ProtocolError", "HTTPError"}

# A call can wait before it is sent again, and its client be closed meanwhile.
CLOSED: Final = Lost("this client was closed meanwhile", left=False)


class Service:
    """Where requests go, taken apart once."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self.tls = parts.scheme == "https"
        self._scheme = parts.scheme.encode()
        self._host = (parts.hostname or "").encode("ascii")
        self._port = parts.port or (443 if self.tls else 80)
        self.origin = httpcore.Origin(self._scheme, self._host, self._port)
        self._path = parts.path
        self._host_header = (b"Host", parts.netloc.encode("ascii"))

    def outgoing(
        self, request: Request[Any], headers: Headers, timeouts: dict[str, float]
    ) -> httpcore.Request:
        """The request as httpcore takes it."""
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = httpcore.URL(
            scheme=self._scheme,
            host=self._host,
            port=self._port,
            target=f"{self._path}{request.path}{query}".encode("ascii"),
        )
        lines = [self._host_header, *(headers.bare if request.body is None else headers.with_json)]
        if request.body is not None or request.method != "GET":
            lines.append((b"Content-Length", b"%d" % len(request.body or b"")))
        return httpcore.Request(
            request.method, url, headers=lines, content=request.body, extensions={"timeout": timeouts}
        )


def usable(connection: httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface) -> bool:
    """Whether a connection can take another request: its answer was read, and the other end is there."""
    return connection.is_idle() and not connection.has_expired()


def unreachable(words: str) -> Lost:
    """What is known when there was no connection: the system's words, or the status of a proxy's answer."""
    status = words[:3]
    if status.isdigit():
        words = f"the proxy answered {status}"
    return refused(OSError(words or "it broke while it was made"))


def lost(error: Exception, seconds: float, *, left: bool) -> Lost | None:
    """What an error of httpcore says of a request, or None for an error that nobody expects.

    Errors of httpx are understood, too: tools for tests, like respx, raise them out of the pool.
    """
    names = {
        kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith(("http", "builtins"))
    }
    if names & _NO_CONNECTION_IN_TIME:
        return too_slow(seconds, left=False)
    if names & _NO_CONNECTION:
        return unreachable(str(error))
    if names & _TOO_SLOW:
        return too_slow(seconds, left=left)
    if names & _BROKEN or isinstance(error, OSError):
        return broken(error) if left else unreachable("")
    return None
