"""What the host decides about people: permissions, enforced mute, bans, the room's attributes."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.calls import Close, NewSession, Publish, Renegotiate, Subscribe
from cfrealtime_rooms.core.commands import Applied, Join, Leave, Negotiate, Offer, OfferedTrack, Resume
from cfrealtime_rooms.core.events import (
    AttributesChanged,
    JoinRefused,
    ParticipantBanned,
    ParticipantLeft,
    ParticipantUnbanned,
    PermissionsChanged,
    SourceAllowed,
    SourceMuted,
    TrackPublished,
    TrackUnpublished,
)
from cfrealtime_rooms.core.inputs import (
    AllowSource,
    BanIdentity,
    CloseRoom,
    MuteSource,
    SetPermissions,
    SetRoomAttributes,
    UnbanIdentity,
)
from cfrealtime_rooms.core.notices import Closed, Delta, Error, Joined, Replace, Rights, RightsChanged
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.phases import AwaitingAnswer
from tests.cfrealtime_rooms.core.driver import CAMERA, MICROPHONE, SCREEN, Driver, pair

NO_CAMERA = Permissions(publish=frozenset({"microphone"}))


def meeting():
    """Ann and Bob, with everything, at rest."""
    driver = Driver()
    for name in ("ann", "bob"):
        driver.enter(name, MICROPHONE, CAMERA)
    driver.made.clear()
    driver.events.clear()
    return driver


def offering(*tracks):
    """Ann's offer, under a grant, that waits for its turn; a look at the session is under way."""
    driver = pair()
    driver.send("ann", Negotiate())
    lane = driver.lane("ann")
    grant = lane.phase.exchange
    lane.look = True
    driver.send("ann", Offer(grant, "v=0", tracks))
    driver.made.clear()
    return driver


# Permissions, live.


def test_what_may_not_be_published_any_more_is_closed_with_one_call():
    driver = meeting()
    mid = driver.member("ann").publications["camera"].mid
    driver.give(SetPermissions("ann", NO_CAMERA))
    driver.settle()
    assert driver.made == [Close(driver.lane("ann").session_id, (mid,))]
    assert driver.member("ann").publications.keys() == {"microphone"}
    assert driver.last("ann", RightsChanged).rights == Rights(publish=("microphone",))
    assert [type(event) for event in driver.events] == [PermissionsChanged, TrackUnpublished]


def test_what_is_closed_for_many_sources_goes_in_chunks_of_64():
    driver = Driver()
    driver.enter("ann", *(OfferedTrack(f"{n}", f"s{n}", "audio") for n in range(16)))
    for number in range(4):
        driver.enter(f"p{number}", *(OfferedTrack(f"{n}", f"s{n}", "audio") for n in range(16)))
    driver.enter("bob", *(OfferedTrack(f"{n}", f"s{n}", "audio") for n in range(16)))
    driver.give(after=60)
    driver.settle()
    driver.made.clear()
    driver.give(SetPermissions("ann", Permissions(frozenset(), subscribe=False)))
    driver.settle()
    assert [len(call.mids) for call in driver.made] == [64, 32]


def test_who_may_not_receive_any_more_loses_all_it_receives_with_one_call():
    driver = meeting()
    driver.give(SetPermissions("ann", Permissions(subscribe=False)))
    driver.settle()
    (call,) = driver.made
    assert isinstance(call, Close)
    assert driver.lane("ann").subscriptions == {}
    driver.give(SetPermissions("ann", Permissions()))
    driver.settle()
    assert len(driver.lane("ann").mids()) == 2


@pytest.mark.parametrize("back", ["resume", "join"])
def test_what_the_host_has_decided_holds_when_somebody_comes_back(back):
    driver = meeting()
    driver.give(SetPermissions("ann", NO_CAMERA))
    driver.settle()
    token = driver.member("ann").token
    driver.drop("ann")
    driver.connect("ann", "ann2")
    driver.send("ann2", Resume(token, 1) if back == "resume" else Join())
    assert driver.member("ann").permissions == NO_CAMERA
    assert driver.last("ann2", Joined).rights == Rights(publish=("microphone",))
    driver.give(SetPermissions("ann", None))
    assert driver.member("ann").permissions == Permissions()
    assert driver.last("ann2", RightsChanged).rights == Rights()


def test_permission_taken_away_while_the_publish_is_queued_makes_no_publish():
    driver = offering(SCREEN)
    driver.give(SetPermissions("ann", Permissions(frozenset({"microphone"}))))
    driver.settle()
    assert driver.errors("ann") == ["not_allowed"]
    assert not any(isinstance(call, Publish) for call in driver.made)
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(driver.lane("ann").phase.exchange, "v=0", (SCREEN,)))
    assert driver.errors("ann") == ["not_allowed"] * 2


