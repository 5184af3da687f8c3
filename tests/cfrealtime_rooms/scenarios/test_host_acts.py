"""What a host does to people, on the emulator: what it costs, and that no client gets around it."""

from __future__ import annotations

import pytest

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.testing import Outgoing, RefusedError
from tests.cfrealtime_rooms.scenarios.scene import API, ROOM, ROUND_TRIP, Scene, scene, sources

pytestmark = pytest.mark.looptime

SOUND = Permissions(publish=frozenset({"microphone"}))


async def ignore(_message):
    """What a client does that does not do its part."""


def slow(emulator):
    emulator.faults.delay = API


async def three(stage: Scene):
    people = await stage.join_at_once("ann", "bob", "cy")
    await stage.rest(30)
    return people


def active(stage: Scene, guest) -> set[str | None]:
    """Mids on which the SFU takes something from a guest."""
    return {
        track["mid"]
        for track in stage.emulator.active_tracks()
        if track["location"] == "local" and track["session_id"] == stage.session(guest)
    }


@pytest.mark.parametrize(
    "act",
    [
        lambda rooms: rooms.mute(ROOM, "ann", "camera"),
        lambda rooms: rooms.set_permissions(ROOM, "ann", SOUND),
    ],
    ids=["mute", "permissions"],
)
async def test_what_the_host_stops_is_closed_at_the_sfu_with_one_call(act):
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await three(stage)
        camera, before = stage.mid(ann, "camera"), stage.emulator.count()
        act(stage.rooms)
        await stage.rest()
        assert stage.operations(before) == ["close_tracks"]
        assert camera not in active(stage, ann)
        assert set(bob.receiving()) == {("ann", "microphone")} | sources("cy")
        stage.check(ann, bob, cy)


async def test_a_muted_participant_publishes_again_only_when_allowed():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await three(stage)
        stage.rooms.mute(ROOM, "ann", "camera")
        await stage.rest()
        assert ann.rights["muted"] == ["camera"]
        with pytest.raises(RefusedError, match="muted_by_host"):
            await ann.publish("camera")
        stage.rooms.allow(ROOM, "ann", "camera")
        await stage.rest(1)
        await ann.publish("camera")
        await stage.rest()
        assert set(bob.receiving()) == sources("ann") | sources("cy")
        stage.check(ann, bob, cy)


async def test_who_reloads_or_joins_anew_stays_muted():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, _ = await three(stage)
        stage.rooms.mute(ROOM, "ann", "camera")
        await stage.rest()
        await ann.drop()
        await ann.reconnect(reload=True)
        await stage.rest()
        assert {one.source for one in bob.others["ann"].publications} == {"microphone"}
        await ann.leave()
        again = await stage.arrive("ann")
        with pytest.raises(RefusedError, match="muted_by_host"):
            await again.join()


async def test_permission_taken_away_in_the_middle_of_a_join_lets_nothing_through():
    async with scene(latency=ROUND_TRIP / 2, setup=slow) as stage:
        bob = await stage.join("bob")
        await stage.rest()
        for seconds in (0.0, 0.05, 0.15, 0.25, 0.35):
            cy = await stage.join("cy")
            await stage.rest(seconds)
            stage.rooms.set_permissions(ROOM, "cy", SOUND)
            await stage.rest(20)
            assert ("cy", "camera") not in bob.receiving()
            assert len(active(stage, cy)) <= 1
            stage.check(bob, cy)
            await cy.leave()
            stage.rooms.set_permissions(ROOM, "cy", None)
            await stage.rest()


async def test_permission_taken_away_while_a_share_is_in_flight_ends_it():
    async with scene(latency=ROUND_TRIP / 2, setup=slow) as stage:
        ann, bob, cy = await three(stage)
        ann._sources["screen"] = Outgoing("screen", "video")
        ann._ask()
        await stage.rest(1.5 * ROUND_TRIP + 0.05)
        assert stage.member(ann)["phase"] == "Calling"
        stage.rooms.set_permissions(ROOM, "ann", Permissions(frozenset({"microphone", "camera"})))
        await stage.rest()
        assert ("ann", "screen") not in bob.receiving()
        assert len(active(stage, ann)) == 2
        stage.check(ann, bob, cy)


async def test_who_may_not_receive_loses_everything_with_one_call_and_gets_it_back():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await three(stage)
        before = stage.emulator.count()
        stage.rooms.set_permissions(ROOM, "bob", Permissions(subscribe=False))
        await stage.rest()
        assert bob.receiving() == {}
        assert stage.operations(before) == ["close_tracks"]
        stage.rooms.set_permissions(ROOM, "bob", None)
        await stage.rest()
        assert set(bob.receiving()) == sources("ann") | sources("cy")
        stage.check(ann, bob, cy)


async def test_a_client_that_never_answers_is_muted_within_seconds_all_the_same():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await three(stage)
        ann._handlers = {**ann._handlers, "offer": ignore, "replace": ignore}
        dan = await stage.join("dan")
        await stage.rest(1)
        assert stage.member(ann)["phase"] == "AwaitingAnswer"
        session = stage.session(ann)
        stage.rooms.mute(ROOM, "ann", "camera")
        await stage.rest(3)
        assert not [one for one in stage.emulator.active_tracks() if one["session_id"] == session]
        stage.rooms.remove(ROOM, "ann")
        await stage.rest()
        stage.check(bob, cy, dan)


@pytest.mark.parametrize("act", ["remove", "ban"])
async def test_a_kick_and_a_ban_cost_one_call(act):
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await three(stage)
        before = stage.emulator.count()
        getattr(stage.rooms, act)(ROOM, "ann", "rude")
        await stage.rest()
        assert ann.closed == "rude"
        assert stage.operations(before) == ["close_tracks"]
        stage.check(bob, cy)


async def test_a_ban_holds_until_it_ends_and_costs_no_call():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        _, bob, cy = await three(stage)
        stage.rooms.ban(ROOM, "ann", seconds=60)
        await stage.rest()
        before = stage.emulator.count()
        with pytest.raises(TimeoutError, match="closed banned"):
            await stage.arrive("ann")
        assert stage.emulator.count() == before
        await stage.rest(60)
        back = await stage.join("ann")
        await stage.rest()
        stage.check(bob, cy, back)


async def test_a_ban_in_the_middle_of_a_join_leaves_nothing():
    async with scene(latency=ROUND_TRIP / 2, setup=slow) as stage:
        bob = await stage.join("bob")
        for seconds in (0.0, 0.1, 0.25, 0.4, 1.0):
            cy = await stage.join("cy")
            await stage.rest(seconds)
            stage.rooms.ban(ROOM, "cy")
            await stage.rest(20)
            assert cy.closed == "banned"
            stage.check(bob)
            stage.rooms.unban(ROOM, "cy")


async def test_the_rooms_attributes_cost_nothing():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        people = await three(stage)
        before = stage.emulator.count()
        stage.rooms.set_attributes(ROOM, {"topic": "tea"})
        await stage.rest()
        assert stage.emulator.count() == before
        assert stage.room()["attributes"] == {"topic": "tea"}
        stage.check(*people)
