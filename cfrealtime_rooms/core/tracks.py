"""What lanes are about: publications, the mids that carry them, and offers on their way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from attrs import define, evolve, field, frozen

from .commands import TrackKind
from .ids import Exchange
from .secrecy import SECRET


@frozen
class Locator:
    """Where the SFU finds a publication. A locator is not authority."""

    session_id: str
    track_name: str


@define
class Publication:
    """A source of one participant. Its id outlives replaced sessions; its locator does not."""

    id: str
    source: str
    kind: TrackKind
    muted: bool
    state: Literal["negotiating", "live", "dead"] = "negotiating"
    locator: Locator | None = None
    mid: str | None = None
    """In the publisher's connection."""
    sending: bool = False
    silent_since: float | None = None
    """When it stopped sending, if it did."""
    published_at: float = 0.0
    rids: tuple[str, ...] = ()
    """Its simulcast layers, the lowest first."""
    refusals: int = 0
    """How often the SFU has said since `sending` that it has no such track."""

    def lose_session(self) -> None:
        """Its session is gone: nothing can be subscribed until it is published anew."""
        self.state, self.locator, self.mid = "negotiating", None, None
        self.sending, self.silent_since, self.refusals = False, None, 0


@define
class Subscription:
    """A receiving mid and what it carries."""

    mid: str
    kind: TrackKind
    publication: str | None
    """None: a spare, to be pointed at the next publication of its kind."""
    locator: Locator
    """Where it points, as far as we know."""
    since: float
    rid: str | None = None
    """The simulcast layer that was asked for."""
    layer_retry: Retry | None = None
    """After a refusal to change the layer."""


@define
class Retry:
    """When something that failed may be tried again."""

    tries: int
    not_before: float
    unready: bool = False
    """The last refusal was about the publisher, whatever it was to be received on."""


@frozen
class WaitingTrack:
    """A track of a waiting offer, under the name it will have at the SFU."""

    mid: str
    source: str
    kind: TrackKind
    muted: bool
    track_name: str
    rids: tuple[str, ...] = ()
    withdrawn: bool = False
    """Unpublished before the SFU had it: closed as soon as it has."""


@frozen
class ClientOffer:
    """An offer of the client's that waits for its lane, or is on its way to the SFU."""

    exchange: Exchange
    sdp: str = field(repr=False, metadata=SECRET)
    tracks: tuple[WaitingTrack, ...]
    from_join: bool

    def with_muted(self, source: str, *, muted: bool) -> ClientOffer:
        """The same offer, with the track of one source muted or not."""
        return self._with(source, lambda track: evolve(track, muted=muted))

    def without(self, source: str) -> ClientOffer:
        """The same offer, with the track of one source withdrawn."""
        return self._with(source, lambda track: evolve(track, withdrawn=True))

    def _with(self, source: str, change: Callable[[WaitingTrack], WaitingTrack]) -> ClientOffer:
        return evolve(self, tracks=tuple(change(t) if t.source == source else t for t in self.tracks))
