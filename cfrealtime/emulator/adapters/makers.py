"""RTP packets to the messages of an egress: sound at once, pictures in a thread and one a second."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from cfrealtime.emulator.limits import EGRESS_BACKLOG, PICTURE_INTERVAL

from .codecs import RATE, SAMPLES, OpusDecoder, Picture, UndecodableError, VideoDecoder, jpeg
from .egress import Outbox
from .frames import Frame, Frames
from .messages import Message

_MAX_PENDING = 300
"""Coded pictures that wait for the decoder; a machine that is slower than this starts anew."""


class Sound:
    """Opus to PCM: one message for each packet, numbered and timed as the packet was."""

    def __init__(self, codecs: Mapping[int, str], clock: Callable[[], float]) -> None:
        self.outbox = Outbox(int(EGRESS_BACKLOG * RATE / SAMPLES))
        self._frames = Frames(codecs, video=False)
        self._decoder = OpusDecoder()
        self._clock = clock

    def take(self, packet: bytes) -> None:
        """A packet. Decoding is done here: it takes less than handing it on would."""
        for frame in self._frames.put(packet, self._clock()):
            try:
                sound = self._decoder.decode(frame.data)
            except UndecodableError:
                self._decoder = OpusDecoder()
                continue
            self.outbox.put(Message(sound, frame.index, frame.timestamp))

    async def run(self) -> None:
        """Nothing takes longer."""
        await asyncio.Event().wait()


class Pictures:
    """Video to JPEG. Every picture is decoded, since the next ones build on it, and few are sent."""

    def __init__(
        self, codecs: Mapping[int, str], clock: Callable[[], float], ask_key_frame: Callable[[], None]
    ) -> None:
        self.outbox = Outbox(1)
        self._frames = Frames(codecs, video=True)
        self._clock = clock
        self._ask_key_frame = ask_key_frame
        self._pending: deque[Frame] = deque()
        self._wake = asyncio.Event()
        self._decoder: VideoDecoder | None = None
        self._due = float("-inf")

    def take(self, packet: bytes) -> None:
        """A packet."""
        self._pending.extend(self._frames.put(packet, self._clock()))
        if len(self._pending) > _MAX_PENDING:
            self._pending.clear()
            self._frames.lose()
        if self._pending or self._frames.broken:
            self._wake.set()

    async def run(self) -> None:
        """Decode what comes, and send the newest picture once a second."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._frames.broken:
                self._ask_key_frame()
            coded = list(self._pending)
            self._pending.clear()
            if not coded:
                continue
            try:
                message = await asyncio.to_thread(self._made, coded, due=self._clock() >= self._due)
            except UndecodableError:
                self._decoder = None
                self._frames.lose()
                continue
            if message is not None:
                self._due = self._clock() + PICTURE_INTERVAL
                self.outbox.put(message)

    def _made(self, coded: Sequence[Frame], *, due: bool) -> Message | None:
        """The newest picture as a message, if one is due; without a number (docs: it may be unset)."""
        shown: tuple[Picture, int] | None = None
        for frame in coded:
            if self._decoder is None or self._decoder.codec != frame.codec:
                self._decoder = VideoDecoder(frame.codec)
            picture = self._decoder.decode(frame.data)
            if picture is not None:
                shown = picture, frame.timestamp
        if shown is None or not due:
            return None
        picture, timestamp = shown
        return Message(jpeg(picture), timestamp=timestamp)
