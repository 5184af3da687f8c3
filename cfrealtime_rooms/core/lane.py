"""The lane at work: begins a planned step, and takes in what its call brought back.

A lane moves between the phases of `state.Phase`:

    Idle ── step ──> Calling ── success ──> Idle
                        ├── an answer came ──> AwaitingApplied ── applied ──> Idle
                        └── an offer came ───> AwaitingAnswer ── answer ──> Calling (renegotiate) ──> Idle
    Idle ── grant ──> AwaitingOffer ── offer, or the grant lapses ──> Idle
    anything ── unknown outcome, a deadline, 410, media lost ──> Retired, and a new lane takes over
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
from .exchange import on_offered, on_published, on_renegotiated, refuse_offer
from .ledger import owe_late_result
from .notices import Grant, Mids
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
from .publishing import declare_dead, forget_mids, item_failed
from .replacing import replace
from .state import AwaitingOffer, Calling, Idle, Locator, Operation, Participant, Publication
from .turn import Turn

PATIENCE = 5
"""How often a call that came to nothing is repeated before the lane gives up on it."""
FLOWING_AFTER = 3.0
"""Media of a connected session has reached a mid by this long after it was subscribed."""


def begin(turn: Turn, participant: Participant, step: Step) -> None:
    """Take one step of the plan."""
    lane = participant.lane
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
    lane.phase = AwaitingOffer(participant.next_exchange(), turn.now + wait)
    lane.note(turn.now, "grant")
    turn.send(participant, Grant(lane.phase.grant, lane.epoch, wait))


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
            return Update(session_id, tuple(_remote(m.publication, m.mid) for m in moves))
        case SubscribeTo(publications):
            return Subscribe(session_id, tuple(_remote(p) for p in publications))
        case PublishOffer():
            assert lane.offer is not None, "the plan publishes only what waits"  # noqa: S101
            tracks = tuple(LocalTrack(t.mid, t.track_name) for t in lane.offer.tracks)
            return Publish(session_id, lane.offer.sdp, tracks)


def _remote(publication: Publication, mid: str | None = None) -> RemoteTrack:
    assert publication.locator is not None, "only located publications are planned"  # noqa: S101
    return RemoteTrack(publication.locator.session_id, publication.locator.track_name, mid=mid)


def finish(turn: Turn, operation: Operation, outcome: CallOutcome) -> None:
    """Take in the outcome of a lane's call. One that comes late changes nothing but the ledger."""
    participant = turn.room.participants.get(operation.participant or "")
    if (
        participant is None
        or participant.lane.epoch != operation.epoch
        or participant.lane.phase != Calling(operation.id)
    ):
        owe_late_result(turn, operation, outcome)
        return
    participant.lane.phase = Idle()
    turn.touch(participant)
    if isinstance(outcome, Failed):
        _failed(turn, participant, operation.call, outcome)
    else:
        _succeeded(turn, participant, operation.call, outcome)


def _succeeded(turn: Turn, participant: Participant, call: ApiCall, outcome: Succeeded) -> None:
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
            on_renegotiated(turn, participant)
        case Update(), TracksResult():
            _repointed(turn, participant, call, value)
        case Close(), CloseResult():
            _closed(turn, participant, call, value)
        case Look(), SessionState():
            _looked(turn, participant, value)
        case _:
            replace(turn, participant, "an answer of the wrong shape", uncertain=True)


def _repointed(turn: Turn, participant: Participant, call: Update, result: TracksResult) -> None:
    lane = participant.lane
    before = lane.mids()
    by_mid = result.by_mid
    for track in call.tracks:
        subscription = lane.subscriptions.get(track.mid or "")
        target = turn.room.located(track.session_id, track.track_name)
        item = by_mid.get(track.mid or "")
        if subscription is None:
            continue
        if item is not None and item.error is None:
            subscription.publication = target.id if target else None
            subscription.locator = Locator(track.session_id, track.track_name)
            lane.retries.pop(subscription.publication or "", None)
        elif item is not None and item.error and item.error.code == "update_track_error":
            _repoint_refused(turn, participant, track, subscription.since)
        elif target is not None:
            item_failed(turn, participant, target, item.error.code if item and item.error else None)
    if lane.mids() != before:
        turn.send(participant, Mids(lane.epoch, lane.mids()))


