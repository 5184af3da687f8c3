"""Coming in, coming back, and losing the channel."""

from __future__ import annotations

from attrs import evolve

from .attributes import merged
from .commands import Join, OfferedTrack, Resume
from .departure import BANNED, dismiss, remove
from .events import JoinRefused, ParticipantReconnecting, ParticipantResumed, RoomOpened
from .exchange import become_visible
from .ids import Epoch
from .inputs import Connected
from .notices import Grant, Joined, RoomAnswer, RoomOffer, Welcome
from .permissions import may_publish, rights_of
from .phases import AwaitingAnswer, AwaitingApplied, AwaitingOffer, Phase, Trigger
from .publishing import check_tracks, end, may_be_collected, waiting_offer, withdraw
from .replacing import publishes, retire, tell_replaced
from .sight import begin_to_see
from .state import Connection, Lane, Participant
from .turn import Refused, Turn
from .views import rights, snapshot

PROTOCOL = 1


def connect(turn: Turn, connected: Connected) -> None:
    """A channel is up: welcome it, unless the host has banned who is on it."""
    turn.room.connections[connected.connection] = Connection(
        connected.connection,
        connected.identity,
        connected.name,
        connected.permissions,
        connected.attributes,
    )
    ban = turn.room.bans.get(connected.identity)
    if ban is not None:
        if ban.until is None or ban.until > turn.now:
            turn.emit(JoinRefused(turn.room.id, connected.identity, "banned"))
            dismiss(turn, connected.connection, ban.reason, BANNED)
            return
        del turn.room.bans[connected.identity]
    turn.send_to(
        connected.connection,
        Welcome(PROTOCOL, connected.ice_servers, turn.rules.settings.limits),
    )


def join(turn: Turn, connection: Connection, command: Join) -> None:
    """Admit a participant. The others learn of it when its first exchange has succeeded."""
    room = turn.room
    participant = _newcomer(turn, connection, command)
    replaced = _give_way(turn, connection)
    if command.offer is not None:
        check_tracks(turn, participant, command.tracks, [twin.id for twin in replaced])
    most = turn.rules.settings.max_participants
    if not replaced and len(room.participants) >= most:
        sentence = f"The room takes {most} participants and is full; try again when someone has left."
        raise _turned_away(turn, connection, Refused("room_full", sentence))
    if not room.participants:
        turn.emit(RoomOpened(room.id))
    room.participants[participant.id] = participant
    for twin in replaced:
        remove(turn, twin, "replaced")
    connection.participant = participant.id
    begin_to_see(turn, participant)
    _tell_joined(turn, participant)
    if command.offer is not None:
        _take_offer(turn, participant, command.offer, command.tracks)
    else:
        become_visible(turn, participant)
    turn.touch(participant)


def _turned_away(turn: Turn, connection: Connection, refused: Refused) -> Refused:
    """The host is told who could not come in, and why."""
    turn.emit(JoinRefused(turn.room.id, connection.identity, refused.code))
    return refused


def _give_way(turn: Turn, connection: Connection) -> list[Participant]:
    """Who leaves when this identity joins. One whose channel dropped gives way in any case but `allow`."""
    twins = [p for p in turn.room.participants.values() if p.identity == connection.identity]
    match turn.rules.settings.duplicates:
        case "allow":
            return []
        case "reject" if any(twin.connection is not None for twin in twins):
            sentence = "This person is in the room already, from another place."
            raise _turned_away(turn, connection, Refused("duplicate_identity", sentence))
        case _:
            return twins


def _newcomer(turn: Turn, connection: Connection, command: Join) -> Participant:
    """The participant as it would be. The host's word wins over the client's."""
    limits = turn.rules.settings.limits
    name = (connection.name if connection.name is not None else command.name or "").strip()
    if not 1 <= len(name) <= limits.name_length:
        raise Refused("name_invalid", f"A name has 1 to {limits.name_length} characters.")
    participant = Participant(
        id=turn.new_id("p"),
        identity=connection.identity,
        name=name,
        permissions=rights_of(turn.room, connection.identity, connection.permissions),
        attributes={},
        token=turn.new_id("resume"),
        lane=Lane(Epoch(1)),
        connection=connection.id,
        joined_at=turn.now,
    )
    participant.attributes = merged({}, command.attributes or {}, limits)
    participant.attributes |= connection.attributes
    return participant


