"""Publications and the receiving mids that carry them: begin, end, die, fail, come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .backoff import later
from .commands import OfferedTrack
from .events import TrackUnpublished
from .ids import Exchange
from .permissions import may_publish
from .phases import Idle, Trigger
from .state import Participant
from .tracks import ClientOffer, Publication, WaitingTrack
from .turn import Refused, Turn

REFUSALS_BEFORE_A_LOOK = 3
"""So often may the SFU not find what its publisher reports as sending, before that session is read."""
COLLECTED_AFTER = 25.0
"""The SFU collects what sends nothing for 30 s; clocks and reports are not that exact."""
UNREADY = ("not_found_track_error", "empty_track_error")
"""What the SFU says of a publication that is not connected, or not sending, yet."""
MOST_RIDS = 8
LONGEST_FOR_ITEMS = 60.0
"""An item may hold its call up for seconds each time. A new report of its publisher's ends the wait."""


def check_tracks(
    turn: Turn, participant: Participant, tracks: Iterable[OfferedTrack], leaving: Collection[str] = ()
) -> None:
    """Refuse an offer's tracks as a whole, before anything is touched. `leaving`: ids of who makes room."""
    offered = tuple(tracks)
    sources = {track.source for track in offered}
    if not offered:
        raise Refused("no_tracks", "An offer names at least one track: mid, source and kind.")
    if len(sources) != len(offered) or len({track.mid for track in offered}) != len(offered):
        raise Refused("bad_message", "Every track of an offer has its own source and its own mid.")
    _check_rids(offered)
    for track in offered:
        if not participant.permissions.may_publish(track.source):
            raise Refused("not_allowed", "This participant may not publish that source.")
        if not may_publish(turn.room, participant, track.source):
            raise Refused("muted_by_host", "The host has muted that source; wait until it is allowed.")
        held = participant.publications.get(track.source)
        if held is not None and held.state == "live":
            raise Refused("source_taken", "That source is published already; unpublish it first.")
    _check_capacity(turn, participant, sources, {participant.id, *leaving})


def _check_rids(tracks: Iterable[OfferedTrack]) -> None:
    """Refuse an offer whose layers cannot be."""
    for track in tracks:
        sound = all(one.isascii() and one.isalnum() and len(one) <= 16 for one in track.rids)
        if not sound or len(track.rids) > MOST_RIDS or len({*track.rids}) != len(track.rids):
            raise Refused("bad_message", f"A track has at most {MOST_RIDS} rids: letters and digits.")


def _check_capacity(turn: Turn, participant: Participant, sources: set[str], apart: set[str]) -> None:
    """Tracks on their way count: however many come at once, no more are taken than there is room for."""
    settings = turn.rules.settings
    if len(sources | participant.publications.keys()) > settings.limits.tracks:
        sentence = f"A participant publishes at most {settings.limits.tracks} tracks."
        raise Refused("too_many_tracks", sentence)
    if settings.max_tracks is None:
        return
    others = (one for one in turn.room.participants.values() if one.id not in apart)
    held = sum(len(published_or_offered(one)) for one in others)
    if held + len(sources | participant.publications.keys()) > settings.max_tracks:
        sentence = f"The room takes {settings.max_tracks} tracks in all; try again when one has ended."
        raise Refused("too_many_tracks", sentence)


def published_or_offered(participant: Participant) -> set[str]:
    """The sources that a participant publishes, or has offered to."""
    offer = participant.lane.offer
    offered = offer.tracks if offer is not None else ()
    return {one.source for one in offered if not one.withdrawn} | participant.publications.keys()


def waiting_offer(
    turn: Turn, exchange: Exchange, sdp: str, tracks: Iterable[OfferedTrack], *, from_join: bool = False
) -> ClientOffer:
    """The offer as the lane holds it: each track under the name it will have at the SFU."""
    waiting = tuple(
        WaitingTrack(t.mid, t.source, t.kind, t.muted, turn.new_id("track"), t.rids) for t in tracks
    )
    return ClientOffer(exchange, sdp, waiting, from_join)


def end(turn: Turn, participant: Participant, source: str) -> None:
    """A publication is over: whoever received it keeps the mid as a spare."""
    publication = participant.publications.pop(source)
    if publication.mid is not None:
        participant.lane.closing.add(publication.mid)
    release(turn, [publication])
    turn.change(participant)
    turn.touch(participant)
    turn.touch_others(participant)
    turn.emit(TrackUnpublished(turn.room.id, participant.id, publication.id, source))


def withdraw(turn: Turn, participant: Participant, source: str) -> bool:
    """End what is published from a source, and what is on its way. False where there is neither."""
    lane = participant.lane
    found = source in participant.publications
    if found:
        end(turn, participant, source)
    if lane.offer is not None and any(track.source == source for track in lane.offer.tracks):
        lane.offer = lane.offer.without(source)
        found = True
    return found


def end_grant(turn: Turn, participant: Participant, by: Trigger, why: str) -> None:
    """The grant is used up for nothing: what was to be offered again after a replacement has ended."""
    participant.lane.follow(by, Idle())
    participant.lane.note(turn.now, why)
    for publication in tuple(participant.publications.values()):
        if publication.state == "negotiating":
            end(turn, participant, publication.source)


def release(turn: Turn, publications: Iterable[Publication]) -> None:
    """Turn every mid that carried one of these into a spare."""
    over = {publication.id for publication in publications}
    for other in turn.room.participants.values() if over else ():
        for publication_id in over:
            other.lane.retries.pop(publication_id, None)
            other.layers.pop(publication_id, None)
        for subscription in other.lane.subscriptions.values():
            if subscription.publication in over:
                subscription.publication = None


def may_be_collected(silent_since: float | None, now: float) -> bool:
    """Whether the SFU may have let go of a publication that was silent since then: it is time to look."""
    return silent_since is not None and now - silent_since >= COLLECTED_AFTER


def declare_dead(turn: Turn, participant: Participant, publication: Publication) -> None:
    """The SFU collected it: its publisher is told, and publishes it anew."""
    publication.lose_session()
    publication.state = "dead"
    turn.change(participant)


def item_failed(turn: Turn, participant: Participant, publication: Publication, code: str | None) -> None:
    """The SFU refused one publication to one participant: this item alone waits."""
    retries = participant.lane.retries
    key = f"{participant.id} {publication.id}"
    retry = later(retries.get(publication.id), key, turn.now, longest=LONGEST_FOR_ITEMS)
    retry.unready = code in UNREADY
    retries[publication.id] = retry
    turn.touch(participant)
    if code != "not_found_track_error" or not publication.sending:
        return
    publication.refusals += 1
    if publication.refusals >= REFUSALS_BEFORE_A_LOOK:
        publication.refusals = 0
        found = turn.published(publication.id)
        if found is not None:
            found[0].lane.look = True
            turn.touch(found[0])
