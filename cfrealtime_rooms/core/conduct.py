"""What a participant in the room asks for, message by message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .attributes import merged
from .commands import (
    Answer,
    Applied,
    Command,
    Join,
    Leave,
    Media,
    Mute,
    Negotiate,
    Offer,
    PreferLayers,
    RequestSnapshot,
    Resume,
    Select,
    SendMessage,
    SetAttributes,
    Unpublish,
)
from .departure import remove
from .events import AttributesChanged, MessageSent, TrackMuted
from .exchange import answer
from .ids import Exchange
from .membership import join, resume
from .notices import Message
from .phases import Idle, Refusal, Trigger, step_of
from .policy import may_see
from .preferences import prefer, select
from .publishing import check_tracks, end, end_grant, may_be_collected, waiting_offer, withdraw
from .replacing import replace
from .sight import may_hear
from .state import Connection, Lane, Participant, Selection
from .turn import Refused, Turn
from .views import snapshot


def obey(turn: Turn, connection: Connection, command: Command) -> None:
    """Carry out one command, or raise `Refused` with nothing changed."""
    participant = turn.room.participants.get(connection.participant or "")
    match command:
        case Join() | Resume():
            if participant is not None:
                raise Refused("already_joined", "This connection is in the room already.")
            if isinstance(command, Join):
                join(turn, connection, command)
            else:
                resume(turn, connection, command)
        case _ if participant is None:
            raise Refused("not_joined", "Send join, or resume, first.")
        case Negotiate() | Offer() | Applied() | Answer() | Media():
            _negotiation(turn, participant, command)
        case _:
            _conduct(turn, connection, participant, command)


def _negotiation(
    turn: Turn, participant: Participant, command: Negotiate | Offer | Applied | Answer | Media
) -> None:
    lane = participant.lane
    turn.touch(participant)
    turn.moved.add(participant.id)
    match command:
        case Negotiate():
            # Whatever is open: the offer under a grant that is out may have crossed this, or never come.
            lane.wants_grant = True
        case Offer(grant):
            _admit(lane, Trigger.OFFER, grant)
            _offered(turn, participant, command)
        case Applied(exchange):
            _admit(lane, Trigger.APPLIED, exchange)
            lane.note(turn.now, f"applied {exchange}")
            lane.answered(turn.now)
            lane.follow(Trigger.APPLIED, Idle())
            turn.exchange_over(participant, "finished")
        case Answer(exchange):
            _admit(lane, Trigger.ANSWER, exchange)
            answer(turn, participant, command)
        case Media():
            if command.epoch != lane.epoch:
                raise Refused("stale", "That epoch is over; a new connection was asked for.")
            _media(turn, participant, command)


def _admit(lane: Lane, trigger: Trigger, exchange: int) -> None:
    """Refuse what the table has no way for."""
    way = step_of(lane.phase, trigger, exchange)
    if isinstance(way, Refusal):
        raise Refused(way.code, way.message)


def _offered(turn: Turn, participant: Participant, command: Offer) -> None:
    """Take an offer under its grant, or refuse it: the grant is used up either way."""
    lane = participant.lane
    lane.wants_grant = False
    try:
        check_tracks(turn, participant, command.tracks)
    except Refused:
        end_grant(turn, participant, Trigger.OFFER, "offer refused")
        raise
    offered = {track.source for track in command.tracks}
    for publication in tuple(participant.publications.values()):
        if publication.state == "negotiating" and publication.source not in offered:
            end(turn, participant, publication.source)  # after a replacement it is not offered again
    lane.offer = waiting_offer(turn, Exchange(command.grant), command.sdp, command.tracks)
    lane.follow(Trigger.OFFER, Idle())
    lane.note(turn.now, f"offer of {len(command.tracks)}")


def _media(turn: Turn, participant: Participant, command: Media) -> None:
    lane = participant.lane
    if command.state == "failed":
        replace(turn, participant, "the client's connection failed")
        return
    if command.state == "connected" and not lane.connected:
        lane.connected = True
        lane.note(turn.now, "connected")
    for publication in participant.publications.values():
        sending = publication.source in command.sending
        if sending and not publication.sending:
            turn.touch_others(participant)
            _ask_again(turn.room.participants.values(), publication.id)
            if may_be_collected(publication.silent_since, turn.now):
                lane.look = True
        elif publication.sending and not sending:
            publication.silent_since = turn.now
        publication.sending = sending


def _ask_again(participants: Iterable[Participant], publication_id: str) -> None:
    """Packets flow now: whoever was refused this publication need not wait any longer."""
    for other in participants:
        other.lane.retries.pop(publication_id, None)


def _conduct(turn: Turn, connection: Connection, participant: Participant, command: Command) -> None:
    match command:
        case Mute(source, muted):
            _mute(turn, participant, source, muted=muted)
        case Unpublish(source):
            if not withdraw(turn, participant, source):
                raise Refused("unknown_source", "Nothing is published from that source.")
        case SendMessage():
            _say(turn, participant, command)
        case SetAttributes(attributes):
            _set_attributes(turn, connection, participant, attributes)
        case Select(publications, participants):
            select(turn, participant, Selection(publications, participants))
        case PreferLayers(layers):
            prefer(turn, participant, layers)
        case RequestSnapshot():
            participant.told = turn.room.revision
            turn.send(participant, snapshot(turn.room, participant))
        case Leave():
            remove(turn, participant, "left")
        case _:
            raise Refused("bad_message", "That is not understood here.")


def _mute(turn: Turn, participant: Participant, source: str, *, muted: bool) -> None:
    """Soft: the publication goes on with silence or a still picture, and no call is made."""
    publication = participant.publications.get(source)
    offer = participant.lane.offer
    offered = offer is not None and any(track.source == source for track in offer.tracks)
    if publication is None and not offered:
        raise Refused("unknown_source", "Nothing is published from that source.")
    if offer is not None:
        participant.lane.offer = offer.with_muted(source, muted=muted)
    if publication is not None and publication.muted != muted:
        publication.muted = muted
        turn.change(participant)
        turn.emit(TrackMuted(turn.room.id, participant.id, publication.id, source, muted))


def _set_attributes(
    turn: Turn, connection: Connection, participant: Participant, news: Mapping[str, str]
) -> None:
    if news.keys() & connection.attributes.keys():
        raise Refused("not_allowed", "The host has set that attribute.")
    after = merged(participant.attributes, news, turn.rules.settings.limits)
    if after != participant.attributes:
        participant.attributes = after
        turn.change(participant)
        turn.emit(AttributesChanged(turn.room.id, participant.id, dict(after)))


def _say(turn: Turn, participant: Participant, command: SendMessage) -> None:
    if not participant.permissions.message:
        raise Refused("not_allowed", "This participant may not send messages.")
    if (command.text is None) == (command.data is None):
        raise Refused("bad_message", "A message has a text, or data.")
    if command.text is not None and not 1 <= len(command.text) <= turn.rules.settings.limits.text_length:
        raise Refused("bad_message", f"A text has 1 to {turn.rules.settings.limits.text_length} characters.")
    spread(turn, participant, command.text, command.data, command.to)
    turn.emit(MessageSent(turn.room.id, participant.id, command.text, command.data, command.to))


def spread(
    turn: Turn, sender: Participant | None, text: str | None, data: object, to: tuple[str, ...] | None
) -> None:
    """Deliver a message. Its sender gets it too: what it shows is what the others have got.

    Whoever is not told about its sender is not told by a message either.
    """
    room = turn.room
    visible = {p.id for p in room.participants.values() if p.visible}
    if sender is not None:
        visible = {p for p in visible if may_hear(turn, room.participants[p], sender)}
    if sender is not None and to is not None:
        visible = {p for p in visible if may_see(sender, room.participants[p])}
    addressed = visible if to is None else visible.intersection(to)
    if sender is not None:
        # Who addresses people wants to know; the host's may have left while it spoke.
        if to is not None and len(addressed) < len({*to}):
            raise Refused("unknown_participant", "Not everyone addressed is in the room.")
        addressed = addressed | {sender.id}
    message = Message(sender.id if sender else None, text, data, to)
    for participant in room.participants.values():
        if participant.id in addressed:
            turn.send(participant, message)
