"""Lane: the queue that owns every mutation of one session, whatever its calls and its client do."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.testing import Outgoing
from tests.cfrealtime_rooms.scenarios.scene import intercept, release, say, scene, slow, sources

pytestmark = pytest.mark.looptime

SPEAKER = Permissions(subscribe=False)


async def test_two_joins_during_an_exchange_share_one_batch():
    """Two joins while a third participant negotiates: exactly one further batch, holding both."""
    async with scene(setup=slow, sources=("microphone",)) as stage:
        viewer = await stage.join("viewer", sources=())
        await stage.join("ann")
        await stage.until(viewer, "Calling")
        before = stage.emulator.count()
        await stage.meet("bob", "cy")
        assert stage.asked(before, of=viewer) == [1, 2]
        stage.check(viewer)


async def test_what_came_and_went_is_not_asked_for():
    """A track wanted, then unwanted before the lane is free: no call at all."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        kept = intercept(bob, "offer")
        await ann.publish("screen")
        await stage.until(bob, "AwaitingAnswer")
        before = stage.emulator.count()
        await ann.publish("screen_audio")
        await stage.rest(1)
        ann.unpublish("screen_audio")
        await stage.rest(1)
        await release(bob, "offer", kept)
        await stage.rest()
        assert stage.operations(before, of=bob) == ["renegotiate"]
        stage.check(ann, bob)


async def test_one_refused_item_is_retried_alone():
    """One failed item among 20: 19 active, one retried alone with backoff, the session is kept."""
    async with scene(permissions=SPEAKER) as stage:
        people = await stage.meet(*(f"p{n}" for n in range(10)))
        name = stage.emulator.active_tracks(stage.session(people[0]))[0]["track_name"]
        stage.faults.fail_track(name, "internal_error", times=3)
        before = stage.emulator.count()
        viewer = await stage.join("viewer", sources=(), permissions=None)
        await stage.rest()
        assert stage.asked(before) == [20, 1, 1, 1]
        at = [call["at"] for call in stage.calls(before) if call["operation"] == "new_tracks"]
        gaps = [later - earlier for earlier, later in pairwise(at)]
        assert gaps == sorted(gaps)
        assert gaps[0] >= 0.125
        assert stage.member(viewer)["epoch"] == 1
        stage.check(viewer)


async def test_when_every_item_fails_each_is_retried_and_no_empty_mid_is_kept():
    """200 in which every item failed, without SDP: a normal answer, each item retried with backoff.

    An empty mid is recorded nowhere.
    """
    async with scene() as stage:
        (ann,) = await stage.meet("ann", permissions=SPEAKER)
        for track in stage.emulator.active_tracks(stage.session(ann)):
            stage.faults.fail_track(track["track_name"], "internal_error", times=2)
        viewer = await stage.join("viewer", sources=())
        stage.wire.rewrite("new_tracks", _empty_mids, times=2)
        await stage.rest(0.1)
        assert stage.member(viewer)["actual"] == {}
        assert [waiting["tries"] for waiting in stage.member(viewer)["waiting"].values()] == [1, 1]
        await stage.rest()
        assert stage.member(viewer)["epoch"] == 1
        stage.check(viewer)


def _empty_mids(answer):
    return {**answer, "tracks": [{**track, "mid": ""} for track in answer["tracks"]]}


def _without(*names):
    return lambda answer: {key: value for key, value in answer.items() if key not in names}


@pytest.mark.parametrize("lacking", [("sessionDescription",), ("tracks",), ("sessionDescription", "tracks")])
@pytest.mark.parametrize("whose", ["joiner", "other"])
async def test_a_success_that_lacks_its_sdp_or_its_tracks_is_an_uncertain_outcome(lacking, whose):
    """200 with successes but without its SDP, or without `tracks`: an uncertain outcome."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        session = stage.session(bob) if whose == "other" else None
        stage.wire.rewrite("new_tracks", _without(*lacking), session_id=session)
        ann = await stage.join("ann")
        await stage.rest(30)
        assert stage.epochs() == ({"bob": 2, "ann": 1} if whose == "other" else {"bob": 1, "ann": 2})
        stage.check(ann, bob)


@pytest.mark.parametrize(
    "field", ["sessionDescription", "tracks", "item", "requiresImmediateRenegotiation", "sessionId"]
)
async def test_whatever_field_an_answer_lacks_everybody_gets_everything_in_the_end(field):
    """200 with successes but without its SDP, or without `tracks`: an uncertain outcome. So are others."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        stage.faults.add(f"omit field={field} nth=1 times=2")
        ann = await stage.join("ann")
        await stage.rest(60)
        assert stage.faults.view()["faults"] == []
        stage.check(ann, bob)