def _repoint_refused(turn: Turn, participant: Participant, track: RemoteTrack, since: float) -> None:
    """Right after a subscription the service says so too; once media has flowed it means: never."""
    if participant.lane.connected and turn.now - since >= FLOWING_AFTER:
        turn.stop_repointing()
        return
    target = turn.room.located(track.session_id, track.track_name)
    if target is not None:
        item_failed(turn, participant, target, None)


def _closed(turn: Turn, participant: Participant, call: Close, result: CloseResult) -> None:
    lane = participant.lane
    forget_mids(turn, participant, result.closed_mids)
    if not result.closed_mids.issuperset(call.mids):
        lane.call_retry = later(lane.call_retry, f"{participant.id} close", turn.now)


def _looked(turn: Turn, participant: Participant, state: SessionState) -> None:
    """The session lives; what it no longer holds of its own tracks is dead."""
    participant.lane.look = False
    alive = {t.mid for t in state.tracks if t.location != "remote" and t.status != "inactive"}
    for publication in participant.publications.values():
        if publication.state == "live" and publication.mid not in alive:
            declare_dead(turn, participant, publication)


def _failed(turn: Turn, participant: Participant, call: ApiCall, failed: Failed) -> None:
    """Refused, never sent, or unknown: wait and repeat, give the offer back, or replace the session."""
    lane = participant.lane
    lane.note(
        turn.now, f"{type(call).__name__} {failed.outcome} {failed.status or ''} {failed.code or ''}".rstrip()
    )
    lane.call_retry = later(lane.call_retry, f"{participant.id} {lane.epoch}", turn.now, failed.retry_after)
    exhausted = lane.call_retry.tries >= PATIENCE
    match call:
        case NewSession():
            if exhausted and lane.offer is not None:
                refuse_offer(turn, participant, "publish_failed")
        case Publish():
            _publish_failed(turn, participant, failed, exhausted=exhausted)
        case Renegotiate():
            if failed.worth_repeating and not exhausted:
                lane.repeat = call
            else:
                replace(turn, participant, "the answer was not accepted", uncertain=True)
        case Subscribe() | Update():
            _receiving_failed(turn, participant, call, failed, exhausted=exhausted)
        case Close() | Look():
            if failed.gone:
                replace(turn, participant, "the session is gone")
            elif exhausted and failed.outcome == "unknown":
                replace(turn, participant, "the session cannot be reached", uncertain=True)


def _publish_failed(turn: Turn, participant: Participant, failed: Failed, *, exhausted: bool) -> None:
    if failed.worth_repeating and not exhausted:
        return
    if failed.outcome == "unknown":
        replace(turn, participant, "nobody knows what became of the offer", uncertain=True)
    elif failed.gone:
        replace(turn, participant, "the session is gone")
    elif failed.status in (400, 406, 413):
        participant.lane.call_retry = None
        refuse_offer(turn, participant, "bad_sdp")
    elif exhausted or failed.status in (401, 403):
        refuse_offer(turn, participant, "publish_failed")


def _receiving_failed(
    turn: Turn, participant: Participant, call: Subscribe | Update, failed: Failed, *, exhausted: bool
) -> None:
    lane = participant.lane
    if failed.gone:
        # It may be about a publisher's session: our own is read before it is given up.
        lane.look, lane.call_retry = True, None
        _all_items_failed(turn, participant, call, failed.code)
    elif failed.outcome == "unknown" and isinstance(call, Subscribe):
        replace(turn, participant, "nobody knows what became of a subscription", uncertain=True)
    elif failed.status == 406:
        replace(turn, participant, "the session is out of step", uncertain=True)
    elif failed.code in ("not_found_track_error", "empty_track_error", "update_track_error"):
        lane.call_retry = None
        _all_items_failed(turn, participant, call, failed.code)
    elif exhausted:
        replace(turn, participant, "the session cannot be used", uncertain=True)


def _all_items_failed(
    turn: Turn, participant: Participant, call: Subscribe | Update, code: str | None
) -> None:
    for track in call.tracks:
        target = turn.room.located(track.session_id, track.track_name)
        if target is not None:
            item_failed(turn, participant, target, code)
