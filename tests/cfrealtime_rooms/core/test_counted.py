"""How much of a room one event looks at: whom it touches, and nobody else."""

from __future__ import annotations

from collections import Counter

import pytest

from cfrealtime_rooms.core import deadlines, turn
from cfrealtime_rooms.core.calls import Publish
from cfrealtime_rooms.core.commands import Join, Leave, Mute, SendMessage, SetAttributes
from cfrealtime_rooms.core.notices import Delta
from cfrealtime_rooms.core.policy import everyone
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, Driver

SIZES = [3, 6, 20]


@pytest.fixture
def looked(monkeypatch):
    """What was looked at: policies asked, catalogs made, deadlines worked out."""
    counted = Counter()

    def counting(name, function):
        def count(*given):
            counted[name] += 1
            return function(*given)

        return count

    monkeypatch.setattr(turn, "catalog_of", counting("catalogs", turn.catalog_of))
    monkeypatch.setattr(deadlines, "due_of", counting("deadlines", deadlines.due_of))
    counted.policy = counting("policies", everyone)
    return counted


def meeting(looked, size):
    """So many who receive each other; from here on it is counted."""
    driver = Driver(looked.policy)
    for number in range(size):
        driver.enter(f"p{number}", MICROPHONE, CAMERA)
    driver.now += 60
    driver.give()
    driver.settle()
    driver.told.clear()
    looked.clear()
    return driver


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "command", [Mute("camera", muted=True), SetAttributes({"hand": "up"}), SendMessage("hello")]
)
def test_what_touches_no_session_looks_at_its_sender_alone(looked, size, command):
    driver = meeting(looked, size)
    driver.send("p0", command)
    assert looked["policies"] == looked["catalogs"] == 0
    assert looked["deadlines"] <= 1
    assert sum(len(told) for told in driver.told.values()) == size


@pytest.mark.parametrize("size", SIZES)
def test_a_call_that_comes_back_looks_at_its_own_lane(looked, size):
    driver = meeting(looked, size)
    driver.connect("joiner")
    driver.send("joiner", Join(offer="v=0", tracks=(MICROPHONE,)))
    looked.clear()
    driver.end()
    assert isinstance(driver.made[-1], Publish)
    assert (looked["policies"], looked["catalogs"], looked["deadlines"]) == (1, 0, 1)


@pytest.mark.parametrize("size", SIZES)
def test_who_leaves_is_looked_at_once_by_each_other(looked, size):
    driver = meeting(looked, size)
    driver.send("p0", Leave())
    driver.settle()
    assert looked["policies"] == size - 1
    assert looked["catalogs"] == 1


@pytest.mark.parametrize("size", [3, 5, 7])  # from eight on lanes wait for more to come
def test_a_join_asks_the_policy_three_times_for_each_other_and_five_times_for_itself(looked, size):
    """The others: when it publishes, when it is seen to send, and when they have subscribed."""
    driver = meeting(looked, size)
    driver.enter("joiner", MICROPHONE, CAMERA)
    assert looked["policies"] == 3 * size + 5
    assert looked["catalogs"] <= 3


def test_those_who_are_told_the_same_are_told_one_value():
    driver = Driver()
    for name in ("ann", "bob", "cy"):
        driver.enter(name, MICROPHONE)
    driver.told.clear()
    driver.send("ann", Mute("microphone", muted=True))
    first, *others = (driver.last(name, Delta) for name in ("ann", "bob", "cy"))
    assert all(one is first for one in others)
