"""What a lane does next: wanted against actual."""

from __future__ import annotations

import pytest

from cfrealtime_rooms.core.calls import Renegotiate
from cfrealtime_rooms.core.permissions import Permissions
from cfrealtime_rooms.core.phases import Calling
from cfrealtime_rooms.core.plan import (
    CloseMids,
    CreateSession,
    GrantOffer,
    LookAtSession,
    Plan,
    PublishOffer,
    RepeatCall,
    ReplaceSession,
    RepointMids,
    Rules,
    SubscribeTo,
    next_step,
    pause,
    wanted_by,
)
from cfrealtime_rooms.core.policy import everyone
from cfrealtime_rooms.core.settings import Settings
from cfrealtime_rooms.core.state import Lane, Participant, Room
from cfrealtime_rooms.core.tracks import ClientOffer, Locator, Publication, Retry, Subscription

NOW = 100.0
RULES = Rules(everyone)


def person(name, *publications, **options):
    lane = Lane(epoch=1, session_id=f"session-{name}", negotiated_at=0.0, connected=True)
    made = Participant(name, name, name, Permissions(), {}, "token", lane, name, 0.0, visible=True)
    made.publications = {one.source: one for one in publications}
    for key, value in options.items():
        setattr(made, key, value)
    return made


def publication(owner, source, kind="audio", **options):
    locator = Locator(f"session-{owner}", source)
    return Publication(
        f"{owner}/{source}", source, kind, False, "live", locator, "0", sending=True, **options
    )


def subscription(mid, one=None, kind="audio"):
    locator = one.locator if one is not None else Locator("gone", "gone")
    return Subscription(mid, kind, one.id if one is not None else None, locator, 0.0)


def hold(participant, *subscriptions):
    participant.lane.subscriptions = {one.mid: one for one in subscriptions}


@pytest.fixture
def mic():
    return publication("bob", "microphone")


@pytest.fixture
def cam():
    return publication("bob", "camera", "video")


@pytest.fixture
def room(mic, cam):
    """Ann, who receives, and Bob, who sends."""
    return Room("hall", participants={"ann": person("ann"), "bob": person("bob", cam, mic)})


def step(room, rules=RULES, who="ann"):
    return next_step(room, room.participants[who], rules, NOW).step


def test_what_is_missing_is_asked_for_audio_first(room, mic, cam):
    assert step(room) == SubscribeTo((mic, cam))


def test_who_has_everything_does_nothing(room, mic, cam):
    hold(room.participants["ann"], subscription("s0", mic), subscription("s1", cam, "video"))
    assert next_step(room, room.participants["ann"], RULES, NOW) == Plan(None)


def test_a_lane_that_is_not_idle_does_nothing(room):
    room.participants["ann"].lane.phase = Calling(1)
    assert step(room) is None


def test_before_the_first_exchange_there_is_a_session(room):
    room.participants["ann"].lane = Lane(epoch=1)
    assert step(room) == CreateSession()


def test_one_pass_has_an_order(room, mic, cam):
    """Each step is found with everything that comes after it still to do."""
    ann = room.participants["ann"]
    lane = ann.lane
    lane.repeat, lane.look = Renegotiate("session-ann", "sdp"), True
    lane.closing, lane.wants_grant = {"7"}, True
    lane.offer = ClientOffer(1, "sdp", (), from_join=False)
    hold(ann, subscription("s0"))
    found = []
    for done in (
        lambda: setattr(lane, "repeat", None),
        lambda: setattr(lane, "look", False),
        lane.closing.clear,
        lambda: hold(ann, subscription("s0", mic)),
        lambda: setattr(lane, "offer", None),
        lambda: setattr(lane, "wants_grant", False),
        lambda: None,
    ):
        found.append(type(step(room)))
        done()
    assert found == [RepeatCall, LookAtSession, CloseMids, RepointMids, PublishOffer, GrantOffer, SubscribeTo]


def test_grants_and_batches_take_turns(room):
    lane = room.participants["ann"].lane
    lane.wants_grant = True
    assert step(room) == GrantOffer()
    lane.granted_last = True
    assert isinstance(step(room), SubscribeTo)


def test_nothing_that_needs_the_client_is_done_while_its_channel_is_down(room, mic):
    ann = room.participants["ann"]
    ann.connection = None
    assert step(room) is None
    hold(ann, subscription("s0"))
    assert isinstance(step(room), RepointMids)


def test_who_may_not_receive_wants_nothing_and_lets_go_of_what_it_has(room, mic):
    ann = room.participants["ann"]
    ann.permissions = Permissions(subscribe=False)
    hold(ann, subscription("s0", mic))
    assert wanted_by(room, ann, everyone) == {}
    assert step(room) == CloseMids(("s0",))


def test_a_policy_chooses_and_orders_and_cannot_go_beyond_permission(room, mic, cam):
    room.participants["eve"] = person("eve", publication("eve", "microphone"), visible=False)

    def greedy(room, subscriber):
        return [cam.id, "nonsense", "eve/microphone", cam.id, mic.id]

    assert list(wanted_by(room, room.participants["ann"], greedy)) == [cam.id, mic.id]


def test_a_publication_is_ready_when_reported_or_ten_seconds_old(room, mic, cam):
    mic.sending, mic.published_at = False, NOW - 4.0
    cam.sending, cam.published_at = False, NOW - 10.0
    plan = next_step(room, room.participants["ann"], RULES, NOW)
    assert plan == Plan(SubscribeTo((cam,)), wake_at=NOW + 6.0)


