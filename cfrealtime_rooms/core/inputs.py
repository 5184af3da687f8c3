"""What reaches the core: what clients and the host do, and what became of calls."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from .calls import CallOutcome
from .commands import Command
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

    operation: int
    outcome: CallOutcome


@frozen
class RemoveParticipant:
    """The host takes everyone of an identity out of the room."""

    identity: str
    reason: str = "removed"


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
    | Say
    | CloseRoom
    | AdoptDebt
)
