"""A lane's calls and what becomes of them."""

from __future__ import annotations

from copy import deepcopy

import pytest

from cfrealtime.models import (
    CloseItem,
    CloseResult,
    ItemError,
    SessionDescription,
    SessionState,
    TrackResult,
    TracksResult,
    TrackState,
)
from cfrealtime_rooms.core.actions import StopRepointing
from cfrealtime_rooms.core.calls import (
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
from cfrealtime_rooms.core.commands import Answer, Applied, Join, Leave, Media, Negotiate, Offer, Unpublish
from cfrealtime_rooms.core.events import SessionReplaced
from cfrealtime_rooms.core.inputs import Returned
from cfrealtime_rooms.core.notices import Error, Grant, Mids, Replace, RoomAnswer, RoomOffer
from cfrealtime_rooms.core.state import AwaitingApplied, AwaitingOffer, Idle
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, SCREEN, Driver, subscribed

UNKNOWN = Failed("unknown")
NOT_SENT = Failed("not_sent")


def refused(status, code=None, **options):
    return Failed("refused", status, code, **options)


def pair():
    """Ann and Bob, who both send a microphone and receive each other."""
    driver = Driver()
    for name in ("ann", "bob"):
        driver.enter(name, MICROPHONE)
    driver.made.clear()
    return driver


def subscribing():
    """Cy, who joins without an offer, while its first subscription is under way."""
    driver = pair()
    driver.connect("cy")
    driver.send("cy", Join())
    driver.end()  # sessions/new
    assert isinstance(driver.calls[0].call, Subscribe)
    return driver


def test_a_join_with_an_offer_is_published_answered_and_applied():
    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0 offer", tracks=(MICROPHONE, CAMERA)))
    assert driver.end() == NewSession()
    publish = driver.end()
    assert isinstance(publish, Publish)
    assert publish.offer == "v=0 offer"
    answer = driver.last("ann", RoomAnswer)
    assert isinstance(driver.lane("ann").phase, AwaitingApplied)
    driver.send("ann", Applied(answer.exchange))
    assert driver.lane("ann").phase == Idle()
    assert {p.state for p in driver.member("ann").publications.values()} == {"live"}


def test_a_subscription_is_offered_answered_and_accepted():
    driver = subscribing()
    driver.end()
    offer = driver.last("cy", RoomOffer)
    assert sorted(offer.mids.values()) == sorted(
        p.id for name in ("ann", "bob") for p in driver.member(name).publications.values()
    )
    driver.send("cy", Answer(offer.exchange, "v=0 answer"))
    assert driver.calls[0].call == Renegotiate(driver.lane("cy").session_id, "v=0 answer")
    driver.end()
    assert driver.lane("cy").phase == Idle()


@pytest.mark.parametrize("late", [Answer(99, "v=0"), Applied(99), Applied(1)])
def test_what_belongs_to_no_open_exchange_is_stale(late):
    driver = subscribing()
    driver.end()
    phase = driver.lane("cy").phase
    driver.send("cy", late)
    assert driver.errors("cy") == ["stale"]
    assert driver.lane("cy").phase == phase


def test_a_second_answer_is_stale():
    driver = subscribing()
    driver.end()
    exchange = driver.lane("cy").phase.exchange
    for _ in range(2):
        driver.send("cy", Answer(exchange, "v=0"))
    assert driver.errors("cy") == ["stale"]
    assert len(driver.calls) == 1


def test_a_refused_item_waits_by_itself_and_the_rest_stands():
    driver = subscribing()
    call = driver.calls[0].call
    driver.end(Succeeded(subscribed(call, ["s0", None])))
    lane = driver.lane("cy")
    assert list(lane.subscriptions) == ["s0"]
    assert [retry.tries for retry in lane.retries.values()] == [1]
    driver.settle()
    driver.give(after=1.0)
    assert [len(one.call.tracks) for one in driver.calls] == [1]


def test_when_every_item_is_refused_the_lane_is_free_again():
    driver = subscribing()
    driver.end(Succeeded(subscribed(driver.calls[0].call, [None, None])))
    lane = driver.lane("cy")
    assert (lane.phase, lane.epoch, lane.subscriptions) == (Idle(), 1, {})
    assert len(lane.retries) == 2


@pytest.mark.parametrize("description", [None, SessionDescription.answer("v=0")])
def test_successes_without_an_offer_are_an_unknown_outcome(description):
    driver = subscribing()
    result = subscribed(driver.calls[0].call, ["s0", "s1"])
    driver.end(Succeeded(TracksResult(result.tracks, description)))
    assert driver.lane("cy").epoch == 2
    (debt,) = driver.room.debts.values()
    assert debt.mids == {"s0", "s1"}
    assert debt.again


@pytest.mark.parametrize(
    "result",
    [
        TracksResult((TrackResult(mid="0"),)),
        TracksResult((TrackResult(mid="0"),), SessionDescription.offer("v=0")),
        TracksResult((TrackResult(mid="0"),), SessionDescription.answer("v=0"), requires_renegotiation=True),
    ],
    ids=["no answer", "an offer", "asks to renegotiate"],
)
def test_a_publish_that_was_answered_strangely_is_an_unknown_outcome(result):
    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.end()
    driver.end(Succeeded(result))
    assert driver.lane("ann").epoch == 2
    assert driver.last("ann", Replace).grant is not None
    assert driver.calls[-1].call == Close(driver.made[1].session_id, ("0",))


def test_a_track_that_ended_while_it_was_subscribed_is_closed_and_not_shown():
    driver = subscribing()
    driver.send("ann", Unpublish("microphone"))
    driver.end(operation=driver.calls[0])
    assert len(driver.last("cy", RoomOffer).mids) == 1
    assert driver.lane("cy").closing == {"s2"}
    driver.settle()
    assert any(isinstance(call, Close) and call.mids == ("s2",) for call in driver.made)
    assert driver.lane("cy").closing == set()


@pytest.mark.parametrize(
    ("failure", "epoch"),
    [
        (UNKNOWN, 2),
        (refused(500, "internal_error"), 2),
        (refused(503, "temporarily_unavailable_error"), 2),
        (refused(406), 2),
        (refused(410), 1),
        (refused(404), 1),
        (refused(425), 1),
        (refused(429), 1),
        (refused(401), 1),
        (refused(503, "retryable_transient_error"), 1),
        (refused(400, "not_found_track_error"), 1),
        (NOT_SENT, 1),
    ],
    ids=str,
)
def test_which_failures_of_a_subscription_cost_the_session(failure, epoch):
    driver = subscribing()
    driver.end(failure)
    assert driver.lane("cy").epoch == epoch


@pytest.mark.parametrize(
    ("failure", "kept"),
    [(NOT_SENT, True), (refused(429), True), (refused(401), True), (refused(425), False)],
    ids=str,
)
def test_what_is_no_fault_of_the_session_never_costs_it_however_often(failure, kept):
    driver = subscribing()
    for _ in range(12):
        while not driver.calls:
            driver.give(after=1.0)
        if not isinstance(driver.calls[0].call, Subscribe):
            break
        driver.end(failure)
    assert (driver.lane("cy").epoch == 1) == kept


def test_a_410_on_a_subscription_is_looked_into():
    driver = subscribing()
    driver.end(refused(410))
    assert driver.end() == Look(driver.lane("cy").session_id)
    assert driver.lane("cy").epoch == 1
    driver.give(after=1.0)
    driver.end(refused(410))
    driver.end(refused(410))
    assert driver.lane("cy").epoch == 2


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (refused(406), "bad_sdp"),
        (refused(400), "bad_sdp"),
        (refused(403), "publish_failed"),
        (refused(409, "odd"), "publish_failed"),
    ],
    ids=str,
)
def test_an_offer_that_is_refused_is_given_back(failure, code):
    driver = pair()
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(driver.last("ann", Grant).grant, "v=0", (SCREEN,)))
    driver.end(failure)
    error = driver.last("ann", Error)
    assert (error.code, error.in_reply_to) == (code, "offer")
    assert (driver.lane("ann").phase, driver.lane("ann").offer, driver.lane("ann").epoch) == (Idle(), None, 1)


