"""Which simulcast layer somebody receives, and what a change of it costs."""

from __future__ import annotations

import pytest

from cfrealtime.models import ItemError, Simulcast, TrackResult, TracksResult
from cfrealtime_rooms.core.calls import Failed, Subscribe, Succeeded, Update
from cfrealtime_rooms.core.commands import Media, OfferedTrack, PreferLayers
from cfrealtime_rooms.core.events import LayersChanged
from cfrealtime_rooms.core.layers import TRIES, rid_of
from cfrealtime_rooms.core.notices import Joined
from cfrealtime_rooms.core.policy import Wanted, everyone
from tests.cfrealtime_rooms.core.driver import MICROPHONE, Driver

RIDS = ("c", "b", "a")
LAYERED = OfferedTrack("1", "camera", "video", rids=RIDS)
PLAIN = OfferedTrack("2", "screen", "video")


def meeting(policy=everyone, publishers=3):
    driver = Driver(policy)
    for number in range(publishers):
        driver.enter(f"p{number}", MICROPHONE, LAYERED, PLAIN)
    driver.enter("ann")
    driver.give(after=60)
    driver.settle()
    driver.send("ann", Media(driver.lane("ann").epoch, "connected"))
    driver.made.clear()
    return driver


def ids(driver, source="camera"):
    people = driver.room.participants.values()
    return [one.publications[source].id for one in people if source in one.publications]


def rids(driver, name="ann"):
    return {s.rid for s in driver.lane(name).subscriptions.values() if s.publication in ids(driver)}


@pytest.mark.parametrize(
    ("layer", "among", "rid"),
    [
        ("low", RIDS, "c"),
        ("medium", RIDS, "b"),
        ("high", RIDS, "a"),
        ("medium", ("l", "h"), "l"),
        ("high", ("x",), "x"),
        ("b", RIDS, "b"),
        ("z", RIDS, None),
        ("low", (), None),
        (None, RIDS, None),
    ],
)
def test_a_step_is_a_rid_by_order(layer, among, rid):
    assert rid_of(layer, among) == rid


def test_a_change_of_many_layers_is_one_call():
    driver = meeting()
    driver.send("ann", PreferLayers(dict.fromkeys(ids(driver), "low")))
    driver.settle()
    (call,) = driver.made
    assert isinstance(call, Update)
    wish = Simulcast("c", "asciibetical", "asciibetical")
    assert [track.simulcast for track in call.tracks] == [wish] * 3
    assert rids(driver) == {"c"}
    assert isinstance(driver.events[-1], LayersChanged)


def test_the_same_wish_again_costs_nothing():
    driver = meeting()
    wish = PreferLayers(dict.fromkeys(ids(driver), "low"))
    driver.send("ann", wish)
    driver.settle()
    driver.made.clear()
    told = len(driver.events)
    driver.send("ann", wish)
    driver.send("ann", PreferLayers({ids(driver)[0]: "c"}))
    driver.settle()
    assert driver.made == []
    assert len(driver.events) == told + 1


def test_wishes_of_others_and_of_other_publications_stay():
    driver = meeting()
    first, second, _ = ids(driver)
    driver.send("ann", PreferLayers({first: "low"}))
    driver.send("ann", PreferLayers({second: "medium"}))
    driver.settle()
    assert rids(driver) == {"c", "b", None}
    assert rids(driver, "p0") == {None}


def test_a_wish_that_is_taken_back_ends_at_the_best_layer():
    driver = meeting(publishers=1)
    (camera,) = ids(driver)
    for layer in ("low", None):
        driver.send("ann", PreferLayers({camera: layer}))
        driver.settle()
    assert rids(driver) == {"a"}
    assert len(driver.made) == 2


