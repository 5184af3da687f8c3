"""Cleanup: what is owed to the SFU is paid, whatever it says, and delays nobody."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from cfrealtime_rooms import LeakReported, MemoryStore
from tests.cfrealtime_rooms.scenarios.scene import ROOM, scene, slow, sources, successor

pytestmark = pytest.mark.looptime


def first_failed(code):
    def change(answer):
        first, *rest = answer["tracks"]
        return {**answer, "tracks": [{**first, "errorCode": code, "errorDescription": "no"}, *rest]}

    return change


def first_unnamed(answer):
    return {**answer, "tracks": answer["tracks"][1:]}


@pytest.mark.parametrize(
    ("change", "calls"),
    [(first_failed("internal_error"), 2), (first_failed("close_track_error"), 1), (first_unnamed, 2)],
    ids=["failed", "closed already", "not named"],
)
async def test_each_item_of_a_close_stands_for_itself(change, calls):
    """Mixed close items; mids the response did not name."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.wire.rewrite("close_tracks", change)
        before = stage.emulator.count("close_tracks")
        await ann.leave()
        await stage.rest()
        asked = [call["tracks"] for call in stage.calls() if call["operation"] == "close_tracks"]
        assert asked == [4, 1][:calls]
        assert stage.emulator.count("close_tracks") - before == calls
        stage.check(bob)


async def test_what_one_leaves_and_cannot_be_closed_delays_no_other():
    """One poisoned participant delays nobody else's cleanup."""
    async with scene() as stage:
        ann, bob, cy = await stage.meet("ann", "bob", "cy")
        session, other = stage.session(ann), stage.session(bob)
        stage.faults.answer_with("close_tracks", 500, nth=None, session_id=session)
        await asyncio.gather(ann.leave(), bob.leave())
        await stage.rest(1)
        assert stage.emulator.active_tracks(other) == []
        assert [debt["session_id"] for debt in stage.room()["ledger"]] == [session]
        stage.faults.clear()
        await stage.rest(20)
        stage.check(cy)


async def test_a_mid_of_the_living_that_cannot_be_closed_holds_nothing_up():
    """One poisoned close on a lane that goes on delays none of its other work, and backs off."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.faults.answer_with("close_tracks", 500, nth=None, session_id=stage.session(ann))
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


async def test_what_was_published_counts_although_a_later_item_failed():
    """Partial work is kept and announced although a later item failed."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        machine = stage.rooms._open[ROOM]._machine
        new_id, names = machine.new_id, []

        def recorded(prefix):
            names.append(new_id(prefix))
            if prefix == "track" and sum(name.startswith("track") for name in names) == 2:
                stage.faults.fail_track(names[-1], "internal_error", times=1)
            return names[-1]

        machine.new_id = recorded
        await ann.join()
        await stage.rest()
        assert [error.code for error in ann.errors] == ["publish_failed"]
        assert set(bob.receiving()) == {("ann", "microphone")}
        stage.check(bob)


async def test_cleanup_backs_off_with_jitter_and_is_a_leak_in_the_end():
    """Backoff, jitter, and an age after which it counts as a leak."""
    async with scene() as stage:
        ann, bob, cy = await stage.meet("ann", "bob", "cy")
        gone = {stage.session(ann), stage.session(bob)}
        for session in gone:
            stage.faults.answer_with("close_tracks", 500, nth=None, session_id=session)
        await asyncio.gather(ann.leave(), bob.leave())
        await stage.rest(620)
        failed = [call for call in stage.calls() if call["status"] == 500]
        at = [[call["at"] for call in failed if call["session_id"] == session] for session in gone]
        one, other = ([later - earlier for earlier, later in pairwise(times)] for times in at)
        assert one[0] < 0.3
        assert 4.0 <= min(one[6:]) < max(one) <= 8.1
        assert one != other
        assert {leak.session_id for leak in stage.seen(LeakReported)} == gone
        assert stage.room()["ledger"] == []
        assert cy.closed is None


@pytest.mark.parametrize("within", [0.05, 0.25, 5.0])
async def test_a_shutdown_in_the_middle_of_cleanup_hands_over_what_is_left(within):
    """Shutdown in the middle of cleanup: done within its deadline; the next owner pays the rest."""
    store = MemoryStore()
    async with scene(settings={"store": store}, setup=slow) as stage:
        ann, bob, cy = await stage.meet("ann", "bob", "cy")
        await ann.leave()
        began = asyncio.get_running_loop().time()
        owed = await stage.rooms.aclose(within=within)
        assert asyncio.get_running_loop().time() - began <= 2 * within + 1.1
        for one in (bob, cy):
            await one.aclose()
        assert {track["session_id"] for track in stage.emulator.active_tracks()} <= {
            o.session_id for o in owed
        }
        assert bool(owed) == (within < 0.1)
        assert all(one.handed_over for one in owed)
        async with successor(stage, store=store) as after:
            dan = await after.join("dan")
            await after.rest(20)
            after.check(dan)


async def test_a_join_that_fails_after_its_session_was_made_leaves_nobody():
    """A join that fails after `sessions/new` leaves no participant."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        stage.faults.answer_with("new_tracks", 503, code="temporarily_unavailable_error", nth=None)
        ann = await stage.join("ann")
        await stage.rest(50)
        assert ann.closed == "join_failed"
        assert [p["identity"] for p in stage.room()["participants"]] == ["bob"]
        assert set(bob.others) == set()
        stage.check(bob)
