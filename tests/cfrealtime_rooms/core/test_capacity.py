"""How many fit in, and the same person in two tabs."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.commands import Join, Leave, Negotiate, Offer, OfferedTrack
from cfrealtime_rooms.core.inputs import Received
from cfrealtime_rooms.core.notices import ClientLimits, Closed, Error, Joined
from cfrealtime_rooms.core.settings import Settings
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, SCREEN, Driver


def admitted(driver):
    return {one.identity for one in driver.room.participants.values()}


# The same person in two tabs, under each policy.


def two_tabs(duplicates):
    driver = Driver(settings=Settings(duplicates=duplicates))
    driver.enter("ann", MICROPHONE)
    driver.connect("ann", "ann2")
    return driver


def test_the_newer_tab_wins_by_default():
    driver = two_tabs("replace")
    driver.send("ann2", Join())
    assert driver.hung_up == {"ann": (4001, "replaced")}
    assert driver.last("ann", Closed).reason == "replaced"
    assert driver.member("ann").connection == "ann2"


def test_the_older_tab_stays_where_the_newer_is_rejected():
    driver = two_tabs("reject")
    driver.send("ann2", Join(offer="v=0", tracks=(MICROPHONE,)))
    assert driver.errors("ann2") == ["duplicate_identity"]
    assert driver.hung_up == {}
    assert driver.member("ann").connection == "ann"
    driver.send("ann", Leave())
    driver.send("ann2", Join())
    assert driver.member("ann").connection == "ann2"


def test_a_tab_whose_channel_dropped_gives_way_though_newer_ones_are_rejected():
    driver = two_tabs("reject")
    driver.drop("ann")
    driver.send("ann2", Join())
    assert driver.errors("ann2") == []
    assert driver.member("ann").connection == "ann2"
    assert len(driver.room.participants) == 1


def test_both_tabs_are_in_where_that_is_allowed_and_are_two_participants():
    driver = two_tabs("allow")
    driver.send("ann2", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.settle()
    assert [one.connection for one in driver.room.participants.values()] == ["ann", "ann2"]
    assert driver.last("ann", Joined).participant != driver.last("ann2", Joined).participant
    driver.send("ann", Leave())
    assert [one.connection for one in driver.room.participants.values()] == ["ann2"]


@pytest.mark.parametrize(("duplicates", "left"), [("replace", 1), ("reject", 1), ("allow", 2)])
def test_the_same_join_twice_at_once(duplicates, left):
    driver = Driver(settings=Settings(duplicates=duplicates))
    driver.connect("ann")
    driver.connect("ann", "ann2")
    driver.give(Received("ann", Join()), Received("ann2", Join()))
    assert len(driver.room.participants) == left


# Capacity.


def test_one_more_than_fit_join_at_once_and_exactly_those_that_fit_are_in():
    driver = Driver(settings=Settings(max_participants=5))
    names = [f"p{n}" for n in range(6)]
    for name in names:
        driver.connect(name)
    driver.give(*(Received(name, Join(offer="v=0", tracks=(MICROPHONE,))) for name in names))
    assert admitted(driver) == set(names[:5])
    error = driver.last("p5", Error)
    assert error.code == "room_full"
    assert "5 participants" in error.message
    driver.send("p0", Leave())
    driver.send("p5", Join())
    assert admitted(driver) == set(names[1:])


def test_a_hundred_fit_unless_said_otherwise():
    driver = Driver()
    for number in range(101):
        driver.connect(f"p{number}")
        driver.send(f"p{number}", Join())
    assert len(admitted(driver)) == 100
    assert "100 participants" in driver.last("p100", Error).message


def test_where_both_tabs_may_be_in_both_count():
    driver = Driver(settings=Settings(max_participants=1, duplicates="allow"))
    driver.enter("ann")
    driver.connect("ann", "ann2")
    driver.send("ann2", Join())
    assert driver.errors("ann2") == ["room_full"]


def test_a_room_takes_so_many_tracks_and_those_on_their_way_count():
    driver = Driver(settings=Settings(max_tracks=3))
    for name in ("ann", "bob"):
        driver.connect(name)
    both = (MICROPHONE, CAMERA)
    driver.give(*(Received(name, Join(offer="v=0", tracks=both)) for name in ("ann", "bob")))
    assert admitted(driver) == {"ann"}
    assert driver.errors("bob") == ["too_many_tracks"]
    assert "3 tracks" in driver.last("bob", Error).message
    driver.send("bob", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.settle()
    assert admitted(driver) == {"ann", "bob"}


def test_who_replaces_its_own_tab_needs_no_room_for_two():
    driver = Driver(settings=Settings(max_tracks=2, max_participants=1))
    driver.enter("ann", MICROPHONE, CAMERA)
    driver.connect("ann", "ann2")
    driver.send("ann2", Join(offer="v=0", tracks=(MICROPHONE, CAMERA)))
    assert driver.errors("ann2") == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(limits=ClientLimits(tracks=2)), "A participant publishes at most 2"),
        (Settings(max_tracks=2), "The room takes 2"),
    ],
)
def test_a_refused_track_leaves_what_was_published(settings, says):
    driver = Driver(settings=settings)
    driver.enter("ann", MICROPHONE, CAMERA)
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(driver.lane("ann").phase.exchange, "v=0", (SCREEN,)))
    assert says in driver.last("ann", Error).message
    assert driver.member("ann").publications.keys() == {"microphone", "camera"}
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(driver.lane("ann").phase.exchange, "v=0", (OfferedTrack("3", "x", "video"),)))
    assert driver.errors("ann") == ["too_many_tracks"] * 2
