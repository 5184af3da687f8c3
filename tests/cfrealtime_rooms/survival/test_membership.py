"""Membership: people who come, come back, come twice and are sent away, at the worst moments."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms import ParticipantJoined, ParticipantLeft
from cfrealtime_rooms.testing import RefusedError
from tests.cfrealtime_rooms.scenarios.scene import ROOM, say, scene, slow, sources

pytestmark = pytest.mark.looptime

MOMENTS = [0.0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.6, 2.0]
"""Seconds after a join: each finds it in another step."""


async def test_a_join_sent_twice_on_one_channel_is_one_join():
    """The same join twice at once."""
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join())
        await asyncio.sleep(0)
        say(ann, "join", name="ann")
        await joining
        await stage.rest()
        assert [error.code for error in ann.errors] == ["already_joined"]
        assert len(stage.room()["participants"]) == 2
        stage.check(ann, bob)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_same_person_in_two_tabs_is_the_newer_one(moment):
    """The same person in two tabs, where the newer one wins: at any moment of the first's join."""
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        older, newer = await stage.arrive("ann"), await stage.arrive("ann")
        joining = asyncio.create_task(older.join())
        await stage.rest(moment)
        await newer.join()
        await asyncio.gather(joining, return_exceptions=True)
        await stage.rest()
        assert (older.closed, newer.closed) == ("replaced", None)
        assert set(bob.receiving()) == sources("ann")
        stage.check(bob, newer)


async def test_a_stale_disconnect_changes_nothing():
    """A stale disconnect of epoch n after n+1 connected."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        old, ann._channel = ann._channel, None
        await ann.forget_connection()
        await ann.open()  # while the old channel still seems to be there
        await stage.rest(1)
        old.cancel()
        await stage.rest(30)
        assert stage.epochs() == {"ann": 2, "bob": 1}
        assert bob.others["ann"].state == "connected"
        stage.check(ann, bob)


async def test_a_reconnect_after_leaving_is_no_way_back():
    """Leave, then a delayed reconnect."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        first, token, epoch = ann.participant_id, ann.token, ann.epoch
        await ann.leave()
        again = await stage.arrive("ann")
        say(again, "resume", token=token, epoch=epoch)
        await stage.rest(1)
        assert [error.code for error in again.errors] == ["resume_failed"]
        await stage.rest()
        assert again.participant_id != first
        stage.check(bob, again)


async def test_the_same_reconnect_twice_succeeds_once():
    """The same reconnect twice."""
    async with scene() as stage:
        ann, bob = await stage.meet("ann", "bob")
        first, token, epoch = ann.participant_id, ann.token, ann.epoch
        await ann.drop()
        twin = await stage.arrive("ann")
        await ann.open()
        say(twin, "resume", token=token, epoch=epoch)
        await stage.rest(1)
        assert [error.code for error in twin.errors] == ["resume_failed"]
        await stage.rest()
        assert len(stage.room()["participants"]) == 2
        assert twin.participant_id != first
        stage.check(bob, twin)


@pytest.mark.parametrize("first", ["close", "reconnect"])
async def test_a_reconnect_and_the_end_of_the_room_in_one_moment(first):
    """Reconnect while the room closes."""
    async with scene(setup=slow) as stage:
        ann, bob = await stage.meet("ann", "bob")
        await ann.drop()
        if first == "close":
            stage.rooms.close_room(ROOM)
        coming = asyncio.create_task(ann.open())
        await asyncio.sleep(0)
        if first == "reconnect":
            stage.rooms.close_room(ROOM)
        await asyncio.gather(coming, return_exceptions=True)
        await stage.rest(20)
        assert bob.closed == "room_closed"
        assert [p["identity"] for p in stage.room()["participants"]] in ([], ["ann"])
        stage.check(*([ann] if stage.room()["participants"] else []))


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_room_closes_while_somebody_joins(moment):
    """Join while it closes; close while a session is being created."""
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join())
        await stage.rest(moment)
        stage.rooms.close_room(ROOM)
        await asyncio.gather(joining, return_exceptions=True)
        await stage.rest(20)
        assert (ann.closed, bob.closed) == ("room_closed", "room_closed")
        assert stage.emulator.active_tracks() == []
        assert stage.rooms.inspect(ROOM) is None


