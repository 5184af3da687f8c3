"""What reaches the core: what clients and the host do, and what became of calls."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from .calls import CallOutcome
from .commands import Command
from .ids import OperationId
from .notices import IceServer
from .permissions import Permissions


@frozen
class Connected:
    """The host has connected a channel. Name and rights are the host's word."""

    connection: str
    identity: str
    name: str | None = None
    permissions: Permissions = Factory(Permissions)
    attributes: Mapping[str, str] = Factory(dict[str, str])
    ice_servers: tuple[IceServer, ...] = field(default=(), repr=False)


@frozen
class Received:
    """A checked message of a client's."""

    connection: str
    command: Command


@frozen
class Disconnected:
    """The host's channel is gone."""

    connection: str


@frozen
class Overflowed:
    """The client was too slow: deltas for it were dropped, it needs the whole room."""

    connection: str


@frozen
class Returned:
    """An API call came to an end."""

    operation: OperationId
    outcome: CallOutcome
    seconds: float = 0.0
    """How long it took."""


@frozen
class RemoveParticipant:
    """The host takes everyone of an identity out of the room."""

    identity: str
    reason: str = "removed"


@frozen
class SetPermissions:
    """The host gives an identity other rights, for as long as the room; None: those of `connect` again."""

    identity: str
    permissions: Permissions | None


@frozen
class MuteSource:
    """The host closes a source of an identity, and keeps it closed."""

    identity: str
    source: str


@frozen
class AllowSource:
    """The host lets an identity publish a source again; None: every source it had muted."""

    identity: str
    source: str | None = None


@frozen
class BanIdentity:
    """The host sends everyone of an identity away and lets nobody of it in again."""

    identity: str
    reason: str = "banned"
    seconds: float | None = None
    """None: as long as the room."""


@frozen
class UnbanIdentity:
    """The host lets an identity in again."""

    identity: str


@frozen
class SetRoomAttributes:
    """The host merges into the room's attributes; an empty value removes its key."""

    attributes: Mapping[str, str]


@frozen
class Say:
    """The host says something to the room, or to some participants."""

    text: str | None = None
    data: object = None
    to: tuple[str, ...] | None = None


@frozen
class CloseRoom:
    """The host closes the room for everyone."""

    reason: str = "room_closed"
    final: bool = True
    """False when only this process stops: clients are not told to stay away, and come back."""


@frozen
class AdoptDebt:
    """A session left behind by an earlier owner of this room."""

    session_id: str
    mids: tuple[str, ...] | None


Input = (
    Connected
    | Received
    | Disconnected
    | Overflowed
    | Returned
    | RemoveParticipant
    | SetPermissions
    | MuteSource
    | AllowSource
    | BanIdentity
    | UnbanIdentity
    | SetRoomAttributes
    | Say
    | CloseRoom
    | AdoptDebt
)
