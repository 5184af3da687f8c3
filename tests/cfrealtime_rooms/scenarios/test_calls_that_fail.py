"""Every call, lost on the way there or back, refused for a while, or refused for good: the room converges."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from cfrealtime.errors import NotSentError
from cfrealtime_rooms import LeakReported
from cfrealtime_rooms.testing import SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import Scene, scene, sources

pytestmark = pytest.mark.looptime

CALLS = ("new_session", "new_tracks", "renegotiate", "update_tracks", "close_tracks", "get_session")


async def a_meeting(stage: Scene) -> list:
    """Everything that makes a room call: people come, go, stop sending, and lose their connection."""
    ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
    await stage.rest(5)
    await cy.leave()
    dan = await stage.join("dan")
    await stage.rest(5)
    ann.unpublish("camera")
    await stage.rest(5)
    bob.peer.fail()
    await stage.rest(60)
    return [ann, bob, dan]


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("operation", CALLS)
async def test_a_lost_call_leaves_no_trace(operation, landed, nth):
    async with scene(latency=0.02) as stage:
        (stage.faults.lose_answer if landed else stage.faults.refuse)(operation, nth=nth)
        stage.check(*await a_meeting(stage))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (406, "invalid_session_description"),
        (425, "session_error"),
        (429, "rate_limited"),
        (500, "internal_error"),
        (503, "retryable_transient_error"),
        (503, "temporarily_unavailable_error"),
    ],
)
@pytest.mark.parametrize(
    "operation", ["new_session", "new_tracks", "renegotiate", "update_tracks", "close_tracks"]
)
async def test_a_call_refused_twice_leaves_no_trace(operation, status, code):
    async with scene(latency=0.02, sources=("microphone",)) as stage:
        for nth in (3, 4):
            stage.faults.answer_with(operation, status, code=code, nth=nth)
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(5)
        people[0].peer.fail()
        await stage.rest(60)
        stage.check(*people)


async def test_a_refusal_to_renegotiate_replaces_that_session_once():
    async with scene() as stage:
        ann, bob = await stage.join("ann"), await stage.join("bob")
        stage.faults.answer_with("renegotiate", 406, code="invalid_session_description", nth=1)
        await stage.rest(20)
        assert sorted(epoch for _, epoch in stage.sessions().values()) == [1, 2]
        stage.check(ann, bob)


@pytest.mark.parametrize("retry_after", [None, 4])
async def test_too_many_requests_wait_and_cost_no_session(retry_after):
    async with scene() as stage:
        ann = await stage.join("ann")
        await stage.rest()
        bob = await stage.join("bob")
        for nth in range(1, 8):
            stage.faults.answer_with(
                "new_tracks",
                429,
                code="rate_limited",
                retry_after=retry_after,
                nth=nth,
                session_id=stage.session(ann),
            )
        before = stage.emulator.count()
        await stage.rest(60)
        stage.check(ann, bob)
        assert stage.member(ann)["epoch"] == 1
        refused = [c["at"] for c in stage.calls(before) if c["status"] == 429]
        gaps = [after - before for before, after in pairwise(refused)]
        assert all(gap >= (retry_after or 0.125) for gap in gaps)


async def test_while_the_service_cannot_be_reached_nobody_loses_a_session():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        before = stage.sessions()
        actor = stage.rooms._open["demo"]
        realtime, actor._services.realtime = actor._services.realtime, unreachable()
        cy = await stage.join("cy", sources=())
        ann.unpublish("camera")
        await stage.rest(90)
        assert stage.sessions() == before | {"cy": (None, 1)}
        actor._services.realtime = realtime
        await stage.rest(15)
        stage.check(ann, bob, cy)
        assert before.items() <= stage.sessions().items()


def unreachable():
    """An SDK whose every call finds no connection."""

    class Nothing:
        def session(self, session_id):
            return self

        def __getattr__(self, operation):
            async def call(*_, **__):
                raise NotSentError("no route", operation=operation)

            return call

    return Nothing()


async def test_a_first_offer_that_is_not_sdp_is_told_to_its_sender_and_was_no_join():
    async with scene() as stage:
        bob = await stage.join("bob", sources=())
        eve = await stage.arrive("eve", sources=())
        eve.send_raw(
            '{"type": "join", "name": "eve", "offer": "not sdp",'
            ' "tracks": [{"mid": "0", "source": "camera", "kind": "video"}]}'
        )
        await stage.rest()
        assert [(error.code, error.in_reply_to) for error in eve.errors] == [("bad_sdp", "join")]
        assert "eve" not in bob.others
        await stage.rest(30)
        assert eve.closed == "join_failed"
        stage.check(bob)


class Nonsense(SilentPeer):
    """A browser whose answers nobody can read, for a while."""

    wrong = 3

    async def answer(self, text):
        right = await super().answer(text)
        if Nonsense.wrong:
            Nonsense.wrong -= 1
            return "not sdp"
        return right


async def test_an_answer_that_is_not_sdp_costs_only_its_sender():
    async with scene() as stage:
        bob = await stage.join("bob")
        await stage.rest()
        before = stage.sessions()
        eve = await stage.join("eve", peer_factory=Nonsense)
        await stage.rest(30)
        assert stage.member(eve)["epoch"] == 4
        assert before.items() <= stage.sessions().items()
        stage.check(bob, eve)


async def test_a_mid_that_cannot_be_closed_holds_nothing_up():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        session = stage.session(ann)
        stage.faults.answer_with("close_tracks", 500, nth=None, session_id=session)
        before = stage.emulator.count("close_tracks")
        ann.unpublish("camera")
        cy = await stage.join("cy")
        await stage.rest(5)
        assert sources("cy") <= set(ann.receiving())
        await stage.rest(60)
        assert stage.emulator.count("close_tracks") - before < 20
        stage.faults.clear()
        await stage.rest(20)
        stage.check(ann, bob, cy)


async def test_what_one_leaves_behind_and_cannot_be_closed_delays_no_other_cleanup():
    async with scene() as stage:
        ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        session, other = stage.session(ann), stage.session(bob)
        stage.faults.answer_with("close_tracks", 500, nth=None, session_id=session)
        await asyncio.gather(ann.leave(), bob.leave())
        await stage.rest(1)
        assert stage.emulator.active_tracks(other) == []
        assert [debt["session_id"] for debt in stage.room()["ledger"]] == [session]
        stage.faults.clear()
        await stage.rest(20)
        stage.check(cy)


async def test_what_cannot_be_closed_for_ten_minutes_is_reported_as_a_leak():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        session, seen = stage.session(ann), []

        async def watch():
            async for event in stage.rooms.events():
                seen.append(event)

        watching = asyncio.create_task(watch())
        stage.faults.answer_with("close_tracks", 500, nth=None, session_id=session)
        await ann.leave()
        await stage.rest(620)
        watching.cancel()
        leaks = [event for event in seen if isinstance(event, LeakReported)]
        assert [leak.session_id for leak in leaks] == [session]
        assert stage.room()["ledger"] == []
        assert bob.closed is None
