"""One stream each way: a clip sent as RTP, and RTP counted as it arrives. No sockets; time comes in."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Iterator

from attrs import evolve

from cfrealtime_rooms.core.commands import TrackKind
from cfrealtime_rooms.testing import rtp, sdp
from cfrealtime_rooms.testing.media import SILENT, Clips
from cfrealtime_rooms.testing.peer import Received, Sent

_HISTORY = 512
_KEY_FRAME_PAUSE = 0.1
"""A key frame asked for so soon after one is on its way already."""
_REORDERING = 64
"""A jump of more than this many packets is another stream on the section, not a gap."""


class SendStream:
    """A source's clip on its section."""

    def __init__(self, section: sdp.Section, clips: Clips, *, muted: bool, now: float) -> None:
        self.due = now
        """When the next frame leaves."""
        self.sent = Sent()
        self.ssrc = section.ssrcs[0]
        self.rtx_ssrc = section.rtx_ssrcs.get(self.ssrc)
        media = next(codec for codec in section.codecs if codec.base is None)
        self._payload_type = media.payload_type
        rtx = (codec.payload_type for codec in section.codecs if codec.base == media.payload_type)
        self._rtx_payload_type = next(rtx, None)
        self._mid = (
            (section.extensions[sdp.MID], section.mid.encode()) if sdp.MID in section.extensions else None
        )
        self._level = section.extensions.get(sdp.AUDIO_LEVEL)
        self._blocks = dict[int, bytes]()
        self._clips = clips
        self._clip = clips.idle if muted else clips.live
        self._index = 0
        self._epoch = now
        self._offset = secrets.randbits(31)
        self._sequence = secrets.randbits(15)
        self._rtx_sequence = secrets.randbits(15)
        self._last_key = float("-inf")
        self._history: deque[tuple[int, bytes]] = deque(maxlen=_HISTORY)

    def mute(self, now: float, *, muted: bool) -> None:
        """Change to the idle clip or back, from its first frame."""
        self._clip = self._clips.idle if muted else self._clips.live
        self._index, self.due = 0, now

    def key_frame(self, now: float) -> None:
        """Start the clip again: its first frame is a key frame."""
        if self._clip.kind == "video" and now - self._last_key > _KEY_FRAME_PAUSE:
            self._index, self.due = 0, now

    def frame(self, now: float) -> Iterator[bytes]:
        """The packets of the frame that is due; the next one becomes due."""
        clip, index = self._clip, self._index
        frame = clip.frames[index]
        if index == 0:
            self._last_key = now
        self._index = (index + 1) % len(clip.frames)
        # After a stall the stream goes on from now instead of catching up in a burst.
        at = self.due if now - self.due < 0.5 else now
        self.due = at + clip.interval
        timestamp = self.timestamp(at)
        block = self._block(frame.level)
        last = len(frame.payloads) - 1
        for number, payload in enumerate(frame.payloads):
            marker = clip.kind == "video" and number == last
            self._sequence = (self._sequence + 1) & 0xFFFF
            packet = rtp.build(
                self._payload_type, self._sequence, timestamp, self.ssrc, payload, block, marker=marker
            )
            self._history.append((self._sequence, packet))
            self.sent = Sent(self.sent.packets + 1, self.sent.bytes + len(packet))
            yield packet

    def timestamp(self, at: float) -> int:
        """The RTP time of a moment."""
        return self._offset + round((at - self._epoch) * self._clip.clock_rate)

    def retransmit(self, sequences: Iterable[int]) -> Iterator[bytes]:
        """Packets asked for again: as RTX where negotiated, else as they were."""
        wanted = set(sequences)
        for sequence, packet in tuple(self._history):
            if sequence not in wanted:
                continue
            if self.rtx_ssrc is None or self._rtx_payload_type is None:
                yield packet
                continue
            original = rtp.parse(packet)
            if original is None:
                continue
            self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
            yield rtp.build(
                self._rtx_payload_type,
                self._rtx_sequence,
                original.timestamp,
                self.rtx_ssrc,
                sequence.to_bytes(2, "big") + original.payload,
                self._block(SILENT),
                marker=original.marker,
            )

    def _block(self, level: int) -> bytes:
        if self._level is None:
            level = SILENT
        block = self._blocks.get(level)
        if block is None:
            items = [self._mid] if self._mid else []
            if self._level is not None:
                items.append((self._level, bytes([level | (0x80 if level < SILENT else 0)])))
            block = self._blocks[level] = rtp.extension_block(items) if items else b""
        return block


