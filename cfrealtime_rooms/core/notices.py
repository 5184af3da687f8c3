"""What a participant's client is told: one frozen value per message of the signaling protocol.

The field names are the wire names. No SFU session id, token of others or provider text is ever in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import Factory, field, frozen

from .commands import TrackKind
from .ids import Epoch, Exchange, RoomRevision


@frozen
class IceServer:
    """A STUN or TURN server, as RTCPeerConnection takes it."""

    urls: tuple[str, ...]
    username: str | None = field(default=None, repr=False)
    credential: str | None = field(default=None, repr=False)


@frozen
class PublicationView:
    """A publication as others see it."""

    id: str
    source: str
    kind: TrackKind
    muted: bool
    state: Literal["negotiating", "live", "dead"]
    """`dead`: the SFU collected it for lack of packets; its publisher should publish it anew."""
    rids: tuple[str, ...] | None = None
    """Its simulcast layers, the lowest quality first; None where it has one only."""


@frozen
class ParticipantView:
    """A participant as others, and the participant, see it."""

    id: str
    identity: str
    name: str
    state: Literal["connected", "reconnecting"]
    attributes: Mapping[str, str] = Factory(dict[str, str])
    publications: tuple[PublicationView, ...] = ()


@frozen
class Departure:
    """A participant that is no longer in the room, and why."""

    id: str
    reason: str


@frozen
class ClientLimits:
    """What a client may send."""

    message_bytes: int = 64 * 1024
    """A whole message without its SDP."""
    sdp_bytes: int = 256 * 1024
    name_length: int = 64
    text_length: int = 4000
    attributes: int = 32
    attribute_length: int = 256
    tracks: int = 16
    """Publications of one participant."""
    selection: int = 256
    """Publications and participants in one `Select`."""


@frozen
class Welcome:
    """Sent first, as soon as the channel is connected."""

    protocol: int
    ice_servers: tuple[IceServer, ...]
    limits: ClientLimits


@frozen
class Rights:
    """What a participant may do."""

    publish: tuple[str, ...] | None = None
    """The sources that may be published; None for every one."""
    subscribe: bool = True
    message: bool = True
    muted: tuple[str, ...] = ()
    """Sources that the host has muted: closed, and not to be published until the host allows it."""


@frozen
class Snapshot:
    """The whole room as this participant may see it, itself included."""

    revision: RoomRevision
    participants: tuple[ParticipantView, ...]
    mids: Mapping[str, str]
    """Every receiving mid of the current connection to the publication it carries."""
    attributes: Mapping[str, str] = Factory(dict[str, str])
    """The room's own, set by the host."""


@frozen
class Joined:
    """The participant is in the room, or back in it."""

    participant: str
    epoch: Epoch
    token: str = field(repr=False)
    """For the next `resume`; single use."""
    snapshot: Snapshot
    rights: Rights = Factory(Rights)


@frozen
class Grant:
    """The client may send one offer now."""

    grant: Exchange
    epoch: Epoch
    deadline: float
    """Seconds from now."""


@frozen
class RoomAnswer:
    """The SFU's answer to the client's offer; to be reported as applied."""

    exchange: Exchange
    epoch: Epoch
    sdp: str = field(repr=False)


@frozen
class RoomOffer:
    """The SFU's offer; to be answered. `mids` is the whole map as it holds from this offer on."""

    exchange: Exchange
    epoch: Epoch
    sdp: str = field(repr=False)
    mids: Mapping[str, str]


@frozen
class Mids:
    """Receiving mids carry other publications now: the whole map."""

    epoch: Epoch
    mids: Mapping[str, str]


@frozen
class Replace:
    """Drop the connection and make a new one.

    With a grant, offer on it at once (what is published); without one, wait for the room's offer.
    """

    epoch: Epoch
    grant: Exchange | None
    deadline: float | None


@frozen
class Delta:
    """What changed in the room from revision `since` to `revision`."""

    since: RoomRevision
    revision: RoomRevision
    participants: tuple[ParticipantView, ...] = ()
    """Whole views of those that are new or changed."""
    left: tuple[Departure, ...] = ()
    attributes: Mapping[str, str] | None = None
    """The room's own, all of them, if they changed."""


@frozen
class Message:
    """Something a participant, or the host, said."""

    sender: str | None
    """Participant id; None when the host speaks."""
    text: str | None = None
    data: object = None
    to: tuple[str, ...] | None = None


@frozen
class RightsChanged:
    """The host has changed what this participant may do."""

    rights: Rights


@frozen
class Error:
    """Something the client sent was refused; what was refused changed nothing."""

    code: str
    message: str
    in_reply_to: str | None = None
    """The `type` of the message refused, where it could be read."""
    source: str | None = None
    """The one source of an offer that is refused; the answer to the others' is on its way."""


@frozen
class Closed:
    """The last message: this participant is out of the room."""

    reason: str


Notice = (
    Welcome
    | Joined
    | Snapshot
    | Grant
    | RoomAnswer
    | RoomOffer
    | Mids
    | Replace
    | Delta
    | Message
    | RightsChanged
    | Error
    | Closed
)

NOTICE_NAMES: dict[type[Notice], str] = {
    Welcome: "welcome",
    Joined: "joined",
    Snapshot: "snapshot",
    Grant: "grant",
    RoomAnswer: "answer",
    RoomOffer: "offer",
    Mids: "mids",
    Replace: "replace",
    Delta: "delta",
    Message: "message",
    RightsChanged: "rights",
    Error: "error",
    Closed: "closed",
}
"""The `type` of each message on the wire."""
