"""Sending with httpcore, blocking."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

import httpcore

from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.received import BODY_LIMIT, received
from cfrealtime._direct import CLOSED, KEEPALIVE_EXPIRY, Service, lost, usable
from cfrealtime.blocking.pool import SyncPool


class SyncDirectEngine:
    """Sends through connections of its own; may be shared by threads."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None) -> None:
        self.closed = False
        self._service = Service(base_url)
        self._tls = tls
        self._sockets = _Sockets()
        self._pool = SyncPool(self._connection, usable)

    def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send one request and read its response, whatever its status."""
        if self.closed:
            return CLOSED
        outgoing = self._service.outgoing(request, headers, _Timeouts(seconds))
        try:
            with self._pool.one(seconds) as connection:
                response = connection.handle_request(outgoing)
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

    def _connection(self) -> httpcore.HTTPConnection:
        return httpcore.HTTPConnection(
            self._service.origin,
            ssl_context=self._tls,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            network_backend=self._sockets,
        )


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
        self._stream.write(buffer, _now(timeout, httpcore.WriteTimeout))

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
