"""DTLS and SRTP of one session; with `data_association` the only module that knows aiortc.

`aiortc` is used for its lower classes only. What is touched beneath its public names is this, and a test
holds it in place: `RTCDtlsTransport._handle_rtp_data`, `._handle_rtcp_data`, `._rx_srtp`, `._tx_srtp`,
`._send_data`, and `_recv` and `_send` of the transport it is given.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, cast

import pylibsrtp
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceTransport,
)
from attrs import frozen
from OpenSSL import SSL

from .data_association import Association, ChannelCallbacks
from .data_relay import Message
from .plan import Channel, DataTransport, RemoteTransport
from .srtp import MAX_DATAGRAM, Protection, Put

Datagram = Callable[[bytes], None]

_MAX_WAITING = 4096


class Certificate:
    """The server's certificate, one for all sessions."""

    def __init__(self) -> None:
        self.aiortc = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> str:
        """Its SHA-256 fingerprint."""
        return next(f.value for f in self.aiortc.getFingerprints() if f.algorithm == "sha-256")


@frozen
class Callbacks:
    """What a secure transport reports; each is called on the event loop."""

    send: Datagram
    rtp: Datagram
    rtcp: Datagram
    connected: Callable[[], None]
    closed: Callable[[], None]
    """The peer closed the transport, or the handshake failed."""
    channels: ChannelCallbacks


class _Wire:
    """What aiortc takes for its ICE transport: our socket."""

    role = "controlling"  # makes aiortc the DTLS server

    def __init__(self, send: Datagram) -> None:
        self._send_datagram = send
        self._waiting: deque[bytes] = deque(maxlen=_MAX_WAITING)
        self._receiver: asyncio.Future[None] | None = None
        self._closed = False

    def take(self, data: bytes) -> None:
        self._waiting.append(data)
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)

    async def _recv(self) -> bytes:
        while not self._waiting:
            if self._closed:
                raise ConnectionError
            self._receiver = asyncio.get_running_loop().create_future()
            await self._receiver
        return self._waiting.popleft()

    async def _send(self, data: bytes) -> None:
        self._send_datagram(data)


class _Dtls(RTCDtlsTransport):
    """Hands packets on as they are, instead of routing them to aiortc's own receivers."""

    def __init__(self, wire: _Wire, certificate: Certificate, callbacks: Callbacks) -> None:
        super().__init__(cast("RTCIceTransport", wire), [certificate.aiortc])
        self._callbacks = callbacks

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._callbacks.rtp(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._callbacks.rtcp(data)

    async def _send_data(self, data: bytes) -> None:
        # SCTP sends from timers and tasks of its own, which do not expect a transport that has just closed.
        with suppress(ConnectionError, SSL.Error):
            await super()._send_data(data)

    # Once connected, packets take no way through aiortc: tasks and coroutines for each cost too much.

    def take(self, data: bytes) -> None:
        """An SRTP or SRTCP datagram arrived; one that is not authentic is dropped."""
        report = len(data) > 1 and 192 <= data[1] <= 223  # RFC 5761
        try:
            packet = self._rx_srtp.unprotect_rtcp(data) if report else self._rx_srtp.unprotect(data)
        except pylibsrtp.Error:
            return
        (self._callbacks.rtcp if report else self._callbacks.rtp)(packet)

    def protection(self) -> Protection:
        """What protects packets, once connected."""
        return Protection(self._tx_srtp)


class SecureTransport:
    """One session's encrypted transport, from the handshake on. We are always the DTLS server."""

    def __init__(self, certificate: Certificate, remote: RemoteTransport, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._wire = _Wire(callbacks.send)
        self._dtls = _Dtls(self._wire, certificate, callbacks)
        self._association: Association | None = None
        self._data: tuple[DataTransport | None, tuple[Channel, ...]] = (None, ())
        self._connected = self._closing = False
        self.put: Put | None = None
        """Leaves packets as they travel; None while not connected."""
        self._dtls.on("statechange", self._changed)
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in remote.fingerprints]
        self._tasks: set[asyncio.Task[None]] = set()
        self._run(self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints)))

    def datagram(self, data: bytes) -> None:
        """A DTLS, SRTP or SRTCP datagram arrived."""
        if not 0 < len(data) <= MAX_DATAGRAM:
            return
        if self._connected and data[0] > 127:
            self._dtls.take(data)
        else:
            self._wire.take(data)

    def carry(self, remote: DataTransport | None, channels: Iterable[Channel]) -> None:
        """Have these data channels as soon as DTLS stands; none without the endpoint's word about SCTP."""
        self._data = remote, tuple(channels)
        if self._connected:
            self._carry()

    def send_message(self, channel_id: int, message: Message) -> None:
        """Send a message on a data channel; one that cannot be sent is dropped."""
        if self._association is not None:
            self._association.send(channel_id, message)

    def _carry(self) -> None:
        remote, channels = self._data
        if remote is None:
            self._end_association()
            return
        if self._association is None:
            self._association = Association(self._dtls, remote, self._callbacks.channels)
            self._run(self._association.start())
        self._association.apply(channels)

    def _end_association(self) -> None:
        if self._association is not None:
            self._run(self._association.stop())
            self._association = None

    def _changed(self) -> None:
        """The DTLS state changed."""
        self._connected = self._dtls.state == "connected"
        self.put = self._dtls.protection().put if self._connected else None
        if self._closing:
            return
        if self._connected:
            self._callbacks.connected()
            self._carry()
        elif self._dtls.state in ("closed", "failed"):
            self._end_association()  # its timers would go on sending
            self._callbacks.closed()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Tell the peer and leave no task behind."""
        self._closing = True
        if self._association is not None:
            await self._association.stop()
        await self._dtls.stop()
        self._wire.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):  # aiortc's own task, which it does not show, ends with the next turns of the loop
            await asyncio.sleep(0)