def test_an_offer_that_was_not_accepted_for_long_is_given_back():
    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.end()
    for _ in range(5):
        while not driver.calls:
            driver.give(after=0.5)
        assert isinstance(driver.calls[0].call, Publish)
        driver.end(NOT_SENT)
    assert driver.errors("ann") == ["publish_failed"]


def test_an_answer_that_was_not_accepted_is_handed_in_again_before_anything_else():
    driver = subscribing()
    driver.end()
    driver.send("cy", Answer(driver.lane("cy").phase.exchange, "v=0"))
    driver.send("cy", Negotiate())
    renegotiate = driver.end(refused(429, retry_after=3.0))
    assert driver.calls == []
    driver.give(after=2.9)
    assert driver.calls == []
    driver.give(after=0.2)
    assert driver.calls[0].call == renegotiate


@pytest.mark.parametrize("failure", [UNKNOWN, refused(406), refused(500), refused(410)], ids=str)
def test_an_answer_whose_fate_is_doubtful_costs_the_session(failure):
    driver = subscribing()
    driver.end()
    driver.send("cy", Answer(driver.lane("cy").phase.exchange, "v=0"))
    driver.end(failure)
    assert driver.lane("cy").epoch == 2
    assert driver.last("cy", Replace) == Replace(2, None, None)


