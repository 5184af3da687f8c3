"""Store, transports, hosts: what is plugged in may be slow, raise, block or lie, and the room goes on."""

from __future__ import annotations

import asyncio
import time

import pytest

from cfrealtime_rooms import MemoryStore, Permissions
from cfrealtime_rooms.store import StoreError
from tests.cfrealtime_rooms.hosting import Channel, channel
from tests.cfrealtime_rooms.scenarios.scene import ROOM, intercept, scene, slow, successor

pytestmark = pytest.mark.looptime

SPEAKER = Permissions(subscribe=False)
JOIN = '{"type": "join", "name": "eve"}'


async def test_the_old_owner_of_a_room_is_refused():
    """Two owners of one room (a lease lost): the old owner's writes are refused, and it lets go."""
    store = MemoryStore()
    async with scene(settings={"store": store}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        (owner,) = {room.lease.owner for room in store._rooms.values()}
        await store.acquire(ROOM, owner, 60)  # a lease newer than the one this process holds
        ann.unpublish("camera")
        before = stage.emulator.count()
        await stage.rest(30)
        assert stage.rooms.inspect(ROOM) is None
        assert stage.emulator.count() == before
        assert (ann.attached, bob.attached) == (False, False)


@pytest.mark.parametrize("phase", ["AwaitingAnswer", "AwaitingApplied"])
async def test_the_next_owner_replaces_what_the_last_left_open(phase):
    """An owner dies with an answer pending: the next completes or replaces."""
    store = MemoryStore()
    async with scene(settings={"store": store}, setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        intercept(ann, {"AwaitingAnswer": "offer", "AwaitingApplied": "answer"}[phase])
        await ann.join()
        await stage.until(ann, phase)
        actor = stage.rooms._open.pop(ROOM)
        await actor.stop(within=0)
        for one in (ann, bob):
            await one.aclose()
        async with successor(stage, store=store) as after:
            people = [await after.join("ann"), await after.join("bob")]
            await after.rest(30)
            after.check(*people)


class Unsteady(MemoryStore):
    """A store that goes away."""

    away = False

    async def begin(self, *given):
        """Refused while away, as is every other write."""
        if self.away:
            raise StoreError("away")
        await super().begin(*given)

    async def save(self, *given):
        """See `begin`."""
        if self.away:
            await asyncio.Event().wait()
        await super().save(*given)


async def test_a_store_that_goes_away_stops_no_media():
    """The store goes away: reads refused, media goes on, no split brain: no call without its intent."""
    store = Unsteady()
    async with scene(settings={"store": store}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        before = stage.sessions()
        store.away = True
        calls = stage.emulator.count()
        ann.unpublish("camera")
        cy = await stage.join("cy")
        ann.say("still here")
        await stage.rest(20)
        assert stage.emulator.count() == calls
        assert [message.text for message in bob.messages] == ["still here"]
        store.away = False
        await stage.rest(20)
        assert before.items() <= stage.sessions().items()
        stage.check(ann, bob, *([cy] if cy.closed is None else []))


async def test_a_slow_client_gets_a_snapshot_and_holds_nobody_up():
    """A slow client: bounded buffer, then a snapshot."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        kept, reads = Channel(), asyncio.Event()
        reads.set()

        async def send(text):
            await reads.wait()
            await kept.send(text)

        async with channel(stage.rooms, "eve", ROOM, send=send, permissions=SPEAKER) as (_, eve):
            await eve.receive(JOIN)
            await stage.rest(1)
            reads.clear()
            for n in range(400):
                ann.set_attributes(n=str(n))
                await asyncio.sleep(0.001)
            (outbox,) = [o for o in stage.rooms._open[ROOM]._outboxes.values() if o._send is send]
            assert len(outbox._waiting) <= outbox._capacity
            assert bob.others["ann"].attributes == {"n": "399"}
            before = len(kept.told)
            reads.set()
            await stage.rest(1)
            assert len(kept.told) - before < 5
            assert kept.told[-1]["type"] == "snapshot"
        stage.check(ann, bob)


@pytest.mark.parametrize("fault", ["raises", "blocks", "is cancelled"])
async def test_a_send_that_fails_ends_its_channel_alone(fault):
    """A send that raises, a host callback that raises or blocks: the room goes on."""
    async with scene(settings={"grace": 3.0}) as stage:
        ann, bob = await stage.meet("ann", "bob")

        async def send(text):
            if "hello" in text:
                if fault == "blocks":
                    await asyncio.Event().wait()
                raise {"raises": RuntimeError, "is cancelled": asyncio.CancelledError}[fault]

        async def close(code, reason):
            await asyncio.Event().wait()

        async with channel(stage.rooms, "eve", ROOM, send=send, close=close) as (_, eve):
            await eve.receive(JOIN)
            await stage.rest(1)
            ann.say("hello")
            await stage.rest(15)
            assert set(bob.others) == {"ann"}
            await ann.publish("screen")
            await stage.rest()
            stage.check(ann, bob)


async def test_ice_servers_that_raise_or_block_let_nobody_in_and_the_room_goes_on():
    """A host callback that raises or blocks: the visitor is turned away, the room goes on."""

    async def servers(visitor):
        if visitor.identity == "raises":
            raise KeyError(visitor.identity)
        if visitor.identity == "blocks":
            await asyncio.Event().wait()
        return ()

    async with scene(settings={"ice_servers": servers}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        for identity, error in (("raises", KeyError), ("blocks", TimeoutError)):
            with pytest.raises(error):
                async with channel(stage.rooms, identity, ROOM):
                    pass
        await ann.publish("screen")
        await stage.rest()
        stage.check(ann, bob)


async def test_a_subscriber_of_events_that_raises_or_sleeps_holds_nobody_up():
    """A host callback that raises or blocks: one that listens to events."""
    async with scene() as stage:

        async def listen(then):
            async for _ in stage.rooms.events():
                await then()

        async def raises():
            raise ZeroDivisionError

        tasks = [asyncio.create_task(listen(then)) for then in (raises, asyncio.Event().wait)]
        ann, bob = await stage.meet("ann", "bob")
        assert isinstance(tasks[0].exception(), ZeroDivisionError)
        tasks[1].cancel()
        assert len(stage.events) >= 6
        stage.check(ann, bob)


@pytest.mark.parametrize("hours", [0.001, 1, 48])
@pytest.mark.parametrize("moment", [0.05, 0.15, 0.35, 5.0])
async def test_a_clock_that_jumps_costs_at_most_a_session(hours, moment, monkeypatch):
    """Clock jumps: the process slept, or was stopped for a while."""
    loop, ahead = asyncio.get_running_loop(), 0.0
    steady = loop.time
    monkeypatch.setattr(loop, "time", lambda: steady() + ahead, raising=False)
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join())
        await stage.rest(moment)
        ahead = hours * 3600
        await asyncio.gather(joining, return_exceptions=True)
        await stage.rest(60)
        people = [one for one in (ann, bob) if one.closed is None]
        assert bob in people
        stage.check(*people)


@pytest.mark.parametrize("hours", [-24, 24])
async def test_a_wall_clock_that_is_set_changes_nothing(hours, monkeypatch):
    """Clock jumps: the wall clock is set, which nothing in a room goes by."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        calls, wall = stage.emulator.count(), time.time
        monkeypatch.setattr(time, "time", lambda: wall() + hours * 3600)
        await stage.rest(60)
        assert stage.emulator.count() == calls
        stage.check(ann, bob)
