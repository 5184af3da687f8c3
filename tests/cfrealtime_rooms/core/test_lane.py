"""A lane's calls and what they bring back."""

from __future__ import annotations

from copy import deepcopy

import pytest

from cfrealtime.models import (
    CloseItem,
    CloseResult,
    ItemError,
    SessionDescription,
    TrackResult,
    TracksResult,
)
from cfrealtime_rooms.core.calls import (
    Close,
    Look,
    NewSession,
    Publish,
    Renegotiate,
    Succeeded,
)
from cfrealtime_rooms.core.commands import Answer, Applied, Join, Leave, Media, Negotiate, Offer, Unpublish
from cfrealtime_rooms.core.inputs import Returned
from cfrealtime_rooms.core.notices import Error, Grant, Replace, RoomAnswer, RoomOffer
from cfrealtime_rooms.core.phases import AwaitingApplied, AwaitingOffer, Idle
from tests.cfrealtime_rooms.core.driver import (
    CAMERA,
    MICROPHONE,
    SCREEN,
    UNKNOWN,
    Driver,
    pair,
    refused,
    subscribed,
    subscribing,
)


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


def test_what_could_not_be_closed_is_closed_later_and_the_lane_goes_on():
    driver = pair()
    driver.send("ann", Unpublish("microphone"))
    close = next(one for one in driver.calls if isinstance(one.call, Close))
    driver.end(Succeeded(CloseResult((CloseItem("0", ItemError("internal_error")),))), close)
    lane = driver.lane("ann")
    assert (lane.phase, lane.closing) == (Idle(), {"0"})
    driver.send("ann", Negotiate())
    assert isinstance(lane.phase, AwaitingOffer)
    driver.send("ann", Offer(lane.phase.exchange, "v=0", (SCREEN,)))
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


def test_a_fault_of_ours_in_taking_an_outcome_in_costs_that_session_and_no_more(monkeypatch):
    driver = subscribing()
    monkeypatch.setattr("cfrealtime_rooms.core.lane.on_offered", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        driver.end()
    monkeypatch.undo()
    driver.give()
    assert driver.lane("cy").epoch == 2
    driver.settle()
    everything = {p.id for one in driver.room.participants.values() for p in one.publications.values()}
    assert set(driver.lane("cy").mids().values()) == everything
