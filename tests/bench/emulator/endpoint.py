"""A WebRTC endpoint that costs next to nothing, so that what is measured is the emulator.

Its media is never decrypted on arrival: number, time and source of a packet stand in the clear. The RTP
timestamp is the wall clock in microseconds, and the kernel says when a packet came, so a delay does not
contain the time that this process took to look. It looks now and then instead of being woken: on
one machine the emulator would pay for every waking, which endpoints elsewhere never cost it.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
import struct
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress

from aioice import stun
from aiortc import (
    RTCCertificate,
    RTCDataChannel,
    RTCDataChannelParameters,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCSctpCapabilities,
    RTCSctpTransport,
)

from tests.cfrealtime.emulator.sdp.endpoint import M, answer, blocks, describe, value

_SO_TIMESTAMPNS = 35
_LOOK_EVERY = 0.005
_CONSENT_EVERY = 4.0
_BUFFER = 4 * 1024 * 1024
_HEADER = struct.Struct("!BBHII")
_CERTIFICATE = RTCCertificate.generateCertificate()


def microseconds() -> int:
    """Now, as it is written into packets."""
    return time.time_ns() // 1000 & 0xFFFFFFFF


class _Poll:
    """Looks at every socket, over and over, while there is any."""

    def __init__(self) -> None:
        self._endpoints: dict[Endpoint, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint] = None
        if self._timer is None:
            self._look()

    def discard(self, endpoint: Endpoint) -> None:
        self._endpoints.pop(endpoint, None)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for endpoint in tuple(self._endpoints):
            endpoint.look()
            endpoint.consent(now)
        if self._endpoints:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY, self._look)


_poll = _Poll()


class Endpoint:
    """One connection. Implements what aiortc's DTLS wants of an ICE transport."""

    role = "controlled"  # makes aiortc the DTLS client

    def __init__(self) -> None:
        self.ufrag = secrets.token_hex(4)
        self.fingerprint = _CERTIFICATE.getFingerprints()[0].value
        self.packets: Counter[int] = Counter()
        """Packets received by SSRC."""
        self.delays = defaultdict[int, list[int]](list)
        """Microseconds from here through the emulator to the other's socket, by second of arrival."""
        self.heard: Counter[str | bytes] = Counter()
        """Messages of data channels."""
        self.dtls: RTCDtlsTransport | None = None
        self._sctp: RTCSctpTransport | None = None
        self._socket: socket.socket | None = None
        self._handshake: asyncio.Queue[bytes] = asyncio.Queue()
        self._checked = asyncio.Event()
        self._consent_due = 0.0

    # Descriptions.

    def offer(self, *sections: M) -> str:
        return describe(*sections, ufrag=self.ufrag, fingerprint=self.fingerprint)

    def answer(self, offer: str) -> str:
        return answer(offer, ufrag=self.ufrag, fingerprint=self.fingerprint)

    # Connecting.

    async def connect(self, sdp: str) -> None:
        """Come up against the transport that a description of the emulator names."""
        self._remote = blocks(sdp)[0]
        host, port = value(self._remote, "candidate").split()[4:6]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)
        self._socket.connect((host, int(port)))
        _poll.add(self)
        await self.check()
        algorithm, fingerprint = value(self._remote, "fingerprint").split()
        self.dtls = RTCDtlsTransport(self, [_CERTIFICATE])
        self.dtls._handle_rtp_data = self._rtp
        self.dtls._handle_rtcp_data = self._rtcp
        await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, fingerprint)]))
        if self.dtls.state != "connected":
            raise ConnectionError(f"DTLS is {self.dtls.state}")

    async def open_data_channels(self) -> None:
        """Begin with SCTP, once connected."""
        self._sctp = RTCSctpTransport(self.dtls)
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)

    def channel(self, channel_id: int) -> RTCDataChannel:
        """Our end of a data channel that the service has made."""
        channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(negotiated=True, id=channel_id))
        channel.on("message", lambda message: self.heard.update([message]))
        return channel

    async def check(self) -> None:
        """One connectivity check, repeated until it is answered."""
        self._checked.clear()
        for _ in range(120):
            self._transmit(self._check())
            with suppress(TimeoutError):
                async with asyncio.timeout(0.25):
                    await self._checked.wait()
                    return
        raise ConnectionError("no connectivity check was answered")

    def _check(self) -> bytes:
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{value(self._remote, 'ice-ufrag')}:{self.ufrag}"
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(value(self._remote, "ice-pwd").encode())
        return bytes(request)

    def consent(self, now: float) -> None:
        """Say from time to time that we are still here."""
        if now >= self._consent_due:
            self._consent_due = now + _CONSENT_EVERY
            self._transmit(self._check())

    async def close(self) -> None:
        """Say good-bye and leave nothing behind."""
        if self._sctp is not None:
            await self._sctp.stop()
        if self.dtls is not None:
            await self.dtls.stop()
        self.vanish()
        for _ in range(3):  # aiortc's own task ends with the next turns of the loop
            await asyncio.sleep(0)

    def vanish(self) -> None:
        """Go without a word."""
        if self._socket is not None:
            _poll.discard(self)
            self._socket.close()
            self._socket = None

    # Packets.

    def send(self, packet: bytes) -> None:
        """Protect and send one RTP or RTCP packet."""
        step = self.dtls._send_rtp(packet)
        with suppress(StopIteration, ConnectionError):
            step.send(None)
        step.close()

    def _transmit(self, data: bytes) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.send(data)

    def look(self) -> None:
        """Take what has come."""
        delays, packets = self.delays, self.packets
        while (sock := self._socket) is not None:
            try:
                data, extra, _, _ = sock.recvmsg(2048, 64)
            except OSError:
                return
            if data[0] < 128:
                self._other(data)
            elif 192 <= data[1] <= 223:
                self._take_rtcp(data)
            else:
                _, _, _, timestamp, ssrc = _HEADER.unpack_from(data)
                packets[ssrc] += 1
                seconds, nanoseconds = struct.unpack("ll", extra[0][2])
                delays[seconds].append((seconds * 1_000_000 + nanoseconds // 1000 - timestamp) & 0xFFFFFFFF)
                self._take_rtp(data)

    def _other(self, data: bytes) -> None:
        if data[0] < 4:
            self._checked.set()
        else:
            self._handshake.put_nowait(data)

    def _take_rtp(self, data: bytes) -> None:
        """A protected RTP packet; nobody looks into it."""

    def _take_rtcp(self, data: bytes) -> None:
        """A protected RTCP packet; nobody looks into it."""

    async def _rtp(self, data: bytes, arrival_time_ms: int) -> None:
        """A decrypted packet, for those who feed aiortc with what arrives."""

    async def _rtcp(self, data: bytes) -> None:
        """A decrypted packet, for those who feed aiortc with what arrives."""

    async def _recv(self) -> bytes:
        return await self._handshake.get()

    async def _send(self, data: bytes) -> None:
        self._transmit(data)


class Source:
    """Microphone and camera of an endpoint: 50 and 90 packets a second, about 0.8 Mbit/s.

    A camera with layers sends as much for each of them.
    """

    AUDIO, VIDEO = b"\xfc" + b"a" * 99, b"v" * 1000
    FRAME_PACKETS, KEY_EVERY = 3, 30
    LATE = 0.005
    """Seconds after which a sending counts as late: several at once are a crowd that this process made."""

    def __init__(self, endpoint: Endpoint, ssrc: int, *, video: bool, rids: Sequence[str] = ()) -> None:
        self.sent = self.late = 0
        self._endpoint = endpoint
        self._sequences = Counter[int]()
        self._audio, self._video = ssrc, dict[int, bytes]()
        if video:
            layers = [_layer("1", rid) for rid in rids] or [b""]
            self._video = {ssrc + 10 * number: layer for number, layer in enumerate(layers, 1)}
        self._timers = dict[int, asyncio.TimerHandle]()

    def start(self, phase: float) -> None:
        """Send from now on; `phase` (0 to 1) sets publishers apart."""
        now = asyncio.get_running_loop().time()
        self._later(now + phase / 50, 0)
        if self._video:
            self._later(now + phase / 30, 1)

    def stop(self) -> None:
        """Send no more."""
        for timer in self._timers.values():
            timer.cancel()

    def _later(self, at: float, stream: int) -> None:
        send = self._audio_packet if stream == 0 else self._video_frame
        self._timers[stream] = asyncio.get_running_loop().call_at(at, send, at)

    def _next(self, due: float, interval: float) -> float:
        """When it is due again; nobody sends ten frames at once because this process has overslept."""
        now = asyncio.get_running_loop().time()
        self.late += now - due > self.LATE
        return due + interval * max(1, math.ceil((now - due) / interval))

    def _audio_packet(self, due: float) -> None:
        self._packet(111, self._audio, self.AUDIO, marker=False)
        self._later(self._next(due, 1 / 50), 0)

    def _video_frame(self, due: float) -> None:
        for ssrc, layer in self._video.items():
            key = self._sequences[ssrc] % (self.FRAME_PACKETS * self.KEY_EVERY) == 0
            for number in range(self.FRAME_PACKETS):
                head = (b"\x10\x00" if key else b"\x10\x01") if number == 0 else b"\x00\x01"
                self._packet(96, ssrc, head + self.VIDEO, layer, marker=number == self.FRAME_PACKETS - 1)
        self._later(self._next(due, 1 / 30), 1)

    def _packet(
        self, payload_type: int, ssrc: int, payload: bytes, extension: bytes = b"", *, marker: bool
    ) -> None:
        sequence = self._sequences[ssrc]
        self._sequences[ssrc] = sequence + 1
        first, second = 0x90 if extension else 0x80, payload_type | (0x80 if marker else 0)
        header = _HEADER.pack(first, second, sequence & 0xFFFF, microseconds(), ssrc)
        self._endpoint.send(header + extension + payload)
        self.sent += 1


def _layer(mid: str, rid: str) -> bytes:
    """A header extension that says which layer of which section this is; both have names of one character."""
    return b"\xbe\xde\x00\x01" + bytes((0x40,)) + mid.encode() + bytes((0xA0,)) + rid.encode()
