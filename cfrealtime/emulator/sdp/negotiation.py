"""One session's offers and answers: what was agreed on, section by section.

Three rules hold for every method: a section keeps its index; a number once learned keeps its meaning; and a
description that is refused (SdpError) changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from attrs import Factory, evolve, frozen

from cfrealtime.emulator.media.plan import (
    DataTransport,
    Kind,
    LocalTransport,
    RemoteTransport,
    SessionMedia,
    Source,
)

from .changes import after_answer, after_offer, place, ssrcs_in_use
from .codecs import OFFERED, CodecSpec, NumberedCodec
from .parse import Description, SdpError, SectionKind, parse
from .registry import RECEIVE_EXTENSIONS, SEND_EXTENSIONS, Registry
from .section import Offered, Section, SendTrack, specs
from .write import Head, write


@frozen
class OfferedSection:
    """What a caller may want to know of one media section of an offer."""

    mid: str
    kind: SectionKind
    direction: str
    stopped: bool
    rids: tuple[str, ...]
    msid_track: str | None


@frozen
class NewSend:
    """A section to add to our offer, on which we will send."""

    kind: Kind
    codecs: tuple[CodecSpec, ...]
    """Those of the publisher's section (`Negotiation.receive_codecs`), so that packets fit unchanged."""
    both_ways: bool = False
    """The endpoint may send on it, too."""


@frozen
class NewReceive:
    """A section to add to our offer, on which the endpoint shall send."""

    kind: Kind
    rids: tuple[str, ...] = ()
    """Simulcast layers the endpoint may send, the least first: it makes each twice the one before."""
    both_ways: bool = False
    """We may send on it, too."""


@frozen
class _State:
    """Everything that has been agreed on or is being offered."""

    local: tuple[LocalTransport, ...]
    sections: tuple[Section, ...] = ()
    registry: Registry = Factory(Registry)
    remote: RemoteTransport | None = None
    mixed_extensions: bool = True
    """Whether extensions too long or too many for the short form may be sent; asked for until refused."""


