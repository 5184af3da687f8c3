"""A WebRTC endpoint with canned media that says what reaches it: ICE, DTLS, SRTP and SCTP, no codec."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

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

from cfrealtime_rooms.testing import sdp
from cfrealtime_rooms.testing.ice import IceClient
from cfrealtime_rooms.testing.rtp import Packet, extension_block, feedback, is_rtcp, parse, vp8_key_frame
from tests.cfrealtime.emulator.sdp.endpoint import M, answer, answering, blocks, describe, stopped, value

CERTIFICATE = RTCCertificate.generateCertificate()
PASSWORD = "clientpassword1234567890"
"""What `describe` writes for everybody."""
MID, RID = 4, 10
"""Numbers of header extensions in our offers."""
KEY = b"\x10\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00"
"""The first bytes of a VP8 key frame, after RTP's."""
DELTA = b"\x10\x11" + bytes(9)


class _Dtls(RTCDtlsTransport):
    """Hands packets over as bytes."""

    def __init__(self, ice: IceClient, rtp: Callable[[bytes], None], rtcp: Callable[[bytes], None]) -> None:
        super().__init__(ice, [CERTIFICATE])
        self._take_rtp, self._take_rtcp = rtp, rtcp

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        self._take_rtp(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._take_rtcp(data)

    async def _send_data(self, data: bytes) -> None:
        with suppress(Exception):  # SCTP's timers outlive the connection for a moment
            await super()._send_data(data)


class Endpoint:
    """One connection."""

    def __init__(self) -> None:
        self.sections: list[M] = []
        self.words: dict[str, Counter[bytes]] = {}
        """What was heard on each mid: what a publisher says is in its packets."""
        self.numbers: dict[str, list[int]] = {}
        """Sequence numbers on each mid, as they came."""
        self.pictures: dict[str, list[bool]] = {}
        """Of each mid of video, for every first packet of a picture: whether it was a key frame."""
        self.announced: list[RTCDataChannel] = []
        """Data channels that the other side opened."""
        self.sctp: RTCSctpTransport | None = None
        self._ice = IceClient(timeout=30.0, lost=lambda: None)
        self._dtls = _Dtls(self._ice, self._rtp, self._rtcp)
        self._mids: dict[int, str] = {}
        self._mid_numbers: set[int] = set()
        self._connecting: asyncio.Task[None] | None = None
        self._media: dict[str, asyncio.Task[None]] = {}
        self._key_wanted = False

    async def open(self) -> None:
        """Find our own candidates."""
        await self._ice.open()

    # Descriptions.

    def offer(self, *added: M) -> str:
        """An offer with these sections added."""
        self.sections += added
        return self._own(describe(*self.sections, ufrag=self._ice.ufrag, fingerprint=self._fingerprint))

    def answer(self, offer: str, *, refuse: bool = False) -> str:
        """The answer of an obliging browser, or of one that takes nothing."""
        known = {section.mid for section in self.sections}
        for block in blocks(offer):
            mid, kind = value(block, "mid"), block[0][2:].split()[0]
            if mid not in known:
                self.sections.append(M(kind, mid, answering(block)))
            for line in block:
                if line.startswith("a=ssrc:"):
                    self._mids[int(line[7:].split()[0])] = mid
                if line.startswith("a=extmap:") and line.endswith("sdes:mid"):
                    self._mid_numbers.add(int(line[9:].split()[0].split("/")[0]))
        changes = {m.mid: stopped(m) for m in self.sections} if refuse else {}
        return self._own(answer(offer, self._ice.ufrag, self._fingerprint, **changes))

    def stop(self, *mids: str) -> None:
        """Stop sections with the next offer."""
        self.sections = [stopped(m) if m.mid in mids else m for m in self.sections]

    def _own(self, text: str) -> str:
        password = f"a=ice-pwd:{self._ice.pwd}"
        lines = [password, *map(_candidate, itertools.count(1), self._ice.candidates), "a=end-of-candidates"]
        text = text.replace("a=sctp-port:5000", "a=sctp-port:5000\r\na=max-message-size:262144")
        return text.replace(f"a=ice-pwd:{PASSWORD}", "\r\n".join(lines))

    @property
    def _fingerprint(self) -> str:
        return next(f.value for f in CERTIFICATE.getFingerprints() if f.algorithm == "sha-256")

    # Connecting.

    async def connect(self, remote: str) -> None:
        """Come up against the transport of a description; nothing where it has come up already."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(remote))
        await self._connecting

    async def _connect(self, remote: str) -> None:
        transport = sdp.parse(remote).transport
        assert transport is not None
        await self._ice.connect(transport)
        fingerprints = [RTCDtlsFingerprint(name, text) for name, text in transport.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints, role="server"))
        assert self._dtls.state == "connected"

    @property
    def closed(self) -> bool:
        """The other side has closed the connection."""
        return self._dtls.state == "closed"

    def refresh(self) -> None:
        """Say that we are still here."""
        if self._ice._address is not None:
            self._ice._check(self._ice._address)

    def vanish(self) -> None:
        """Lose the network without a word."""
        self.be_silent()
        self._ice.drop()

    async def hang_up(self) -> None:
        """Close the connection as a page does that is left."""
        self.be_silent()
        await self._dtls.stop()

    async def close(self) -> None:
        """Leave nothing behind."""
        tasks = [task for task in (*self._media.values(), self._connecting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.sctp is not None:
            await self.sctp.stop()
        await self._dtls.stop()
        self._ice.close()
        for _ in range(3):  # aiortc's own tasks end with the next turns of the loop
            await asyncio.sleep(0)

    # Data channels.

    async def associate(self) -> None:
        """Bring SCTP up."""
        self.sctp = RTCSctpTransport(self._dtls)
        self.sctp.on("datachannel", self.announced.append)
        await self.sctp.start(RTCSctpCapabilities(maxMessageSize=262_144), 5000)

    def channel(self, number: int, heard: list[str | bytes], **delivery: object) -> RTCDataChannel:
        """Open a channel under an id that both sides know; what comes is appended."""
        parameters = RTCDataChannelParameters(label="it", negotiated=True, id=number, **delivery)
        channel = RTCDataChannel(self.sctp, parameters)
        channel.on("message", heard.append)
        return channel

    # Media.

    def speak(self, mid: str, word: bytes, ssrc: int) -> None:
        """Say a word fifty times a second on a section."""
        self._media[mid] = asyncio.create_task(self._speak(mid, word, ssrc))

    def film(self, mid: str, layers: dict[str, int]) -> None:
        """Send fifteen pictures a second of each layer; a layer's word is its rid, or "video" without one."""
        self._media[mid] = asyncio.create_task(self._film(mid, layers))

    def be_silent(self, *mids: str) -> None:
        """Send nothing more on these sections, or on any."""
        for mid in mids or tuple(self._media):
            self._media.pop(mid).cancel()

    async def _speak(self, mid: str, word: bytes, ssrc: int) -> None:
        block = extension_block([(MID, mid.encode())])
        for number in itertools.count(secrets.randbits(12)):
            await self._send(111, ssrc, number, 960 * number, block, word)
            await asyncio.sleep(0.02)

    async def _film(self, mid: str, layers: dict[str, int]) -> None:
        start = secrets.randbits(12)
        for number in itertools.count(start):
            key, self._key_wanted = self._key_wanted or number == start, False
            for rid, ssrc in layers.items():
                items = [(MID, mid.encode())] + ([(RID, rid.encode())] if rid else [])
                payload = (KEY if key else DELTA) + (rid.encode() or b"video")
                await self._send(
                    96, ssrc, number, 6000 * number, extension_block(items), payload, marker=True
                )
            await asyncio.sleep(1 / 15)

    async def _send(
        self,
        kind: int,
        ssrc: int,
        number: int,
        timestamp: int,
        block: bytes,
        payload: bytes,
        *,
        marker: bool = False,
    ) -> None:
        head = bytes((0x90, kind | (0x80 if marker else 0))) + (number & 0xFFFF).to_bytes(2, "big")
        head += (timestamp & 0xFFFFFFFF).to_bytes(4, "big") + ssrc.to_bytes(4, "big")
        with suppress(ConnectionError):
            await self._dtls._send_rtp(head + block + payload)

    def steps(self, mid: str) -> set[int]:
        """From one sequence number to the next, in the order in which packets came."""
        return {(after - before) & 0xFFFF for before, after in itertools.pairwise(self.numbers[mid])}

    def _rtp(self, data: bytes) -> None:
        packet = parse(data)
        mid = None if packet is None else self._mids.get(packet.ssrc) or self._named(packet)
        if packet is None or mid is None or not packet.payload:
            return
        is_video = any(m.mid == mid and m.kind == "video" for m in self.sections)
        word = packet.payload[len(KEY) :] if is_video else packet.payload
        if is_video:
            self.pictures.setdefault(mid, []).append(vp8_key_frame(packet.payload) is not None)
        self.words.setdefault(mid, Counter())[word] += 1
        self.numbers.setdefault(mid, []).append(packet.sequence)

    def _named(self, packet: Packet) -> str | None:
        named = next((packet.extensions[n] for n in self._mid_numbers if n in packet.extensions), None)
        return None if named is None else named.decode(errors="replace")

    def _rtcp(self, data: bytes) -> None:
        if is_rtcp(data) and any(item.kind == "key_frame" for item in feedback(data)):
            self._key_wanted = True


def _candidate(number: int, candidate: sdp.Candidate) -> str:
    return f"a=candidate:{number} 1 udp {2130706431 - number} {candidate.host} {candidate.port} typ host"
