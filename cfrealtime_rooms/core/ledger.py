"""What the SFU may still hold for sessions that are over, until it is proven closed."""

from __future__ import annotations

from collections.abc import Iterable

from cfrealtime.models import CloseResult, SessionState, TracksResult

from .backoff import delay
from .calls import CallOutcome, Close, Failed, Look, Publish, Subscribe, Succeeded
from .events import LeakReported
from .settings import TRACKS_PER_CALL
from .state import Debt, Operation, Participant
from .turn import Turn

SECOND_LOOK = 6.0
"""A call lost on its way may still land; by then it has, or never will."""


def owe(turn: Turn, session_id: str, mids: Iterable[str] | None, *, uncertain: bool = False) -> None:
    """Note a debt: these mids, or whatever a look at the session will show."""
    known = None if mids is None else {mid for mid in mids if mid}
    if known is None or known or uncertain:
        debt = Debt(turn.room.next_number(), session_id, known, since=turn.now, again=uncertain)
        turn.room.debts[debt.id] = debt


def owe_lane(turn: Turn, participant: Participant, *, uncertain: bool = False) -> None:
    """Note everything a lane's session holds. Call before the publications lose their session."""
    lane = participant.lane
    if lane.session_id is None:
        return
    owe(turn, lane.session_id, held_mids(participant), uncertain=uncertain)


def held_mids(participant: Participant) -> set[str]:
    """Every mid the SFU holds for a participant's session, as far as is known."""
    mids = {p.mid for p in participant.publications.values() if p.mid is not None}
    return mids | participant.lane.subscriptions.keys() | participant.lane.closing


def owe_late_result(turn: Turn, operation: Operation, outcome: CallOutcome) -> None:
    """A call of a retired lane has ended: what it allocated is owed, nothing else changes."""
    call = operation.call
    if not isinstance(call, Publish | Subscribe):
        return
    if isinstance(outcome, Succeeded) and isinstance(outcome.value, TracksResult):
        owe(turn, call.session_id, [track.mid for track in outcome.value.ok if track.mid])
    elif isinstance(outcome, Failed) and outcome.outcome == "unknown":
        owe(turn, call.session_id, None, uncertain=True)


def pay(turn: Turn) -> None:
    """Begin a call for every debt that is due. Each stands alone: none waits for another."""
    for debt in list(turn.room.debts.values()):
        if debt.op is not None:
            continue
        if turn.now - debt.since >= turn.rules.settings.leak_after:
            del turn.room.debts[debt.id]
            turn.emit(LeakReported(turn.room.id, debt.session_id, tuple(sorted(debt.mids or ()))))
        elif debt.not_before <= turn.now:
            if debt.mids:
                mids = tuple(sorted(debt.mids)[:TRACKS_PER_CALL])
                turn.call_for_debt(debt, Close(debt.session_id, mids))
            else:
                turn.call_for_debt(debt, Look(debt.session_id))


def settle(turn: Turn, debt: Debt, outcome: CallOutcome) -> None:
    """Take in what a call for a debt has shown."""
    debt.op = None
    if isinstance(outcome, Failed):
        if outcome.gone:
            del turn.room.debts[debt.id]
        else:
            _wait(turn, debt, outcome.retry_after)
    elif isinstance(outcome.value, SessionState):
        _after_look(turn, debt, outcome.value)
    elif isinstance(outcome.value, CloseResult) and debt.mids is not None:
        debt.mids -= outcome.value.closed_mids
        if debt.mids:
            if outcome.value.failed or not outcome.value.closed_mids:
                _wait(turn, debt, None)
        else:
            _paid(turn, debt)


def _after_look(turn: Turn, debt: Debt, state: SessionState) -> None:
    """The look shows what is left; nothing left is payment."""
    debt.mids = {track.mid for track in state.tracks if track.mid and track.status != "inactive"}
    if not debt.mids:
        _paid(turn, debt)


def _paid(turn: Turn, debt: Debt) -> None:
    """Done, unless a lost call may still land: then one more look, later."""
    if not debt.again:
        del turn.room.debts[debt.id]
    else:
        debt.again, debt.mids, debt.not_before = False, None, turn.now + SECOND_LOOK


def _wait(turn: Turn, debt: Debt, retry_after: float | None) -> None:
    debt.tries += 1
    debt.not_before = turn.now + delay(debt.tries, f"debt {debt.id}", retry_after)


def next_payment(debts: Iterable[Debt]) -> float | None:
    """When a debt falls due, if any."""
    return min((debt.not_before for debt in debts if debt.op is None), default=None)
