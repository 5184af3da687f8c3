"""Functions of the host's, and what a fault in one costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.policy import everybody, everyone
from cfrealtime_rooms.core.state import Lane, Participant, Room
from cfrealtime_rooms.core.tracks import Locator, Subscription
from cfrealtime_rooms.runtime.guard import guarded, guarded_visible


def receiving(*publications: str) -> Participant:
    lane = Lane(1, "s1")
    for mid, publication in enumerate(publications):
        lane.subscriptions[str(mid)] = Subscription(str(mid), "audio", publication, Locator("s2", "t"), 0.0)
    return Participant("p1", "zoe", "Zoe", Permissions(), {}, "token", lane, None, 0.0)


def raises(_room: Room, _subscriber: Participant) -> Iterable[str]:
    raise KeyError("who")


def raises_midway(_room: Room, _subscriber: Participant) -> Iterator[str]:
    yield "pub9"
    raise KeyError("who")


def answers_nonsense(_room: Room, _subscriber: Participant) -> Iterable[str]:
    return 5  # type: ignore[return-value]


def names_what_cannot_be(_room: Room, _subscriber: Participant) -> Iterable[str]:
    return [["pub1"]]  # type: ignore[list-item]


@pytest.mark.parametrize("policy", [raises, raises_midway, answers_nonsense, names_what_cannot_be])
def test_a_policy_that_fails_changes_nothing_and_is_logged(policy, caplog):
    assert guarded(policy)(Room("hall"), receiving("pub1", "pub2")) == ("pub1", "pub2")
    assert "room hall: the policy failed; what p1 receives stays" in caplog.text


def test_a_policy_that_works_is_left_alone():
    one, two = receiving(), receiving("pub1")
    room = Room("hall", participants={"p1": one, "p2": two})
    assert guarded(everyone) is everyone  # and is never asked
    assert guarded(lambda *_: ["a", "b", "a"])(room, one) == ("a", "b")


@pytest.mark.parametrize("known", [True, False])
def test_where_visible_fails_everyone_goes_on_knowing_whom_they_know(known, caplog):
    one, two = receiving(), receiving()
    two.id, two.visible = "p2", True
    one.hears_of = {"p2"} if known else set()
    assert guarded_visible(lambda *_: 1 / 0)(Room("hall"), one, two) is known
    assert "room hall: the function `visible` failed for p1" in caplog.text


def test_the_default_is_not_wrapped():
    assert guarded_visible(everybody) is everybody
