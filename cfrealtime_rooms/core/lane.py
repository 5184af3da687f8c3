"""The lane at work: begins a planned step, and takes in what its call brought back.

Where a lane can be and what leads on from there is the table `phases.NEGOTIATION`.
"""

from __future__ import annotations

from cfrealtime.models import CloseResult, LocalTrack, RemoteTrack, SessionState, TracksResult

from .backoff import later
from .calls import (
    ApiCall,
    CallOutcome,
    Close,
    Failed,
    Look,
    NewSession,
    Publish,
    Renegotiate,
    Subscribe,
    Succeeded,
    Update,
)
from .exchange import exchange_succeeded, on_offered, on_published
from .failures import fail
from .history import CALLS_KEPT, called
from .layers import simulcast
from .ledger import owe_late_result
from .notices import Grant
from .phases import AwaitingOffer, Idle, Otherwise, Trigger, step_of
from .plan import (
    CloseMids,
    CreateSession,
    GrantOffer,
    LookAtSession,
    PublishOffer,
    RepeatCall,
    ReplaceSession,
    RepointMids,
    Step,
    SubscribeTo,
)
from .publishing import declare_dead
from .replacing import replace
from .repointing import forget_mids, repointed, seen
from .state import Lane, Operation, Participant
from .tracks import Publication
from .turn import Turn


def begin(turn: Turn, participant: Participant, step: Step) -> None:
    """Take one step of the plan."""
    lane = participant.lane
    if not isinstance(step, RepeatCall | LookAtSession):
        lane.enforcing = False  # what the host wanted closed is closed by this step, or is not there
    if isinstance(step, ReplaceSession):
        replace(turn, participant, "too many media sections")
    elif isinstance(step, GrantOffer):
        _grant(turn, participant)
    else:
        if isinstance(step, SubscribeTo):
            lane.granted_last = False
        turn.call(participant, _call_for(participant, step))
        lane.repeat = None


def _grant(turn: Turn, participant: Participant) -> None:
    lane, wait = participant.lane, turn.rules.settings.grant
    lane.wants_grant, lane.granted_last = False, True
    grant = participant.next_exchange()
    lane.follow(Trigger.GRANT, AwaitingOffer(grant, turn.now + wait))
    lane.note(turn.now, "grant")
    turn.send(participant, Grant(grant, lane.epoch, wait))


def _call_for(
    participant: Participant,
    step: LookAtSession | CreateSession | CloseMids | RepointMids | PublishOffer | SubscribeTo | RepeatCall,
) -> ApiCall:
    """The API call that a step is."""
    lane = participant.lane
    session_id = lane.session_id
    if isinstance(step, RepeatCall):
        return step.call
    if session_id is None or isinstance(step, CreateSession):
        return NewSession()
    match step:
        case LookAtSession():
            return Look(session_id)
        case CloseMids(mids):
            return Close(session_id, mids)
        case RepointMids(moves):
            return Update(session_id, tuple(_remote(m.publication, m.mid, m.rid) for m in moves))
        case SubscribeTo(publications, rids):
            return Subscribe(session_id, tuple(_remote(p, rid=rids.get(p.id)) for p in publications))
        case PublishOffer():
            assert lane.offer is not None, "the plan publishes only what waits"  # noqa: S101
            tracks = tuple(LocalTrack(t.mid, t.track_name) for t in lane.offer.tracks)
            return Publish(session_id, lane.offer.sdp, tracks)


def _remote(publication: Publication, mid: str | None = None, rid: str | None = None) -> RemoteTrack:
    assert publication.locator is not None, "only located publications are planned"  # noqa: S101
    locator = publication.locator
    return RemoteTrack(locator.session_id, locator.track_name, mid=mid, simulcast=simulcast(rid))


def finish(turn: Turn, operation: Operation, outcome: CallOutcome) -> None:
    """Take in the outcome of a lane's call. One that comes late changes nothing but the ledger."""
    participant = turn.room.participants.get(operation.participant or "")
    if participant is None or _too_late(participant.lane, operation):
        owe_late_result(turn, operation, outcome)
        return
    turn.touch(participant)
    turn.moved.add(participant.id)
    if isinstance(outcome, Failed):
        fail(turn, participant, operation.call, outcome)
    else:
        _succeed(turn, participant, operation.call, outcome)
    lane = participant.lane  # another one, if this was its last call
    if step_of(lane.phase, Trigger.RESULT, operation.id) is Idle:
        lane.follow(Trigger.RESULT, Idle())
        if lane.repeat is None:
            answered = isinstance(operation.call, Renegotiate) and isinstance(outcome, Succeeded)
            turn.exchange_over(participant, "finished" if answered else "failed")


def remember(turn: Turn, operation: Operation, outcome: CallOutcome, seconds: float) -> None:
    """Note the call in its participant's history, whether or not its lane still waits for it."""
    participant = turn.room.participants.get(operation.participant or "")
    if participant is not None and operation.epoch is not None:
        one = called(turn.now, operation.epoch, operation.call, outcome, seconds)
        participant.calls = (*participant.calls, one)[-CALLS_KEPT:]


def _too_late(lane: Lane, operation: Operation) -> bool:
    """Nobody waits for this call any more."""
    if lane.epoch != operation.epoch:
        return True
    return step_of(lane.phase, Trigger.RESULT, operation.id) is Otherwise.LATE


def _succeed(turn: Turn, participant: Participant, call: ApiCall, outcome: Succeeded) -> None:
    lane, value = participant.lane, outcome.value
    lane.call_retry = None
    match call, value:
        case NewSession(), str():
            lane.session_id = value
        case Publish(), TracksResult():
            on_published(turn, participant, call, value)
        case Subscribe(), TracksResult():
            on_offered(turn, participant, call, value)
        case Renegotiate(), _:
            lane.subscribed_at = turn.now
            exchange_succeeded(turn, participant)
        case Update(), TracksResult():
            repointed(turn, participant, call, value)
        case Close(), CloseResult():
            _closed(turn, participant, call, value)
        case Look(), SessionState():
            _looked(turn, participant, value)
        case _:
            replace(turn, participant, "an answer of the wrong shape", uncertain=True)


def _closed(turn: Turn, participant: Participant, call: Close, result: CloseResult) -> None:
    """What could not be closed is tried again later, and holds nothing else up."""
    lane = participant.lane
    forget_mids(turn, participant, result.closed_mids)
    if result.closed_mids.issuperset(call.mids):
        lane.close_retry = None
    else:
        lane.close_retry = later(lane.close_retry, f"{participant.id} close", turn.now)


def _looked(turn: Turn, participant: Participant, state: SessionState) -> None:
    """The session lives. What it no longer holds of its own tracks is dead."""
    participant.lane.look = False
    alive = {t.mid for t in state.tracks if t.location != "remote" and t.status != "inactive"}
    for publication in participant.publications.values():
        if publication.state == "live" and publication.mid not in alive:
            declare_dead(turn, participant, publication)
    seen(turn, participant, state)