def resume(turn: Turn, connection: Connection, command: Resume) -> None:
    """Bring a participant back whose channel dropped: its media may never have stopped."""
    participant = next(
        (
            p
            for p in turn.room.participants.values()
            if p.token == command.token and p.identity == connection.identity
        ),
        None,
    )
    if participant is None:
        raise Refused("resume_failed", "This token is unknown or used up; join anew.")
    reload = command.epoch is None
    if reload and command.offer is not None:
        allowed = rights_of(turn.room, connection.identity, connection.permissions)
        fresh = evolve(participant, publications={}, permissions=allowed)
        check_tracks(turn, fresh, command.tracks)
    if participant.publications and may_be_collected(participant.lost_at, turn.now):
        participant.lane.look = True  # asleep with its channel, perhaps
    _take_over(turn, participant, connection)
    stale = not reload and command.epoch != participant.lane.epoch
    offers = publishes(participant)
    if reload:
        _start_over(turn, participant, command)
    elif stale and not participant.lane.untouched:
        # What it was told of the new epoch was lost with the channel, and an exchange may be open there.
        retire(turn, participant, "the client missed a replacement")
    _tell_joined(turn, participant)
    if stale:
        tell_replaced(turn, participant, offers=offers)
    else:
        _repeat_open_exchange(turn, participant)
    turn.touch(participant)


def _take_over(turn: Turn, participant: Participant, connection: Connection) -> None:
    """The new channel is the participant's; an older one that still seems open is dropped."""
    if participant.connection is not None:
        turn.hang_up(participant.connection, 4001, "resumed elsewhere")
        turn.room.connections.pop(participant.connection, None)
    participant.connection, participant.lost_at = connection.id, None
    participant.token = turn.new_id("resume")
    connection.participant = participant.id
    _host_says(turn, participant, connection)
    turn.change(participant)
    turn.emit(ParticipantResumed(turn.room.id, participant.id, participant.identity))


def _host_says(turn: Turn, participant: Participant, connection: Connection) -> None:
    """The host's word may have changed since the last channel; it wins again."""
    if connection.name is not None and connection.name.strip():
        participant.name = connection.name.strip()[: turn.rules.settings.limits.name_length]
    participant.attributes |= connection.attributes
    participant.permissions = rights_of(turn.room, connection.identity, connection.permissions)
    offered = participant.lane.offer.tracks if participant.lane.offer is not None else ()
    for source in (*participant.publications, *(track.source for track in offered)):
        if not may_publish(turn.room, participant, source):
            withdraw(turn, participant, source)


def _start_over(turn: Turn, participant: Participant, command: Resume) -> None:
    """The client has lost its connection (a reload): a new session, and what it offers now."""
    retire(turn, participant, "the client started over")
    offered = {track.source for track in command.tracks} if command.offer is not None else set[str]()
    for source in tuple(participant.publications):
        if source not in offered:
            end(turn, participant, source)
    if command.offer is not None:
        _take_offer(turn, participant, command.offer, command.tracks)
    elif not participant.visible:
        become_visible(turn, participant)


def _take_offer(turn: Turn, participant: Participant, sdp: str, tracks: tuple[OfferedTrack, ...]) -> None:
    exchange = participant.next_exchange()
    participant.lane.offer = waiting_offer(turn, exchange, sdp, tracks, from_join=True)


def _tell_joined(turn: Turn, participant: Participant) -> None:
    participant.told = turn.room.revision
    turn.send(
        participant,
        Joined(
            participant.id,
            participant.lane.epoch,
            participant.token,
            snapshot(turn.room, participant),
            rights(turn.room, participant),
        ),
    )


def _repeat_open_exchange(turn: Turn, participant: Participant) -> None:
    """What the client was told last may have been lost with the channel.

    Its time starts anew, but for one who keeps the host waiting.
    """
    lane, settings = participant.lane, turn.rules.settings
    seconds: dict[type[Phase], float] = {
        AwaitingOffer: settings.grant,
        AwaitingApplied: settings.applied,
        AwaitingAnswer: settings.answer,
    }
    if not lane.enforcing and type(lane.phase) in seconds:
        lane.wait_until(Trigger.RESUME, turn.now + seconds[type(lane.phase)])
    match lane.phase:
        case AwaitingOffer(grant, deadline):
            turn.send(participant, Grant(grant, lane.epoch, deadline - turn.now))
        case AwaitingApplied(exchange, _, sdp):
            turn.send(participant, RoomAnswer(exchange, lane.epoch, sdp))
        case AwaitingAnswer(exchange, _, sdp):
            turn.send(participant, RoomOffer(exchange, lane.epoch, sdp, lane.mids()))
        case _:
            pass


def disconnect(turn: Turn, connection_id: str) -> None:
    """The channel is gone; the participant has the grace period to come back."""
    connection = turn.room.connections.pop(connection_id, None)
    participant = turn.room.participants.get(connection.participant or "") if connection else None
    if participant is None or participant.connection != connection_id:
        return
    participant.connection, participant.lost_at = None, turn.now
    turn.change(participant)
    turn.emit(ParticipantReconnecting(turn.room.id, participant.id, participant.identity))
