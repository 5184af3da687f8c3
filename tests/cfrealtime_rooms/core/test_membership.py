"""Coming in, coming back, losing the channel, going."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.calls import Close, Failed, Publish
from cfrealtime_rooms.core.commands import Answer, Join, Leave, Media, Negotiate, Offer, Resume
from cfrealtime_rooms.core.events import ParticipantJoined, ParticipantLeft, RoomClosed, RoomOpened
from cfrealtime_rooms.core.inputs import CloseRoom, Connected, Received, RemoveParticipant
from cfrealtime_rooms.core.notices import (
    Closed,
    Delta,
    Error,
    Grant,
    IceServer,
    Joined,
    Replace,
    RoomAnswer,
    RoomOffer,
    Welcome,
)
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.phases import AwaitingAnswer, AwaitingApplied, AwaitingOffer, Calling, Idle
from cfrealtime_rooms.core.settings import Settings
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, SCREEN, Driver


def back(driver, name="ann", connection="ann2", **resume):
    """A new channel for someone whose old one dropped; says what it was told on it."""
    driver.connect(name, connection)
    token = driver.member(name).token
    driver.send(connection, Resume(token, **resume))
    return driver.told[connection]


def test_a_channel_is_welcomed_with_what_its_client_needs():
    driver = Driver()
    servers = (IceServer(("stun:example.org",)),)
    driver.connect("ann", ice_servers=servers)
    welcome = driver.last("ann", Welcome)
    assert (welcome.protocol, welcome.ice_servers) == (1, servers)


def test_the_others_hear_of_a_join_when_its_first_exchange_has_succeeded():
    driver = Driver()
    driver.enter("bob")
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.end()
    assert not driver.member("ann").visible
    assert all(
        one.identity != "ann" for n in driver.told["bob"] if isinstance(n, Delta) for one in n.participants
    )
    driver.end()
    (seen,) = driver.last("bob", Delta).participants
    assert (seen.identity, [p.source for p in seen.publications]) == ("ann", ["microphone"])
    assert [e.identity for e in driver.events if isinstance(e, ParticipantJoined)] == ["bob", "ann"]


@pytest.mark.parametrize(
    ("given", "said", "name"),
    [
        ("Ann", None, "Ann"),
        ("Ann", "Other", "Ann"),
        (None, "  Ann ", "Ann"),
        (None, None, None),
        (None, " ", None),
    ],
)
def test_the_hosts_name_wins_over_the_clients(given, said, name):
    driver = Driver()
    driver.give(Connected("ann", "ann", given))
    driver.send("ann", Join(name=said))
    if name is None:
        assert driver.errors("ann") == ["name_invalid"]
        assert driver.room.participants == {}
    else:
        assert driver.member("ann").name == name


def test_the_hosts_attributes_win_over_the_clients():
    driver = Driver()
    driver.connect("ann", attributes={"role": "guest"})
    driver.send("ann", Join(attributes={"role": "boss", "hand": "up"}))
    assert driver.member("ann").attributes == {"role": "guest", "hand": "up"}


def test_a_full_room_refuses_and_an_identity_that_is_in_may_come_again():
    driver = Driver(settings=Settings(max_participants=1))
    driver.enter("ann")
    driver.connect("bob")
    driver.send("bob", Join())
    assert driver.errors("bob") == ["room_full"]
    driver.connect("ann", "ann2")
    driver.send("ann2", Join())
    assert driver.last("ann", Closed).reason == "replaced"
    assert driver.hung_up["ann"] == (4001, "replaced")
    assert driver.member("ann").connection == "ann2"


def test_a_refused_join_changes_nothing():
    driver = Driver()
    driver.enter("bob")
    revision = driver.room.revision
    driver.connect("ann", permissions=Permissions(publish=frozenset()))
    driver.send("ann", Join(offer="v=0", tracks=(CAMERA,)))
    assert driver.errors("ann") == ["not_allowed"]
    assert [p.identity for p in driver.room.participants.values()] == ["bob"]
    assert driver.room.revision == revision
    assert driver.calls == []


def test_a_room_opens_with_the_first_and_closes_with_the_last():
    driver = Driver()
    driver.enter("ann")
    driver.enter("bob")
    driver.send("ann", Leave())
    assert not driver.machine.finished
    driver.send("bob", Leave())
    assert [type(e) for e in driver.events if isinstance(e, RoomOpened | RoomClosed)] == [
        RoomOpened,
        RoomClosed,
    ]
    assert driver.machine.finished


# Coming back.


@pytest.mark.parametrize(
    "resume",
    [
        lambda d: Resume("resume-wrong", 1),
        lambda d: Resume(d.member("bob").token, 1),
    ],
    ids=["unknown", "of another"],
)
def test_a_token_opens_only_its_own_place(resume):
    driver = Driver()
    driver.enter("ann")
    driver.enter("bob")
    driver.drop("ann")
    driver.connect("ann", "ann2")
    driver.send("ann2", resume(driver))
    assert driver.errors("ann2") == ["resume_failed"]
    assert driver.member("ann").connection is None


def test_a_token_works_once():
    driver = Driver()
    driver.enter("ann")
    token = driver.member("ann").token
    driver.connect("ann", "ann2")
    driver.connect("ann", "ann3")
    driver.give(Received("ann2", Resume(token, 1)), Received("ann3", Resume(token, 1)))
    assert driver.errors("ann3") == ["resume_failed"]
    assert driver.member("ann").connection == "ann2"


def test_the_old_channel_of_one_who_resumed_changes_nothing_any_more():
    driver = Driver()
    driver.enter("ann")
    told = back(driver, epoch=1)
    assert driver.hung_up["ann"][0] == 4001
    driver.send("ann", Leave())
    driver.drop("ann")
    assert driver.member("ann").connection == "ann2"
    assert isinstance(told[1], Joined)


def granted(driver):
    driver.send("ann", Negotiate())


def answered(driver):
    granted(driver)
    driver.send("ann", Offer(driver.lane("ann").phase.exchange, "v=0", (SCREEN,)))
    driver.end()


@pytest.mark.parametrize(
    ("open_it", "phase", "again"),
    [(granted, AwaitingOffer, Grant), (answered, AwaitingApplied, RoomAnswer)],
)
def test_what_is_open_is_sent_again_with_all_its_time(open_it, phase, again):
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    open_it(driver)
    before = driver.last("ann", again)
    driver.drop("ann")
    driver.now += 8.0
    told = back(driver, epoch=1)
    assert told[2] == before
    assert isinstance(driver.lane("ann").phase, phase)
    driver.give(after=9.0)
    assert isinstance(driver.lane("ann").phase, phase)
    assert driver.lane("ann").epoch == 1


def test_an_open_offer_of_the_rooms_is_sent_again():
    driver = Driver()
    driver.enter("bob", MICROPHONE)
    driver.connect("ann")
    driver.send("ann", Join())
    driver.end()
    driver.end()
    offer = driver.last("ann", RoomOffer)
    driver.drop("ann")
    calls = len(driver.made)
    assert back(driver, epoch=1)[2] == offer
    assert len(driver.made) == calls
    driver.send("ann2", Answer(offer.exchange, "v=0"))
    driver.settle()
    assert driver.lane("ann").phase == Idle()


@pytest.mark.parametrize("begun", [False, True], ids=["untouched", "begun"])
def test_who_missed_a_replacement_is_told_of_it_and_no_open_exchange_is_crossed(begun):
    driver = Driver()
    driver.enter("bob", *([MICROPHONE] if begun else []))
    driver.enter("ann")
    driver.send("ann", Media(1, "failed"))
    if begun:
        driver.end(operation=next(c for c in driver.calls if c.participant))
        driver.end(operation=next(c for c in driver.calls if c.participant))
        assert isinstance(driver.lane("ann").phase, AwaitingAnswer)
    else:
        driver.drop("ann")
    session = driver.lane("ann").session_id
    told = back(driver, epoch=1)
    epoch = 3 if begun else 2
    assert told[2] == Replace(epoch, None, None)
    assert driver.lane("ann").epoch == epoch
    if begun:
        assert driver.lane("ann").session_id != session
        assert session in driver.room.debts


def test_who_missed_a_replacement_with_a_grant_gets_the_grant_again():
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    driver.send("ann", Media(1, "failed"))
    missed = driver.last("ann", Replace)
    driver.drop("ann")
    assert back(driver, epoch=1)[2] == missed


def test_a_call_under_way_for_who_missed_a_replacement_is_not_crossed():
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    driver.send("ann", Media(1, "failed"))
    driver.send("ann", Offer(driver.last("ann", Replace).grant, "v=0", (MICROPHONE,)))
    assert isinstance(driver.lane("ann").phase, Calling)
    back(driver, epoch=1)
    assert driver.lane("ann").epoch == 3
    driver.settle()
    assert len(driver.room.debts) == 0


def test_a_reload_is_a_new_epoch_and_keeps_the_publications_ids():
    driver = Driver()
    driver.enter("ann", MICROPHONE, CAMERA)
    ids = {one.source: one.id for one in driver.member("ann").publications.values()}
    session = driver.lane("ann").session_id
    driver.drop("ann")
    told = back(driver, offer="v=0", tracks=(MICROPHONE,))
    assert told[1].epoch == 2
    assert Close(session, ("0", "1")) in [one.call for one in driver.calls]
    driver.settle()
    published = driver.member("ann").publications
    assert {one.source: one.id for one in published.values()} == {"microphone": ids["microphone"]}
    assert published["microphone"].locator.session_id == driver.lane("ann").session_id != session


def test_the_hosts_word_at_the_resume_holds_from_then_on():
    driver = Driver()
    driver.enter("ann", MICROPHONE, CAMERA)
    driver.drop("ann")
    rights = Permissions(publish=frozenset({"microphone"}))
    driver.give(Connected("ann2", "ann", "Ann B.", rights, {"role": "guest"}))
    driver.send("ann2", Resume(driver.member("ann").token, 1))
    ann = driver.member("ann")
    assert (ann.name, ann.permissions, ann.attributes) == ("Ann B.", rights, {"role": "guest"})
    assert list(ann.publications) == ["microphone"]
    assert "1" in ann.lane.closing


def test_a_resume_is_checked_against_the_rights_of_its_own_channel():
    driver = Driver()
    driver.enter("ann")
    driver.drop("ann")
    driver.give(Connected("ann2", "ann", "Ann", Permissions(publish=frozenset())))
    driver.send("ann2", Resume(driver.member("ann").token, None, "v=0", (CAMERA,)))
    assert driver.errors("ann2") == ["not_allowed"]
    assert driver.member("ann").connection is None


# Going.


def test_nobody_back_within_the_grace_period_has_left():
    driver = Driver(settings=Settings(grace=3.0))
    driver.enter("bob")
    driver.enter("ann", MICROPHONE)
    driver.drop("ann")
    assert driver.machine.next_deadline() == driver.now + 3.0
    driver.give(after=2.9)
    assert driver.last("bob", Delta).participants[0].state == "reconnecting"
    driver.give(after=0.1)
    assert [one.reason for one in driver.last("bob", Delta).left] == ["timeout"]


def test_a_resume_in_the_same_moment_wins_over_the_end_of_grace():
    driver = Driver(settings=Settings(grace=3.0))
    driver.enter("ann")
    driver.drop("ann")
    driver.connect("ann", "ann2")
    driver.send("ann2", Resume(driver.member("ann").token, 1), after=3.0)
    assert driver.member("ann").connection == "ann2"


def test_no_first_exchange_within_thirty_seconds_is_no_join():
    driver = Driver()
    driver.enter("bob")
    driver.connect("ann")
    driver.send("ann", Join(offer="v=0", tracks=(MICROPHONE,)))
    revision = driver.room.revision
    while driver.now < 29.5:
        while driver.calls:
            driver.end(Failed("not_sent"))
        driver.give(after=0.5)
    assert driver.member("ann")
    driver.give(after=1.0)
    assert driver.last("ann", Closed).reason == "join_failed"
    assert driver.room.revision == revision
    assert [e.reason for e in driver.events if isinstance(e, ParticipantLeft)] == ["join_failed"]


def test_what_someone_held_is_owed_the_moment_it_leaves():
    driver = Driver()
    driver.enter("bob", MICROPHONE)
    driver.enter("ann", MICROPHONE, CAMERA)
    session = driver.lane("ann").session_id
    driver.send("ann", Leave())
    (close,) = (one.call for one in driver.calls if one.call.session_id == session)
    assert set(close.mids) >= {"0", "1"}
    assert all(s.publication is None for s in driver.lane("bob").subscriptions.values())


def test_the_host_removes_an_identity_wherever_it_is():
    driver = Driver()
    driver.enter("ann")
    driver.connect("ann", "ann2")
    driver.give(RemoveParticipant("ann", "banned"))
    assert driver.hung_up == {"ann": (4002, "banned"), "ann2": (4002, "banned")}
    assert (driver.room.participants, driver.room.connections) == ({}, {})
    driver.send("ann2", Join())
    assert driver.room.participants == {}


@pytest.mark.parametrize(
    ("final", "code", "told"),
    [(True, 4003, Closed("room_closed")), (False, 1012, None)],
    ids=["closed", "restart"],
)
def test_a_room_that_closes_sends_everyone_away_and_owes_what_they_held(final, code, told):
    driver = Driver()
    driver.enter("ann", MICROPHONE)
    driver.connect("bob")
    driver.give(CloseRoom(final=final))
    assert {code_ for code_, _ in driver.hung_up.values()} == {code}
    assert set(driver.hung_up) == {"ann", "bob"}
    assert (driver.told["bob"][-1] == told) == final
    assert [type(one.call) for one in driver.calls] == [Close]
    driver.settle()
    assert driver.machine.finished


def test_an_offer_is_published_only_while_its_client_is_there():
    driver = Driver()
    driver.enter("bob")
    driver.connect("ann")
    driver.give(Received("ann", Join(offer="v=0", tracks=(MICROPHONE,))))
    driver.drop("ann")
    driver.end()
    assert not any(isinstance(one.call, Publish) for one in driver.calls)
    back(driver, epoch=1)
    assert any(isinstance(one.call, Publish) for one in driver.calls)
    assert not any(isinstance(n, Error) for n in driver.told["ann2"])
