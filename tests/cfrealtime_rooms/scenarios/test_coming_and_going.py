"""People come, one by one or all at once, and go, with or without a word."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms import ParticipantJoined, ParticipantLeft, Permissions
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


async def test_who_leaves_while_its_answer_is_awaited_is_gone_at_once():
    async with scene() as stage:
        bob = await stage.join("bob")
        await stage.rest()
        ann = await stage.join("ann", peer_factory=Unresponsive)
        await stage.rest(1)
        assert stage.member(ann)["phase"] == "AwaitingAnswer"
        ann.send_raw('{"type": "leave"}')
        await stage.rest(1)
        stage.check(bob)
        assert "ann" not in bob.others


async def test_who_leaves_in_the_middle_of_a_call_is_cleaned_up_after_it():
    async with scene(setup=lambda emulator: setattr(emulator.faults, "delay", 2.0)) as stage:
        ann = await stage.join("ann")
        await stage.rest(3)
        assert stage.member(ann)["phase"] == "Calling"
        await ann.leave()
        await stage.rest(10)
        stage.check()
        assert stage.emulator.active_tracks() == []


async def test_the_same_identity_twice_leaves_the_newer():
    async with scene(latency=0.05) as stage:
        bob = await stage.join("bob")
        older = await stage.join("ann")
        await stage.rest()
        newer = await stage.join("ann")
        await stage.rest()
        assert older.closed == "replaced"
        stage.check(bob, newer)
        assert [p["identity"] for p in stage.room()["participants"]] == ["bob", "ann"]


async def test_a_join_whose_first_exchange_fails_for_thirty_seconds_was_seen_by_nobody():
    async with scene() as stage:
        seen = []
        events = stage.rooms.events()

        async def watch():
            async for event in events:
                seen.append(event)

        watching = asyncio.create_task(watch())
        bob = await stage.join("bob")
        await stage.rest()
        revision = bob.roster.revision
        stage.faults.refuse("new_tracks", nth=None)
        ann = await stage.join("ann")
        await stage.rest(29)
        assert ann.joined
        await stage.rest(2)
        assert ann.closed == "join_failed"
        assert bob.roster.revision == revision
        watching.cancel()
        assert not [e for e in seen if isinstance(e, ParticipantJoined) and e.identity == "ann"]
        assert [e.reason for e in seen if isinstance(e, ParticipantLeft)] == ["join_failed"]
        stage.faults.clear()
        await stage.rest()
        stage.check(bob)


async def test_one_more_than_the_room_takes_is_refused_and_the_others_are_in():
    async with scene(settings={"max_participants": 3}) as stage:
        people = [await stage.arrive(f"p{n}") for n in range(4)]
        results = await asyncio.gather(*(one.join() for one in people), return_exceptions=True)
        refused = [result for result in results if isinstance(result, RefusedError)]
        assert [error.code for error in refused] == ["room_full"]
        assert len(stage.room()["participants"]) == 3


async def test_who_is_removed_is_told_and_gone_whatever_it_was_doing():
    async with scene(setup=lambda emulator: setattr(emulator.faults, "delay", 0.1)) as stage:
        bob = await stage.join("bob")
        for moment in (0.0, 0.05, 0.15, 0.25, 0.4, 5.0):
            ann = await stage.join("ann")
            await stage.rest(moment)
            stage.rooms.remove(ROOM, "ann")
            await stage.rest()
            assert ann.closed == "removed"
            stage.check(bob)


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
