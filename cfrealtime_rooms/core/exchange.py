"""Offer and answer: what the SFU's descriptions mean for the lane, its participant and the others."""

from __future__ import annotations

from sys import intern

from cfrealtime.models import RemoteTrack, TrackResult, TracksResult

from .calls import Publish, Renegotiate, Subscribe
from .commands import Answer
from .events import ParticipantJoined, TrackPublished
from .layers import asked_rid
from .ledger import owe
from .notices import Error, RoomAnswer, RoomOffer
from .phases import AwaitingAnswer, AwaitingApplied, Trigger
from .publishing import end, item_failed
from .replacing import replace
from .state import Participant
from .tracks import Locator, Publication, Subscription, WaitingTrack
from .turn import Turn


def on_published(turn: Turn, participant: Participant, call: Publish, result: TracksResult) -> None:
    """The SFU has taken the client's offer, perhaps not every track of it."""
    lane, offer = participant.lane, participant.lane.offer
    if offer is None:
        return
    answer = result.description
    if answer is None and not result.ok:
        refuse_offer(turn, participant, "publish_failed")
        return
    if answer is None or answer.type != "answer" or result.requires_renegotiation:
        owe(turn, call.session_id, [track.mid for track in result.ok if track.mid])
        replace(turn, participant, "an offer was taken without an answer", uncertain=True)
        return
    lane.offer = None
    taken = {item.mid: item for item in result.ok}
    for track in offer.tracks:
        if track.withdrawn:
            lane.closing.add(track.mid)
        elif track.mid in taken:
            _publication_begins(turn, participant, track, taken[track.mid].kind)
        else:
            _not_taken(turn, participant, track, named=track.mid in result.by_mid)
    lane.sections += len(offer.tracks)
    sdp = answer.sdp
    deadline = turn.patience(participant, turn.rules.settings.applied)
    lane.follow(Trigger.SFU_ANSWERS, AwaitingApplied(offer.exchange, deadline, sdp))
    lane.handed(turn.now)
    turn.send(participant, RoomAnswer(offer.exchange, lane.epoch, sdp))
    exchange_succeeded(turn, participant)


def _not_taken(turn: Turn, participant: Participant, track: WaitingTrack, *, named: bool) -> None:
    """One track of the offer came to nothing. Not even named, it is closed to be sure."""
    if not named:
        participant.lane.closing.add(track.mid)
    _give_up(turn, participant, track.source)
    sentence = f"The SFU did not take {track.source}."
    turn.send(participant, Error("publish_failed", sentence, "offer", track.source))


def _give_up(turn: Turn, participant: Participant, source: str) -> None:
    """What was to be published anew is not: it ends."""
    held = participant.publications.get(source)
    if held is not None and held.state != "live":
        end(turn, participant, source)


def _publication_begins(turn: Turn, participant: Participant, track: WaitingTrack, kind: str | None) -> None:
    """The SFU holds it. Of what kind it is, the SFU's word counts before the client's."""
    lane = participant.lane
    publication = participant.publications.get(track.source)
    if publication is None:
        publication = Publication(turn.new_id("pub"), track.source, track.kind, track.muted)
        participant.publications[track.source] = publication
    publication.kind = "audio" if kind == "audio" else "video" if kind == "video" else track.kind
    publication.muted, publication.rids = track.muted, track.rids
    publication.state, publication.mid = "live", track.mid
    publication.locator = Locator(lane.session_id or "", track.track_name)
    publication.sending, publication.silent_since, publication.refusals = False, None, 0
    publication.published_at = turn.now
    turn.change(participant)
    turn.touch_others(participant)
    turn.emit(TrackPublished(turn.room.id, participant.id, publication.id, track.source))


