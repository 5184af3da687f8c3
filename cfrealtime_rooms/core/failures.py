"""A lane's call that failed as a whole: wait and repeat, give the offer back, or replace the session."""

from __future__ import annotations

from .backoff import later
from .calls import ApiCall, Close, Failed, Look, NewSession, Publish, Renegotiate, Subscribe, Update
from .exchange import refuse_offer
from .replacing import replace
from .repointing import not_repointed
from .state import Participant
from .turn import Turn

PATIENCE = 5
"""How often a call that came to nothing is repeated before the lane gives up on it."""
ITEM_CODES = ("not_found_track_error", "empty_track_error", "update_track_error")
"""What is said of a track, and can fail a whole request of them."""


def fail(turn: Turn, participant: Participant, call: ApiCall, failed: Failed) -> None:
    """Take in a failure. Unless something else is decided, the lane waits a while and plans again."""
    lane = participant.lane
    lane.call_retry = later(lane.call_retry, f"{participant.id} {lane.epoch}", turn.now, failed.retry_after)
    exhausted = lane.call_retry.tries >= PATIENCE
    match call:
        case NewSession():
            if exhausted and lane.offer is not None and not _brings_back(participant):
                refuse_offer(turn, participant, "publish_failed")
        case Subscribe() | Update():
            _receiving_failed(turn, participant, call, failed, exhausted=exhausted)
        case _ if failed.gone:
            replace(turn, participant, "the session is gone")
        case Publish():
            _publish_failed(turn, participant, failed, exhausted=exhausted)
        case Renegotiate():
            if failed.blameless or (failed.worth_repeating and not exhausted):
                lane.repeat = call
            else:
                replace(turn, participant, "the answer was not accepted")
        case Close():
            _close_failed(turn, participant, failed)
        case Look():
            if exhausted and not failed.blameless:
                replace(turn, participant, "the session cannot be read")


def _publish_failed(turn: Turn, participant: Participant, failed: Failed, *, exhausted: bool) -> None:
    if failed.uncertain:
        replace(turn, participant, "nobody knows what became of the offer", uncertain=True)
    elif failed.status in (400, 406, 413):
        participant.lane.call_retry = None
        refuse_offer(turn, participant, "bad_sdp")
    elif failed.worth_repeating and _brings_back(participant):
        return
    elif exhausted or not failed.worth_repeating or failed.status in (401, 403):
        refuse_offer(turn, participant, "publish_failed")


def _brings_back(participant: Participant) -> bool:
    """Whether the offer holds what was published before: after an outage, however long, it must be back."""
    offer = participant.lane.offer
    return offer is not None and any(track.source in participant.publications for track in offer.tracks)


def _close_failed(turn: Turn, participant: Participant, failed: Failed) -> None:
    """It can be repeated for ever, and nothing else need wait for it."""
    lane = participant.lane
    if not failed.blameless:
        lane.close_retry = later(lane.close_retry, f"{participant.id} close", turn.now)
        lane.call_retry = None


def _receiving_failed(
    turn: Turn, participant: Participant, call: Subscribe | Update, failed: Failed, *, exhausted: bool
) -> None:
    lane = participant.lane
    if failed.gone:
        # It may be about a publisher's session: our own is read before it is given up.
        lane.look = True
        _all_items_failed(turn, participant, call, failed.code)
    elif failed.uncertain and isinstance(call, Update):
        lane.look = True
    elif failed.uncertain:
        replace(turn, participant, "nobody knows what became of a subscription", uncertain=True)
    elif failed.code in ITEM_CODES:
        _all_items_failed(turn, participant, call, failed.code)
    elif failed.status == 406:
        replace(turn, participant, "the session is out of step")
    elif exhausted and not failed.blameless:
        replace(turn, participant, "the session cannot be used")


def _all_items_failed(
    turn: Turn, participant: Participant, call: Subscribe | Update, code: str | None
) -> None:
    """The tracks wait, each by itself; the lane need not."""
    participant.lane.call_retry = None
    for track in call.tracks:
        not_repointed(turn, participant, track, code)
