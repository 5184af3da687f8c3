"""A WebRTC endpoint with canned media that says what reaches it: ICE, DTLS, SRTP and SCTP, no codec."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
from attrs import evolve

from cfrealtime_rooms.testing import sdp
from cfrealtime_rooms.testing.ice import IceClient
from cfrealtime_rooms.testing.rtp import Packet, extension_block, feedback, is_rtcp, parse, vp8_key_frame
from tests.cfrealtime.emulator.sdp.endpoint import (
    CHROMIUM,
    M,
    answer,
    answering,
    blocks,
    describe,
    stopped,
    value,
)

CERTIFICATE = RTCCertificate.generateCertificate()
PASSWORD = "clientpassword1234567890"
"""What `describe` writes for everybody."""
MID, RID = 4, 10
"""Numbers of header extensions in our offers."""
KEY = b"\x10\x10\x02\x00\x9d\x01\x2a\x40\x01\xf0\x00"
"""The first bytes of a VP8 key frame, after RTP's."""
DELTA = b"\x10\x11" + bytes(9)
H265 = (49, 50, "H265", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST")
NUMBERS = evolve(CHROMIUM, video=(*CHROMIUM.video, H265))
OPUS, VP8 = 111, 96
TELEPHONE = {"PCMU": 0, "PCMA": 8}
"""The old codecs of sound, whose numbers are the same everywhere."""


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
        self._said: dict[int, int] = {}
        """The number that comes next of a stream: one that began anew would be taken for a replay."""
        self._key_wanted = False

    async def open(self) -> None:
        """Find our own candidates."""
        await self._ice.open()

    # Descriptions.

    def offer(self, *added: M) -> str:
        """An offer with these sections added."""
        self.sections += added
        text = describe(*self.sections, numbers=NUMBERS, ufrag=self._ice.ufrag, fingerprint=self._fingerprint)
        return self._own(_narrowed(text, self.sections))

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

    def turn(self, mid: str, direction: str) -> None:
        """Give a section another direction with the next offer."""
        self.sections = [evolve(m, direction=direction) if m.mid == mid else m for m in self.sections]

    def recycle(self, mid: str, section: M) -> None:
        """Put a new section into the place of a stopped one with the next offer."""
        self.sections = [section if m.mid == mid else m for m in self.sections]

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

    async def come_back(self) -> None:
        """Have a network again, at another address."""
        await self._ice.open()
        self.refresh()

    def restart(self) -> None:
        """Want other credentials of ICE from the next offer on."""
        self._ice.ufrag, self._ice.pwd = secrets.token_hex(4), secrets.token_hex(12)

    def restarted(self, remote: str) -> bool:
        """Check with the credentials of an answer; says whether they are others than before."""
        transport = sdp.parse(remote).transport
        assert transport is not None
        before, self._ice._remote = self._ice._remote, transport
        self.refresh()
        return before is None or before.ufrag != transport.ufrag

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

    def speak(self, mid: str, word: bytes, ssrc: int, kind: int = OPUS) -> None:
        """Say a word fifty times a second on a section."""
        self._media[mid] = asyncio.create_task(self._speak(mid, word, ssrc, kind))

    def show(self, mid: str, pictures: Callable[[bool], Iterable[bytes]], ssrc: int, kind: int) -> None:
        """Send what was really encoded, fifteen pictures a second, each as the payloads that it gives."""
        self._media[mid] = asyncio.create_task(self._show(mid, pictures, ssrc, kind))

    def film(self, mid: str, layers: dict[str, int]) -> None:
        """Send fifteen pictures a second of each layer; a layer's word is its rid, or "video" without one."""
        self._media[mid] = asyncio.create_task(self._film(mid, layers))

    def be_silent(self, *mids: str) -> None:
        """Send nothing more on these sections, or on any."""
        for mid in mids or tuple(self._media):
            self._media.pop(mid).cancel()

    async def _speak(self, mid: str, word: bytes, ssrc: int, kind: int) -> None:
        block = extension_block([(MID, mid.encode())])
        for number in itertools.count(self._said.setdefault(ssrc, secrets.randbits(12))):
            self._said[ssrc] = number + 1
            await self._send(kind, ssrc, number, 960 * number, block, word)
            await asyncio.sleep(0.02)

    async def _show(
        self, mid: str, pictures: Callable[[bool], Iterable[bytes]], ssrc: int, kind: int
    ) -> None:
        block, number = extension_block([(MID, mid.encode())]), 0
        for count in itertools.count():
            key, self._key_wanted = self._key_wanted or count == 0, False
            payloads = list(pictures(key))
            for index, payload in enumerate(payloads, 1):
                last = index == len(payloads)
                await self._send(kind, ssrc, number, 6000 * count, block, payload, marker=last)
                number += 1
            await asyncio.sleep(1 / 15)

    async def _film(self, mid: str, layers: dict[str, int]) -> None:
        start = secrets.randbits(12)
        for number in itertools.count(start):
            key, self._key_wanted = self._key_wanted or number == start, False
            for rid, ssrc in layers.items():
                items = [(MID, mid.encode())] + ([(RID, rid.encode())] if rid else [])
                payload = (KEY if key else DELTA) + (rid.encode() or b"video")
                await self._send(
                    VP8, ssrc, number, 6000 * number, extension_block(items), payload, marker=True
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


def _narrowed(text: str, sections: Sequence[M]) -> str:
    """The description with one old codec alone in sections of sound that want that."""
    head, *parts = text.split("\r\nm=")
    for index, section in enumerate(sections):
        wanted = TELEPHONE.keys() & (section.codecs or frozenset[str]())
        if section.kind == "audio" and wanted:
            (name,) = wanted
            first, *lines = parts[index].split("\r\n")
            kept = [line for line in lines if not line.startswith(("a=rtpmap", "a=fmtp"))]
            first = f"{first.partition(' UDP/TLS/RTP/SAVPF')[0]} UDP/TLS/RTP/SAVPF {TELEPHONE[name]}"
            parts[index] = "\r\n".join(
                [first, *kept[:-1], f"a=rtpmap:{TELEPHONE[name]} {name}/8000", *kept[-1:]]
            )
    return "\r\nm=".join([head, *parts])


def _candidate(number: int, candidate: sdp.Candidate) -> str:
    return f"a=candidate:{number} 1 udp {2130706431 - number} {candidate.host} {candidate.port} typ host"
