"""What clients see of a room, and what a developer sees."""

from __future__ import annotations

import json

from cfrealtime_rooms.core.commands import Join, Media
from cfrealtime_rooms.core.inspect import inspect
from cfrealtime_rooms.core.notices import Delta, Joined
from cfrealtime_rooms.core.views import snapshot, view
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, Driver


def joining():
    """Bob is in, Ann is on her way in."""
    driver = Driver()
    driver.enter("bob", MICROPHONE)
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0 secret-sdp", tracks=(CAMERA,)))
    return driver


def test_who_is_on_the_way_in_sees_itself_and_is_seen_by_nobody():
    driver = joining()
    ann, bob = driver.member("ann"), driver.member("bob")
    assert [one.identity for one in driver.last("ann", Joined).snapshot.participants] == ["bob", "ann"]
    assert [one.identity for one in snapshot(driver.room, bob).participants] == ["bob"]
    assert ann.told == driver.room.revision


def test_deltas_lead_from_one_revision_to_the_next_without_a_gap():
    driver = joining()
    driver.settle()
    for name in ("ann", "bob"):
        start = next(n for n in driver.told[name] if isinstance(n, Joined)).snapshot.revision
        deltas = [n for n in driver.told[name] if isinstance(n, Delta)]
        assert deltas
        assert [one.since for one in deltas] == [start, *(one.revision for one in deltas[:-1])]


def test_a_view_says_who_reconnects_and_in_what_state_publications_are():
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    driver.send("ann", Media(1, "failed"))
    driver.drop("ann")
    shown = view(driver.member("ann"))
    assert shown.state == "reconnecting"
    assert [(p.source, p.state) for p in shown.publications] == [("microphone", "negotiating")]


def test_nothing_secret_is_in_an_inspection_or_a_repr():
    driver = joining()
    shown = json.dumps(inspect(driver.room, driver.machine.rules, driver.now)) + repr(driver.room)
    assert "secret-sdp" not in shown
    assert driver.member("ann").token not in shown


def test_an_inspection_shows_wanted_against_actual():
    driver = joining()
    driver.settle()
    bob = inspect(driver.room, driver.machine.rules, driver.now)["participants"][0]
    camera = driver.member("ann").publications["camera"].id
    assert bob["wanted"] == [camera]
    assert bob["actual"] == {}
    assert bob["phase"] == "Idle"
    driver.send("ann", Media(1, "connected", ("camera",)))
    driver.settle()
    bob = inspect(driver.room, driver.machine.rules, driver.now)["participants"][0]
    assert list(bob["actual"].values()) == [camera]
