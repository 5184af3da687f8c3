"""One media section as both sides have agreed on it so far."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import cast

from attrs import frozen

from cfrealtime.emulator.media.extensions import MID
from cfrealtime.emulator.media.plan import Codec, Kind, Receive, Send, Source

from .codecs import CodecSpec, NumberedCodec
from .parse import Direction, ParsedSection, SectionKind
from .registry import RECEIVE_EXTENSIONS, SEND_EXTENSIONS


@frozen
class SendTrack:
    """The stream we send on a section."""

    ssrc: int
    rtx_ssrc: int | None
    stream: str
    track: str


@frozen
class Offered:
    """What our offer said of a section that we added."""

    codecs: tuple[NumberedCodec, ...]
    extensions: Mapping[str, int]
    rids: tuple[str, ...] = ()
    """The simulcast layers that the endpoint may send."""


@frozen
class Section:
    """One m= line of a session, kept at its index."""

    mid: str
    kind: SectionKind
    stopped: bool = False
    receiving: bool = False
    """Accepted for publishing."""
    send: SendTrack | None = None
    offered: Offered | None = None
    """None for a section of the endpoint's own offer."""
    remote: ParsedSection | None = None
    """What the endpoint last said about it; None while only we have spoken."""

    @property
    def media_kind(self) -> Kind:
        """The kind, where it is known to be media."""
        return cast("Kind", self.kind)

    @property
    def direction(self) -> Direction:
        """What we say: never more than the endpoint's last word allows."""
        sends = self.send is not None and (self.remote is None or self.remote.receives)
        receives = self.receiving and (self.remote is None or self.remote.sends)
        if sends:
            return "sendrecv" if receives else "sendonly"
        return "recvonly" if receives else "inactive"

    @property
    def codecs(self) -> tuple[NumberedCodec, ...]:
        """The payload types in use: those of the endpoint that we can carry."""
        if self.remote is None:
            return self.offered.codecs if self.offered else ()
        if self.receiving or self.send is None or self.offered is None:
            return self.remote.codecs
        keys = {codec.spec.key for codec in self.offered.codecs}
        return tuple(codec for codec in self.remote.codecs if codec.spec.key in keys)

    @cached_property
    def codec_keys(self) -> frozenset[str]:
        """The keys of the payload types in use; asked for with every look at what is delivered."""
        return frozenset(codec.spec.key for codec in self.codecs)

    @property
    def extensions(self) -> Mapping[str, int]:
        """The header extensions in use."""
        if self.remote is None:
            return self.offered.extensions if self.offered else {}
        wanted = {MID}
        if self.receiving:
            wanted |= set(RECEIVE_EXTENSIONS[self.media_kind])
        if self.send:
            wanted |= set(SEND_EXTENSIONS[self.media_kind])
        return {uri: number for uri, number in self.remote.extensions.items() if uri in wanted}

    @property
    def rids(self) -> tuple[str, ...]:
        """The simulcast layers we take."""
        if self.remote is None:
            return self.offered.rids if self.offered else ()
        return self.remote.rids if self.receiving else ()

    @property
    def can_send(self) -> bool:
        """Whether the endpoint has agreed to what we send."""
        return not self.stopped and self.send is not None and self.remote is not None and self.remote.receives

    def as_receive(self, *, active: bool) -> Receive | None:
        """What arrives on this section, for the media plane; None when nothing does."""
        if self.stopped or not self.receiving or self.remote is None or not self.remote.sends:
            return None
        return Receive(
            mid=self.mid,
            kind=self.media_kind,
            codecs=_plan_codecs(self.codecs),
            extensions=self.extensions,
            ssrcs=self.remote.ssrcs,
            rtx_ssrcs=self.remote.rtx_ssrcs,
            rids=self.rids,
            active=active,
        )

    def as_send(self, source: Source | None, rids: tuple[str, ...]) -> Send | None:
        """What leaves on this section, for the media plane; None when nothing may."""
        if self.send is None or not self.can_send:
            return None
        return Send(
            mid=self.mid,
            kind=self.media_kind,
            ssrc=self.send.ssrc,
            rtx_ssrc=self.send.rtx_ssrc,
            codecs=_plan_codecs(self.codecs),
            extensions=self.extensions,
            source=source,
            rids=rids,
        )


def specs(codecs: tuple[NumberedCodec, ...]) -> tuple[CodecSpec, ...]:
    """Codecs without their numbers, as another session needs them."""
    return tuple(codec.spec for codec in codecs)


def _plan_codecs(codecs: tuple[NumberedCodec, ...]) -> tuple[Codec, ...]:
    return tuple(
        Codec(codec.payload_type, codec.spec.key, codec.spec.clock_rate, codec.rtx_payload_type)
        for codec in codecs
    )