def test_permission_for_one_of_two_queued_tracks_publishes_the_other():
    driver = offering(SCREEN, OfferedTrack("3", "screen_audio", "audio"))
    driver.give(SetPermissions("ann", Permissions(frozenset({"microphone", "screen_audio"}))))
    driver.settle()
    assert driver.last("ann", Error).source == "screen"
    assert driver.member("ann").publications.keys() == {"microphone", "screen_audio"}
    assert driver.lane("ann").closing == set()


def test_permission_taken_away_while_a_join_is_queued_leaves_a_viewer():
    driver = pair()
    driver.connect("cy")
    driver.send("cy", Join(offer="v=0", tracks=(CAMERA,)))
    assert isinstance(driver.calls[0].call, NewSession)
    driver.give(SetPermissions("cy", NO_CAMERA))
    driver.settle()
    assert driver.last("cy", Error).in_reply_to == "join"
    assert driver.member("cy").visible
    assert len(driver.lane("cy").mids()) == 2


@pytest.mark.parametrize("given", [SetPermissions("ann", NO_CAMERA), MuteSource("ann", "screen")])
def test_permission_taken_away_while_the_publish_is_in_flight_closes_it_as_soon_as_it_is_there(given):
    driver = offering(SCREEN)
    driver.end()  # the look
    published = driver.take()
    assert isinstance(published.call, Publish)
    driver.events.clear()
    driver.give(given)
    driver.end(operation=published)
    driver.settle()
    assert driver.last("ann", Error).source == "screen"
    assert isinstance(driver.made[-1], Close)
    assert driver.made[-1].mids == ("2",)
    assert not any(isinstance(event, TrackPublished) for event in driver.events)
    assert driver.lane("ann").closing == set()


def test_who_may_not_say_anything_any_more_is_told_so():
    driver = meeting()
    driver.give(SetPermissions("ann", Permissions(message=False)))
    assert driver.last("ann", RightsChanged).rights.message is False
    assert driver.made == []


# Enforced mute.


def test_an_enforced_mute_costs_one_call_and_holds_until_allowed():
    driver = meeting()
    driver.give(MuteSource("ann", "camera"))
    driver.settle()
    assert [type(call) for call in driver.made] == [Close]
    assert driver.last("ann", RightsChanged).rights == Rights(muted=("camera",))
    for _ in range(2):
        driver.send("ann", Negotiate())
        driver.send("ann", Offer(driver.lane("ann").phase.exchange, "v=0", (CAMERA,)))
        driver.settle()
    assert driver.errors("ann") == ["muted_by_host"] * 2
    driver.give(AllowSource("ann", "camera"))
    assert driver.last("ann", RightsChanged).rights == Rights()
    assert "camera" not in driver.member("ann").publications
    driver.send("ann", Negotiate())
    driver.send("ann", Offer(driver.lane("ann").phase.exchange, "v=0", (CAMERA,)))
    driver.settle()
    assert driver.member("ann").publications.keys() == {"microphone", "camera"}
    kinds = [type(event) for event in driver.events]
    assert kinds == [SourceMuted, TrackUnpublished, SourceAllowed, TrackPublished]


def test_neither_leaving_nor_a_second_tab_is_a_way_around_an_enforced_mute():
    driver = meeting()
    driver.give(MuteSource("ann", "camera"))
    driver.send("ann", Leave())
    driver.connect("ann", "ann2")
    driver.send("ann2", Join(offer="v=0", tracks=(CAMERA,)))
    assert driver.errors("ann2") == ["muted_by_host"]
    driver.send("ann2", Join(offer="v=0", tracks=(MICROPHONE,)))
    assert driver.last("ann2", Joined).rights.muted == ("camera",)


def test_allowing_everything_allows_what_was_muted_and_nothing_twice():
    driver = meeting()
    driver.give(MuteSource("ann", "camera"), MuteSource("ann", "microphone"))
    driver.give(AllowSource("ann"), AllowSource("ann"))
    assert [e.source for e in driver.events if isinstance(e, SourceAllowed)] == ["camera", "microphone"]
    assert driver.room.muted == {}


# A client that does not answer cannot put it off.


def subscribing_bob():
    """Bob has been offered Cy's microphone and does not answer."""
    driver = meeting()
    driver.connect("cy")
    driver.send("cy", Join(offer="v=0", tracks=(MICROPHONE,)))
    driver.end()
    driver.end()
    driver.send("cy", Applied(driver.lane("cy").phase.exchange))
    driver.give(after=11)
    while not isinstance(driver.lane("bob").phase, AwaitingAnswer):
        driver.end()
    driver.made.clear()
    return driver


def test_who_leaves_an_exchange_open_when_muted_is_replaced_after_two_seconds():
    driver = subscribing_bob()
    epoch = driver.lane("bob").epoch
    driver.give(MuteSource("bob", "camera"))
    driver.give(after=1.9)
    assert driver.lane("bob").epoch == epoch
    driver.give(after=0.2)
    assert driver.lane("bob").epoch == epoch + 1
    assert any(isinstance(call, Close) and "1" in call.mids for call in driver.made)
    assert driver.last("bob", Replace).epoch == epoch + 1