@pytest.mark.parametrize(("failure", "kept"), [(NOT_SENT, True), (refused(429), True), (refused(425), False)])
def test_an_answer_that_did_not_get_through_is_handed_in_for_as_long_as_it_takes(failure, kept):
    driver = subscribing()
    driver.end()
    driver.send("cy", Answer(driver.lane("cy").phase.exchange, "v=0"))
    for _ in range(8):
        while not driver.calls:
            driver.give(after=1.0)
        driver.end(failure)
    assert (driver.lane("cy").epoch == 1) == kept


def republishing():
    """Ann offers her microphone and camera again after a replacement; the SFU has the offer."""
    driver = Driver()
    driver.enter("ann", MICROPHONE, CAMERA)
    driver.send("ann", Media(1, "failed"))
    driver.send("ann", Offer(driver.last("ann", Replace).grant, "v=0", (MICROPHONE, CAMERA)))
    while not isinstance(driver.calls[0].call, Publish):
        driver.end()
    return driver


def test_what_the_sfu_does_not_take_again_has_ended():
    driver = republishing()
    driver.end(refused(406))
    assert driver.member("ann").publications == {}


def test_the_one_track_the_sfu_does_not_take_again_has_ended():
    driver = republishing()
    items = (TrackResult(mid="0"), TrackResult(mid="1", error=ItemError("internal_error")))
    driver.end(Succeeded(TracksResult(items, SessionDescription.answer("v=0"))))
    assert list(driver.member("ann").publications) == ["microphone"]
    error = driver.last("ann", Error)
    assert (error.code, error.in_reply_to, error.source) == ("publish_failed", "offer", "camera")


def test_a_publisher_is_looked_at_when_others_miss_its_track_three_times_in_a_row():
    driver = Driver()
    driver.enter("ann", MICROPHONE)

    def miss():
        while not driver.calls:
            driver.give(after=1.0)
        (track,) = driver.calls[0].call.tracks
        error = ItemError("not_found_track_error")
        item = TrackResult(mid="", session_id=track.session_id, track_name=track.track_name, error=error)
        driver.end(Succeeded(TracksResult((item,))))

    def looked():
        return any(isinstance(call, Look) for call in driver.made)

    for name in ("cy", "dan"):
        driver.connect(name)
        driver.send(name, Join())
        driver.end()
        miss()
        miss()
        if name == "cy":
            driver.give(after=1.0)
            driver.settle()  # it is found after all: that counts from the beginning
    assert not looked()
    miss()
    assert looked()


def test_a_result_that_comes_late_changes_nothing_and_is_owed():
    driver = subscribing()
    operation = driver.take()
    driver.send("cy", Media(1, "failed"))
    assert driver.lane("cy").epoch == 2
    old = operation.call.session_id
    assert not any(one.call.session_id == old for one in driver.calls)  # nothing crosses the open call
    driver.end(operation=operation)
    assert driver.lane("cy").subscriptions == {}
    assert Close(old, ("s2", "s3")) in [one.call for one in driver.calls]


