"""What people in the room ask for."""

from __future__ import annotations

import pytest

from cfrealtime.models import SessionDescription, TrackResult, TracksResult
from cfrealtime_rooms.core.calls import Close, Publish, Succeeded
from cfrealtime_rooms.core.commands import (
    Applied,
    Media,
    Mute,
    Negotiate,
    Offer,
    OfferedTrack,
    RequestSnapshot,
    SendMessage,
    SetAttributes,
    Unpublish,
)
from cfrealtime_rooms.core.events import MessageSent, TrackMuted
from cfrealtime_rooms.core.inputs import Overflowed, Received, Say
from cfrealtime_rooms.core.notices import Delta, Grant, Message, Replace, Snapshot
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.phases import AwaitingOffer, Idle
from cfrealtime_rooms.core.tracks import Retry
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, SCREEN, Driver


@pytest.fixture
def driver():
    made = Driver()
    made.enter("ann", MICROPHONE)
    made.enter("bob")
    made.made.clear()
    return made


def messages(driver, name):
    return [n for n in driver.told[name] if isinstance(n, Message)]


def test_a_mute_is_told_once_and_costs_no_call(driver):
    for _ in range(2):
        driver.send("ann", Mute("microphone", True))
    (shown,) = driver.last("bob", Delta).participants
    assert [p.muted for p in shown.publications] == [True]
    assert len([e for e in driver.events if isinstance(e, TrackMuted)]) == 1
    assert driver.made == []


def test_everyone_gets_a_message_and_its_sender_too(driver):
    driver.send("ann", SendMessage(text="hello"))
    assert messages(driver, "bob") == messages(driver, "ann") == [Message(driver.member("ann").id, "hello")]
    assert [e.text for e in driver.events if isinstance(e, MessageSent)] == ["hello"]


def test_a_message_to_some_reaches_them_alone(driver):
    driver.enter("cy")
    driver.send("ann", SendMessage(data=[1], to=(driver.member("cy").id,)))
    assert len(messages(driver, "cy")) == len(messages(driver, "ann")) == 1
    assert messages(driver, "bob") == []


def test_the_hosts_message_reaches_whoever_is_still_there(driver):
    driver.give(Say("careful", None, (driver.member("bob").id, "p-gone")))
    assert [m.sender for m in messages(driver, "bob")] == [None]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SendMessage(), "bad_message"),
        (SendMessage(text="a", data=1), "bad_message"),
        (SendMessage(text=""), "bad_message"),
        (SendMessage(text="x" * 4001), "bad_message"),
        (SendMessage(text="a", to=("p-nobody",)), "unknown_participant"),
        (Mute("screen", True), "unknown_source"),
        (Unpublish("screen"), "unknown_source"),
        (SetAttributes({"": "x"}), "bad_message"),
        (SetAttributes({f"k{n}": "x" for n in range(33)}), "bad_message"),
    ],
    ids=repr,
)
def test_what_is_refused_is_told_to_its_sender_and_changes_nothing(driver, command, code):
    revision, told = driver.room.revision, len(driver.told["bob"])
    driver.send("ann", command)
    assert driver.errors("ann") == [code]
    assert (driver.room.revision, len(driver.told["bob"])) == (revision, told)


def test_who_may_not_speak_is_refused():
    driver = Driver()
    driver.enter("ann", permissions=Permissions(message=False))
    driver.send("ann", SendMessage(text="hello"))
    assert driver.errors("ann") == ["not_allowed"]


def test_attributes_are_merged_and_an_empty_value_removes():
    driver = Driver()
    driver.enter("ann", attributes={"role": "guest"})
    driver.send("ann", SetAttributes({"hand": "up", "mood": "fine"}))
    driver.send("ann", SetAttributes({"hand": ""}))
    revision = driver.room.revision
    driver.send("ann", SetAttributes({"mood": "fine"}))
    driver.send("ann", SetAttributes({"role": "boss"}))
    assert driver.member("ann").attributes == {"role": "guest", "mood": "fine"}
    assert driver.room.revision == revision
    assert driver.errors("ann") == ["not_allowed"]


def test_who_was_too_slow_gets_the_whole_room(driver):
    driver.give(Overflowed("bob"))
    assert driver.last("bob", Snapshot).revision == driver.room.revision


def test_a_snapshot_and_the_deltas_after_it_fit_together(driver):
    driver.give(Received("bob", RequestSnapshot()), Received("ann", Mute("microphone", True)))
    snapshot, delta = driver.told["bob"][-2:]
    assert (delta.since, delta.revision) == (snapshot.revision, snapshot.revision + 1)


def test_what_happens_in_one_moment_is_one_delta(driver):
    before = len(driver.told["bob"])
    driver.give(
        *(Received("ann", command) for command in (Mute("microphone", True), SetAttributes({"a": "b"})))
    )
    assert len(driver.told["bob"]) == before + 1


# Publishing later.


