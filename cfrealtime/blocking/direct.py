"""Sending with httpcore, blocking."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any, cast

import httpcore

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, received
from cfrealtime._direct import Service, limits, lost


class SyncDirectEngine:
    """Sends through a connection pool; may be shared by threads."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = Service(base_url)
        self._pool = httpcore.ConnectionPool(**limits(tls), network_backend=_Sockets())

    def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        timeouts = _Timeouts(seconds)
        try:
            response = self._pool.handle_request(self._service.outgoing(request, headers, timeouts))
            try:
                body = bytearray()
                for piece in cast("Iterable[bytes]", response.stream):
                    body += piece
                    if len(body) > BODY_LIMIT:
                        break
            finally:
                response.close()
        except Exception as error:
            known = lost(error, seconds, left=True)
            if known is None:
                raise
            return known
        return received(response.status, response.headers, bytes(body))

    def close(self) -> None:
        """Close every connection."""
        self.closed = True
        self._pool.close()


class _Left(float):
    """Seconds until a moment, from wherever one looks."""

    moment: float

    def __new__(cls, moment: float) -> _Left:
        left = super().__new__(cls, _until(moment))
        left.moment = moment
        return left


class _Timeouts(dict[str, float]):
    """What is left of a call's time, for every phase of it."""

    def __init__(self, seconds: float) -> None:
        self._moment = time.monotonic() + seconds

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - a dict's
        """The rest. httpcore looks it up once for a phase, however many reads that takes."""
        return _Left(self._moment)


class _Sockets(httpcore.SyncBackend):
    """Sockets whose every read and write ends with the call's time, so that nothing can trickle."""

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # noqa: ANN401 - httpcore's
        """Connect."""
        return _Stream(super().connect_tcp(*args, **kwargs))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _now(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _now(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _now(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _now(timeout: float | None) -> float | None:
    return _until(timeout.moment) if isinstance(timeout, _Left) else timeout


def _until(moment: float) -> float:
    return max(moment - time.monotonic(), 0.001)
