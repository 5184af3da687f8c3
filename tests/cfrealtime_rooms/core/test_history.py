"""What a room remembers of its calls and exchanges, and for how long things waited."""

from __future__ import annotations

import pytest

from cfrealtime.models import ItemError, TrackResult, TracksResult
from cfrealtime_rooms.core import history
from cfrealtime_rooms.core.calls import Failed, NewSession, Publish, Renegotiate, Subscribe, Succeeded
from cfrealtime_rooms.core.commands import Answer, Applied, Join, Leave, Media
from cfrealtime_rooms.core.history import CALLS_KEPT, OPERATIONS
from cfrealtime_rooms.core.inputs import Returned
from cfrealtime_rooms.core.inspect import inspect
from cfrealtime_rooms.core.state import TIMELINE_LENGTH
from cfrealtime_rooms.store.codec import dump, load

from .driver import CAMERA, MICROPHONE, NOT_SENT, UNKNOWN, Driver, pair, refused, subscribed, subscribing


def story(driver: Driver, identity: str) -> list[dict]:
    """What `inspect` tells of a participant."""
    shown = inspect(driver.room, driver.machine.rules, driver.now)
    return next(p for p in shown["participants"] if p["identity"] == identity)["timeline"]


def shape(exchange) -> tuple:
    return exchange.kind, exchange.tracks, exchange.end, exchange.seconds, exchange.client_seconds


def publishing() -> Driver:
    """Ann, whose offer of two tracks is with the SFU."""
    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE, CAMERA)))
    driver.end()
    assert isinstance(driver.calls[0].call, Publish)
    return driver


def looking_in() -> Driver:
    """Cy, who publishes nothing, on the way to a first session."""
    driver = pair()
    driver.connect("cy")
    driver.send("cy", Join())
    return driver


def test_every_call_is_remembered_with_what_became_of_it():
    driver = subscribing()
    operation = driver.take()
    driver.now += 0.25
    driver.give(Returned(operation.id, refused(503, "busy", cf_ray="8f-AMS"), 0.2))
    made, failed = driver.member("cy").calls
    assert (made.operation, made.result, made.tracks) == ("new_session", "succeeded", 0)
    assert (failed.operation, failed.result, failed.tracks, failed.epoch) == ("subscribe", "refused", 2, 1)
    assert (failed.at, failed.seconds) == (driver.now, 0.2)
    assert (failed.status, failed.code, failed.cf_ray) == (503, "busy", "8f-AMS")
    assert str(failed) == "subscribe 2 refused 503 busy after 0.20 s"


def test_items_that_failed_are_counted_and_what_they_say_is_not_repeated():
    driver = subscribing()
    driver.end(Succeeded(subscribed(driver.calls[0].call, ["0", None])))
    one = driver.member("cy").calls[-1]
    assert (one.result, one.failed, str(one)) == ("partial", 1, "subscribe 2 partial (1 failed) after 0.00 s")
    prose = TrackResult(error=ItemError("the offer was v=0 …", "a description"))
    assert history.failed_items(Succeeded(TracksResult((prose,)))) == {"an unprintable code": 1}


def test_a_call_that_ends_after_its_session_is_remembered_too():
    driver = subscribing()
    late = driver.take()
    driver.send("cy", Media(1, "failed"))
    driver.end(UNKNOWN, late)
    assert [(one.epoch, one.result) for one in driver.member("cy").calls] == [
        (1, "succeeded"),
        (1, "unknown"),
    ]


def test_the_history_is_bounded_and_survives_being_saved():
    driver, long = looking_in(), "x" * 64
    for _ in range(3 * CALLS_KEPT):
        driver.end(Failed("not_sent", 500, long, cf_ray=long))
        driver.give(after=60)
    cy = driver.member("cy")
    assert len(cy.calls) == CALLS_KEPT
    assert len(story(driver, "cy")) <= CALLS_KEPT + TIMELINE_LENGTH
    assert load(dump(driver.room)).participants[cy.id].calls == cy.calls
    saved = len(dump(driver.room))
    cy.calls = ()
    assert saved - len(dump(driver.room)) < 400 * CALLS_KEPT


def test_a_participants_story_tells_steps_and_calls_in_their_order():
    driver = publishing()
    driver.now = 5.0
    driver.end()
    driver.send("ann", Applied(1), after=1.5)
    told = [(one["ago"], one["what"]) for one in story(driver, "ann")]
    assert told == [
        (6.5, "new_session succeeded after 0.00 s"),
        (1.5, "publish 2 succeeded after 0.00 s"),
        (0.0, "applied 1"),
    ]
    assert story(driver, "ann")[1]["call"] == {
        "epoch": 1,
        "operation": "publish",
        "tracks": 2,
        "result": "succeeded",
        "seconds": 0.0,
        "failed": 0,
    }