def granted(driver, name="ann"):
    driver.send(name, Negotiate())
    return driver.last(name, Grant).grant


def test_a_share_is_granted_offered_published_and_applied(driver):
    driver.send("ann", Offer(granted(driver), "v=0", (SCREEN,)))
    assert isinstance(driver.end(), Publish)
    driver.send("ann", Applied(driver.lane("ann").phase.exchange))
    driver.send("ann", Media(1, None, ("microphone", "screen")))
    driver.settle()
    assert len(driver.lane("bob").mids()) == 2


@pytest.mark.parametrize(
    ("tracks", "code"),
    [
        ((), "no_tracks"),
        ((SCREEN, SCREEN), "bad_message"),
        ((SCREEN, OfferedTrack("2", "other", "video")), "bad_message"),
        ((MICROPHONE,), "source_taken"),
        (tuple(OfferedTrack(f"{n}", f"s{n}", "video") for n in range(16)), "too_many_tracks"),
    ],
)
def test_a_refused_offer_uses_up_its_grant(driver, tracks, code):
    grant = granted(driver)
    driver.send("ann", Offer(grant, "v=0", tracks))
    assert driver.errors("ann") == [code]
    assert driver.lane("ann").phase == Idle()
    driver.send("ann", Offer(grant, "v=0", (SCREEN,)))
    assert driver.errors("ann") == [code, "no_grant"]
    assert granted(driver) != grant


def test_who_asks_again_while_granted_gets_another_when_the_first_has_lapsed(driver):
    grant = granted(driver)
    driver.send("ann", Negotiate())
    assert driver.last("ann", Grant).grant == grant
    driver.give(after=10.0)
    assert driver.last("ann", Grant).grant != grant


def test_a_request_that_crossed_the_grant_is_met_by_the_offer_under_it(driver):
    grant = granted(driver)
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(grant, "v=0", (SCREEN,)))
    driver.settle()
    assert not isinstance(driver.lane("ann").phase, AwaitingOffer)


@pytest.mark.parametrize("sent", [False, True], ids=["waiting", "at the SFU"])
def test_what_is_unpublished_while_its_offer_is_open_is_closed_as_soon_as_it_is_there(driver, sent):
    grant = granted(driver)
    driver.send("ann", Offer(grant, "v=0", (SCREEN, CAMERA)))
    assert driver.lane("ann").offer is not None
    driver.send("ann", Unpublish("screen"))
    driver.settle()
    assert set(driver.member("ann").publications) == {"microphone", "camera"}
    assert Close(driver.lane("ann").session_id, ("2",)) in driver.made
    assert driver.errors("ann") == []


def test_what_is_muted_while_its_offer_is_open_is_muted(driver):
    driver.send("ann", Offer(granted(driver), "v=0", (SCREEN,)))
    driver.send("ann", Mute("screen", True))
    driver.settle()
    assert driver.member("ann").publications["screen"].muted


def test_what_is_muted_or_unpublished_while_it_is_published_anew_is_so_afterwards():
    driver = Driver()
    driver.enter("ann", MICROPHONE, CAMERA)
    driver.send("ann", Media(1, "failed"))
    driver.send("ann", Offer(driver.last("ann", Replace).grant, "v=0", (MICROPHONE, CAMERA)))
    driver.send("ann", Mute("microphone", True))
    driver.send("ann", Unpublish("camera"))
    driver.settle()
    publications = driver.member("ann").publications
    assert {source: one.muted for source, one in publications.items()} == {"microphone": True}


def test_what_is_not_offered_again_after_a_replacement_has_ended(driver):
    driver.send("ann", Media(1, "failed"))
    driver.give(after=10.0)
    assert driver.member("ann").publications == {}
    assert driver.lane("ann").phase == Idle()


def test_the_sfus_word_on_the_kind_of_a_track_counts(driver):
    driver.send("ann", Offer(granted(driver), "v=0", (OfferedTrack("2", "screen", "audio"),)))
    items = (TrackResult(mid="2", kind="video"),)
    driver.end(Succeeded(TracksResult(items, SessionDescription.answer("v=0"))))
    assert driver.member("ann").publications["screen"].kind == "video"


def test_a_report_of_another_epoch_changes_nothing(driver):
    for epoch in (0, 2):
        driver.send("ann", Media(epoch, "failed"))
    assert driver.errors("ann") == ["stale", "stale"]
    assert driver.lane("ann").epoch == 1


def test_a_source_that_sends_ends_the_wait_of_those_it_was_refused_to(driver):
    ann, bob = driver.member("ann"), driver.member("bob")
    bob.lane.subscriptions.clear()
    publication = ann.publications["microphone"]
    publication.sending = False
    bob.lane.retries[publication.id] = Retry(9, driver.now + 60.0)
    driver.send("ann", Media(1, None, ("microphone",)))
    assert [one.participant for one in driver.calls] == [bob.id]