class Negotiation:
    """The offer/answer state of one session, seen from the SFU."""

    def __init__(self, local: LocalTransport) -> None:
        self._state = _State(local=(local,))
        self._before: _State | None = None
        self._next_local: LocalTransport | None = None
        self._version = 0
        self._mids_made = 0
        self._tracks_made = 0
        self._seed = f"{local.ufrag}/{local.pwd}"

    # Looking.

    @staticmethod
    def inspect(sdp: str) -> tuple[OfferedSection, ...]:
        """The media sections of an endpoint's offer, by index; changes nothing."""
        return tuple(
            OfferedSection(s.mid, s.kind, s.direction, s.stopped, s.rids, s.msid_track)
            for s in parse(sdp).sections
        )

    @property
    def open_offer(self) -> bool:
        """Whether an offer of ours waits for the endpoint's answer."""
        return self._before is not None

    @property
    def data_channels(self) -> bool:
        """Whether a section for data channels is agreed on."""
        return self._data_transport is not None

    def receive_codecs(self, mid: str) -> tuple[CodecSpec, ...]:
        """The codecs the endpoint may send on `mid`; empty when nothing was accepted there."""
        section = next((s for s in self._state.sections if s.mid == mid and s.receiving), None)
        return specs(section.codecs) if section else ()

    def send_codecs(self, mid: str) -> frozenset[str]:
        """The keys of the codecs we may send on `mid`; empty while the endpoint has not agreed to any."""
        section = next((s for s in self._state.sections if s.mid == mid and s.can_send), None)
        return section.codec_keys if section else frozenset()

    def restarts_ice(self, sdp: str) -> bool:
        """Whether the offer asks for an ICE restart: `restart` must give new credentials first."""
        return self._restarts(parse(sdp))

    # Answering the endpoint.

    def restart(self, local: LocalTransport) -> None:
        """Take new credentials, to be used when an offer restarts ICE; the old ones stay valid."""
        self._next_local = local

    def answer_offer(self, sdp: str, publish: Collection[str], both_ways: Collection[str] = ()) -> str:
        """Answer an endpoint's offer; media of the mids in `publish` is accepted from now on.

        On those in `both_ways` we shall be able to send, too, where the endpoint receives.
        """
        if self.open_offer:
            raise SdpError("an offer of the SFU is waiting for its answer")
        offer = parse(sdp)
        transport = self._checked_transport(offer, allowed=("active", "actpass"))
        if len(offer.sections) < len(self._state.sections):
            raise SdpError("the offer lacks media sections that are already part of the session")
        unknown = set(publish) - {section.mid for section in offer.sections if section.sends}
        if unknown:
            raise SdpError("a track is to be published on a media section that does not send")
        known = (*self._state.sections, *(None for _ in offer.sections[len(self._state.sections) :]))
        sections = tuple(
            after_offer(section, parsed, publish)
            for section, parsed in zip(known, offer.sections, strict=True)
        )
        sections = tuple(
            evolve(s, send=self._new_track(s.codecs))
            if s.mid in both_ways and s.send is None and s.remote is not None and s.remote.receives
            else s
            for s in sections
        )
        if sum(s.kind == "application" and not s.stopped for s in sections) > 1:
            raise SdpError("a session has one section for data channels at most")
        local = self._state.local
        if self._restarts(offer):
            if self._next_local is None:
                raise SdpError("the offer restarts ICE, which needs new credentials")
            local, self._next_local = (*local, self._next_local), None
        self._state = _State(
            local=local,
            sections=sections,
            registry=self._state.registry.learn(offer),
            remote=transport,
            mixed_extensions=offer.mixed_extensions,
        )
        return self._write("passive", bundled=offer.bundle is not None)

    def stop_sections(self, mids: Collection[str]) -> None:
        """Neither take nor send media on these sections any more: the next description calls them inactive.

        Their m= lines stay until the endpoint stops them itself: not every client bears port 0 from us.
        """
        self._state = _without(self._state, mids)
        self._before = self._before and _without(self._before, mids)

    # Offering to the endpoint.

    def make_offer(
        self, new: Sequence[NewSend | NewReceive], *, data_channels: bool = False
    ) -> tuple[str, tuple[str, ...]]:
        """Offer one more section for each of `new`; gives the offer and their mids, in order."""
        if self.open_offer:
            raise SdpError("an offer of the SFU is waiting for its answer")
        sections = list(self._state.sections)
        registry, mids = self._state.registry, list[str]()
        for wanted in new:
            registry, section = self._new_section(registry, wanted)
            mids.append(section.mid)
            place(sections, section)
        if data_channels and not any(s.kind == "application" and not s.stopped for s in sections):
            place(sections, Section(self._new_mid(), "application"))
        if not sections:
            raise SdpError("there is nothing to offer")
        self._before = self._state
        self._state = evolve(self._state, sections=tuple(sections), registry=registry)
        return self._write("actpass", bundled=True), tuple(mids)

    def rollback(self) -> None:
        """Forget our open offer. Its numbers stay taken: the endpoint may have seen them."""
        if self._before is not None:
            self._state = evolve(self._before, registry=self._state.registry)
            self._before = None

    def accept_answer(self, sdp: str) -> None:
        """Take the endpoint's answer to our open offer."""
        if not self.open_offer:
            raise SdpError("no offer of the SFU is waiting for an answer")
        answer = parse(sdp)
        offered = self._state.sections
        if len(answer.sections) != len(offered):
            raise SdpError("the answer does not have as many media sections as the offer")
        sections = tuple(after_answer(s, parsed) for s, parsed in zip(offered, answer.sections, strict=True))
        transport = self._checked_transport(answer, allowed=("active",))
        self._state = evolve(
            self._state,
            sections=sections,
            registry=self._state.registry.learn(answer),
            remote=transport,
            mixed_extensions=answer.mixed_extensions,
        )
        self._before = None

    # For the media plane.

    def media(
        self,
        sources: Mapping[str, Source | None],
        closed: Collection[str] = (),
        rids: Mapping[str, tuple[str, ...]] | None = None,
    ) -> SessionMedia:
        """The whole picture: `sources` and `rids` by sending mid, `closed` the mids not to be received."""
        agreed = self._state.sections
        wanted = rids or {}
        receives = (s.as_receive(active=s.mid not in closed) for s in agreed)
        sends = (s.as_send(sources.get(s.mid), wanted.get(s.mid, ())) for s in agreed)
        return SessionMedia(
            local=self._state.local,
            remote=self._state.remote,
            receives=tuple(receive for receive in receives if receive),
            sends=tuple(send for send in sends if send),
            data_channels=self._data_transport,
        )

    # Parts.

    @property
    def _data_transport(self) -> DataTransport | None:
        return next((s.remote.data for s in self._state.sections if s.remote and s.remote.data), None)

    def _restarts(self, offer: Description) -> bool:
        known, offered = self._state.remote, offer.transport
        return known is not None and offered is not None and known.ufrag != offered.ufrag

    def _checked_transport(self, description: Description, allowed: Sequence[str]) -> RemoteTransport:
        # A description in which nothing lives says nothing of the transport: the known one goes on.
        transport = description.transport or self._state.remote
        if transport is None:
            raise SdpError("the first description of a session needs a live media section")
        if description.transport is not None and transport.setup not in allowed:
            raise SdpError("the endpoint must take the active role in DTLS (a=setup)")
        return transport

    def _new_mid(self) -> str:
        taken = {section.mid for section in self._state.sections}
        while True:
            mid = f"s{self._mids_made}"
            self._mids_made += 1
            if mid not in taken:
                return mid

    def _new_section(self, registry: Registry, new: NewSend | NewReceive) -> tuple[Registry, Section]:
        sends = new.both_ways or isinstance(new, NewSend)
        receives = new.both_ways or isinstance(new, NewReceive)
        wanted = new.codecs if isinstance(new, NewSend) else OFFERED[new.kind]
        if not wanted:
            raise SdpError("the publication has no codec to offer")
        registry, codecs = registry.number_codecs(new.kind, wanted)
        uris = RECEIVE_EXTENSIONS if receives else SEND_EXTENSIONS
        registry, extensions = registry.number_extensions(uris[new.kind])
        section = Section(
            self._new_mid(),
            new.kind,
            receiving=receives,
            send=self._new_track(codecs) if sends else None,
            offered=Offered(codecs, extensions, new.rids if isinstance(new, NewReceive) else ()),
        )
        return registry, section

    def _new_track(self, codecs: Sequence[NumberedCodec]) -> SendTrack:
        return SendTrack(
            ssrc=self._new_ssrc(),
            rtx_ssrc=self._new_ssrc() if any(c.rtx_payload_type is not None for c in codecs) else None,
            stream=self._new_id(),
            track=self._new_id(),
        )

    def _new_id(self) -> str:
        """Unique per session, and the same on every run with the same credentials."""
        self._tracks_made += 1
        return hashlib.sha256(f"{self._seed}/{self._tracks_made}".encode()).hexdigest()[:32]

    def _new_ssrc(self) -> int:
        taken = set(ssrcs_in_use(self._state.sections))
        while (ssrc := int(self._new_id()[:8], 16)) in taken or ssrc == 0:
            pass
        return ssrc

    def _write(self, setup: Literal["passive", "actpass"], *, bundled: bool) -> str:
        self._version += 1
        state = self._state
        # The number of the session is a positive 63-bit one that never changes.
        session = int(hashlib.sha256(self._seed.encode()).hexdigest()[:15], 16)
        head = Head(session, self._version, state.local[-1], setup, bundled, state.mixed_extensions)
        return write(head, state.sections)


def _without(state: _State, mids: Collection[str]) -> _State:
    sections = (evolve(s, receiving=False, send=None) if s.mid in mids else s for s in state.sections)
    return evolve(state, sections=tuple(sections))
