"""The participant on real rooms and the in-process emulator, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator
from cfrealtime_rooms.rooms import Rooms
from cfrealtime_rooms.testing import Guests, RefusedError

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def meeting(**options: Any) -> AsyncIterator[tuple[Guests, Emulator]]:
    """A room, its guests and the emulator. Not fixtures: those would be torn down outside of virtual time."""
    async with Emulator() as emulator:
        transport = httpx.ASGITransport(emulator.app)
        async with (
            AsyncRealtime("demo", "secret", base_url="http://emulator/v1", transport=transport) as realtime,
            Rooms(realtime, grace=3.0) as rooms,
            Guests(rooms, **options) as guests,
        ):
            yield guests, emulator


async def test_everyone_is_given_everyones_media():
    async with meeting(latency=0.05) as (guests, _):
        people = [await guests.join("ann"), *await guests.join_at_once("bob", "cy")]
        for one in people:
            await one.wait_until(lambda one=one: len(one.receiving()) == 4 and not one.missing())
            assert not one.errors
            assert not one.faults


async def test_a_viewer_publishes_nothing_and_receives():
    async with meeting() as (guests, _):
        await guests.join("ann")
        viewer = await guests.join("vic", sources=())
        await viewer.wait_until(lambda: set(viewer.receiving()) == {("ann", "microphone"), ("ann", "camera")})
        assert viewer.me.publications == ()


async def test_a_share_comes_and_goes():
    async with meeting(latency=0.05) as (guests, _):
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.publish("screen")
        await bob.wait_until(lambda: ("ann", "screen") in bob.receiving())
        ann.unpublish("screen")
        await bob.wait_until(lambda: ("ann", "screen") not in bob.receiving())
        await ann.publish("screen")
        await bob.wait_until(lambda: ("ann", "screen") in bob.receiving())


async def test_mutes_and_words_reach_the_others():
    async with meeting() as (guests, _):
        ann, bob = await guests.join_at_once("ann", "bob")
        await bob.wait_until(lambda: not bob.missing() and "ann" in bob.others)
        ann.mute("camera")
        ann.say("hello")
        await bob.wait_until(lambda: any(p.muted for p in bob.others["ann"].publications))
        await bob.wait_until(lambda: [m.text for m in bob.messages] == ["hello"])


async def test_a_dropped_channel_is_resumed_without_new_media():
    async with meeting() as (guests, emulator):
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: len(ann.receiving()) == 2)
        await bob.wait_until(lambda: len(bob.receiving()) == 2)
        await asyncio.sleep(1)  # of virtual time: the answers reach the SFU
        calls, epoch, me = emulator.count(), ann.epoch, ann.participant_id
        await ann.drop()
        await bob.wait_until(lambda: bob.others["ann"].state == "reconnecting")
        await ann.reconnect()
        await bob.wait_until(lambda: bob.others["ann"].state == "connected")
        assert (ann.epoch, ann.participant_id) == (epoch, me)
        assert emulator.count() == calls


async def test_a_reloaded_page_resumes_with_new_media():
    async with meeting() as (guests, _):
        ann, bob = await guests.join_at_once("ann", "bob")
        await bob.wait_until(lambda: len(bob.receiving()) == 2)
        me, epoch = ann.participant_id, ann.epoch
        await ann.drop()
        await ann.reconnect(reload=True)
        assert ann.participant_id == me
        assert ann.epoch == epoch + 1
        await ann.wait_until(lambda: len(ann.receiving()) == 2)
        await bob.wait_until(lambda: len(bob.receiving()) == 2)


async def test_a_lost_connection_is_replaced():
    async with meeting(latency=0.05) as (guests, _):
        ann, bob = await guests.join_at_once("ann", "bob")
        await ann.wait_until(lambda: len(ann.receiving()) == 2)
        first = ann.peer
        ann.peer.break_connection()
        await ann.wait_until(lambda: ann.peer is not first and ann.connected, 10)
        await ann.wait_until(lambda: len(ann.receiving()) == 2)
        await bob.wait_until(lambda: len(bob.receiving()) == 2)


async def test_leaving_is_final():
    async with meeting() as (guests, _):
        ann, bob = await guests.join_at_once("ann", "bob")
        await bob.wait_until(lambda: "ann" in bob.others)
        await ann.leave()
        assert ann.closed == "left"
        assert not ann.joined
        await bob.wait_until(lambda: not bob.others)


async def test_a_refused_join_says_why():
    async with meeting() as (guests, _):
        nameless = await guests.arrive("ann", name="x" * 1000)
        with pytest.raises(RefusedError, match="name_invalid"):
            await nameless.join()


async def test_waiting_in_vain_says_what_is_there_instead():
    async with meeting() as (guests, _):
        ann = await guests.join("ann")
        with pytest.raises(TimeoutError, match=r"waited 1 s for company\. ann: joined True.*room: ann"):
            await ann.wait_until(lambda: bool(ann.others), 1, "company")