def test_who_left_in_the_middle_of_a_call_is_cleaned_up_when_it_has_ended():
    driver = pair()
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(driver.last("ann", Grant).grant, "v=0", (SCREEN,)))
    operation = driver.take()
    session = operation.call.session_id
    driver.send("ann", Leave())
    assert not any(one.call.session_id == session for one in driver.calls)
    driver.end(operation=operation)
    mids = {mid for one in driver.calls if one.call.session_id == session for mid in one.call.mids}
    assert {"0", "2"} <= mids


def test_an_operation_that_is_unknown_changes_nothing():
    driver = pair()
    before = deepcopy(driver.room)
    driver.give(Returned(99, UNKNOWN))
    assert driver.room == before
    assert driver.calls == []


# Re-pointing.


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


# Closing.


def test_what_could_not_be_closed_is_closed_later_and_the_lane_goes_on():
    driver = pair()
    driver.send("ann", Unpublish("microphone"))
    close = next(one for one in driver.calls if isinstance(one.call, Close))
    driver.end(Succeeded(CloseResult((CloseItem("0", ItemError("internal_error")),))), close)
    lane = driver.lane("ann")
    assert (lane.phase, lane.closing) == (Idle(), {"0"})
    driver.send("ann", Negotiate())
    assert isinstance(lane.phase, AwaitingOffer)
    driver.send("ann", Offer(lane.phase.grant, "v=0", (SCREEN,)))
    assert any(isinstance(one.call, Publish) for one in driver.calls)


def test_a_close_that_says_closed_already_is_done():
    driver = pair()
    driver.send("ann", Unpublish("microphone"))
    driver.end(Succeeded(CloseResult((CloseItem("0", ItemError("close_track_error")),))))
    assert driver.lane("ann").closing == set()


def test_a_mid_the_answer_does_not_name_is_still_to_be_closed():
    driver = pair()
    driver.send("ann", Unpublish("microphone"))
    driver.end(Succeeded(CloseResult(())))
    assert driver.lane("ann").closing == {"0"}
    assert driver.calls == []
    driver.give(after=0.5)
    assert isinstance(driver.calls[0].call, Close)


def test_what_came_and_went_while_the_lane_was_busy_costs_no_call():
    driver = subscribing()
    driver.end()
    driver.connect("dan")
    driver.send("dan", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.end()
    driver.end()
    driver.send("dan", Applied(driver.lane("dan").phase.exchange))
    driver.send("dan", Media(1, "connected", ("microphone",)))
    driver.send("dan", Leave())
    before = len(driver.made)
    driver.settle()
    session = driver.lane("cy").session_id
    assert [type(call) for call in driver.made[before:] if call.session_id == session] == [Renegotiate]


def test_an_answer_of_the_wrong_shape_is_an_unknown_outcome():
    driver = subscribing()
    driver.end(Succeeded("a string"))
    assert driver.lane("cy").epoch == 2


def test_a_session_that_cannot_be_had_is_asked_for_again_more_and_more_slowly():
    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    times = []
    for _ in range(5):
        while not driver.calls:
            driver.give(after=0.05)
        times.append(driver.now)
        driver.end(UNKNOWN)
    assert times == sorted(times)
    assert times[4] - times[3] > times[1] - times[0]
    assert driver.errors("ann") == ["publish_failed"]
    assert driver.lane("ann").epoch == 1


def test_replacements_in_a_row_begin_more_and_more_slowly():
    driver = pair()
    begun = []
    for epoch in range(1, 5):
        driver.send("ann", Media(epoch, "failed"))
        driver.calls.clear()
        driver.send("ann", Offer(driver.last("ann", Replace).grant, "v=0", (MICROPHONE,)))
        at = driver.now
        while not any(one.participant == driver.member("ann").id for one in driver.calls):
            driver.give(after=0.05)
        begun.append(driver.now - at)
    assert begun[0] == 0.0
    assert begun == sorted(begun)
    assert begun[-1] > 0.5
    assert [e.epoch for e in driver.events if isinstance(e, SessionReplaced)] == [2, 3, 4, 5]
