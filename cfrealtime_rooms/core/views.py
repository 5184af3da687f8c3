"""What clients see of the room: views, snapshots and deltas."""

from __future__ import annotations

from collections.abc import Iterable

from .notices import Delta, Departure, ParticipantView, PublicationView, Snapshot
from .policy import may_see
from .state import Participant, Room


def view(participant: Participant) -> ParticipantView:
    """A participant as clients see it: no epoch, no session, no token."""
    return ParticipantView(
        id=participant.id,
        identity=participant.identity,
        name=participant.name,
        state="connected" if participant.connection is not None else "reconnecting",
        attributes=dict(participant.attributes),
        publications=tuple(
            PublicationView(p.id, p.source, p.kind, p.muted, p.state)
            for p in participant.publications.values()
        ),
    )


def snapshot(room: Room, viewer: Participant) -> Snapshot:
    """The whole room as one participant may see it."""
    return Snapshot(
        revision=room.revision,
        participants=tuple(view(other) for other in room.participants.values() if may_see(viewer, other)),
        mids=viewer.lane.mids(),
    )


def delta(
    room: Room, viewer: Participant, changed: Iterable[ParticipantView], left: Iterable[Departure]
) -> Delta:
    """What the viewer may see of a change, from the revision its client has."""
    seen = [
        other
        for other in changed
        if other.id in room.participants and may_see(viewer, room.participants[other.id])
    ]
    return Delta(viewer.told, room.revision, tuple(seen), tuple(left))