def test_the_policys_layer_rides_in_the_subscription_and_the_clients_wish_wins():
    def small(room, subscriber):
        return [Wanted(one, "low") for one in everyone(room, subscriber)]

    driver = meeting(small, publishers=1)
    assert rids(driver) == {"c"}
    driver.send("ann", PreferLayers({ids(driver)[0]: "high"}))
    driver.settle()
    assert rids(driver) == {"a"}
    driver.send("ann", PreferLayers({ids(driver)[0]: None}))
    driver.settle()
    assert rids(driver) == {"c"}


def test_a_publication_without_layers_is_not_asked_for_one():
    driver = meeting(publishers=1)
    driver.send("ann", PreferLayers({ids(driver, "screen")[0]: "low"}))
    driver.settle()
    assert driver.made == []


def test_a_wish_said_before_the_subscription_costs_nothing_more():
    driver = meeting(publishers=0)
    driver.enter("bob", LAYERED)
    assert rids(driver) == {None}
    driver.send("ann", PreferLayers({ids(driver)[0]: "low"}))
    driver.settle()
    driver.made.clear()
    driver.send("ann", Media(driver.lane("ann").epoch, "failed"))
    driver.settle()
    calls = [call for call in driver.made if isinstance(call, Subscribe | Update)]
    assert [[track.simulcast.preferred_rid for track in call.tracks] for call in calls] == [["c"]]


@pytest.mark.parametrize(
    ("publication", "layer", "code"),
    [
        (lambda d: ids(d)[0], "z", "unknown_layer"),
        (lambda d: "pub-nobody", "low", "unknown_publication"),
    ],
)
def test_wishes_that_cannot_be_are_refused_whole(publication, layer, code):
    driver = meeting()
    driver.send("ann", PreferLayers({ids(driver)[1]: "low", publication(driver): layer}))
    assert driver.errors("ann") == [code]
    assert driver.member("ann").layers == {}
    assert driver.made == []


def test_wishes_end_with_their_publication():
    driver = meeting(publishers=1)
    driver.send("ann", PreferLayers({ids(driver)[0]: "low"}))
    driver.settle()
    driver.drop("p0")
    driver.give(after=21)
    assert driver.member("ann").layers == {}


@pytest.mark.parametrize("whole", [True, False], ids=["the request", "the item"])
def test_a_layer_that_is_refused_is_asked_for_again_and_then_left(whole):
    driver = meeting(publishers=1)
    before = driver.lane("ann").mids()
    driver.send("ann", PreferLayers({ids(driver)[0]: "low"}))
    for _ in range(3 * TRIES):
        while driver.calls:
            (track,) = driver.calls[0].call.tracks
            item = TrackResult(mid=track.mid, error=ItemError("update_track_error"))
            no = Failed("refused", 400, "update_track_error") if whole else Succeeded(TracksResult((item,)))
            driver.end(no)
        driver.give(after=10)
    assert len(driver.made) == TRIES
    assert driver.machine.rules.repointing
    assert driver.lane("ann").mids() == before
    assert rids(driver) == {None}
    driver.send("ann", PreferLayers({ids(driver)[0]: "medium"}))
    driver.settle()
    assert rids(driver) == {"b"}


def test_layers_change_where_repointing_is_refused():
    driver = meeting(publishers=1)
    driver.machine.stop_repointing(driver.now)
    driver.send("ann", PreferLayers({ids(driver)[0]: "low"}))
    driver.settle()
    assert rids(driver) == {"c"}


@pytest.mark.parametrize("wrong", [("a", "a"), tuple("abcdefghi"), ("a b",), ("é",), ("",), ("a" * 17,)])
def test_layers_that_cannot_be_are_refused_with_their_offer(wrong):
    from cfrealtime_rooms.core.commands import Join

    driver = Driver()
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(OfferedTrack("0", "camera", "video", rids=wrong),)))
    assert driver.errors("ann") == ["bad_message"]


def test_clients_are_told_which_layers_there_are():
    driver = meeting(publishers=1)
    driver.enter("bob")
    views = driver.last("bob", Joined).snapshot.participants
    found = {one.source: one.rids for view in views for one in view.publications}
    assert found == {"microphone": None, "camera": RIDS, "screen": None}
