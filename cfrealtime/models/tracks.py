"""Audio and video of a session: what is published and received, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from cfrealtime.models.shared import ItemError, ResultOfItems, SessionDescription, extra_field


@frozen
class Simulcast:
    """Which encoding of a simulcast publication to receive, and what to do when it is not there.

    `priority_ordering` and `rid_not_available` take "none" (never switch) or "asciibetical" (fall back from
    a to z).
    """

    preferred_rid: str | None = None
    priority_ordering: str | None = None
    rid_not_available: str | None = None


@frozen
class LocalTrack:
    """A track to publish: the media section `mid` of the offer, under a name of the application's choice.

    `kind` is "audio" or "video". With `bidirectional` the same section can carry a subscription back.
    """

    mid: str
    track_name: str
    kind: str | None = None
    bidirectional: bool = field(default=False, metadata={"wire": "bidirectionalMediaStream"})


@frozen
class NewTrack:
    """A track to publish without an offer of the endpoint's: the service makes the offer and the mid.

    With `bidirectional` the same section can carry a subscription back, asked for with `mid="#name"`.
    """

    track_name: str
    kind: Literal["audio", "video"]
    bidirectional: bool = field(default=False, metadata={"wire": "bidirectionalMediaStream"})


@frozen
class RemoteTrack:
    """A publication to receive, located by its publisher's session and its name.

    With `update_tracks`, `mid` names the receiving media section that is to carry it from now on, or whose
    simulcast layer changes. With `subscribe`, `mid="#name"` asks for the section on which this session
    publishes `name` in both directions.
    """

    session_id: str
    track_name: str
    mid: str | None = None
    kind: str | None = None
    simulcast: Simulcast | None = None


@frozen
class TrackResult:
    """What became of one track of a publish, subscribe or update. `mid` is None where none was allocated."""

    location: str | None = None
    mid: str | None = None
    session_id: str | None = None
    track_name: str | None = None
    kind: str | None = None
    error: ItemError | None = None
    bidirectional: bool | None = field(default=None, metadata={"wire": "bidirectionalMediaStream"})
    simulcast: Simulcast | None = None
    extra: Mapping[str, Any] = extra_field()


@frozen
class TracksResult(ResultOfItems):
    """Every item of a publish, subscribe or update, failed ones too, and what the endpoint must do next.

    `description` is the answer to a published offer, or the offer of a subscription; with
    `requires_renegotiation` the endpoint's answer must reach `renegotiate` before anything else is asked of
    the session. A result without description and without successes is a normal one.
    """

    tracks: tuple[TrackResult, ...]
    description: SessionDescription | None = field(default=None, metadata={"wire": "sessionDescription"})
    requires_renegotiation: bool = field(default=False, metadata={"wire": "requiresImmediateRenegotiation"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def ok(self) -> tuple[TrackResult, ...]:
        """The items that succeeded."""
        return tuple(track for track in self.tracks if track.error is None)

    @property
    def failed(self) -> tuple[TrackResult, ...]:
        """The items that failed, each with its error."""
        return tuple(track for track in self.tracks if track.error is not None)

    @property
    def by_mid(self) -> dict[str, TrackResult]:
        """The items that name a mid, by mid."""
        return {track.mid: track for track in self.tracks if track.mid is not None}


@frozen
class CloseItem:
    """What became of one mid of a close."""

    mid: str | None = None
    error: ItemError | None = None
    extra: Mapping[str, Any] = extra_field()

    @property
    def closed(self) -> bool:
        """Whether nothing is left to close: it was closed now, or had been before."""
        return self.error is None or self.error.satisfies_close


@frozen
class CloseResult(ResultOfItems):
    """Every item of a close. A mid that is not in `closed_mids` stays on the caller's clean-up list.

    `description` is the service's answer to a close with an offer; it is to be applied even if items failed.
    """

    items: tuple[CloseItem, ...] = field(metadata={"wire": "tracks"})
    description: SessionDescription | None = field(default=None, metadata={"wire": "sessionDescription"})
    requires_renegotiation: bool = field(default=False, metadata={"wire": "requiresImmediateRenegotiation"})
    extra: Mapping[str, Any] = extra_field()

    @property
    def closed_mids(self) -> frozenset[str]:
        """The mids that are proven closed."""
        return frozenset(item.mid for item in self.items if item.closed and item.mid is not None)

    @property
    def failed(self) -> tuple[CloseItem, ...]:
        """The items that are still to be closed."""
        return tuple(item for item in self.items if not item.closed)


@frozen
class TrackState:
    """One track of a session as the service lists it. `active` does not prove that packets flow."""

    location: str | None = None
    mid: str | None = None
    session_id: str | None = None
    track_name: str | None = None
    kind: str | None = None
    status: str | None = None
    bidirectional: bool | None = field(default=None, metadata={"wire": "bidirectionalMediaStream"})
    simulcast: Simulcast | None = None
    extra: Mapping[str, Any] = extra_field()
