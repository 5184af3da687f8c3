"""What a participant's client may ask of a room: one frozen value per message of the signaling protocol.

The field names are the wire names. `cfrealtime_rooms.signaling` turns text into these values and back;
nothing in here knows JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import Factory, field, frozen
from attrs.validators import matches_re

TrackKind = Literal["audio", "video"]

_WORD = r"[A-Za-z0-9_.:+/-]{1,64}"


_IS_WORD = matches_re(_WORD)
_WORD_SHAPE = {"pattern": f"^{_WORD}$"}
"""A short name without spaces: what travels between machines."""


@frozen
class OfferedTrack:
    """One section of a client's offer that is to become a publication."""

    mid: str = field(validator=_IS_WORD, metadata=_WORD_SHAPE)
    source: str = field(validator=_IS_WORD, metadata=_WORD_SHAPE)
    """`microphone`, `camera`, `screen`, `screen_audio`, or a free name."""
    kind: TrackKind
    muted: bool = False
    rids: tuple[str, ...] = ()
    """The simulcast layers in its section, the lowest quality first."""


@frozen
class Join:
    """Enter the room: once, after `welcome`. The first offer may ride in it."""

    name: str | None = None
    """Used only where the host gave no name."""
    attributes: Mapping[str, str] | None = None
    offer: str | None = field(default=None, repr=False)
    """SDP with every candidate in it; None for a viewer."""
    tracks: tuple[OfferedTrack, ...] = ()


@frozen
class Resume:
    """Come back after the channel dropped, instead of `Join`."""

    token: str = field(repr=False)
    epoch: int | None = None
    """The epoch of the connection the client still holds; None after a reload."""
    offer: str | None = field(default=None, repr=False)
    """With `epoch` None: the first offer of the new connection."""
    tracks: tuple[OfferedTrack, ...] = ()


@frozen
class Negotiate:
    """Ask for a grant to send an offer."""


@frozen
class Offer:
    """The client's offer under a grant. `tracks` names its new sections only."""

    grant: int
    sdp: str = field(repr=False)
    tracks: tuple[OfferedTrack, ...] = ()


@frozen
class Applied:
    """The SFU's answer of this exchange has been applied."""

    exchange: int


@frozen
class Answer:
    """The client's answer to the room's offer of this exchange."""

    exchange: int
    sdp: str = field(repr=False)


@frozen
class Media:
    """What the client's connection does, sent when it changes."""

    epoch: int
    state: Literal["connected", "failed"] | None = None
    """None: unchanged since the last report."""
    sending: tuple[str, ...] = ()
    """Every source whose packets leave the client now."""


@frozen
class Mute:
    """Tell the others that a source is muted or not. Soft: packets go on, no API call."""

    source: str = field(validator=_IS_WORD, metadata=_WORD_SHAPE)
    muted: bool


@frozen
class Unpublish:
    """Stop publishing a source: closed at the SFU."""

    source: str = field(validator=_IS_WORD, metadata=_WORD_SHAPE)


@frozen
class SendMessage:
    """Say something to everyone in the room, or to some."""

    text: str | None = None
    data: object = None
    """Any JSON value, for the application's own use."""
    to: tuple[str, ...] | None = None
    """Participant ids; None for everyone."""


@frozen
class SetAttributes:
    """Merge into one's own attributes; an empty value removes the key."""

    attributes: Mapping[str, str] = Factory(dict[str, str])


@frozen
class Select:
    """Say what to receive, where the room leaves that to its participants. Always the whole choice."""

    publications: tuple[str, ...] = ()
    """The most wanted first."""
    participants: tuple[str, ...] = ()
    """Everything that these publish, now and later."""


@frozen
class PreferLayers:
    """Say in which simulcast layer to receive publications. Merged into what was said before."""

    layers: Mapping[str, str | None]
    """By publication: `low`, `medium`, `high`, or one of its rids; null for the host's default."""


@frozen
class RequestSnapshot:
    """Ask for the whole room: after a gap in the revisions."""


@frozen
class Leave:
    """Leave for good."""


Command = (
    Join
    | Resume
    | Negotiate
    | Offer
    | Applied
    | Answer
    | Media
    | Mute
    | Unpublish
    | SendMessage
    | SetAttributes
    | Select
    | PreferLayers
    | RequestSnapshot
    | Leave
)

COMMAND_NAMES: dict[type[Command], str] = {
    Join: "join",
    Resume: "resume",
    Negotiate: "negotiate",
    Offer: "offer",
    Applied: "applied",
    Answer: "answer",
    Media: "media",
    Mute: "mute",
    Unpublish: "unpublish",
    SendMessage: "message",
    SetAttributes: "attributes",
    Select: "select",
    PreferLayers: "layers",
    RequestSnapshot: "snapshot",
    Leave: "leave",
}
"""The `type` of each message on the wire."""
