"""Mids that change their publication: done, refused, or nobody knows."""

from __future__ import annotations

import pytest

from cfrealtime.models import (
    ItemError,
    SessionState,
    TrackResult,
    TracksResult,
    TrackState,
)
from cfrealtime_rooms.core.actions import StopRepointing
from cfrealtime_rooms.core.calls import (
    Close,
    Look,
    Subscribe,
    Succeeded,
    Update,
)
from cfrealtime_rooms.core.commands import Applied, Media, Offer
from cfrealtime_rooms.core.notices import Mids, Replace
from cfrealtime_rooms.core.phases import AwaitingApplied
from tests.cfrealtime_rooms.core.driver import (
    MICROPHONE,
    UNKNOWN,
    pair,
    refused,
)


def moving():
    """Ann has been replaced and is back; Bob's mid is to follow."""
    driver = pair()
    driver.give(after=10.0)
    driver.send("ann", Media(1, "failed"))
    driver.send("ann", Offer(driver.last("ann", Replace).grant, "v=0", (MICROPHONE,)))
    while not isinstance(driver.lane("ann").phase, AwaitingApplied):
        driver.end()
    driver.send("ann", Applied(driver.lane("ann").phase.exchange))
    driver.calls.clear()
    driver.send("ann", Media(2, "connected", ("microphone",)))
    update = next(one for one in driver.calls if isinstance(one.call, Update))
    return driver, update


def item(update, code):
    return Succeeded(TracksResult((TrackResult(mid=update.call.tracks[0].mid, error=ItemError(code)),)))


def test_a_mid_follows_its_publication_without_a_word_to_the_client():
    driver, update = moving()
    before = len(driver.told["bob"])
    driver.end(operation=update)
    (subscription,) = driver.lane("bob").subscriptions.values()
    assert subscription.locator == driver.member("ann").publications["microphone"].locator
    assert not any(isinstance(notice, Mids) for notice in driver.told["bob"][before:])


def test_a_refusal_to_repoint_a_mid_that_carried_media_stops_it_for_good():
    driver, update = moving()
    driver.end(item(update, "update_track_error"), update)
    assert driver.events.count(StopRepointing()) == 1
    assert not driver.machine.rules.repointing
    close = next(one for one in driver.calls if isinstance(one.call, Close))
    driver.end(operation=close)
    assert driver.last("bob", Mids).mids == {}
    assert any(isinstance(one.call, Subscribe) for one in driver.calls)


def test_a_whole_request_refused_so_means_the_same():
    driver, update = moving()
    driver.end(refused(400, "update_track_error"), update)
    assert StopRepointing() in driver.events


@pytest.mark.parametrize("code", ["not_found_track_error", "empty_track_error", "internal_error"])
def test_other_refusals_do_not_stop_it(code):
    driver, update = moving()
    driver.end(item(update, code), update)
    assert driver.machine.rules.repointing
    assert driver.lane("bob").retries


def test_a_mid_refused_while_young_does_not_stop_it():
    driver, update = moving()
    for one in driver.lane("bob").subscriptions.values():
        one.since = driver.now - 1.0
    driver.end(item(update, "update_track_error"), update)
    assert driver.machine.rules.repointing


@pytest.mark.parametrize("landed", [True, False])
def test_a_repoint_nobody_knows_the_outcome_of_is_looked_up(landed):
    driver, update = moving()
    (track,) = update.call.tracks
    (subscription,) = driver.lane("bob").subscriptions.values()
    old = subscription.locator
    driver.end(UNKNOWN, update)
    driver.give(after=0.5)
    look = next(one for one in driver.calls if isinstance(one.call, Look))
    seen = (track.session_id, track.track_name) if landed else (old.session_id, old.track_name)
    shown = TrackState("remote", track.mid, *seen, "audio", "active")
    own = TrackState("local", "0", None, "x", "audio", "active")
    driver.end(Succeeded(SessionState((own, shown))), look)
    again = [one for one in driver.calls if isinstance(one.call, Update)]
    assert (again == []) == landed
    assert driver.lane("bob").epoch == 1


def test_a_mid_that_was_pointed_elsewhere_unseen_is_told_to_the_client():
    driver = pair()
    driver.enter("cy", MICROPHONE)
    mid = next(m for m, s in driver.lane("bob").subscriptions.items() if s.publication)
    cys = driver.member("cy").publications["microphone"]
    driver.lane("bob").look = True
    driver.send("bob", Media(1, None, ("microphone",)))
    own = TrackState("local", "0", None, "x", "audio", "active")
    there = TrackState("remote", mid, cys.locator.session_id, cys.locator.track_name, "audio", "active")
    driver.end(Succeeded(SessionState((own, there))))
    assert driver.last("bob", Mids).mids[mid] == cys.id
