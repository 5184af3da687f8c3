"""A WebRTC endpoint of a few lines: one UDP socket, one ICE check, DTLS as client, packets as bytes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress

from aioice import stun
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCSctpCapabilities,
    RTCSctpTransport,
)

from tests.cfrealtime.emulator.peer import until
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, blocks, describe, value


class LightPeer(asyncio.DatagramProtocol):
    """Connects to an emulator's media plane and exchanges packets with it."""

    role = "controlled"  # makes aiortc the DTLS client

    def __init__(self) -> None:
        self.ufrag = secrets.token_hex(4)
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self._datagrams: asyncio.Queue[bytes] = asyncio.Queue()
        self._checked = asyncio.Event()
        self._certificate = RTCCertificate.generateCertificate()
        self.fingerprint = self._certificate.getFingerprints()[0].value
        self.dtls: RTCDtlsTransport | None = None
        self.sctp: RTCSctpTransport | None = None

    # Descriptions.

    def offer(self, *sections: M, **options) -> str:
        return describe(*sections, ufrag=self.ufrag, fingerprint=self.fingerprint, **options)

    def answer(self, offer: str) -> str:
        return answer(offer, ufrag=self.ufrag, fingerprint=self.fingerprint)

    # Connecting.

    async def connect(self, sdp: str) -> None:
        """Come up against the transport that a description of the SFU names."""
        block = self._block = blocks(sdp)[0]
        await self.check()
        algorithm, fingerprint = value(block, "fingerprint").split()
        self.dtls = RTCDtlsTransport(self, [self._certificate])
        self.dtls._handle_rtp_data = self._take_rtp
        self.dtls._handle_rtcp_data = self._take_rtcp
        await self.dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, fingerprint)]))
        assert self.dtls.state == "connected"

    async def check(self, sdp: str | None = None) -> None:
        """Send one connectivity check that nominates this path, and wait for its answer."""
        block = self._block if sdp is None else blocks(sdp)[0]
        host, port = value(block, "candidate").split()[4:6]
        if not hasattr(self, "socket"):
            loop = asyncio.get_running_loop()
            self.socket, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=(host, int(port)))
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{value(block, 'ice-ufrag')}:{self.ufrag}"
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(value(block, "ice-pwd").encode())
        self._checked.clear()
        self.socket.sendto(bytes(request))
        await asyncio.wait_for(self._checked.wait(), 30)

    async def open_data_channels(self) -> None:
        self.sctp = RTCSctpTransport(self.dtls)
        await self.sctp.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)

    async def close(self) -> None:
        if self.sctp is not None:
            await self.sctp.stop()
        if self.dtls is not None:
            await self.dtls.stop()
        self.socket.close()
        for _ in range(3):  # aiortc's own tasks end with the next turns of the loop
            await asyncio.sleep(0)

    # Packets.

    async def send(self, packet: bytes) -> None:
        await self.dtls._send_rtp(packet)

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until something has arrived."""
        await until(done)

    async def settled(self) -> None:
        """Wait until everything that was sent before has gone its way through this process."""
        for _ in range(10):  # turns of the loop, however long each may take
            await asyncio.sleep(0.01)

    async def _take_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        self.rtp.append(data)

    async def _take_rtcp(self, data: bytes) -> None:
        self.rtcp.append(data)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[0] < 4:
            self._checked.set()
        else:
            self._datagrams.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """The other side's socket is gone, as on any network."""

    async def _recv(self) -> bytes:
        return await self._datagrams.get()

    async def _send(self, data: bytes) -> None:
        with suppress(OSError):
            self.socket.sendto(data)
