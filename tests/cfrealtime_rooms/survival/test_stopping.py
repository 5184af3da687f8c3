"""The process stops in an orderly way, or sleeps for long: what the storm has found."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms import LeakReported, MemoryStore, Permissions
from cfrealtime_rooms.core.inputs import CloseRoom
from tests.cfrealtime_rooms.hosting import channel
from tests.cfrealtime_rooms.scenarios.scene import ROOM, scene, slow, successor

pytestmark = pytest.mark.looptime


async def test_the_next_owner_looks_where_a_lost_call_may_still_land():
    """An owner stops while it waits to look again: the next completes."""
    store = MemoryStore()
    async with scene(settings={"store": store}) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        stage.faults.add("garbage body=null landed=true operation=new_tracks nth=1")
        stage.faults.answer_with("get_session", 500, nth=None)
        await ann.join()
        await stage.rest(1)
        (owed,) = stage.room()["ledger"]
        await stage.rooms.aclose(within=0.5)
        stage.faults.clear()
        for one in (ann, bob):
            await one.aclose()
        async with successor(stage, store=store) as after:
            people = [await after.join("ann"), await after.join("bob")]
            await after.rest(30)
            assert stage.emulator.active_tracks(owed["session_id"]) == []
            after.check(*people)


@pytest.mark.parametrize("within", [0.0, 0.5, 5.0])
async def test_a_channel_whose_client_does_not_read_is_closed_all_the_same(within):
    """`rooms.aclose()`: who cannot be told to come back finds its channel closed."""
    codes, reads = [], asyncio.Event()
    reads.set()

    async def send(text):
        await reads.wait()

    async def close(code, reason):
        codes.append(code)

    async with scene() as stage:
        (ann,) = await stage.meet("ann")
        async with channel(stage.rooms, "eve", ROOM, send=send, close=close) as (_, eve):
            await eve.receive('{"type": "join", "name": "eve"}')
            await stage.rest(1)
            reads.clear()
            ann.say("hello")
            await stage.rest(0.1)
            await stage.rooms.aclose(within)
            await stage.rest(11)
            assert codes == [1012]


async def test_a_room_that_was_stopped_takes_no_turn_that_was_due():
    """`rooms.aclose()`: what comes in at the same moment finds nobody who would deal with it."""
    async with scene() as stage:
        (ann,) = await stage.meet("ann")
        actor = stage.rooms._open[ROOM]
        actor.post(CloseRoom())
        actor.halt()
        await stage.rest(1)
        assert ann.closed is None
        assert stage.rooms.room_ids() == [ROOM]
        await actor.stop()


async def test_what_is_owed_is_paid_though_the_process_slept_for_longer_than_a_leak_takes(monkeypatch):
    """Clock jumps: a debt is given up for its age only after it was tried."""
    loop, ahead = asyncio.get_running_loop(), 0.0
    steady = loop.time
    monkeypatch.setattr(loop, "time", lambda: steady() + ahead, raising=False)
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        stage.faults.refuse("close_tracks", nth=None)
        await ann.leave()
        await stage.rest(0.1)
        ahead = 3600.0
        await stage.rest(0.1)
        stage.faults.clear()
        await stage.rest(60)
        assert stage.seen(LeakReported) == []
        stage.check(bob)


async def test_who_came_in_without_its_offer_may_publish_later():
    """Permission taken away while the publish is queued, and given back."""
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join())
        await stage.rest(0.05)
        stage.rooms.set_permissions(ROOM, "ann", Permissions(publish=frozenset()))
        await joining
        await stage.rest(1)
        stage.rooms.set_permissions(ROOM, "ann", None)
        await stage.rest(1)
        await ann.publish("microphone")
        await stage.rest()
        stage.check(ann, bob)
