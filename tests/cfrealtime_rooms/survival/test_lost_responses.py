"""Lost responses: a time-out on each call, once with the request landed and once not."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms import MemoryStore
from tests.cfrealtime_rooms.scenarios.scene import ROOM, Scene, scene, slow, successor

pytestmark = pytest.mark.looptime


def lose(stage, operation, *, landed, session_id=None, nth=1):
    """The next call of this operation gets no answer."""
    (stage.faults.lose_answer if landed else stage.faults.refuse)(operation, session_id=session_id, nth=nth)


async def session_new(stage, ann, bob, *, landed):
    lose(stage, "new_session", landed=landed)
    return await stage.join("cy")


async def publish(stage, ann, bob, *, landed):
    lose(stage, "new_tracks", landed=landed)
    return await stage.join("cy")


async def subscribe(stage, ann, bob, *, landed):
    lose(stage, "new_tracks", landed=landed, session_id=stage.session(bob))
    return await stage.join("cy")


async def update(stage, ann, bob, *, landed):
    lose(stage, "update_tracks", landed=landed, session_id=stage.session(bob))
    ann.peer.fail()


async def renegotiate(stage, ann, bob, *, landed):
    lose(stage, "renegotiate", landed=landed, session_id=stage.session(bob))
    return await stage.join("cy")


async def close_of_a_lane(stage, ann, bob, *, landed):
    lose(stage, "close_tracks", landed=landed, session_id=stage.session(bob))
    bob.unpublish("camera")


async def close_of_what_is_owed(stage, ann, bob, *, landed):
    lose(stage, "close_tracks", landed=landed)
    cy = await stage.join("cy")
    await stage.rest()
    await cy.leave()


async def look(stage, ann, bob, *, landed):
    lose(stage, "get_session", landed=landed)
    return await subscribe(stage, ann, bob, landed=True)


CALLS = (
    session_new,
    publish,
    subscribe,
    update,
    renegotiate,
    close_of_a_lane,
    close_of_what_is_owed,
    look,
)


@pytest.mark.parametrize("landed", [True, False], ids=["landed", "not landed"])
@pytest.mark.parametrize("call", CALLS)
async def test_a_time_out_leaks_nothing_and_duplicates_nothing(call, landed):
    """Time-out on each of sessions/new, tracks/new (publish, subscribe), tracks/update, renegotiate, closes.

    Once with the request landed and once not. No duplicate subscription, nothing leaked at rest, convergence.
    """
    async with scene(latency=0.02) as stage:
        ann, bob = await stage.meet("ann", "bob")
        cy = await call(stage, ann, bob, landed=landed)
        await stage.rest(30)
        replaced = {who for who, epoch in stage.epochs().items() if epoch > 1}
        assert replaced <= {"publish": {"cy"}, "update": {"ann"}}.get(call.__name__, {"bob"})
        stage.check(ann, bob, *([cy] if cy is not None else []))


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


@pytest.mark.parametrize("nth", [2, 4])
@pytest.mark.parametrize("landed", [True, False], ids=["landed", "not landed"])
@pytest.mark.parametrize(
    "operation", ["new_session", "new_tracks", "renegotiate", "update_tracks", "close_tracks", "get_session"]
)
async def test_a_time_out_anywhere_in_a_meeting_leaves_no_trace(operation, landed, nth):
    """Time-out on each call, wherever in a meeting it comes: nothing leaked at rest, convergence."""
    async with scene(latency=0.02) as stage:
        lose(stage, operation, landed=landed, nth=nth)
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
    """A top-level error, whatever its status and wherever it comes: convergence."""
    async with scene(latency=0.02, sources=("microphone",)) as stage:
        for nth in (3, 4):
            stage.faults.answer_with(operation, status, code=code, nth=nth)
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(5)
        people[0].peer.fail()
        await stage.rest(60)
        stage.check(*people)


@pytest.mark.parametrize("operation", ["new_session", "new_tracks"])
@pytest.mark.parametrize("late", [3.0, 18.0])
async def test_a_late_response_after_replacement_goes_to_the_ledger_only(operation, late):
    """A late response after replacement: ids go to cleanup, state stays."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        stage.wire.hold(operation, late)
        ann = await stage.join("ann")
        await stage.rest(0.1)
        await ann.drop()
        await ann.reconnect(reload=True)  # its first session is given up while the call is out
        await stage.rest(2)
        after = stage.sessions()
        assert after["ann"][1] == 2
        await stage.rest(40)
        assert stage.sessions() == after
        stage.check(ann, bob)


async def test_a_subscription_that_lands_after_its_session_was_replaced_is_closed():
    """A late response after replacement: the mids of a late subscription go to cleanup, state stays."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        old = stage.session(bob)
        stage.wire.hold("new_tracks", 5, session_id=old)
        ann = await stage.join("ann")
        await stage.until(bob, "Calling")
        bob.peer.fail()
        await stage.rest(3)
        assert len(stage.emulator.active_tracks(old)) >= 2
        await stage.rest(20)
        assert stage.emulator.active_tracks(old) == []
        stage.check(ann, bob)


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.35])
async def test_a_crash_between_intent_and_response_is_reconciled_at_restart(moment):
    """A crash between intent and response: reconciled at restart."""
    store = MemoryStore()
    async with scene(settings={"store": store}, setup=slow) as stage:
        people = await stage.meet("ann", "bob")
        joining = asyncio.create_task(stage.join("cy"))
        await stage.rest(moment)
        await crash(stage)
        await asyncio.wait([joining])
        for one in people:
            await one.aclose()
        await stage.rest(61)  # the lease of the process that is gone runs out
        async with successor(stage, store=store) as after:
            dan = await after.join("dan")
            await after.rest(30)
            after.check(dan)


async def crash(stage):
    """The process stops where it stands: nothing is said, saved or closed any more."""
    actor = stage.rooms._open.pop(ROOM)
    actor.over.set()
    actor._wake_at(None)
    for task in (*actor._calls, actor._keeper):
        task.cancel()