async def test_an_offer_without_the_renegotiation_flag_is_answered_once():
    """An offer without the renegotiation flag: answered once, else replaced."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        unflagged = {"requiresImmediateRenegotiation": False}
        stage.wire.rewrite("new_tracks", lambda answer: answer | unflagged, session_id=stage.session(bob))
        before = stage.emulator.count()
        ann = await stage.join("ann")
        await stage.rest()
        assert stage.operations(before, of=bob) == ["new_tracks", "renegotiate"]
        assert stage.epochs() == {"ann": 1, "bob": 1}
        stage.check(ann, bob)


async def test_a_silent_track_that_holds_its_call_makes_nobody_else_wait():
    """A subscription to a silent track that holds its call for 8 s: nobody else waits."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.wire.hold("new_tracks", 8, session_id=stage.session(bob))
        await ann.publish("screen")
        await stage.until(bob, "Calling")
        cy = await stage.join("cy")
        await stage.rest(2)
        assert stage.member(bob)["phase"] == "Calling"
        assert sources("cy") <= set(ann.receiving())
        assert sources("ann") | sources("bob") <= set(cy.receiving())
        await stage.rest()
        stage.check(ann, bob, cy)


async def test_an_answer_that_demands_a_renegotiation_is_a_protocol_error():
    """`requiresImmediateRenegotiation` with an answer: protocol error, mids kept for cleanup."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        flagged = {"requiresImmediateRenegotiation": True}
        stage.wire.rewrite("new_tracks", lambda answer: answer | flagged)
        before = stage.emulator.count("close_tracks")
        ann = await stage.join("ann")
        await stage.rest(20)
        assert stage.emulator.count("close_tracks") > before
        assert stage.epochs() == {"bob": 1, "ann": 2}
        stage.check(ann, bob)


@pytest.mark.parametrize("kind", ["duplicate", "late", "other exchange", "retired"])
async def test_an_answer_that_belongs_to_no_open_exchange_changes_nothing(kind):
    """An answer that is duplicate, late, for another exchange, for another epoch, after retirement."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        kept = intercept(bob, "offer")
        await ann.publish("screen")
        await stage.until(bob, "AwaitingAnswer")
        (offer,) = kept
        if kind == "late":
            await stage.rest(16)
        elif kind == "retired":
            bob.peer.fail()
            await stage.rest(0.1)
        elif kind == "duplicate":
            await release(bob, "offer", kept)
        exchange = offer["exchange"] + (kind == "other exchange")
        say(bob, "answer", exchange=exchange, sdp="v=0")
        await stage.rest(1)
        assert [error.code for error in bob.errors] == ["stale"]
        await release(bob, "offer", kept)
        await stage.rest(30)
        assert stage.epochs() == {"ann": 1, "bob": 2 if kind in ("late", "retired") else 1}
        stage.check(ann, bob)


async def test_a_refusal_to_renegotiate_replaces_that_session_once():
    """`renegotiate` refused with 406: replace, no loop."""
    async with scene() as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        stage.faults.answer_with("renegotiate", 406, code="invalid_session_description", nth=1)
        await stage.rest(20)
        assert sorted(stage.epochs().values()) == [1, 2]
        stage.check(ann, bob)


