"""One incoming RTP stream: its order, its holes, its history and its statistics. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, frozen

from .rtcp import ReportBlock, SenderReport
from .rtp import Packet, unwrap_sequence

HISTORY = 512
"""Packets kept for retransmission, once for all subscribers."""
MAX_HOLE = 200
"""A jump by more than this is a new start: nobody can repeat so much."""
KEY_FRAME_INTERVAL = 0.15
"""No more than one key frame is asked for in this time; a later wish is remembered.

Browsers ignore a request within 300 ms of the one before, so this short an interval costs them nothing, and a
request that fell into theirs is soon repeated."""
NACK_RETRY = 0.05
NACK_TRIES = 10
ALIVE = 2.0
"""Seconds without packets after which another layer is preferred; a still picture has one frame a second."""


@frozen
class Arrived:
    """A packet in the order of its stream."""

    index: int
    """The sequence number, unwrapped."""
    packet: Packet
    elements: tuple[tuple[str, bytes], ...]
    """The header extensions worth forwarding, by name."""
    codec_key: str
    key_frame: bool


@define
class _Hole:
    tries: int
    due: float


class Layer:
    """One stream (one SSRC) of a publication; a publication without simulcast has one."""

    def __init__(self, ssrc: int, rid: str, *, video: bool, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.rid = rid
        self.video = video
        self.clock_rate = clock_rate
        self.last_packet: float | None = None
        self._highest: int | None = None
        self._base = 0
        self._received = 0
        self._reported = (0, 0)
        self._jitter = 0.0
        self._transit: float | None = None
        self._history: list[Arrived | None] = [None] * HISTORY
        self._holes: dict[int, _Hole] = {}
        self._astray: int | None = None
        self._report: tuple[SenderReport, float] | None = None
        self._asked_at = float("-inf")
        self._key_frame_wanted = False

    def alive(self, now: float) -> bool:
        """Whether packets have arrived lately."""
        return self.last_packet is not None and now - self.last_packet < ALIVE

    # Packets.

    def accept(
        self,
        packet: Packet,
        codec_key: str,
        now: float,
        *,
        elements: tuple[tuple[str, bytes], ...] = (),
        key_frame: bool = True,
    ) -> Arrived | None:
        """Put a packet in order; None when it is known already or too old to matter."""
        index = self._place(packet.sequence, now)
        if index is None:
            return None
        self._holes.pop(index, None)
        self._count(packet, now)
        if key_frame:
            self._key_frame_wanted = False
        arrived = Arrived(index, packet, elements, codec_key, key_frame)
        self._history[index % HISTORY] = arrived
        return arrived

    def _place(self, sequence: int, now: float) -> int | None:
        """The packet's index; notes the holes before it."""
        if self._highest is None:
            self._highest, self._base = sequence - 1, sequence
        index = unwrap_sequence(sequence, self._highest)
        if index <= self._highest - HISTORY:
            # Two in a row so far back are a sender that started again, not stragglers.
            again, self._astray = sequence == self._astray, (sequence + 1) & 0xFFFF
            if not again:
                return None
            index += 0x10000
        elif self.find(index) is not None:
            return None
        if index - self._highest > MAX_HOLE:
            self._holes.clear()
            self._key_frame_wanted = self.video
            self._base, self._received, self._reported = index, 0, (0, 0)
        elif self.video:
            for missing in range(self._highest + 1, index):
                self._holes[missing] = _Hole(0, now)
        self._highest = max(self._highest, index)
        return index

    def find(self, index: int) -> Arrived | None:
        """A packet that arrived and is still kept."""
        kept = self._history[index % HISTORY]
        return kept if kept is not None and kept.index == index else None

    def _count(self, packet: Packet, now: float) -> None:
        self.last_packet = now
        self._received += 1
        transit = now * self.clock_rate - packet.timestamp
        if self._transit is not None:
            # RFC 3550, A.8. A wrapped timestamp gives one absurd difference, which is left out.
            difference = abs(transit - self._transit)
            if difference < 10 * self.clock_rate:
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    # What the publisher is asked for.

    def want(self, indices: Iterable[int], now: float) -> None:
        """A subscriber misses packets that we do not have either."""
        if self._highest is None:
            return
        for index in indices:
            if self._highest - HISTORY < index <= self._highest:
                self._holes.setdefault(index, _Hole(0, now))

    def missing(self, now: float) -> list[int]:
        """Sequence numbers to ask the publisher for now."""
        due: list[int] = []
        for index, hole in list(self._holes.items()):
            if hole.tries >= NACK_TRIES:
                del self._holes[index]
                self._key_frame_wanted = self.video
            elif hole.due <= now:
                hole.tries += 1
                hole.due = now + NACK_RETRY * (1 + hole.tries // 4)  # gently: repetitions are lost as well
                due.append(index & 0xFFFF)
        return due

    def ask_key_frame(self) -> None:
        """Somebody needs a key frame."""
        self._key_frame_wanted = self.video

    def key_frame_due(self, now: float) -> bool:
        """Whether to ask the publisher for a key frame now; at most once per interval."""
        if not self._key_frame_wanted or now - self._asked_at < KEY_FRAME_INTERVAL:
            return False
        self._asked_at = now
        self._key_frame_wanted = False
        return True

    # Reports.

    def reported(self, report: SenderReport, now: float) -> None:
        """Remember the publisher's sender report."""
        self._report = (report, now)

    def report_block(self, now: float) -> ReportBlock | None:
        """The reception report since the last one; None before the first packet."""
        if self._highest is None:
            return None
        expected = self._highest - self._base + 1
        expected_then, received_then = self._reported
        expected_since, received_since = expected - expected_then, self._received - received_then
        self._reported = (expected, self._received)
        lost_since = max(0, expected_since - received_since)
        last, delay = 0, 0
        if self._report is not None:
            report, at = self._report
            last, delay = report.ntp >> 16 & 0xFFFFFFFF, int((now - at) * 65536)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost_since * 256 // expected_since) if expected_since > 0 else 0,
            lost=expected - self._received,
            highest=self._highest,
            jitter=int(self._jitter),
            last_report=last,
            delay=delay,
        )
