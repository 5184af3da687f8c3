"""RTP packets to frames: put in order, what is missing waited for, then given up. Pure: time comes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from cfrealtime.emulator.media.keyframes import starts_key_frame
from cfrealtime.emulator.media.rtp import Packet, parse, unwrap_sequence

from .payloads import unpacked

VIDEO_PATIENCE, AUDIO_PATIENCE = 0.3, 0.06
"""Seconds that a missing packet is waited for. Video is asked for again, audio can only be late."""
MAX_WAITING = 512
_MAX_FRAME = 4 * 1024 * 1024


@frozen
class Frame:
    """One coded frame."""

    codec: str
    """The codec's name, as in the first part of `plan.Codec.key`."""
    index: int
    """The number of its last packet, unwrapped."""
    timestamp: int
    data: bytes = field(repr=False)


class Frames:
    """The frames of one stream, by and by."""

    def __init__(self, codecs: Mapping[int, str], *, video: bool) -> None:
        self.broken = video
        """Nothing can be decoded before a key frame has come."""
        self._codecs = codecs
        self._video = video
        self._order = _Order(VIDEO_PATIENCE if video else AUDIO_PATIENCE)
        self._parts = bytearray()
        self._timestamp: int | None = None

    def put(self, data: bytes, now: float) -> Iterator[Frame]:
        """Take a packet; gives the frames that it completes. What is not media is ignored."""
        packet = parse(data)
        if packet is None or packet.payload_type not in self._codecs or not packet.payload:
            return
        for index, next_packet, after_gap in self._order.put(packet, now):
            if after_gap and self._video:
                self.lose()
            frame = self._add(index, next_packet)
            if frame is not None:
                yield frame

    def lose(self) -> None:
        """What comes next cannot be decoded until the next key frame."""
        self.broken = True
        self._parts.clear()

    def _add(self, index: int, packet: Packet) -> Frame | None:
        codec = self._codecs[packet.payload_type]
        if self.broken and not starts_key_frame(codec, packet.payload):
            return None
        self.broken = False
        if packet.timestamp != self._timestamp:
            self._parts.clear()
            self._timestamp = packet.timestamp
        try:
            self._parts += unpacked(codec, packet.payload)
        except ValueError:
            if self._video:
                self.lose()
            return None
        if len(self._parts) > _MAX_FRAME:
            self.lose()
        if (self._video and not packet.marker) or not self._parts:
            return None
        frame = Frame(codec, index, packet.timestamp, bytes(self._parts))
        self._parts.clear()
        return frame


@define
class _Order:
    """The packets of one stream in the order of their numbers."""

    patience: float
    _next: int | None = None
    _waiting: dict[int, tuple[float, Packet]] = field(factory=dict[int, tuple[float, Packet]])
    """When each packet came that is not yet due, and the packet; in the order in which they came."""

    def put(self, packet: Packet, now: float) -> Iterator[tuple[int, Packet, bool]]:
        """Take a packet; gives those now due, each with its number and whether packets before it are lost."""
        due = packet.sequence if self._next is None else self._next
        index = unwrap_sequence(packet.sequence, due)
        again = index < due - MAX_WAITING
        if again:  # no straggler: the numbers have jumped
            self._waiting.clear()
            due = index
        self._next = due
        if index < due:
            return
        self._waiting[index] = (now, packet)
        yield from self._due(after_gap=again)
        while self._waiting and self._gives_up(now):
            self._next = min(self._waiting)
            yield from self._due(after_gap=True)

    def _gives_up(self, now: float) -> bool:
        first, _ = next(iter(self._waiting.values()))
        return now - first >= self.patience or len(self._waiting) > MAX_WAITING

    def _due(self, *, after_gap: bool) -> Iterator[tuple[int, Packet, bool]]:
        while self._next is not None and self._next in self._waiting:
            _, packet = self._waiting.pop(self._next)
            self._next += 1
            yield self._next - 1, packet, after_gap
            after_gap = False
