"""What the host decides about people while they are in the room, enforced at the SFU.

All of it is kept by identity and as long as the room: neither a reload nor a second tab is a way around it.
"""

from __future__ import annotations

from .attributes import merged
from .calls import Publish
from .departure import BANNED, REMOVED, dismiss, remove
from .events import (
    AttributesChanged,
    ParticipantBanned,
    ParticipantUnbanned,
    PermissionsChanged,
    SourceAllowed,
    SourceMuted,
)
from .exchange import become_visible
from .inputs import (
    AllowSource,
    BanIdentity,
    MuteSource,
    RemoveParticipant,
    SetPermissions,
    SetRoomAttributes,
    UnbanIdentity,
)
from .notices import Error, RightsChanged
from .permissions import may_publish
from .phases import Calling, Trigger
from .publishing import withdraw
from .state import Ban, Participant, phase_deadline
from .turn import Turn
from .views import rights

Decision = (
    RemoveParticipant
    | SetPermissions
    | MuteSource
    | AllowSource
    | BanIdentity
    | UnbanIdentity
    | SetRoomAttributes
)


def decide(turn: Turn, given: Decision) -> None:
    """Carry out what the host has decided."""
    match given:
        case RemoveParticipant(identity, reason):
            _send_away(turn, identity, reason, REMOVED)
        case SetPermissions():
            _set_permissions(turn, given)
        case MuteSource(identity, source):
            turn.room.muted.setdefault(identity, set()).add(source)
            turn.emit(SourceMuted(turn.room.id, identity, source))
            _tell_and_enforce(turn, identity)
        case AllowSource():
            _allow(turn, given)
        case BanIdentity():
            _ban(turn, given)
        case UnbanIdentity(identity):
            if turn.room.bans.pop(identity, None) is not None:
                turn.emit(ParticipantUnbanned(turn.room.id, identity))
        case SetRoomAttributes():
            _set_room_attributes(turn, given)


def _ban(turn: Turn, given: BanIdentity) -> None:
    until = None if given.seconds is None else turn.now + given.seconds
    turn.room.bans[given.identity] = Ban(given.reason, until)
    turn.emit(ParticipantBanned(turn.room.id, given.identity, given.reason, given.seconds))
    _send_away(turn, given.identity, given.reason, BANNED)


def _send_away(turn: Turn, identity: str, reason: str, code: int) -> None:
    for participant in _members(turn, identity):
        remove(turn, participant, reason, code=code)
    for connection in list(turn.room.connections.values()):
        if connection.identity == identity:  # it has not joined yet
            dismiss(turn, connection.id, reason, code)


def _members(turn: Turn, identity: str) -> list[Participant]:
    return [one for one in turn.room.participants.values() if one.identity == identity]


def _set_permissions(turn: Turn, given: SetPermissions) -> None:
    """From now on these, whatever `connect` says; None gives the word back to `connect`."""
    room = turn.room
    if given.permissions is None:
        room.rights.pop(given.identity, None)
    else:
        room.rights[given.identity] = given.permissions
    for participant in _members(turn, given.identity):
        connection = room.connections.get(participant.connection or "")
        if given.permissions is not None:
            participant.permissions = given.permissions
        elif connection is not None:
            participant.permissions = connection.permissions
        turn.stirred.add(participant.id)
    turn.emit(PermissionsChanged(room.id, given.identity, given.permissions))
    _tell_and_enforce(turn, given.identity)


def _allow(turn: Turn, given: AllowSource) -> None:
    """The client may publish it again; nobody but itself can make it do so."""
    muted = turn.room.muted.get(given.identity, set[str]())
    allowed = sorted(muted if given.source is None else muted & {given.source})
    if not allowed:
        return
    muted.difference_update(allowed)
    if not muted:
        del turn.room.muted[given.identity]
    for source in allowed:
        turn.emit(SourceAllowed(turn.room.id, given.identity, source))
    _tell_and_enforce(turn, given.identity)


def _tell_and_enforce(turn: Turn, identity: str) -> None:
    for participant in _members(turn, identity):
        turn.send(participant, RightsChanged(rights(turn.room, participant)))
        enforce(turn, participant)


def enforce(turn: Turn, participant: Participant) -> None:
    """End what is published, or on its way, and not allowed any more; plan what is received anew."""
    lane, offer = participant.lane, participant.lane.offer
    offered = [] if offer is None else [one.source for one in offer.tracks if not one.withdrawn]
    refused = [one for one in offered if not may_publish(turn.room, participant, one)]
    for source in {*participant.publications, *refused}:
        if not may_publish(turn.room, participant, source):
            withdraw(turn, participant, source)
    if refused:
        _refuse(turn, participant, refused, whole=refused == offered and not _in_flight(turn, participant))
    turn.touch(participant)
    silenced = bool(lane.subscriptions) and not participant.permissions.subscribe
    if lane.closing or silenced or (refused and lane.offer is not None):
        _hurry(turn, participant)


def _refuse(turn: Turn, participant: Participant, sources: list[str], *, whole: bool) -> None:
    """An offer that has not left yet and of which nothing is allowed is not made; else single sources are."""
    offer = participant.lane.offer
    in_reply_to = "join" if offer is not None and offer.from_join else "offer"
    if whole:
        participant.lane.offer = None
        turn.send(participant, Error("not_allowed", "The host does not allow that any more.", in_reply_to))
        if not participant.visible:
            become_visible(turn, participant)
        return
    for source in sources:
        sentence = f"The host does not allow {source} any more."
        turn.send(participant, Error("not_allowed", sentence, in_reply_to, source))


def _in_flight(turn: Turn, participant: Participant) -> bool:
    phase = participant.lane.phase
    operation = turn.room.operations.get(phase.op) if isinstance(phase, Calling) else None
    return operation is not None and isinstance(operation.call, Publish)


def _hurry(turn: Turn, participant: Participant) -> None:
    """A client cannot put off what the host has decided by leaving an exchange open."""
    lane = participant.lane
    lane.enforcing = True
    due = phase_deadline(participant)
    if due is not None:
        lane.wait_until(Trigger.HURRY, min(due, turn.now + turn.rules.settings.enforce))


def _set_room_attributes(turn: Turn, given: SetRoomAttributes) -> None:
    """Merged into what is there; everyone is told, and asked again about whom."""
    room = turn.room
    after = merged(room.attributes, given.attributes, turn.rules.settings.limits)
    if after == room.attributes:
        return
    room.attributes = after
    turn.attributes_changed = True
    turn.stirred.update(room.participants)
    turn.emit(AttributesChanged(room.id, None, dict(after)))
