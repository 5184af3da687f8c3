"""Values that go into and come out of the SDK: frozen, comparable, and silent about SDP.

An attribute's name on the wire is its camelCase form, or what its `wire` metadata says; `wire_name` is the
one place that knows. Answers keep what this version does not know in `extra`, which takes no part in `==` or
`repr`. A field the service may leave out is optional here, and a string it may extend (status, location,
codes) stays a plain string, so a newer service never breaks an older client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from attrs import Attribute, field, frozen

__all__ = [
    "CloseItem",
    "CloseResult",
    "DataChannelState",
    "ItemError",
    "LocalTrack",
    "RemoteTrack",
    "SessionDescription",
    "SessionState",
    "Simulcast",
    "TrackResult",
    "TrackState",
    "TracksResult",
    "printable_code",
    "wire_name",
]

RETRYABLE_CODES: Final = frozenset(
    {"retryable_transient_error", "not_found_track_error", "empty_track_error"}
)
ALREADY_CLOSED_CODES: Final = frozenset({"close_track_error", "adapter_not_found"})

_CODE_SHAPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def wire_name(attribute: Attribute[Any]) -> str:
    """The JSON name of a model's attribute."""
    given = attribute.metadata.get("wire")
    if given is not None:
        return str(given)
    head, *rest = attribute.name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def printable_code(code: str) -> str:
    """The code if it looks like one; a provider's prose in its place is not repeated."""
    return code if _CODE_SHAPE.fullmatch(code) else "an unprintable code"


def _extra() -> Mapping[str, Any]:
    return field(factory=dict[str, Any], repr=False, eq=False, kw_only=True)


@frozen
class SessionDescription:
    """One side's half of an offer/answer exchange. The SDP is shown in no repr."""

    type: Literal["offer", "answer"]
    sdp: str = field(repr=False)

    @classmethod
    def offer(cls, sdp: str) -> SessionDescription:
        """An offer."""
        return cls("offer", sdp)

    @classmethod
    def answer(cls, sdp: str) -> SessionDescription:
        """An answer."""
        return cls("answer", sdp)


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
    """A track to publish: the media section `mid` of the offer, under a name of the application's choice."""

    mid: str
    track_name: str
    kind: str | None = None
    bidirectional: bool = field(default=False, metadata={"wire": "bidirectionalMediaStream"})


@frozen
class RemoteTrack:
    """A publication to receive, located by its publisher's session and its name.

    With `update_tracks`, `mid` names the receiving media section that is to carry it from now on, or whose
    simulcast layer changes.
    """

    session_id: str
    track_name: str
    mid: str | None = None
    kind: str | None = None
    simulcast: Simulcast | None = None


@frozen
class ItemError:
    """Why one item of a batch failed. The service's own wording is kept, but shown in no repr."""

    code: str = field(repr=printable_code, metadata={"wire": "errorCode"})
    description: str | None = field(default=None, repr=False, metadata={"wire": "errorDescription"})

    @property
    def retryable(self) -> bool:
        """Whether asking for this item alone again, after a pause, is the right thing to do."""
        return self.code in RETRYABLE_CODES

    @property
    def satisfies_close(self) -> bool:
        """Whether, as the answer to a close, it says that there was nothing left to close."""
        return self.code in ALREADY_CLOSED_CODES


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
    extra: Mapping[str, Any] = _extra()


@frozen
class TracksResult:
    """Every item of a publish, subscribe or update, failed ones too, and what the endpoint must do next.

    `description` is the answer to a published offer, or the offer of a subscription; with
    `requires_renegotiation` the endpoint's answer must reach `renegotiate` before anything else is asked of
    the session. A result without description and without successes is a normal one.
    """

    tracks: tuple[TrackResult, ...]
    description: SessionDescription | None = field(default=None, metadata={"wire": "sessionDescription"})
    requires_renegotiation: bool = field(default=False, metadata={"wire": "requiresImmediateRenegotiation"})
    extra: Mapping[str, Any] = _extra()

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
    extra: Mapping[str, Any] = _extra()

    @property
    def closed(self) -> bool:
        """Whether nothing is left to close: it was closed now, or had been before."""
        return self.error is None or self.error.satisfies_close


@frozen
class CloseResult:
    """Every item of a close. A mid that is not in `closed_mids` stays on the caller's clean-up list.

    `description` is the service's answer to a close with an offer; it is to be applied even if items failed.
    """

    items: tuple[CloseItem, ...] = field(metadata={"wire": "tracks"})
    description: SessionDescription | None = field(default=None, metadata={"wire": "sessionDescription"})
    requires_renegotiation: bool = field(default=False, metadata={"wire": "requiresImmediateRenegotiation"})
    extra: Mapping[str, Any] = _extra()

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
    extra: Mapping[str, Any] = _extra()


@frozen
class DataChannelState:
    """One data channel of a session as the service lists it."""

    location: str | None = None
    session_id: str | None = None
    name: str | None = field(default=None, metadata={"wire": "dataChannelName"})
    id: int | None = None
    status: str | None = None
    extra: Mapping[str, Any] = _extra()


@frozen
class SessionState:
    """What the service holds for a session. A request still on its way can change it."""

    tracks: tuple[TrackState, ...] = ()
    data_channels: tuple[DataChannelState, ...] = ()
    extra: Mapping[str, Any] = _extra()
