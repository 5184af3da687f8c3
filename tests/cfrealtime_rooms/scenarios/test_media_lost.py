"""A media session that cannot be trusted is replaced, and nobody else notices more than that."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.cfrealtime_rooms.scenarios.scene import API, scene, sources

pytestmark = pytest.mark.looptime


def slow(emulator):
    emulator.faults.delay = API


def undisturbed(before, after, *, but):
    return {who: session for who, session in before.items() if who != but}.items() <= after.items()


async def test_a_lost_connection_is_replaced_and_the_others_keep_theirs():
    async with scene(latency=0.05) as stage:
        ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        before, calls = stage.sessions(), stage.emulator.count()
        ann.peer.fail()
        stage.media.kill(before["ann"][0])
        await stage.rest()
        after = stage.sessions()
        assert after["ann"][1] == 2
        assert undisturbed(before, after, but="ann")
        assert stage.operations(calls, of=bob) == ["update_tracks"]
        stage.check(ann, bob, cy)


async def test_a_viewers_lost_connection_is_replaced_by_the_rooms_next_offer():
    async with scene() as stage:
        ann, vic = await stage.join("ann"), await stage.join("vic", sources=())
        await stage.rest()
        vic.peer.fail()
        await stage.rest()
        assert vic.epoch == 2
        assert set(vic.receiving()) == sources("ann")
        stage.check(ann, vic)


async def test_a_session_the_sfu_has_ended_is_replaced_when_it_is_next_used():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        stage.media.kill(stage.session(ann))
        cy = await stage.join("cy")
        await stage.rest(20)
        assert stage.member(ann)["epoch"] == 2
        assert stage.member(bob)["epoch"] == 1
        stage.check(ann, bob, cy)


async def test_a_connection_that_fails_again_and_again_is_tried_more_and_more_slowly():
    async with scene() as stage:
        bob = await stage.join("bob")
        ann = await stage.join("ann")
        await stage.rest()

        async def failing():
            while True:
                await ann.wait_until(lambda: ann.connected, within=30)
                ann.peer.fail()
                await asyncio.sleep(0.01)

        calls = stage.emulator.count()
        trouble = asyncio.create_task(failing())
        await stage.rest(60)
        trouble.cancel()
        assert stage.emulator.count() - calls < 100
        await stage.rest(60)
        assert ann.closed is None
        stage.check(ann, bob)


async def test_a_client_that_only_ever_reports_failure_is_shown_out():
    async with scene() as stage:
        bob = await stage.join("bob")
        ann = await stage.join("ann")
        await stage.rest()
        for epoch in range(1, 40):
            ann.send_raw(json.dumps({"type": "media", "epoch": epoch, "state": "failed", "sending": []}))
        await stage.rest()
        assert ann.closed == "media_failed"
        stage.check(bob)
