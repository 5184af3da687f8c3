"""What happened in a room, for the host: typed, ordered, in the past tense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from .ids import Epoch
from .permissions import Permissions


@frozen
class RoomOpened:
    """The first participant is on its way in."""

    room: str


@frozen
class RoomClosed:
    """The room is empty, or was closed; its name starts afresh from here."""

    room: str
    reason: str


@frozen
class ParticipantJoined:
    """A participant can be seen by the others."""

    room: str
    participant: str
    identity: str
    name: str


@frozen
class ParticipantReconnecting:
    """A participant's channel dropped; it may resume within the grace period."""

    room: str
    participant: str
    identity: str


@frozen
class ParticipantResumed:
    """A participant whose channel had dropped is back."""

    room: str
    participant: str
    identity: str


@frozen
class ParticipantLeft:
    """A participant is out of the room."""

    room: str
    participant: str
    identity: str
    reason: str
    """`left`, `timeout`, `replaced`, `removed`, `banned`, `join_failed`, `media_failed`, `room_closed`, or
    the host's own word."""


@frozen
class TrackPublished:
    """The SFU holds a participant's publication."""

    room: str
    participant: str
    publication: str
    source: str


@frozen
class TrackMuted:
    """A publication was muted, or unmuted."""

    room: str
    participant: str
    publication: str
    source: str
    muted: bool


@frozen
class TrackUnpublished:
    """A publication has ended."""

    room: str
    participant: str
    publication: str
    source: str


@frozen
class MessageSent:
    """A participant said something."""

    room: str
    participant: str
    text: str | None = field(repr=False)
    data: object = field(repr=False)
    to: tuple[str, ...] | None


@frozen
class JoinRefused:
    """Somebody was not let in."""

    room: str
    identity: str
    reason: str
    """`banned`, `room_full` or `duplicate_identity`."""


@frozen
class PermissionsChanged:
    """The host has given an identity other rights."""

    room: str
    identity: str
    permissions: Permissions | None
    """None: those that `connect` gives."""


@frozen
class SourceMuted:
    """The host has closed a source; it cannot be published until the host allows it."""

    room: str
    identity: str
    source: str


@frozen
class SourceAllowed:
    """The host has allowed a source that it had muted."""

    room: str
    identity: str
    source: str


@frozen
class ParticipantBanned:
    """The host has banned an identity."""

    room: str
    identity: str
    reason: str
    seconds: float | None
    """None: as long as the room."""


@frozen
class ParticipantUnbanned:
    """The host has lifted a ban."""

    room: str
    identity: str


@frozen
class AttributesChanged:
    """A participant's attributes are other ones, or the room's."""

    room: str
    participant: str | None
    """None: the room's own."""
    attributes: Mapping[str, str]


@frozen
class SelectionChanged:
    """A participant has chosen what to receive."""

    room: str
    participant: str
    publications: tuple[str, ...]
    participants: tuple[str, ...]


@frozen
class LayersChanged:
    """A participant wants other simulcast layers."""

    room: str
    participant: str
    layers: Mapping[str, str]
    """All its wishes, by publication."""


@frozen
class SessionReplaced:
    """A participant got a new media session; the others kept theirs."""

    room: str
    participant: str
    epoch: Epoch
    """Of the new session."""
    reason: str


@frozen
class LeakReported:
    """Something at the SFU could not be closed in time and was given up."""

    room: str
    session_id: str
    mids: tuple[str, ...]


RoomEvent = (
    RoomOpened
    | RoomClosed
    | ParticipantJoined
    | ParticipantReconnecting
    | ParticipantResumed
    | ParticipantLeft
    | TrackPublished
    | TrackMuted
    | TrackUnpublished
    | MessageSent
    | JoinRefused
    | PermissionsChanged
    | SourceMuted
    | SourceAllowed
    | ParticipantBanned
    | ParticipantUnbanned
    | AttributesChanged
    | SelectionChanged
    | LayersChanged
    | SessionReplaced
    | LeakReported
)

EVENT_NAMES: Final[Mapping[type[RoomEvent], str]] = {
    RoomOpened: "room_opened",
    RoomClosed: "room_closed",
    ParticipantJoined: "participant_joined",
    ParticipantReconnecting: "participant_reconnecting",
    ParticipantResumed: "participant_resumed",
    ParticipantLeft: "participant_left",
    TrackPublished: "track_published",
    TrackMuted: "track_muted",
    TrackUnpublished: "track_unpublished",
    MessageSent: "message_sent",
    JoinRefused: "join_refused",
    PermissionsChanged: "permissions_changed",
    SourceMuted: "source_muted",
    SourceAllowed: "source_allowed",
    ParticipantBanned: "participant_banned",
    ParticipantUnbanned: "participant_unbanned",
    AttributesChanged: "attributes_changed",
    SelectionChanged: "selection_changed",
    LayersChanged: "layers_changed",
    SessionReplaced: "session_replaced",
    LeakReported: "leak_reported",
}
"""The `type` of each event as a document."""
