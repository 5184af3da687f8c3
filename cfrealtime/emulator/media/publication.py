"""One receiving section: its simulcast layers and what their packets hold. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from .extensions import MID, REPAIRED_RID, RID
from .keyframes import starts_key_frame
from .layer import Arrived, Layer
from .plan import Carried, Receive
from .rtp import Packet, unwrap_rtx

_OF_ONE_SESSION = (MID, RID, REPAIRED_RID)
"""Extensions that mean something in the publisher's session only."""


@frozen
class Stream:
    """What one SSRC carries: a layer, or its retransmissions."""

    publication: Publication
    rid: str
    repairs: bool


class Publication:
    """What arrives on one receiving section."""

    def __init__(self, receive: Receive) -> None:
        self.layers: dict[str, Layer] = {}
        """By rid; by the empty one without simulcast."""
        self.last_packet: float | None = None
        self.codec_key: str | None = None
        """The codec of the last packet."""
        self._packets = self._octets = 0
        self.update(receive)

    def update(self, receive: Receive) -> None:
        """Take what the rules say now."""
        self.receive = receive
        self._codecs = {codec.payload_type: codec for codec in receive.codecs}
        self._repaired = {c.rtx_payload_type: c for c in receive.codecs if c.rtx_payload_type is not None}
        self._names = {
            number: uri for uri, number in receive.extensions.items() if uri not in _OF_ONE_SESSION
        }

    def claims(self, payload_type: int) -> bool:
        """Whether a payload type is one of this section's."""
        return payload_type in self._codecs or payload_type in self._repaired

    def declared(self) -> Iterator[tuple[int, Stream]]:
        """The SSRCs that the description names. With simulcast it names none in a usable order."""
        if self.receive.ssrcs and not self.receive.rids:
            ssrc = self.receive.ssrcs[0]
            self._learn(ssrc, "")
            yield ssrc, Stream(self, "", repairs=False)
            if ssrc in self.receive.rtx_ssrcs:
                yield self.receive.rtx_ssrcs[ssrc], Stream(self, "", repairs=True)

    def discover(self, packet: Packet, rid: str, repaired_rid: str) -> Stream | None:
        """What an SSRC seen for the first time carries; None while that cannot be told."""
        repairs = packet.payload_type in self._repaired
        named = repaired_rid or rid if repairs else rid
        if named not in (self.receive.rids or ("",)):
            if self.receive.rids:
                return None
            named = ""
        if not repairs:
            self._learn(packet.ssrc, named)
        return Stream(self, named, repairs)

    def _learn(self, ssrc: int, rid: str) -> None:
        known = self.layers.get(rid)
        if known is None or known.ssrc != ssrc:
            clock_rate = next((codec.clock_rate for codec in self.receive.codecs), 90_000)
            self.layers[rid] = Layer(ssrc, rid, video=self.receive.kind == "video", clock_rate=clock_rate)

    def accept(self, packet: Packet, stream: Stream, now: float) -> tuple[Layer, Arrived] | None:
        """Put a packet into its layer; None for what brings nothing new."""
        layer = self.layers.get(stream.rid)
        if layer is None or not self.receive.active:
            return None
        original: Packet | None = packet
        codec = (self._repaired if stream.repairs else self._codecs).get(packet.payload_type)
        if codec is not None and stream.repairs:
            original = unwrap_rtx(packet, layer.ssrc, codec.payload_type)
        if codec is None or original is None:
            return None
        key_frame = starts_key_frame(codec.key, original.payload)
        elements = tuple((self._names[n], value) for n, value in original.elements if n in self._names)
        arrived = layer.accept(original, codec.key, now, elements=elements, key_frame=key_frame)
        if arrived is None:
            return None
        self.last_packet = now
        self.codec_key = codec.key
        self._packets += 1
        self._octets += len(original.payload)
        return layer, arrived

    @property
    def carried(self) -> Carried:
        """What has arrived so far, of all layers, nothing of it twice."""
        return Carried(self._packets, self._octets)

    def choose(self, rids: Sequence[str], now: float) -> Layer | None:
        """The layer for a subscriber: of those it may have the first alive, else the first there is.

        No rids, or none on our side, mean any layer, the first by name.
        """
        wanted = rids if rids and self.receive.rids else sorted(self.layers)
        layers = [self.layers[rid] for rid in wanted if rid in self.layers]
        return next((layer for layer in layers if layer.alive(now)), next(iter(layers), None))
