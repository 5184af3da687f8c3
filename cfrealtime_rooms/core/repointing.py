"""Receiving mids that carry another publication than before, without SDP: done, refused, or seen."""

from __future__ import annotations

from cfrealtime.models import RemoteTrack, SessionState, TracksResult

from .backoff import later
from .calls import Update
from .layers import asked_rid
from .notices import Mids
from .publishing import item_failed
from .state import Participant
from .tracks import Locator, Subscription
from .turn import Turn

FLOWING_AFTER = 3.0
"""Media of a connected session has reached a mid by this long after it was subscribed."""


def repointed(turn: Turn, participant: Participant, call: Update, result: TracksResult) -> None:
    """The SFU has pointed mids at other publications, perhaps not every one of them."""
    lane = participant.lane
    before = lane.mids()
    by_mid = result.by_mid
    for track in call.tracks:
        subscription = lane.subscriptions.get(track.mid or "")
        item = by_mid.get(track.mid or "")
        if subscription is None:
            continue
        if item is not None and item.error is None:
            _carries(turn, subscription, Locator(track.session_id, track.track_name))
            subscription.rid, subscription.layer_retry = asked_rid(track), None
            lane.retries.pop(subscription.publication or "", None)
        else:
            not_repointed(turn, participant, track, item.error.code if item and item.error else None)
    tell_mids(turn, participant, before)


def not_repointed(turn: Turn, participant: Participant, track: RemoteTrack, code: str | None) -> None:
    """`update_track_error` also comes right after a subscription; once media has flowed it means: never."""
    subscription = participant.lane.subscriptions.get(track.mid or "")
    target = turn.located(track.session_id, track.track_name)
    if subscription is not None and subscription.locator == Locator(track.session_id, track.track_name):
        # Only its layer was to change: that speaks neither against re-pointing nor against the publication.
        key = f"{participant.id} layers"  # those refused together are asked for together
        subscription.layer_retry = later(subscription.layer_retry, key, turn.now)
    elif (
        subscription is not None and code == "update_track_error" and _flows(turn, participant, subscription)
    ):
        turn.stop_repointing()
    elif target is not None:
        item_failed(turn, participant, target, code)


def _flows(turn: Turn, participant: Participant, subscription: Subscription) -> bool:
    return participant.lane.connected and turn.now - subscription.since >= FLOWING_AFTER


def seen(turn: Turn, participant: Participant, state: SessionState) -> None:
    """The session as the SFU shows it: news after a re-point of which nobody knew the outcome."""
    lane = participant.lane
    before = lane.mids()
    for track in state.tracks:
        subscription = lane.subscriptions.get(track.mid or "")
        if subscription is not None and track.session_id and track.track_name:
            _carries(turn, subscription, Locator(track.session_id, track.track_name))
    tell_mids(turn, participant, before)


def _carries(turn: Turn, subscription: Subscription, locator: Locator) -> None:
    """The mid points there, whether or not a publication is there still."""
    if locator != subscription.locator:
        target = turn.located(locator.session_id, locator.track_name)
        subscription.publication = target.id if target else None
        subscription.locator = target.locator if target and target.locator else locator


def forget_mids(turn: Turn, participant: Participant, closed: frozenset[str]) -> None:
    """These mids are closed at the SFU."""
    lane = participant.lane
    before = lane.mids()
    lane.closing.difference_update(closed)
    for mid in closed:
        lane.subscriptions.pop(mid, None)
    tell_mids(turn, participant, before)


def tell_mids(turn: Turn, participant: Participant, before: dict[str, str]) -> None:
    """Tell the client which publication each mid carries, if that is not what it was."""
    mids = participant.lane.mids()
    if mids != before:
        turn.send(participant, Mids(participant.lane.epoch, mids))
