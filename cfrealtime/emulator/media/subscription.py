"""One outgoing RTP stream: a publication's packets, renumbered so that the receiver sees one stream. Pure."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from .extensions import MID
from .layer import Arrived, Layer
from .plan import Carried, Send
from .rtcp import SenderReport, sender_report
from .rtp import unwrap_sequence, wrap_rtx, write, write_elements

Emit = Callable[[bytes], None]
"""Takes an RTP or RTCP packet for a session."""

_MAX_BLOCKS = 256
"""Header extensions kept as they are written: a voice has 128 levels."""


@frozen
class _Epoch:
    """A stretch of packets copied from one layer with the same offsets."""

    layer: Layer
    first: int
    """Index, in the layer, of the first packet copied."""
    offset: int
    """Added to an index of the layer to give ours."""
    time_offset: int


class Subscription:
    """What goes out on one sending section."""

    def __init__(self, emit: Emit, send: Send) -> None:
        self.emit = emit
        """Sends to its endpoint."""
        self.send = send
        self.target: Layer | None = None
        """The layer to switch to at its next key frame."""
        self.layer: Layer | None = None
        """The layer being copied."""
        self.ready = False
        """Its endpoint can be sent packets."""
        self._epochs: tuple[_Epoch, ...] = ()
        self._last_index = 0
        self._last_timestamp = 0
        self._last_sent: float | None = None
        self._rtx_sequence = 0
        self._packets = 0
        self._octets = 0
        self.update(send)

    def update(self, send: Send) -> None:
        """Take what the rules say now. A new source stops the old one at once."""
        if self._epochs and send.source != self.send.source:
            self.pause()
        self.send = send
        self._codecs = {codec.key: codec for codec in send.codecs}
        number = send.extensions.get(MID)
        self._mid = () if number is None else ((number, send.mid.encode()),)
        self._blocks: dict[tuple[tuple[str, bytes], ...], bytes] = {}

    @property
    def carried(self) -> Carried:
        """What was sent so far, repetitions aside."""
        return Carried(self._packets, self._octets)

    def pause(self) -> None:
        """Copy nothing until the next key frame of a target."""
        self.layer = self.target = None

    # Packets.

    def forward(self, layer: Layer, arrived: Arrived, now: float) -> bytes | None:
        """A packet as this subscriber gets it; None when it does not."""
        codec = self._codecs.get(arrived.codec_key)
        if codec is None:
            return None
        if layer is not self.layer:
            if layer is not self.target or not arrived.key_frame:
                return None
            self._switch(layer, arrived, now)
        epoch, packet = self._epochs[-1], arrived.packet
        if arrived.index < epoch.first:
            return None
        index, timestamp = arrived.index + epoch.offset, packet.timestamp + epoch.time_offset
        if index > self._last_index:
            self._last_index, self._last_timestamp, self._last_sent = index, timestamp, now
        self._packets += 1
        self._octets += len(packet.payload)
        return write(
            marker=packet.marker,
            payload_type=codec.payload_type,
            sequence=index,
            timestamp=timestamp,
            ssrc=self.send.ssrc,
            extensions=self._blocks.get(arrived.elements) or self._block(arrived.elements),
            payload=packet.payload,
        )

    def _switch(self, layer: Layer, arrived: Arrived, now: float) -> None:
        """Continue with another layer: the next number, and a timestamp later by the time that has passed."""
        time_offset = 0
        if self._last_sent is not None:
            passed = max(1, int((now - self._last_sent) * layer.clock_rate))
            time_offset = self._last_timestamp + passed - arrived.packet.timestamp
        # The first number is far from the wrap, where SRTP would have to guess.
        offset = self._last_index + 1 - arrived.index
        self._epochs = (*self._epochs[-1:], _Epoch(layer, arrived.index, offset, time_offset))
        self.layer, self.target = layer, None

    def _block(self, elements: tuple[tuple[str, bytes], ...]) -> bytes:
        """Header extensions in our numbers; the same few come over and over."""
        if len(self._blocks) >= _MAX_BLOCKS:
            self._blocks.clear()
        numbers = self.send.extensions
        kept = [(numbers[uri], value) for uri, value in elements if uri in numbers]
        block = self._blocks[elements] = write_elements((*kept, *self._mid))
        return block

    def repeat(self, sequence: int) -> bytes | None:
        """A packet once more, as a retransmission where those were agreed on."""
        epoch, index = self._locate(sequence)
        arrived = epoch.layer.find(index) if epoch is not None else None
        codec = self._codecs.get(arrived.codec_key) if arrived is not None else None
        if epoch is None or arrived is None or codec is None:
            return None
        sequence, payload = arrived.index + epoch.offset, arrived.packet.payload
        payload_type, ssrc = codec.payload_type, self.send.ssrc
        if codec.rtx_payload_type is not None and self.send.rtx_ssrc is not None:
            payload = wrap_rtx(sequence, payload)
            self._rtx_sequence += 1
            sequence, payload_type, ssrc = self._rtx_sequence, codec.rtx_payload_type, self.send.rtx_ssrc
        return write(
            marker=arrived.packet.marker,
            payload_type=payload_type,
            sequence=sequence,
            timestamp=arrived.packet.timestamp + epoch.time_offset,
            ssrc=ssrc,
            extensions=self._block(arrived.elements),
            payload=payload,
        )

    def locate(self, sequence: int) -> tuple[Layer, int] | None:
        """Which packet of which layer a receiver means by one of our sequence numbers."""
        epoch, index = self._locate(sequence)
        return (epoch.layer, index) if epoch else None

    def _locate(self, sequence: int) -> tuple[_Epoch | None, int]:
        index = unwrap_sequence(sequence, self._last_index)
        epoch = next((e for e in reversed(self._epochs) if index >= e.first + e.offset), None)
        return epoch, index - (epoch.offset if epoch else 0)

    def report(self, layer: Layer, report: SenderReport) -> bytes | None:
        """The publisher's sender report in our numbers."""
        if layer is not self.layer:
            return None
        timestamp = report.timestamp + self._epochs[-1].time_offset
        return sender_report(self.send.ssrc, report.ntp, timestamp, self._packets, self._octets)