async def test_an_answer_that_never_comes_costs_that_participant_its_session():
    """Answer never comes: only that participant is replaced."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        kept = intercept(bob, "offer")
        await ann.publish("screen")
        await stage.rest(14)
        assert stage.epochs() == {"ann": 1, "bob": 1}
        await stage.rest(2)
        assert stage.epochs() == {"ann": 1, "bob": 2}
        await release(bob, "offer", kept)
        await stage.rest(20)
        stage.check(ann, bob)


@pytest.mark.parametrize("gone", [False, True])
async def test_a_leave_while_an_answer_is_awaited_is_done_in_time(gone):
    """Leave while an answer is awaited and the client is gone: done within the deadline."""
    async with scene(settings={"grace": 3.0}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        intercept(bob, "offer")
        await ann.publish("screen")
        await stage.until(bob, "AwaitingAnswer")
        if gone:
            await bob.aclose()
            await stage.rest(3)
        else:
            say(bob, "leave")
        await stage.rest(1)
        assert set(ann.others) == set()
        stage.check(ann)


async def test_a_hundred_and_thirty_subscriptions_go_in_three_calls():
    """130 subscriptions: 64 + 64 + 2, audio first."""
    async with scene() as stage:
        thirteen = [Outgoing(f"a{n}", "audio") for n in range(7)]
        thirteen += [Outgoing(f"v{n}", "video") for n in range(6)]
        for n in range(10):
            await stage.join(f"p{n}", sources=thirteen, permissions=SPEAKER)
        await stage.rest()
        before = stage.emulator.count()
        viewer = await stage.join("viewer", sources=())
        await stage.rest(20)
        stage.check(viewer)
        assert stage.asked(before) == [64, 64, 2]
        kinds = {mid: viewer.roster.owner(one)[1].kind for mid, one in viewer.mids.items()}
        assert [kinds[f"s{n}"] for n in range(130)] == ["audio"] * 70 + ["video"] * 60


async def test_a_storm_on_one_session_keeps_to_its_rate():
    """50 calls a second per session respected under a storm."""
    async with scene() as stage:  # answers that take no time: nothing but the limit slows anyone down
        ann, bob = await stage.meet("ann", "bob")
        before = stage.emulator.count()
        for _ in range(80):
            await ann.publish("screen", within=100)
            ann.unpublish("screen")
            await asyncio.sleep(0)
        await stage.rest()
        calls = stage.calls(before)
        at = [call["at"] for call in calls if call["session_id"] == stage.session(ann)]
        assert len(at) > 150
        assert max(sum(start <= other < start + 1 for other in at) for start in at) <= 50
        assert [call for call in calls if call["status"] == 429] == []
        stage.check(ann, bob)


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.35, 0.45])
async def test_a_caller_that_is_cancelled_in_mid_call_stops_no_lane(moment):
    """The caller cancels in mid-call: the lane goes on, ids are kept."""
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join(within=30))
        await stage.rest(moment)  # in sessions/new, the publish, the subscription, renegotiate
        assert stage.member_called("ann")["phase"] == "Calling"
        await ann.drop()
        await stage.rest(5)
        session, epoch = stage.sessions()["ann"]
        await ann.reconnect()
        await joining
        await stage.rest()
        assert stage.sessions()["ann"] == (session, epoch) == (session, 1)
        stage.check(ann, bob)


@pytest.mark.parametrize("operation", ["new_session", "new_tracks", "renegotiate", "close_tracks"])
async def test_a_body_that_stalls_is_given_up(operation):
    """A response body that stalls for ever: freed by the deadline."""
    async with scene(settings={"call_deadline": 8.0}) as stage:
        (bob,) = await stage.meet("bob")
        stage.wire.stall(operation)
        if operation == "close_tracks":
            bob.unpublish("camera")
        ann = await stage.join("ann")
        await stage.rest(30)
        stage.check(ann, bob)


@pytest.mark.parametrize("retry_after", [None, 4])
async def test_too_many_requests_wait_and_cost_no_session(retry_after):
    """429 with and without `Retry-After`."""
    async with scene() as stage:
        (ann,) = await stage.meet("ann")
        bob = await stage.join("bob")
        refusal = {"code": "rate_limited", "retry_after": retry_after, "session_id": stage.session(ann)}
        for nth in range(1, 8):
            stage.faults.answer_with("new_tracks", 429, nth=nth, **refusal)
        before = stage.emulator.count()
        await stage.rest(60)
        stage.check(ann, bob)
        assert stage.member(ann)["epoch"] == 1
        refused = [c["at"] for c in stage.calls(before) if c["status"] == 429]
        assert len(refused) == 7
        assert all(later - earlier >= (retry_after or 0.125) for earlier, later in pairwise(refused))
