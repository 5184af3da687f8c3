"""Offers and answers of one synthetic connection, in the order an RTCPeerConnection allows. No I/O."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from cfrealtime_rooms.core.commands import TrackKind
from cfrealtime_rooms.testing import sdp


@frozen
class Outgoing:
    """A source to be published."""

    source: str
    kind: TrackKind
    muted: bool = False
    rids: tuple[str, ...] = ()
    """Simulcast layers that are declared, the lowest first. Peers of this kit send one only."""


class PeerError(Exception):
    """The other side's description does not fit this connection."""


class Negotiator:
    """The descriptions of one connection: current and offered. No I/O."""

    def __init__(self, transport: sdp.Transport, *, data: bool = False) -> None:
        self.transport = transport
        self.remote: sdp.Transport | None = None
        """Known with the other side's first description."""
        self.sections: tuple[sdp.Section, ...] = ()
        self.offered: tuple[sdp.Section, ...] | None = None
        self._data = data
        self._mids = 0
        self._version = 0
        self._stopping = set[str]()

    def offer(self, add: Sequence[Outgoing]) -> tuple[str, dict[str, str]]:
        """An offer with more sources, and their mids."""
        if self.offered is not None:
            raise PeerError("an offer already waits for its answer")
        sections = self.sections
        mids = dict[str, str]()
        for outgoing in add:
            mids[outgoing.source] = mid = self._next_mid()
            ssrcs = secrets.randbits(31) | 1, secrets.randbits(31) | 1
            sections = sdp.add(sections, mid, outgoing.source, outgoing.kind, ssrcs)
        if self._data and not any(section.kind == "application" for section in sections):
            sections = sdp.add_data(sections, self._next_mid())
        # After the additions: a section is free only once its stop has been negotiated.
        sections = sdp.stop(sections, self._stopping)
        self.offered = sections
        return self._render(sections, "offer"), mids

    def rollback(self) -> None:
        """Forget the offer that waits."""
        self.offered = None

    def answered(self, text: str) -> None:
        """The other side's answer to our offer."""
        if self.offered is None:
            raise PeerError("no offer waits for an answer")
        description = self._read(text)
        try:
            self.sections = sdp.answered(self.offered, description)
        except ValueError as error:
            raise PeerError(str(error)) from error
        self.offered = None
        self._stopping -= {section.mid for section in self.sections if section.stopped}

    def accept(self, text: str) -> str:
        """Our answer to the other side's offer."""
        if self.offered is not None:
            raise PeerError("an offer of our own waits for its answer")
        description = self._read(text)
        try:
            self.sections = sdp.accept(self.sections, description)
        except ValueError as error:
            raise PeerError(str(error)) from error
        return self._render(self.sections, "answer")

    def published(self, source: str) -> sdp.Section | None:
        """The living section of a source."""
        return next((one for one in self.sections if one.source == source and self._alive(one)), None)

    def unpublish(self, source: str) -> None:
        """Stop a source's section with the next offer."""
        sections = self.offered or self.sections
        self._stopping.update(one.mid for one in sections if one.source == source and not one.stopped)

    def _alive(self, section: sdp.Section) -> bool:
        return not section.stopped and section.mid not in self._stopping

    def _next_mid(self) -> str:
        used = {section.mid for section in self.sections}  # the other side names some too
        while (mid := str(self._mids)) in used:
            self._mids += 1
        self._mids += 1
        return mid

    def _read(self, text: str) -> sdp.Description:
        try:
            description = sdp.parse(text)
        except ValueError as error:
            raise PeerError("the other side's session description cannot be read") from error
        self.remote = self.remote or description.transport
        return description

    def _render(self, sections: tuple[sdp.Section, ...], kind: Literal["offer", "answer"]) -> str:
        self._version += 1
        return sdp.render(sections, self.transport, kind=kind, version=self._version)