@pytest.mark.parametrize(("away", "kept"), [(2.99, True), (3.01, False)])
async def test_a_sign_of_life_and_the_end_of_grace_in_both_orders(away, kept):
    """Heartbeat against expiry, both orders."""
    async with scene(settings={"grace": 3.0}) as stage:
        ann, bob = await stage.meet("ann", "bob")
        first, calls = ann.participant_id, stage.emulator.count()
        await ann.drop()
        await stage.rest(away)
        await ann.open()
        await stage.rest()
        assert (ann.participant_id == first) is kept
        assert (stage.emulator.count() == calls) is kept
        stage.check(ann, bob)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_who_is_kicked_is_gone_whatever_it_was_doing(moment):
    """Kick while joining, publishing, answering."""
    async with scene(setup=slow) as stage:
        (bob,) = await stage.meet("bob")
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join())
        await stage.rest(moment)
        stage.rooms.remove(ROOM, "ann")
        await asyncio.gather(joining, return_exceptions=True)
        await stage.rest()
        assert ann.closed == "removed"
        assert set(bob.others) == set()
        stage.check(bob)


async def test_one_more_than_the_room_takes_at_once_is_refused():
    """Capacity: N+1 joins at once admit exactly N."""
    async with scene(settings={"max_participants": 5}) as stage:
        people = [await stage.arrive(f"p{n}") for n in range(6)]
        results = await asyncio.gather(*(one.join() for one in people), return_exceptions=True)
        refused = [result for result in results if isinstance(result, RefusedError)]
        assert [error.code for error in refused] == ["room_full"]
        await stage.rest()
        assert len(stage.room()["participants"]) == 5
        stage.check(*(one for one in people if one.joined))


async def test_closing_twice_is_closing_once():
    """Closing twice."""
    async with scene() as stage:
        people = await stage.meet("ann", "bob")
        before = stage.emulator.count()
        stage.rooms.close_room(ROOM)
        stage.rooms.close_room(ROOM)
        await stage.rest()
        assert [one.closed for one in people] == ["room_closed"] * 2
        assert stage.emulator.count() - before == 2
        assert len(stage.seen(ParticipantLeft)) == 2


async def test_a_room_under_an_old_name_starts_fresh():
    """A room reopened under its old name starts fresh."""
    async with scene(setup=slow) as stage:
        ann, bob = await stage.meet("ann", "bob")
        tokens = [ann.token, bob.token]
        stage.rooms.close_room(ROOM)
        await stage.rest(0.05)  # what the old one held is still being closed
        cy = await stage.join("cy")
        assert set(cy.others) == set()
        for token in tokens:
            late = await stage.arrive("ann")
            say(late, "resume", token=token, epoch=1)
            await stage.rest(1)
            assert late.errors[0].code == "resume_failed"
            await late.leave()
        await stage.rest()
        stage.check(cy)


async def test_a_join_that_is_never_published_was_seen_by_nobody():
    """A join whose first exchange fails for thirty seconds leaves no participant, and nobody saw it."""
    async with scene() as stage:
        (bob,) = await stage.meet("bob")
        revision = bob.roster.revision
        stage.faults.refuse("new_tracks", nth=None)
        ann = await stage.join("ann")
        await stage.rest(29)
        assert ann.joined
        await stage.rest(2)
        assert ann.closed == "join_failed"
        assert bob.roster.revision == revision
        assert [event.identity for event in stage.seen(ParticipantJoined)] == ["bob"]
        assert [event.reason for event in stage.seen(ParticipantLeft)] == ["join_failed"]
        stage.faults.clear()
        await stage.rest(20)
        stage.check(bob)