def test_the_call_under_way_is_shown():
    driver = publishing()
    driver.now += 2.0
    (ann,) = inspect(driver.room, driver.machine.rules, driver.now)["participants"]
    assert ann["calling"] == {"operation": "publish", "tracks": 2, "attempt": 1, "for": 2.0}
    driver.settle()
    (ann,) = inspect(driver.room, driver.machine.rules, driver.now)["participants"]
    assert ann["calling"] is None


# Exchanges.


def test_a_published_offer_is_an_exchange_until_the_answer_is_applied():
    driver = publishing()
    driver.now += 0.5
    driver.end()
    driver.send("ann", Applied(1), after=1.0)
    assert [shape(one) for one in driver.exchanges] == [("publish", 2, "finished", 1.5, 1.0)]
    assert driver.exchanges[0].session_id == driver.lane("ann").session_id


def test_a_subscription_is_an_exchange_until_the_answer_has_arrived():
    driver = subscribing()
    driver.exchanges.clear()
    driver.now += 0.1
    driver.end()
    driver.send("cy", Answer(driver.lane("cy").phase.exchange, "v=0"), after=2.0)
    assert driver.exchanges == []
    driver.now += 0.4
    driver.end()
    assert [shape(one) for one in driver.exchanges] == [("subscribe", 2, "finished", 2.5, 2.0)]


@pytest.mark.parametrize("outcome", [refused(429), NOT_SENT, refused(406, "invalid_session_description")])
def test_an_exchange_whose_call_fails_has_failed_or_lost_its_session(outcome):
    driver = subscribing()
    driver.exchanges.clear()
    driver.end(outcome)
    end = "abandoned" if outcome.status == 406 else "failed"
    assert [shape(one) for one in driver.exchanges] == [("subscribe", 2, end, 0.0, None)]


def test_an_exchange_of_which_nothing_came_has_failed():
    driver = subscribing()
    driver.exchanges.clear()
    driver.end(Succeeded(subscribed(driver.calls[0].call, [None, None])))
    assert [one.end for one in driver.exchanges] == ["failed"]


def test_an_answer_that_has_to_be_handed_in_again_is_the_same_exchange():
    driver = subscribing()
    driver.exchanges.clear()
    driver.end()
    driver.send("cy", Answer(driver.lane("cy").phase.exchange, "v=0"))
    driver.end(NOT_SENT)
    assert driver.exchanges == []
    driver.give(after=10)
    assert isinstance(driver.end(), Renegotiate)
    assert [(one.end, one.seconds) for one in driver.exchanges] == [("finished", 10.0)]


def test_who_leaves_or_loses_the_session_abandons_an_exchange():
    leaving, failing = publishing(), publishing()
    leaving.send("ann", Leave())
    failing.send("ann", Media(1, "failed"))
    assert [one.end for one in leaving.exchanges + failing.exchanges] == ["abandoned"] * 2
    leaving.settle()
    assert len(leaving.exchanges) == 1


# Waiting, and trying again.


def test_what_comes_up_while_a_lane_is_busy_waits_and_what_a_lane_does_by_itself_does_not():
    driver = subscribing()
    assert driver.calls[0].waited == 0.0
    driver.end()
    exchange = driver.lane("cy").phase.exchange
    driver.now += 1.0
    driver.connect("dee")
    driver.send("dee", Join(offer="v=0", tracks=(MICROPHONE,)))
    while driver.calls:
        driver.end()
    driver.send("dee", Applied(1))
    driver.send("dee", Media(1, "connected", ("microphone",)))
    driver.calls.clear()
    driver.send("cy", Answer(exchange, "v=0"), after=3.0)
    (renegotiate,) = driver.calls
    assert (type(renegotiate.call), renegotiate.waited) == (Renegotiate, 0.0)
    driver.send("cy", Media(1, "connected"))
    driver.end()
    (subscribe,) = driver.calls
    assert (type(subscribe.call), subscribe.waited) == (Subscribe, 3.0)
    assert driver.lane("cy").asked_at is None


def test_a_lane_that_rests_waits_for_nothing():
    driver = pair()
    driver.give(after=100)
    assert [driver.lane(name).asked_at for name in ("ann", "bob")] == [None, None]


def test_calls_that_come_to_nothing_are_counted_until_one_does_not():
    driver = looking_in()
    attempts = []
    for _ in range(3):
        attempts.append(driver.calls[0].attempt)
        driver.end(NOT_SENT)
        driver.give(after=60)
    attempts.append(driver.calls[0].attempt)
    driver.end()
    attempts.append(driver.calls[0].attempt)
    assert attempts == [1, 2, 3, 4, 1]


def test_a_debts_calls_are_counted_like_a_lanes():
    driver = pair()
    driver.send("bob", Leave())
    driver.end(refused(500, "internal_error"), next(o for o in driver.calls if o.participant is None))
    driver.give(after=60)
    assert [o.attempt for o in driver.calls if o.participant is None] == [2]


def test_every_call_has_the_name_of_the_sdks_method():
    assert OPERATIONS[NewSession] == "new_session"
    assert set(OPERATIONS.values()) == set(history.OperationName.__args__)
