"""What the SFU may still hold for sessions that are over, until it is proven closed."""

from __future__ import annotations

from collections.abc import Iterable

from cfrealtime.models import CloseResult, SessionState, TracksResult

from .backoff import delay
from .calls import CallOutcome, Close, Failed, Look, Publish, Subscribe
from .events import LeakReported
from .settings import TRACKS_PER_CALL
from .state import Debt, Operation, Participant, Room
from .turn import Turn

SECOND_LOOK = 15.0
"""A call lost on its way may still land; by then it has, or never will."""

ENOUGH_TRIES = 8
"""However old, a debt is paid in vain so often before it is given up."""


def owe(turn: Turn, session_id: str, mids: Iterable[str] | None, *, uncertain: bool = False) -> None:
    """Note what a session holds: these mids, or whatever a look at it will show. One debt a session."""
    known = None if mids is None else {mid for mid in mids if mid}
    if known is not None and not known and not uncertain:
        return
    debt = turn.room.debts.get(session_id)
    if debt is None:
        turn.room.debts[session_id] = Debt(session_id, known, since=turn.now, again=uncertain)
        return
    debt.mids = None if known is None or debt.mids is None else debt.mids | known
    debt.again, debt.not_before = debt.again or uncertain, turn.now


def owe_lane(turn: Turn, participant: Participant, *, uncertain: bool = False) -> None:
    """Note everything a lane's session holds. Call before the publications lose their session."""
    if participant.lane.session_id is not None:
        owe(turn, participant.lane.session_id, held_mids(participant), uncertain=uncertain)


def held_mids(participant: Participant) -> set[str]:
    """Every mid the SFU holds for a participant's session, as far as is known."""
    mids = {p.mid for p in participant.publications.values() if p.mid is not None}
    return mids | participant.lane.subscriptions.keys() | participant.lane.closing


def owe_late_result(turn: Turn, operation: Operation, outcome: CallOutcome) -> None:
    """A call of a retired lane has ended: what it allocated is owed, nothing else changes."""
    call = operation.call
    if not isinstance(call, Publish | Subscribe):
        return
    if isinstance(outcome, Failed):
        if outcome.uncertain:
            owe(turn, call.session_id, None, uncertain=True)
    elif isinstance(outcome.value, TracksResult):
        owe(turn, call.session_id, [track.mid for track in outcome.value.ok if track.mid])


def pay(turn: Turn) -> None:
    """Begin a call for every debt that is due. Each stands alone: none waits for another."""
    for debt in _payable(turn.room):
        if debt.not_before <= turn.now:
            if debt.mids:
                mids = tuple(sorted(debt.mids)[:TRACKS_PER_CALL])
                turn.call_for_debt(Close(debt.session_id, mids))
            else:
                turn.call_for_debt(Look(debt.session_id))


def next_payment(room: Room) -> float | None:
    """When a debt falls due, if any."""
    return min((debt.not_before for debt in _payable(room)), default=None)


def _payable(room: Room) -> list[Debt]:
    """The debts of sessions with no call under way: a retired lane's last call must end first."""
    if not room.debts:
        return []
    busy = {operation.call.session_id for operation in room.operations.values()}
    return [debt for debt in room.debts.values() if debt.session_id not in busy]


def settle(turn: Turn, debt: Debt, outcome: CallOutcome) -> None:
    """Take in what a call for a debt has shown."""
    if isinstance(outcome, Failed):
        if outcome.gone:
            del turn.room.debts[debt.session_id]
        else:
            _wait(turn, debt, outcome.retry_after)
    elif isinstance(outcome.value, SessionState):
        _after_look(turn, debt, outcome.value)
    elif isinstance(outcome.value, CloseResult):
        _after_close(turn, debt, outcome.value)
    else:
        _wait(turn, debt, None)


def _after_look(turn: Turn, debt: Debt, state: SessionState) -> None:
    """The look shows what is left; nothing left is payment."""
    debt.mids = {track.mid for track in state.tracks if track.mid and track.status != "inactive"}
    if not debt.mids:
        _paid(turn, debt)


def _after_close(turn: Turn, debt: Debt, result: CloseResult) -> None:
    """What was closed is paid; a mid that the answer does not name is still owed."""
    if debt.mids is not None:
        debt.mids -= result.closed_mids
        if not debt.mids:
            _paid(turn, debt)
            return
    if result.failed or not result.closed_mids:
        _wait(turn, debt, None)


def _paid(turn: Turn, debt: Debt) -> None:
    """Done, unless a lost call may still land: then one more look, later."""
    if not debt.again:
        del turn.room.debts[debt.session_id]
    else:
        debt.again, debt.mids, debt.not_before = False, None, turn.now + SECOND_LOOK


def _wait(turn: Turn, debt: Debt, retry_after: float | None) -> None:
    """Later again; too old, it is given up, if it was tried: the process may have slept until now."""
    if debt.tries >= ENOUGH_TRIES and turn.now - debt.since >= turn.rules.settings.leak_after:
        del turn.room.debts[debt.session_id]
        turn.emit(LeakReported(turn.room.id, debt.session_id, tuple(sorted(debt.mids or ()))))
        return
    debt.tries += 1
    debt.not_before = turn.now + delay(debt.tries, f"debt {debt.session_id}", retry_after)
