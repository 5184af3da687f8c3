"""Sending with httpcore, blocking."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, cast

import httpcore

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, received
from cfrealtime._direct import CLOSED, KEEPALIVE_EXPIRY, MAX_CONNECTIONS, MAX_KEEPALIVE, Service, lost

_PIECE: Final = 16 * 1024


class SyncDirectEngine:
    """Sends through connections of its own; may be shared by threads."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = Service(base_url)
        self._pool = _Pool(self._service.origin, tls)

    def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        try:
            return self._pool.exchange(self._service.outgoing(request, headers, _Timeouts(seconds)), seconds)
        except Exception as error:
            known = lost(error, seconds, left=True)
            if known is None:
                raise
            return known

    def close(self) -> None:
        """Close every connection."""
        self.closed = True
        self._pool.close()


class _Pool:
    """Connections to the service. Why it is not httpcore's own, the async one says."""

    def __init__(self, origin: httpcore.Origin, tls: ssl.SSLContext | None) -> None:
        self._origin, self._tls, self._sockets = origin, tls, _Sockets()
        self._places = threading.Semaphore(MAX_CONNECTIONS)
        self._lock = threading.Lock()
        # The last one used is the first one used again.
        self._idle: deque[httpcore.HTTPConnection] = deque()
        self._busy: set[httpcore.HTTPConnection] = set()
        self._closed = False

    def exchange(self, request: httpcore.Request, seconds: float) -> Response:
        """Send a request on a connection that no other call has."""
        if not self._places.acquire(timeout=seconds):
            raise httpcore.PoolTimeout
        try:
            connection = self._take()
            try:
                response = connection.handle_request(request)
                try:
                    body = bytearray()
                    for piece in cast("Iterable[bytes]", response.stream):
                        body += piece
                        if len(body) > BODY_LIMIT:
                            break
                finally:
                    response.close()
            finally:
                self._put(connection)
        finally:
            self._places.release()
        return received(response.status, response.headers, bytes(body))

    def close(self) -> None:
        """Close every connection, those in use too."""
        with self._lock:
            self._closed = True
            closing = [*self._idle, *self._busy]
            self._idle.clear()
        for connection in closing:
            connection.close()

    def _take(self) -> httpcore.HTTPConnection:
        expired: list[httpcore.HTTPConnection] = []
        with self._lock:
            while self._idle and self._idle[-1].has_expired():
                expired.append(self._idle.pop())
            connection = (
                self._idle.pop()
                if self._idle
                else httpcore.HTTPConnection(
                    self._origin,
                    ssl_context=self._tls,
                    keepalive_expiry=KEEPALIVE_EXPIRY,
                    network_backend=self._sockets,
                )
            )
            self._busy.add(connection)
        for each in expired:
            each.close()
        return connection

    def _put(self, connection: httpcore.HTTPConnection) -> None:
        closing: list[httpcore.HTTPConnection] = []
        with self._lock:
            self._busy.discard(connection)
            if self._closed or not connection.is_idle():
                closing.append(connection)
            else:
                self._idle.append(connection)
            while self._idle and (len(self._idle) > MAX_KEEPALIVE or self._idle[0].has_expired()):
                closing.append(self._idle.popleft())
        for each in closing:
            each.close()


class _Left(float):
    """Seconds until a moment, from wherever one looks."""

    moment: float

    def __new__(cls, moment: float) -> _Left:
        left = super().__new__(cls, max(moment - time.monotonic(), 0.0))
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
    """Sockets whose every read and write ends with the call's time, so that nothing can trickle.

    What cannot be interrupted is the system's lookup of a host's name.
    """

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each but the last has half of what is left."""
        *others, last = _addresses(host, port)
        for address in others:
            share = _now(timeout, httpcore.ConnectTimeout)
            share = None if share is None else share / 2
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Stream(super().connect_tcp(address, port, share, local_address, socket_options))
        rest = _now(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(last, port, rest, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _now(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces that a socket takes at once: httpcore gives each part of a larger one the whole time.
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _now(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _now(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [str(place[0]) for *_, place in found]


def _now(timeout: float | None, too_late: type[Exception]) -> float | None:
    """What is left of a time-out now."""
    if not isinstance(timeout, _Left):
        return timeout
    left = timeout.moment - time.monotonic()
    if left <= 0:
        raise too_late
    return left
