"""What happens because nothing happened."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.calls import Subscribe
from cfrealtime_rooms.core.commands import Join, Media, Negotiate, Resume
from cfrealtime_rooms.core.notices import Replace
from cfrealtime_rooms.core.phases import AwaitingAnswer, AwaitingApplied, AwaitingOffer, Idle
from tests.cfrealtime_rooms.core.driver import MICROPHONE, Driver


def offered():
    driver = Driver()
    driver.enter("bob", MICROPHONE)
    driver.connect("ann")
    driver.send("ann", Join())
    driver.end()
    driver.end()
    return driver, AwaitingAnswer


def published():
    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.end()
    driver.end()
    return driver, AwaitingApplied


@pytest.mark.parametrize("begin", [offered, published])
def test_a_client_that_does_not_finish_an_exchange_in_fifteen_seconds_is_replaced(begin):
    driver, phase = begin()
    driver.give(after=14.9)
    assert isinstance(driver.lane("ann").phase, phase)
    assert driver.lane("ann").phase.deadline == pytest.approx(driver.now + 0.1)
    driver.give(after=0.2)
    assert driver.last("ann", Replace).epoch == driver.lane("ann").epoch == 2


def test_a_grant_lapses_after_ten_seconds_and_costs_nothing_else():
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    driver.send("ann", Negotiate())
    assert isinstance(driver.lane("ann").phase, AwaitingOffer)
    assert driver.machine.next_deadline() == driver.now + 10.0
    driver.give(after=10.0)
    assert driver.lane("ann").phase == Idle()
    assert driver.lane("ann").epoch == 1


def test_an_unreported_publication_is_tried_ten_seconds_after_it_was_published():
    driver = Driver()
    driver.enter("bob")
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.settle()
    at = driver.machine.next_deadline()
    assert at == driver.now + 10.0
    driver.give(after=10.0)
    driver.settle()
    assert len([call for call in driver.made if isinstance(call, Subscribe)]) == 1


def test_a_room_at_rest_wants_to_be_woken_never():
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    driver.enter("bob", MICROPHONE)
    assert driver.machine.next_deadline() is None


def test_no_deadline_stays_in_the_past():
    driver = Driver()
    driver.enter("bob", MICROPHONE)
    driver.enter("ann", MICROPHONE)
    driver.send("ann", Media(1, "failed"))
    driver.drop("ann")
    for _ in range(100):
        deadline = driver.machine.next_deadline()
        if deadline is None:
            break
        assert deadline > driver.now
        driver.give(after=deadline - driver.now)
        driver.settle()
    assert [p.identity for p in driver.room.participants.values()] == ["bob"]


def test_what_was_due_once_and_is_no_more_wakes_nobody_and_is_not_kept():
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    remembered = driver.machine._deadlines
    for _ in range(20):  # the same time again and again among it
        driver.drop("ann")
        due = driver.machine.next_deadline()
        assert due == driver.now + 20
        assert remembered.passed(due - 0.1) == []
        assert remembered.passed(due) == remembered.passed(due) == [driver.member("ann").id]
        driver.connect("ann")
        driver.send("ann", Resume(driver.member("ann").token, driver.lane("ann").epoch))
        assert driver.machine.next_deadline() is None
    assert remembered._queue == []