def refuse_offer(turn: Turn, participant: Participant, code: str) -> None:
    """The client's offer came to nothing: it rolls back, and may ask again."""
    lane, offer = participant.lane, participant.lane.offer
    lane.offer = None
    in_reply_to = "join" if offer is not None and offer.from_join else "offer"
    sentence = {
        "bad_sdp": "The SFU could not read the offer; make a new one from the current state.",
        "publish_failed": "The SFU did not take the offer; try to publish again.",
    }[code]
    for track in offer.tracks if offer is not None else ():
        _give_up(turn, participant, track.source)
    lane.note(turn.now, f"offer refused: {code}")
    turn.send(participant, Error(code, sentence, in_reply_to))


def exchange_succeeded(turn: Turn, participant: Participant) -> None:
    """The first one makes a joining participant visible to the others."""
    lane = participant.lane
    lane.negotiated_at = turn.now if lane.negotiated_at is None else lane.negotiated_at
    if not participant.visible:
        become_visible(turn, participant)


def become_visible(turn: Turn, participant: Participant) -> None:
    """From now on the others know of the participant."""
    participant.visible = True
    turn.change(participant)
    turn.touch_others(participant)
    turn.emit(ParticipantJoined(turn.room.id, participant.id, participant.identity, participant.name))


def on_offered(turn: Turn, participant: Participant, call: Subscribe, result: TracksResult) -> None:
    """The SFU offers what it could; what it could not waits by itself."""
    lane = participant.lane
    allocated = 0
    for item, publication, track in _matched(turn, call, result):
        if item is not None and item.error is None and item.mid:
            allocated += 1
            _subscription_begins(participant, track, item.mid, publication, turn.now)
        elif publication is not None:
            item_failed(turn, participant, publication, item.error.code if item and item.error else None)
    if result.description is None and allocated == 0:
        return
    if result.description is None or result.description.type != "offer":
        replace(turn, participant, "a subscription came without its offer", uncertain=True)
        return
    lane.sections += allocated
    exchange = participant.next_exchange()
    sdp = result.description.sdp
    deadline = turn.patience(participant, turn.rules.settings.answer)
    lane.follow(Trigger.SFU_OFFERS, AwaitingAnswer(exchange, deadline, sdp))
    lane.handed(turn.now)
    turn.send(participant, RoomOffer(exchange, lane.epoch, sdp, lane.mids()))


def _matched(
    turn: Turn, call: Subscribe, result: TracksResult
) -> list[tuple[TrackResult | None, Publication | None, RemoteTrack]]:
    """Each requested track with its item: by locator, else by position where the service left names out."""
    named = {(item.session_id, item.track_name): item for item in result.tracks if item.track_name}
    in_order = len(result.tracks) == len(call.tracks)
    matched: list[tuple[TrackResult | None, Publication | None, RemoteTrack]] = []
    for index, track in enumerate(call.tracks):
        item = named.get((track.session_id, track.track_name))
        if item is None and in_order and not result.tracks[index].track_name:
            item = result.tracks[index]
        publication = turn.located(track.session_id, track.track_name)
        matched.append((item, publication, track))
    return matched


def _subscription_begins(
    participant: Participant, track: RemoteTrack, mid: str, publication: Publication | None, now: float
) -> None:
    """Record an allocated mid. If its publication ended meanwhile, it is closed.

    There are many of these: all that can be is shared with the publication, or with other sessions.
    """
    lane = participant.lane
    if publication is None or publication.locator is None:
        lane.closing.add(mid)
        return
    mid, rid = intern(mid), asked_rid(track)
    lane.subscriptions[mid] = Subscription(
        mid, publication.kind, publication.id, publication.locator, now, rid
    )
    lane.retries.pop(publication.id, None)
    publication.refusals = 0


def answer(turn: Turn, participant: Participant, command: Answer) -> None:
    """The client has answered the SFU's offer: hand it on."""
    lane = participant.lane
    lane.note(turn.now, f"answer {command.exchange}")
    lane.answered(turn.now)
    turn.call(participant, Renegotiate(lane.session_id or "", command.sdp), by=Trigger.ANSWER)
