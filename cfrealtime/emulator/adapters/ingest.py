"""Sound that comes from a WebSocket, played out as an Opus publication."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Mapping
from typing import Final

from attrs import evolve

from cfrealtime.emulator.limits import INGEST_BACKLOG
from cfrealtime.emulator.media.plan import LocalTransport, SessionMedia, Source
from cfrealtime.emulator.media.rtp import write
from cfrealtime.emulator.sdp import Negotiation

from . import messages
from .codecs import FRAME_BYTES, RATE, SAMPLE_BYTES, SAMPLES, OpusEncoder
from .dialing import Channel, ChannelClosedError

MID: Final = "0"
"""The one section of an ingest's session."""
FRAME: Final = SAMPLES / RATE
LATE: Final = 0.1
"""Sound later than this does not continue what was played before: there was a pause."""
FLUSH: Final = 0.1
"""A frame for which this long nothing more comes is filled with silence."""
_BACKLOG = int(INGEST_BACKLOG * RATE) * SAMPLE_BYTES
_SSRC, _PAYLOAD_TYPE = 0x0ADA_9731, 111


class PeerlessNegotiation(Negotiation):
    """What a session without an endpoint has agreed on with itself: to receive Opus on one section."""

    def __init__(self, local: LocalTransport) -> None:
        super().__init__(local)
        self.answer_offer(_OFFER, [MID])

    def media(
        self,
        sources: Mapping[str, Source | None],
        closed: Collection[str] = (),
        rids: Mapping[str, tuple[str, ...]] | None = None,
    ) -> SessionMedia:
        """The picture for the media plane, which has nobody to connect to."""
        return evolve(super().media(sources, closed, rids), remote=None)


_OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {MID}",
        f"m=audio 9 UDP/TLS/RTP/SAVPF {_PAYLOAD_TYPE}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{MID}",
        "a=sendonly",
        "a=rtcp-mux",
        f"a=rtpmap:{_PAYLOAD_TYPE} opus/48000/2",
        f"a=fmtp:{_PAYLOAD_TYPE} minptime=10;useinbandfec=1;stereo=1",
        f"a=ssrc:{_SSRC} cname:adapter",
        "a=ice-ufrag:none",
        "a=ice-pwd:nobodyconnectsherenobody",
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32),
        "a=setup:actpass",
        "",
    )
)


class Ingest:
    """Takes PCM from a WebSocket at any pace, and plays it out in real time."""

    def __init__(self, channel: Channel, play: Callable[[bytes], None]) -> None:
        self.bytes_processed = 0
        self._channel = channel
        self._play_packet = play
        self._encoder = OpusEncoder()
        self._sound = bytearray()
        self._more, self._fewer = asyncio.Event(), asyncio.Event()
        self._gone = False
        self._sequence = 0

    async def run(self) -> str:
        """Until the WebSocket has gone and everything is played; gives why it is over."""
        listening = asyncio.create_task(self._listen())
        try:
            await self._play()
            await listening
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await self.aclose()
        return "its WebSocket was closed"

    async def aclose(self) -> None:
        """Close the WebSocket."""
        await self._channel.aclose()

    async def _listen(self) -> None:
        """Take messages until the WebSocket is gone. What is no message, or text, is ignored (our choice)."""
        try:
            while True:
                data = await self._channel.receive()
                message = messages.decode(data) if isinstance(data, bytes) else None
                if message is None:
                    continue
                self.bytes_processed += len(data)
                self._sound += message.payload
                self._more.set()
                while len(self._sound) >= _BACKLOG:
                    self._fewer.clear()
                    await self._fewer.wait()
        except ChannelClosedError:
            self._gone = True
            self._more.set()

    async def _play(self) -> None:
        """Play a frame every 20 ms while there is sound; in a pause, nothing."""
        loop = asyncio.get_running_loop()
        started, slot = loop.time(), 0
        while (sound := await self._next()) is not None:
            late = loop.time() - started - slot * FRAME
            paused = self._sequence == 0 or late > LATE
            if late > LATE:
                slot += math.ceil(late / FRAME)
                late = loop.time() - started - slot * FRAME
            if late < 0:
                await asyncio.sleep(-late)
            self._emit(sound, slot, first=paused)
            slot += 1

    async def _next(self) -> bytes | None:
        """The next frame of sound; None when there will be no more."""
        while len(self._sound) < FRAME_BYTES and not self._gone:
            self._more.clear()
            try:
                async with asyncio.timeout(FLUSH if self._sound else None):
                    await self._more.wait()
            except TimeoutError:
                break
        frame = bytes(self._sound[:FRAME_BYTES])
        del self._sound[:FRAME_BYTES]
        self._fewer.set()
        return frame.ljust(FRAME_BYTES, b"\0") if frame else None

    def _emit(self, sound: bytes, slot: int, *, first: bool) -> None:
        for payload in self._encoder.encode(sound):
            packet = write(
                marker=first,
                payload_type=_PAYLOAD_TYPE,
                sequence=self._sequence,
                timestamp=slot * SAMPLES,
                ssrc=_SSRC,
                extensions=b"",
                payload=payload,
            )
            self._sequence += 1
            self._play_packet(packet)
