"""People come, one by one or all at once, and go, with or without a word."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.testing import RefusedError, SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import ROOM, scene, sources

pytestmark = pytest.mark.looptime


class Unresponsive(SilentPeer):
    """A browser that hangs over the room's offer."""

    async def answer(self, text):
        await asyncio.Event().wait()


async def test_three_who_come_one_after_the_other_receive_each_other():
    async with scene(latency=0.05) as stage:
        people = []
        for name in ("ann", "bob", "cy"):
            people.append(await stage.join(name))
            await stage.rest(2)
        stage.check(*people)
        assert set(people[0].receiving()) == sources("bob") | sources("cy")


async def test_three_who_come_at_once_receive_each_other():
    async with scene(latency=0.05) as stage:
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(3)
        stage.check(*people)


async def test_a_late_fourth_receives_the_three_who_keep_their_sessions():
    async with scene(latency=0.05) as stage:
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(3)
        before = stage.sessions()
        late = await stage.join("dan")
        await stage.rest(3)
        stage.check(*people, late)
        assert before.items() <= stage.sessions().items()


async def test_a_viewer_alone_in_a_room_has_no_session():
    async with scene() as stage:
        viewer = await stage.join("vic", sources=())
        await stage.rest()
        assert stage.session(viewer) is None
        assert stage.emulator.count() == 0
        await stage.join("ann")
        await stage.rest()
        stage.check(viewer)
        assert set(viewer.receiving()) == sources("ann")


async def test_who_may_not_receive_receives_nothing_and_is_received():
    async with scene() as stage:
        deaf = await stage.join("deaf", permissions=Permissions(subscribe=False))
        ann = await stage.join("ann")
        await stage.rest()
        stage.check(ann)
        assert set(ann.receiving()) == sources("deaf")
        assert deaf.receiving() == {}
        assert "new_tracks" in stage.operations(of=deaf)
        assert "renegotiate" not in stage.operations(of=deaf)


async def test_after_leave_nothing_is_left_at_the_sfu():
    async with scene(latency=0.05) as stage:
        ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        session = stage.session(ann)
        await ann.leave()
        await stage.rest(1)
        stage.check(bob, cy)
        assert stage.emulator.active_tracks(session) == []
        assert "ann" not in bob.others


async def test_the_last_to_leave_leaves_nothing():
    async with scene() as stage:
        ann = await stage.join("ann")
        await stage.rest()
        await ann.leave()
        await stage.rest(1)
        assert stage.emulator.active_tracks() == []
        assert stage.rooms.inspect(ROOM) is None


async def test_who_is_killed_is_gone_after_the_grace_period():
    async with scene(settings={"grace": 3.0}) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        session = stage.session(ann)
        await ann.aclose()
        stage.media.kill(session)
        await stage.rest(2.9)
        assert bob.others["ann"].state == "reconnecting"
        await stage.rest(0.2)
        assert "ann" not in bob.others
        await stage.rest(1)
        stage.check(bob)


async def test_who_leaves_in_the_middle_of_a_call_is_cleaned_up_after_it():
    async with scene(setup=lambda emulator: setattr(emulator.faults, "delay", 2.0)) as stage:
        ann = await stage.join("ann")
        await stage.rest(3)
        assert stage.member(ann)["phase"] == "Calling"
        await ann.leave()
        await stage.rest(10)
        stage.check()
        assert stage.emulator.active_tracks() == []


async def test_who_is_removed_before_it_joined_cannot_join_on_that_channel():
    async with scene() as stage:
        await stage.join("bob")
        ann = await stage.arrive("ann")
        stage.rooms.remove(ROOM, "ann")
        await stage.rest(1)
        with pytest.raises(RefusedError, match="removed"):
            await ann.join()


async def test_a_closed_room_is_empty_and_its_name_starts_afresh():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        stage.rooms.close_room(ROOM)
        await stage.rest()
        assert (ann.closed, bob.closed) == ("room_closed", "room_closed")
        assert stage.emulator.active_tracks() == []
        cy = await stage.join("cy")
        await stage.rest()
        stage.check(cy)
        assert set(cy.others) == set()
