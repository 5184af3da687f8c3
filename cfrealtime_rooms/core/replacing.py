"""A session that cannot be trusted any more is replaced; nobody else's is touched."""

from __future__ import annotations

from .backoff import delay
from .departure import remove
from .events import SessionReplaced
from .ledger import owe_lane
from .notices import Replace
from .phases import AwaitingOffer, Retired, Trigger
from .state import Lane, Participant
from .tracks import Retry
from .turn import Turn

OFTEN = 20
LATELY = 60.0
"""More replacements than `OFTEN` within this many seconds, and the participant is asked to leave.

No outage leads there: each replacement but the first begins later than the one before, up to 8 s.
"""


def replace(
    turn: Turn,
    participant: Participant,
    reason: str,
    *,
    uncertain: bool = False,
    by: Trigger = Trigger.END,
) -> None:
    """Retire the lane, owe what its session holds, and begin a new epoch."""
    had_media = publishes(participant)
    retire(turn, participant, reason, uncertain=uncertain, by=by)
    participant.replacements = [at for at in participant.replacements if turn.now - at < LATELY]
    participant.replacements.append(turn.now)
    if len(participant.replacements) > OFTEN:
        remove(turn, participant, "media_failed")
        return
    again = len(participant.replacements) - 1
    if again:
        participant.lane.call_retry = Retry(0, turn.now + delay(again, f"{participant.id} replaced"))
    turn.emit(SessionReplaced(turn.room.id, participant.id, participant.lane.epoch, reason))
    if participant.connection is not None:
        tell_replaced(turn, participant, offers=had_media)


def publishes(participant: Participant) -> bool:
    """Whether the client has, or is about to have, something to offer."""
    lane = participant.lane
    return (
        bool(participant.publications)
        or lane.offer is not None
        or lane.wants_grant
        or isinstance(lane.phase, AwaitingOffer)
    )


def retire(
    turn: Turn,
    participant: Participant,
    reason: str,
    *,
    uncertain: bool = False,
    by: Trigger = Trigger.END,
) -> None:
    """End the lane for good and put a fresh one in its place."""
    old = participant.lane
    turn.exchange_over(participant, "abandoned")
    owe_lane(turn, participant, uncertain=uncertain)
    old.follow(by, Retired(reason))
    participant.lane = Lane(epoch=old.next_epoch(), timeline=old.timeline)
    participant.lane.note(turn.now, f"epoch {participant.lane.epoch}: {reason}")
    for publication in participant.publications.values():
        publication.lose_session()
    turn.change(participant)
    turn.touch(participant)


def tell_replaced(turn: Turn, participant: Participant, *, offers: bool) -> None:
    """Have the client make a new connection; who publishes gets the grant with it."""
    lane = participant.lane
    if not offers:
        turn.send(participant, Replace(lane.epoch, None, None))
        return
    wait = turn.rules.settings.grant
    if isinstance(lane.phase, AwaitingOffer):  # it was told before, on a channel that dropped
        grant = lane.phase.exchange
        lane.wait_until(Trigger.RESUME, turn.now + wait)
    else:
        grant = participant.next_exchange()
        lane.follow(Trigger.GRANT, AwaitingOffer(grant, turn.now + wait))
    turn.send(participant, Replace(lane.epoch, grant, wait))