@pytest.mark.parametrize(
    ("lane", "waits_until"),
    [
        (Lane(1, "s"), None),
        (Lane(1, "s", negotiated_at=NOW - 4.0), NOW + 6.0),
        (Lane(1, "s", negotiated_at=NOW - 10.0), None),
        (Lane(1, "s", negotiated_at=NOW, connected=True), None),
    ],
    ids=["fresh", "connecting", "silent for long", "connected"],
)
def test_every_batch_but_a_first_exchange_waits_for_the_connection(room, mic, cam, lane, waits_until):
    room.participants["ann"].lane = lane
    plan = next_step(room, room.participants["ann"], RULES, NOW)
    assert plan == (Plan(SubscribeTo((mic, cam))) if waits_until is None else Plan(None, waits_until))


def test_an_item_that_was_refused_waits_and_goes_alone(room, mic, cam):
    ann = room.participants["ann"]
    ann.lane.retries[mic.id] = Retry(1, NOW + 0.2)
    assert next_step(room, ann, RULES, NOW) == Plan(SubscribeTo((cam,)), wake_at=NOW + 0.2)
    assert next_step(room, ann, RULES, NOW + 0.2).step == SubscribeTo((cam,))
    hold(ann, subscription("s1", cam, "video"))
    assert next_step(room, ann, RULES, NOW + 0.2).step == SubscribeTo((mic,))


def test_a_spare_serves_the_next_publication_of_its_kind_only(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0", kind="video"), subscription("s1", kind="video"))
    moves = step(room)
    assert [(move.mid, move.publication) for move in moves.moves] == [("s0", cam)]
    hold(ann, subscription("s0", cam, "video"), subscription("s1", kind="video"))
    assert step(room) == SubscribeTo((mic,))


def test_what_was_refused_on_a_spare_gets_a_mid_of_its_own(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0"), subscription("s1", cam, "video"))
    ann.lane.retries[mic.id] = Retry(1, NOW)
    assert step(room) == SubscribeTo((mic,))


def test_a_publisher_that_was_not_ready_is_tried_on_the_spare_a_few_times(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0"), subscription("s1", cam, "video"))
    ann.lane.retries[mic.id] = Retry(2, NOW, unready=True)
    assert [(move.mid, move.publication) for move in step(room).moves] == [("s0", mic)]
    ann.lane.retries[mic.id] = Retry(3, NOW, unready=True)
    assert step(room) == SubscribeTo((mic,))


def test_a_publication_that_moved_takes_its_mid_along(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0", mic), subscription("s1", cam, "video"))
    mic.locator = Locator("session-bob-2", "microphone")
    assert [(move.mid, move.publication) for move in step(room).moves] == [("s0", mic)]


def test_a_mid_that_will_not_follow_is_closed(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0", mic), subscription("s1", cam, "video"))
    mic.locator = Locator("session-bob-2", "microphone")
    ann.lane.retries[mic.id] = Retry(3, NOW)
    assert step(room) == CloseMids(("s0",))


def test_without_repointing_moved_mids_and_spares_are_closed(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0", mic), subscription("s1", kind="video"))
    mic.locator = Locator("session-bob-2", "microphone")
    assert step(room, Rules(everyone, repointing=False)) == CloseMids(("s0", "s1"))


def test_a_close_that_failed_waits_and_holds_nothing_up(room, mic, cam):
    lane = room.participants["ann"].lane
    lane.closing, lane.close_retry = {"7"}, Retry(2, NOW + 1.0)
    plan = next_step(room, room.participants["ann"], RULES, NOW)
    assert plan == Plan(SubscribeTo((mic, cam)), wake_at=NOW + 1.0)
    assert next_step(room, room.participants["ann"], RULES, NOW + 1.0).step == CloseMids(("7",))


def test_no_call_has_more_than_64_tracks(room):
    many = [publication("bob", f"s{n}") for n in range(70)]
    room.participants["bob"].publications = {one.source: one for one in many}
    assert step(room) == SubscribeTo(tuple(many[:64]))
    room.participants["ann"].lane.closing = {f"{n}" for n in range(70)}
    assert len(step(room).mids) == 64


def test_a_grown_session_is_replaced_only_to_get_rid_of_what_it_does_not_use(room, mic, cam):
    ann = room.participants["ann"]
    hold(ann, subscription("s0", mic), subscription("s1", cam, "video"))
    rules = Rules(everyone, Settings(max_sections=4), repointing=False)
    for sections, replaced in ((3, False), (4, False), (5, True)):
        ann.lane.sections = sections
        assert isinstance(step(room, rules), ReplaceSession) == replaced
    assert step(room, Rules(everyone, Settings(max_sections=4))) is None
    ann.publications = {"screen": publication("ann", "screen", "video")}  # three of five are in use
    assert step(room, rules) is None


@pytest.mark.parametrize(("people", "seconds"), [(2, 0.0), (8, 0.25), (99, 0.25), (100, 0.5), (1000, 0.5)])
def test_the_more_people_the_longer_a_lane_pauses_between_batches(people, seconds):
    assert pause(people) == seconds


def test_in_a_crowd_the_next_batch_waits_for_company_unless_it_is_full(room, mic, cam):
    for n in range(8):
        room.participants[f"p{n}"] = person(f"p{n}")
    ann = room.participants["ann"]
    ann.lane.subscribed_at = NOW - 0.1
    assert next_step(room, ann, RULES, NOW) == Plan(None, wake_at=NOW + 0.15)
    many = [publication("bob", f"s{n}") for n in range(64)]
    room.participants["bob"].publications = {one.source: one for one in many}
    assert isinstance(step(room), SubscribeTo)
