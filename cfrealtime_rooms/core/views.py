"""What clients see of the room: views, snapshots and deltas."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .notices import Delta, Departure, ParticipantView, PublicationView, Rights, Snapshot
from .policy import may_see
from .state import Participant, Room

HIDDEN = "hidden"
"""Why a participant who is still there is gone for somebody."""


def view(participant: Participant) -> ParticipantView:
    """A participant as clients see it: no epoch, no session, no token."""
    return ParticipantView(
        id=participant.id,
        identity=participant.identity,
        name=participant.name,
        state="connected" if participant.connection is not None else "reconnecting",
        attributes=dict(participant.attributes),
        publications=tuple(
            PublicationView(p.id, p.source, p.kind, p.muted, p.state, p.rids or None)
            for p in participant.publications.values()
        ),
    )


def rights(room: Room, participant: Participant) -> Rights:
    """What a participant may do, as its own client is told."""
    allowed = participant.permissions
    return Rights(
        publish=None if allowed.publish is None else tuple(sorted(allowed.publish)),
        subscribe=allowed.subscribe,
        message=allowed.message,
        muted=tuple(sorted(room.muted.get(participant.identity, ()))),
    )


def snapshot(room: Room, viewer: Participant) -> Snapshot:
    """The whole room as one participant may see it."""
    return Snapshot(
        revision=room.revision,
        participants=tuple(view(other) for other in room.participants.values() if may_see(viewer, other)),
        mids=viewer.lane.mids(),
        attributes=dict(room.attributes),
    )


def delta(
    room: Room,
    viewer: Participant,
    changed: Mapping[str, ParticipantView],
    left: Iterable[Departure],
    before: Collection[str] | None = None,
    attributes: Mapping[str, str] | None = None,
) -> Delta | None:
    """What the viewer may see of a change, from the revision its client has; None where that is nothing.

    `before`: whom it was told about until now, `attributes`: the room's, if that has changed.
    """
    hears_of = viewer.hears_of
    seen = [one for one in changed.values() if may_see(viewer, room.participants[one.id])]
    known = hears_of if before is None else before
    gone = [one for one in left if known is None or one.id in known]
    if hears_of is not None and before is not None:
        seen += [view(room.participants[one]) for one in sorted(hears_of.difference(before, changed))]
        gone += [Departure(one, HIDDEN) for one in sorted(set(before) - hears_of) if one in room.participants]
    if not seen and not gone and attributes is None:
        return None
    return Delta(viewer.told, room.revision, tuple(seen), tuple(gone), attributes)
