"""What a participant may do. Decided by the host, never by the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:  # the state holds permissions
    from .state import Participant, Room


@frozen
class Permissions:
    """Rights of one participant; everything is allowed unless said otherwise."""

    publish: frozenset[str] | None = None
    """The sources that may be published; None for every source, an empty set for none."""
    subscribe: bool = True
    """Whether anything is received from others."""
    message: bool = True
    """Whether messages may be sent."""

    def may_publish(self, source: str) -> bool:
        """Whether this source may be published."""
        return self.publish is None or source in self.publish


def rights_of(room: Room, identity: str, connected_with: Permissions) -> Permissions:
    """The rights of an identity: what the host has decided in the room, else what it said at `connect`."""
    return room.rights.get(identity, connected_with)


def may_publish(room: Room, participant: Participant, source: str) -> bool:
    """Whether a participant may publish a source now."""
    muted = room.muted.get(participant.identity, ())
    return participant.permissions.may_publish(source) and source not in muted
