"""Channels drop and come back; clients reload; the host restarts."""

from __future__ import annotations

import asyncio

import pytest

from cfrealtime_rooms import Permissions, Rooms
from cfrealtime_rooms.testing import Guests, SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import API, ROOM, Scene, client, scene, sources

pytestmark = pytest.mark.looptime


def slow(emulator):
    emulator.faults.delay = API


async def test_who_resumes_in_time_costs_no_call_and_keeps_everything():
    async with scene(latency=0.05) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        before, calls, me = stage.sessions(), stage.emulator.count(), ann.participant_id
        await ann.drop()
        await stage.rest(5)
        assert bob.others["ann"].state == "reconnecting"
        await ann.reconnect()
        await stage.rest()
        assert bob.others["ann"].state == "connected"
        assert (stage.sessions(), stage.emulator.count(), ann.participant_id) == (before, calls, me)
        stage.check(ann, bob)


async def test_an_offer_that_was_lost_with_the_channel_is_sent_again():
    async with scene(latency=0.2) as stage:
        ann = await stage.join("ann")
        await stage.rest()
        await stage.join("bob")
        while stage.member(ann)["phase"] != "AwaitingAnswer":
            await stage.rest(0.01)
        await ann.drop()  # the offer is still on its way
        await stage.rest(14)
        calls = stage.emulator.count()
        await ann.reconnect()
        await stage.rest(2)
        assert stage.operations(calls, of=ann) == ["renegotiate"]
        assert set(ann.receiving()) == sources("bob")
        assert stage.member(ann)["epoch"] == 1
        stage.check(ann)


async def test_an_answer_that_was_lost_with_the_channel_is_sent_again():
    async with scene(latency=0.2) as stage:
        ann = await stage.join("ann")
        while stage.member(ann)["phase"] != "AwaitingApplied":
            await stage.rest(0.01)
        await ann.drop()
        await stage.rest(1)
        await ann.reconnect()
        await stage.rest(2)
        assert stage.member(ann)["epoch"] == 1
        stage.check(ann)
        assert ann.connected


@pytest.mark.parametrize("away", [0.0, 1.0, 12.0, 18.0])
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.25, 0.45, 0.6, 0.75, 0.9, 1.05, 1.3])
async def test_a_channel_may_drop_in_any_phase(moment, away):
    async with scene(latency=0.075, setup=slow) as stage:
        bob = await stage.join("bob")
        await stage.rest()
        ann = await stage.arrive("ann")
        joining = asyncio.create_task(ann.join(within=40))
        await stage.rest(moment)
        await ann.drop()
        await stage.rest(away)
        await ann.reconnect(within=20)
        await joining
        await stage.rest(40)
        stage.check(ann, bob)
        assert set(bob.receiving()) == sources("ann")


async def test_a_reloaded_page_is_the_same_participant_with_a_new_session():
    async with scene(latency=0.05) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        before, me = stage.sessions(), ann.participant_id
        published = [one.id for one in ann.me.publications]
        await ann.drop()
        await ann.reconnect(reload=True)
        await stage.rest()
        after = stage.sessions()
        assert ann.participant_id == me
        assert [one.id for one in ann.me.publications] == published
        assert after["ann"][1] == before["ann"][1] + 1
        assert after["bob"] == before["bob"]
        stage.check(ann, bob)


async def test_a_reloaded_page_that_publishes_less_has_published_the_rest_no_longer():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        await ann.drop()
        del ann._sources["camera"]
        await ann.reconnect(reload=True)
        await stage.rest()
        assert set(bob.receiving()) == {("ann", "microphone")}
        stage.check(ann, bob)


async def test_a_used_token_opens_nothing():
    async with scene() as stage:
        ann = await stage.join("ann")
        await stage.rest()
        token = ann.token
        await ann.drop()
        await ann.reconnect()
        first = ann.participant_id
        await ann.drop()
        ann.token = token
        await ann.open()
        await stage.rest()
        assert [error.code for error in ann.errors] == ["resume_failed"]
        assert ann.participant_id != first
        stage.check(ann)


async def test_the_token_of_another_opens_nothing():
    async with scene() as stage:
        ann, eve = await stage.join_at_once("ann", "eve")
        await stage.rest()
        await eve.drop()
        eve.token = ann.token
        await eve.open()
        await stage.rest()
        assert [error.code for error in eve.errors] == ["resume_failed"]
        stage.check(ann, eve)


async def test_a_replacement_missed_with_the_channel_is_made_up_for():
    async with scene(latency=0.05, peer_factory=SilentPeer) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        stage.media.kill(stage.session(ann))
        await ann.drop()
        bob.unpublish("camera")
        await bob.publish("screen")
        await stage.rest(5)
        assert stage.member(ann)["epoch"] == 2
        assert ann.epoch == 1
        await ann.reconnect()
        await stage.rest()
        stage.check(ann, bob)


async def test_rights_taken_away_meanwhile_hold_from_the_resume_on():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        await ann.drop()
        ann._permissions = Permissions(publish=frozenset({"microphone"}))
        await ann.reconnect()
        await stage.rest()
        assert set(bob.receiving()) == {("ann", "microphone")}
        stage.check(bob)


async def test_after_the_host_restarted_everyone_is_back_without_being_asked():
    async with scene(latency=0.05) as stage:
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        await stage.rooms.aclose()
        assert stage.emulator.active_tracks() == []
        async with (
            client(stage.emulator) as realtime,
            Rooms(realtime) as rooms,
            Guests(rooms, ROOM) as guests,
        ):
            for one in people:
                await one.drop()
                one._rooms = rooms
            await asyncio.gather(*(one.open() for one in people))
            await stage.rest()
            assert all([error.code for error in one.errors] == ["resume_failed"] for one in people)
            Scene(stage.emulator, realtime, rooms, guests).check(*people)


async def test_after_a_host_that_crashed_everyone_is_back_and_the_old_sessions_end_by_themselves():
    async with scene(latency=0.05) as stage:
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        old = [session for session, _ in stage.sessions().values()]
        async with (
            client(stage.emulator) as realtime,
            Rooms(realtime) as rooms,
            Guests(rooms, ROOM) as guests,
        ):
            for one in people:
                await one.drop()
                one._rooms = rooms
            await asyncio.gather(*(one.open() for one in people))
            for session in old:
                stage.media.kill(session)  # what the clients' closing their connections does
            await stage.rest()
            Scene(stage.emulator, realtime, rooms, guests).check(*people)