class ReceiveStream:
    """What arrives on one receiving section, counted."""

    def __init__(self, mid: str, kind: TrackKind) -> None:
        self.mid = mid
        self.kind = kind
        self.received = Received()
        self.ssrc: int | None = None
        """Of the media: learned from its packets."""
        self.highest = -1
        """The newest sequence number, extended by its wraps."""
        self._missing = dict[int, None]()
        self._asked = set[int]()
        self._report_ntp, self._report_at = 0, 0.0

    def packet(self, packet: rtp.Packet, size: int, level: int | None, now: float) -> None:
        """Count a packet of the media itself."""
        if packet.ssrc != self.ssrc:
            self.ssrc, self.highest = packet.ssrc, -1
            self._missing.clear()
            self._asked.clear()
        self._sequence(packet.sequence)
        self._count(packet.payload, size, level, now, marker=packet.marker)

    def retransmission(self, packet: rtp.Packet, size: int, now: float) -> None:
        """Count a packet that came as RTX, if it fills a hole."""
        if len(packet.payload) < 2:
            return
        sequence = self._extended(int.from_bytes(packet.payload[:2], "big"))
        if sequence in self._missing:
            del self._missing[sequence]
            self._count(packet.payload[2:], size, None, now, marker=packet.marker)

    def sender_report(self, ntp: int, now: float) -> None:
        """Remember the sender's clock for the next report."""
        self._report_ntp, self._report_at = ntp, now

    def reception(self, now: float) -> rtp.Reception | None:
        """The block about this stream for a receiver report."""
        if self.ssrc is None or self.highest < 0:
            return None
        delay = round((now - self._report_at) * 65536) if self._report_ntp else 0
        lost = self.received.lost + len(self._missing)
        return rtp.Reception(self.ssrc, lost, self.highest, self._report_ntp, delay)

    def to_ask(self) -> list[int]:
        """Sequence numbers missed and not asked for yet."""
        if self.kind == "audio":
            return []
        new = [sequence for sequence in self._missing if sequence not in self._asked]
        self._asked.update(new)
        return [sequence & 0xFFFF for sequence in new]

    @property
    def wants_key_frame(self) -> bool:
        """True while a picture arrives that cannot be shown."""
        return self.kind == "video" and self.ssrc is not None and not self.received.key_frames

    def _sequence(self, sequence: int) -> None:
        if self.highest < 0:
            self.highest = sequence
            return
        extended = self._extended(sequence)
        self._missing.pop(extended, None)
        gap = extended - self.highest
        if 1 < gap <= _REORDERING:
            self._missing.update(dict.fromkeys(range(self.highest + 1, extended)))
        self.highest = max(self.highest, extended)
        for old in [one for one in self._missing if one < self.highest - _HISTORY]:
            del self._missing[old]
            self._asked.discard(old)
            self.received = evolve(self.received, lost=self.received.lost + 1)

    def _extended(self, sequence: int) -> int:
        """The sequence number nearest to the newest that has these 16 bits."""
        return self.highest + ((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000

    def _count(self, payload: bytes, size: int, level: int | None, now: float, *, marker: bool) -> None:
        key = rtp.vp8_key_frame(payload) if self.kind == "video" else None
        before = self.received
        self.received = Received(
            packets=before.packets + 1,
            bytes=before.bytes + size,
            lost=before.lost,
            last_at=now,
            frames=before.frames + (1 if marker and self.kind == "video" else 0),
            key_frames=before.key_frames + (key is not None),
            size=key or before.size,
            audible=before.audible + (level is not None and level & 0x7F < SILENT),
        )
