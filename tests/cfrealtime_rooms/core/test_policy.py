"""The policies that are shipped, and who is told about whom: right, and asked no more than needed."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.calls import Close, Update
from cfrealtime_rooms.core.catalog import catalog_of
from cfrealtime_rooms.core.commands import Join, Leave, Mute, Select, SendMessage, SetAttributes
from cfrealtime_rooms.core.events import SelectionChanged
from cfrealtime_rooms.core.notices import Delta, Departure, Error, Joined
from cfrealtime_rooms.core.plan import wanted_by
from cfrealtime_rooms.core.policy import audio_only, everyone, selected
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, Driver


def received(driver, name):
    """What a participant receives, as (identity, source)."""
    published = catalog_of(driver.room).published
    found = (published[one] for one in driver.lane(name).mids().values())
    return {(owner.identity, one.source) for owner, one in found}


def meeting(**rules):
    driver = Driver(**rules)
    for name in ("ann", "bob", "cy"):
        driver.enter(name, MICROPHONE, CAMERA)
    driver.made.clear()
    driver.now += 60
    return driver


def published(driver, name, source):
    return driver.member(name).publications[source].id


def test_audio_only_gives_everyone_the_sound_of_everyone():
    driver = meeting(policy=audio_only)
    assert received(driver, "ann") == {("bob", "microphone"), ("cy", "microphone")}


def test_who_has_selected_nothing_receives_nothing():
    assert received(meeting(policy=selected), "ann") == set()


def test_a_selection_is_received_and_a_later_one_replaces_it():
    driver = meeting(policy=selected)
    ann, bob = driver.member("ann"), driver.member("bob")
    driver.send("ann", Select((published(driver, "cy", "camera"),), (bob.id, "p-nobody")))
    driver.settle()
    assert received(driver, "ann") == {("cy", "camera"), ("bob", "microphone"), ("bob", "camera")}
    assert {call.session_id for call in driver.made} == {ann.lane.session_id}
    driver.made.clear()
    driver.send("ann", Select((published(driver, "cy", "microphone"), published(driver, "cy", "camera"))))
    driver.settle()
    assert received(driver, "ann") == {("cy", "camera"), ("cy", "microphone")}
    assert [type(call) for call in driver.made] == [Close, Update]
    assert driver.events[-1] == SelectionChanged("hall", ann.id, driver.events[-1].publications, ())


def test_the_same_selection_again_is_no_news():
    driver = meeting(policy=selected)
    choice = Select(participants=(driver.member("bob").id,))
    driver.send("ann", choice)
    driver.settle()
    driver.made.clear()
    told = len(driver.events)
    driver.send("ann", choice)
    assert driver.made == []
    assert len(driver.events) == told


def test_a_selected_participant_is_received_with_what_it_publishes_later():
    driver = Driver(selected)
    driver.enter("ann")
    driver.connect("bob")
    driver.send("bob", Join())
    driver.send("ann", Select(participants=(driver.member("bob").id,)))
    driver.send("bob", Leave())
    driver.enter("cy", MICROPHONE)
    assert received(driver, "ann") == set()
    driver.send("ann", Select(participants=(driver.member("cy").id,)))
    driver.settle()
    assert received(driver, "ann") == {("cy", "microphone")}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Select(("p",) * 200, ("p",) * 57), "too_many_selected"),
        (Select(("p" * 65,)), "bad_message"),
    ],
)
def test_a_selection_has_bounds(command, code):
    driver = meeting(policy=selected)
    driver.send("ann", command)
    assert driver.errors("ann") == [code]
    assert driver.member("ann").selection.publications == ()


# Asked no more than needed.


class Counted:
    """A function that remembers whom it was asked about."""

    def __init__(self, function):
        self.function, self.asked = function, []

    def __call__(self, room, *people):
        self.asked.append(tuple(one.identity for one in people))
        return self.function(room, *people)


def crowd(count, **functions):
    driver = Driver(**functions)
    for number in range(count):
        driver.enter(f"p{number}", *((MICROPHONE,) if number < 2 else ()))
    driver.give(after=60)
    driver.settle()
    for function in functions.values():
        function.asked.clear()
    return driver


@pytest.mark.parametrize(
    "act",
    [
        lambda d: d.send("p0", Mute("microphone", muted=True)),
        lambda d: d.send("p7", SetAttributes({"hand": "up"})),
        lambda d: d.send("p7", SendMessage("hi")),
        lambda d: d.give(after=60),
    ],
)
def test_what_touches_no_session_asks_the_policy_nothing(act):
    policy = Counted(everyone)
    driver = crowd(60, policy=policy)
    act(driver)
    assert policy.asked == []


def test_a_selection_asks_the_policy_about_its_participant_alone():
    policy = Counted(selected)
    driver = crowd(60, policy=policy)
    driver.send("p7", Select(participants=(driver.member("p0").id,)))
    driver.settle()
    assert {who for (who,) in policy.asked} == {"p7"}


def test_a_change_asks_who_is_told_only_about_the_one_that_changed():
    visible = Counted(lambda room, viewer, other: True)
    driver = crowd(60, visible=visible)
    driver.send("p7", SetAttributes({"hand": "up"}))
    assert len(visible.asked) == len({*visible.asked}) == 2 * 59
    assert all("p7" in pair for pair in visible.asked)
    visible.asked.clear()
    driver.send("p7", SendMessage("hi"))
    driver.give(after=60)
    assert visible.asked == []


# Who is told about whom.


def on_stage(room, viewer, other):
    """Those on the stage are seen by all; the audience by those on the stage."""
    del room
    return "stage" in other.attributes or "stage" in viewer.attributes


def webinar():
    driver = Driver(visible=on_stage)
    driver.enter("host", MICROPHONE, attributes={"stage": "yes"})
    for name in ("ann", "bob"):
        driver.enter(name, MICROPHONE)
    return driver


def known(driver, name):
    """Whom a client knows of, from all it was told."""
    people = {}
    for notice in driver.told[name]:
        if isinstance(notice, Joined):
            people = {one.id: one.identity for one in notice.snapshot.participants}
        elif isinstance(notice, Delta):
            people |= {one.id: one.identity for one in notice.participants}
            for gone in notice.left:
                del people[gone.id]
    return set(people.values())


def test_the_audience_hears_of_the_stage_and_the_stage_of_everyone():
    driver = webinar()
    assert known(driver, "host") == {"host", "ann", "bob"}
    assert known(driver, "ann") == {"host", "ann"}
    assert known(driver, "bob") == {"host", "bob"}


def test_nobody_receives_media_of_whom_it_is_not_told():
    driver = webinar()
    assert received(driver, "ann") == {("host", "microphone")}
    assert received(driver, "host") == {("ann", "microphone"), ("bob", "microphone")}


def test_what_happens_to_the_unseen_costs_no_message_and_leaves_no_gap():
    driver = webinar()
    before = len(driver.told["ann"])
    driver.enter("cy", MICROPHONE)
    driver.send("bob", SetAttributes({"hand": "up"}))
    driver.send("cy", Leave())
    assert len(driver.told["ann"]) == before
    driver.send("host", Mute("microphone", muted=True))
    revisions = [n for n in driver.told["ann"] if isinstance(n, Delta)]
    assert [one.since for one in revisions[1:]] == [one.revision for one in revisions[:-1]]
    assert known(driver, "host") == {"host", "ann", "bob"}


def test_who_steps_on_the_stage_is_heard_of_and_received_and_hidden_again_afterwards():
    driver = webinar()
    driver.send("bob", SetAttributes({"stage": "yes"}))
    driver.settle()
    assert known(driver, "ann") == {"host", "ann", "bob"}
    assert received(driver, "ann") == {("host", "microphone"), ("bob", "microphone")}
    driver.send("bob", SetAttributes({"stage": ""}))
    driver.settle()
    assert driver.last("ann", Delta).left == (Departure(driver.member("bob").id, "hidden"),)
    assert known(driver, "bob") == {"host", "bob"}
    assert received(driver, "ann") == {("host", "microphone")}


def test_the_unseen_cannot_be_addressed():
    driver = webinar()
    driver.send("ann", SendMessage("psst", to=(driver.member("bob").id,)))
    assert driver.last("ann", Error).code == "unknown_participant"
    driver.send("ann", SendMessage("question", to=(driver.member("host").id,)))
    assert driver.last("host", type(driver.told["host"][-1])).text == "question"


def test_one_who_is_hidden_and_leaves_in_the_same_turn_is_gone_once():
    from cfrealtime_rooms.core.inputs import Received

    driver = webinar()
    bob = driver.member("bob").id
    driver.send("bob", SetAttributes({"stage": "yes"}))
    driver.give(Received("bob", SetAttributes({"stage": ""})), Received("bob", Leave()))
    assert driver.last("ann", Delta).left == (Departure(bob, "left"),)
    assert known(driver, "ann") == {"host", "ann"}


def test_everyone_by_itself_is_everyone_that_a_host_has_wrapped():
    """The shipped one is not even asked: what is published is at hand, in the same order."""
    driver = meeting()
    driver.enter("dan")
    for one in driver.room.participants.values():
        asked = wanted_by(driver.room, one, lambda *given: everyone(*given))
        assert list(wanted_by(driver.room, one, everyone)) == list(asked)
        assert asked