def test_coming_back_again_and_again_wins_no_time():
    driver = subscribing_bob()
    epoch, connection = driver.lane("bob").epoch, "bob"
    driver.give(MuteSource("bob", "camera"))
    for number in range(3):
        driver.now += 0.6
        driver.drop(connection)
        token, connection = driver.member("bob").token, f"bob-{number}"
        driver.connect("bob", connection)
        driver.send(connection, Resume(token, epoch))
        assert driver.lane("bob").epoch == epoch
    driver.give(after=0.3)
    assert driver.lane("bob").epoch == epoch + 1


def test_who_answers_in_time_keeps_its_session():
    driver = subscribing_bob()
    epoch = driver.lane("bob").epoch
    driver.give(MuteSource("bob", "camera"))
    driver.settle()
    assert driver.lane("bob").epoch == epoch
    own = [type(one) for one in driver.made if one.session_id == driver.lane("bob").session_id]
    assert own == [Renegotiate, Close]
    assert not driver.lane("bob").enforcing


def test_after_an_enforced_close_clients_have_all_their_time_again():
    driver = meeting()
    driver.give(MuteSource("bob", "camera"))
    driver.settle()
    driver.send("bob", Negotiate())
    assert driver.lane("bob").phase.deadline == driver.now + 10


def test_a_subscription_under_way_when_receiving_is_forbidden_ends_closed():
    driver = pair()
    driver.connect("cy")
    driver.send("cy", Join())
    driver.end()
    assert isinstance(driver.calls[0].call, Subscribe)
    driver.give(SetPermissions("cy", Permissions(subscribe=False)))
    driver.settle()
    assert driver.lane("cy").subscriptions == {}


# Bans, and rooms that are closed.


def test_a_ban_sends_away_and_keeps_out_until_it_is_lifted():
    driver = meeting()
    driver.connect("ann", "waiting")
    driver.give(BanIdentity("ann", "spam"))
    assert driver.hung_up == {"ann": (4004, "spam"), "waiting": (4004, "spam")}
    driver.settle()
    assert [type(call) for call in driver.made] == [Close]
    driver.connect("ann", "ann2")
    assert driver.hung_up["ann2"] == (4004, "spam")
    assert driver.told["ann2"] == [Closed("spam")]
    assert driver.room.connections.keys() == {"bob"}
    driver.give(UnbanIdentity("ann"), UnbanIdentity("ann"))
    driver.enter("ann", MICROPHONE)
    assert len(driver.room.participants) == 2
    kinds = (ParticipantBanned, ParticipantLeft, JoinRefused, ParticipantUnbanned)
    assert [type(e) for e in driver.events if isinstance(e, kinds)] == list(kinds)


def test_a_ban_may_run_out():
    driver = meeting()
    driver.give(BanIdentity("ann", seconds=60))
    driver.now += 59
    driver.connect("ann", "ann2")
    assert driver.hung_up["ann2"] == (4004, "banned")
    driver.now += 2
    driver.enter("ann")
    assert driver.member("ann").visible
    assert driver.room.bans == {}


def test_a_banned_participant_cannot_resume():
    driver = meeting()
    token = driver.member("ann").token
    driver.drop("ann")
    driver.give(BanIdentity("ann"))
    driver.connect("ann", "ann2")
    driver.send("ann2", Resume(token, 1))
    assert driver.told["ann2"] == [Closed("banned")]


def test_a_room_is_closed_with_the_hosts_own_reason():
    driver = meeting()
    driver.give(CloseRoom("lesson over"))
    assert driver.hung_up == {"ann": (4003, "lesson over"), "bob": (4003, "lesson over")}


# The room's attributes.


def test_the_rooms_attributes_are_told_to_all_and_to_who_comes_later():
    driver = meeting()
    driver.give(SetRoomAttributes({"topic": "tea", "record": "on"}))
    assert driver.last("ann", Delta).attributes == {"topic": "tea", "record": "on"}
    driver.give(SetRoomAttributes({"record": ""}))
    assert driver.last("bob", Delta).attributes == {"topic": "tea"}
    assert driver.made == []
    driver.enter("cy")
    assert driver.last("cy", Joined).snapshot.attributes == {"topic": "tea"}
    assert driver.last("ann", Delta).attributes is None
    assert [e.participant for e in driver.events if isinstance(e, AttributesChanged)] == [None, None]


def test_the_same_attributes_again_are_no_news():
    driver = meeting()
    driver.give(SetRoomAttributes({"topic": "tea"}))
    revision = driver.room.revision
    driver.give(SetRoomAttributes({"topic": "tea", "other": ""}))
    assert driver.room.revision == revision
