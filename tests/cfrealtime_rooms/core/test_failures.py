"""Calls that fail as a whole: what is repeated, given back, or costs the session."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.calls import (
    Look,
    Publish,
    Subscribe,
)
from cfrealtime_rooms.core.commands import Answer, Join, Media, Negotiate, Offer
from cfrealtime_rooms.core.events import SessionReplaced
from cfrealtime_rooms.core.notices import Error, Grant, Replace
from cfrealtime_rooms.core.phases import Idle
from tests.cfrealtime_rooms.core.driver import (
    MICROPHONE,
    NOT_SENT,
    SCREEN,
    UNKNOWN,
    Driver,
    pair,
    refused,
    subscribing,
)


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
