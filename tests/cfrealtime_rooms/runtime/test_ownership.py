"""How rooms end, who owns them, and what a failing store or policy costs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cfrealtime_rooms import MemoryStore, Rooms
from cfrealtime_rooms.store import StoreError
from cfrealtime_rooms.testing import Guests

from ..hosting import channel, client_of, hosting, nowhere, settle, tasks_of_rooms, viewer

pytestmark = pytest.mark.looptime

# The end.


async def test_closed_rooms_let_nobody_in_and_closing_twice_is_closing_once():
    async with hosting() as (rooms, _):
        await rooms.aclose()
        await rooms.aclose()
        for again in (channel(rooms), rooms):
            with pytest.raises(RuntimeError, match="these rooms are closed; make new Rooms"):
                await again.__aenter__()


async def test_rooms_that_were_never_used_close_at_once():
    await Rooms(nowhere()).aclose()


async def test_closing_pays_what_is_owed_and_sends_clients_back_to_the_door():
    async with hosting() as (rooms, emulator), Guests(rooms) as guests:
        people = await guests.join_at_once("ann", "bob")
        await people[0].wait_until(lambda: not people[0].missing())
        async with viewer(rooms, "vic", "demo") as (vic, _):
            assert await rooms.aclose() == ()
            assert vic.closed == [(1012, "restarting")]
            assert "closed" not in vic.types
        assert emulator.active_tracks() == []
        await settle()
        assert tasks_of_rooms() == []
        assert rooms.room_ids() == []


async def test_closing_is_bounded_whatever_hangs():
    async with hosting() as (rooms, emulator), Guests(rooms) as guests:
        await guests.join("ann")
        emulator.faults.delay = 1000.0

        async def stuck(*_: Any) -> None:
            await asyncio.Event().wait()

        async with viewer(rooms, "vic", "demo", send=stuck, close=stuck):
            began = asyncio.get_running_loop().time()
            await rooms.aclose(within=2.0)
            assert asyncio.get_running_loop().time() - began < 4.1
        await settle()
        assert tasks_of_rooms() == []
        emulator.faults.delay = 0.0


async def test_what_neither_the_service_nor_the_store_has_taken_is_said():
    class Deaf(MemoryStore):
        async def save(self, *_: Any) -> None:
            raise OSError("no disk")

    async with hosting(store=Deaf()) as (rooms, emulator), Guests(rooms) as guests:
        ann = await guests.join("ann")
        await ann.wait_until(lambda: bool(emulator.active_tracks()))
        (session,) = {track["session_id"] for track in emulator.active_tracks()}
        emulator.faults.delay = 1000.0
        (owed,) = await rooms.aclose(within=1.0)
        assert (owed.room_id, owed.session_id, owed.handed_over) == ("demo", session, False)
        assert await rooms.aclose() == ()
        emulator.faults.delay = 0.0


async def test_a_cancelled_close_leaves_no_task():
    async with hosting() as (rooms, emulator), Guests(rooms) as guests:
        await guests.join("ann")
        emulator.faults.delay = 1000.0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await rooms.aclose()
        await settle()
        assert tasks_of_rooms() == []
        emulator.faults.delay = 0.0


# The store.


async def test_the_next_rooms_on_a_store_pay_what_the_last_left_behind():
    store = MemoryStore()
    async with hosting(store=store) as (rooms, emulator), Guests(rooms) as guests:
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: not ann.missing() and not bob.missing())
        emulator.faults.delay = 1000.0
        sharing = asyncio.create_task(ann.publish("screen", within=1000))
        await asyncio.sleep(1)
        await rooms.aclose(within=1.0)
        sharing.cancel()
        assert emulator.active_tracks() != []

        emulator.faults.delay = 0.0
        async with (
            client_of(emulator) as realtime,
            Rooms(realtime, store=store) as fresh,
            viewer(fresh, "cy", "demo"),
        ):
            assert len(fresh.inspect("demo")["ledger"]) == 2
            await asyncio.sleep(15)
            assert fresh.inspect("demo")["ledger"] == []
            assert emulator.active_tracks() == []


class Refusing(MemoryStore):
    """A store that takes no intent."""

    async def begin(self, *_: Any) -> None:
        """Refuse."""
        raise StoreError("down")


async def test_where_no_intent_can_be_written_no_call_is_made():
    async with hosting(store=Refusing()) as (rooms, emulator), Guests(rooms) as guests:
        ann = await guests.arrive("ann")
        joining = asyncio.create_task(ann.join())
        await asyncio.sleep(5)
        assert emulator.count() == 0
        async with viewer(rooms, "vic", "demo") as (vic, _):
            assert "joined" in vic.types
        joining.cancel()
        await asyncio.wait({joining})


async def test_a_lost_lease_sends_everyone_to_the_new_owner():
    store = MemoryStore()
    async with hosting(store=store) as (rooms, _), viewer(rooms, "ann") as (ann, says):
        thief = next(iter(store._rooms.values())).lease.owner
        await store.acquire("hall", thief, 60)
        await asyncio.sleep(30)
        assert ann.closed == [(1012, "owned_elsewhere")]
        assert "closed" not in ann.types
        assert rooms.room_ids() == []
        await says.receive('{"type": "snapshot"}')


async def test_a_room_of_another_process_turns_its_visitors_away_for_now():
    store = MemoryStore()
    await store.acquire("hall", "somebody", 60)
    async with hosting(store=store) as (rooms, _):
        async with viewer(rooms, "ann") as (ann, _):
            assert ann.closed == [(1012, "owned_elsewhere")]
        assert rooms.room_ids() == []
        await asyncio.sleep(61)
        async with viewer(rooms, "ann") as (ann, _):
            assert ann.closed == []


# A policy that fails.


async def test_a_policy_that_fails_stops_no_media_and_no_room():
    working = True

    def policy(room: Any, subscriber: Any) -> list[str]:
        if not working:
            raise RuntimeError
        others = (p for p in room.participants.values() if p.id != subscriber.id)
        return [publication.id for p in others for publication in p.publications.values()]

    async with hosting(policy=policy) as (rooms, _), Guests(rooms) as guests:
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: len(ann.receiving()) == len(bob.receiving()) == 2)
        working = False
        cy = await guests.join("cy")
        cy.say("hi")
        await ann.wait_until(lambda: bool(ann.messages))
        await asyncio.sleep(5)
        assert len(ann.receiving()) == len(bob.receiving()) == 2
        assert rooms.inspect("demo") is not None
