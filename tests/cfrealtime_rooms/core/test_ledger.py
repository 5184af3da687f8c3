"""Debts at the SFU: noted, paid, never in the way of a call, given up only after long."""

from __future__ import annotations

import pytest

from cfrealtime.models import CloseItem, CloseResult, ItemError, SessionState, TrackState
from cfrealtime_rooms.core.calls import Close, Failed, Look, Succeeded
from cfrealtime_rooms.core.events import LeakReported
from cfrealtime_rooms.core.inputs import AdoptDebt
from cfrealtime_rooms.core.ledger import SECOND_LOOK
from tests.cfrealtime_rooms.core.driver import Driver


@pytest.fixture
def driver():
    return Driver()


def adopt(driver, *mids, session="old"):
    driver.give(AdoptDebt(session, mids))


def state(*mids, status="active"):
    return Succeeded(
        SessionState(tuple(TrackState("local", mid, None, "x", "audio", status) for mid in mids))
    )


def test_known_mids_are_closed_and_that_is_all(driver):
    adopt(driver, "1", "0")
    assert driver.end() == Close("old", ("0", "1"))
    assert driver.room.debts == {}
    assert driver.machine.finished


def test_nothing_held_is_nothing_owed(driver):
    adopt(driver)
    assert driver.room.debts == {}


def test_what_nobody_knows_is_looked_at_closed_and_looked_at_once_more(driver):
    driver.give(AdoptDebt("old", None))
    assert driver.end(state("3", "4")) == Look("old")
    assert driver.end() == Close("old", ("3", "4"))
    assert driver.calls == []
    driver.give(after=SECOND_LOOK)
    assert driver.end(state("3", status="inactive")) == Look("old")
    assert driver.room.debts == {}


def test_a_call_that_landed_late_is_found_by_the_second_look(driver):
    driver.give(AdoptDebt("old", None))
    driver.end(state())
    driver.give(after=SECOND_LOOK)
    driver.end(state("7"))
    assert driver.end() == Close("old", ("7",))
    assert driver.room.debts == {}


@pytest.mark.parametrize("status", [404, 410])
def test_a_session_that_is_gone_owes_nothing(driver, status):
    adopt(driver, "0")
    driver.end(Failed("refused", status))
    assert driver.room.debts == {}


@pytest.mark.parametrize(
    "outcome",
    [
        Failed("unknown"),
        Failed("not_sent"),
        Failed("refused", 500),
        Succeeded(CloseResult(())),
        Succeeded(CloseResult((CloseItem("0", ItemError("internal_error")),))),
        Succeeded("nonsense"),
    ],
    ids=str,
)
def test_what_was_not_proven_closed_is_closed_again_later(driver, outcome):
    adopt(driver, "0")
    driver.end(outcome)
    assert driver.calls == []
    assert driver.machine.next_deadline() > driver.now
    driver.give(after=0.25)
    assert driver.end() == Close("old", ("0",))
    assert driver.room.debts == {}


def test_only_what_is_left_is_closed_again(driver):
    adopt(driver, "0", "1", "2")
    items = (CloseItem("0"), CloseItem("1", ItemError("close_track_error")), CloseItem("2", ItemError("odd")))
    driver.end(Succeeded(CloseResult(items)))
    driver.give(after=1.0)
    assert driver.end() == Close("old", ("2",))


def test_many_mids_are_closed_64_at_a_time(driver):
    adopt(driver, *(f"m{n:03}" for n in range(150)))
    driver.settle()
    assert [len(call.mids) for call in driver.made] == [64, 64, 22]


def test_debts_of_one_session_are_one_and_never_two_calls_at_once(driver):
    adopt(driver, "0")
    adopt(driver, "1")
    adopt(driver, "2", session="other")
    assert [one.call for one in driver.calls] == [Close("old", ("0",)), Close("other", ("2",))]
    driver.end()
    assert driver.calls[-1].call == Close("old", ("1",))
    driver.settle()
    assert driver.room.debts == {}


def test_a_debt_under_way_sets_no_deadline(driver):
    adopt(driver, "0")
    assert driver.machine.next_deadline() is None


def test_one_poisoned_debt_delays_no_other(driver):
    adopt(driver, "0", session="poisoned")
    driver.end(Failed("unknown"))
    adopt(driver, "0", session="sound")
    assert driver.end() == Close("sound", ("0",))


def test_the_wait_between_tries_grows_and_after_ten_minutes_it_is_a_leak(driver):
    adopt(driver, "0")
    tries = []
    while driver.room.debts:
        while driver.calls:
            tries.append(driver.now)
            driver.end(Failed("refused", 500))
        driver.give(after=0.5)
    assert 75 <= len(tries) <= 170
    assert [e for e in driver.events if isinstance(e, LeakReported)] == [LeakReported("hall", "old", ("0",))]
    assert 600 <= driver.now <= 610
