"""Mids that change their publication without SDP: right owners, and a fallback where that is refused."""

from __future__ import annotations

import pytest

from cfrealtime_rooms import Settings
from cfrealtime_rooms.testing import connect
from tests.cfrealtime_rooms.scenarios.scene import Scene, scene, sources

pytestmark = pytest.mark.looptime


def refused(emulator):
    emulator.faults.repointing = False


def repointing(stage: Scene) -> bool:
    return stage.room()["repointing"]


async def test_who_comes_after_someone_left_is_received_on_the_spare_mids_under_the_right_name():
    async with scene(latency=0.05) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        mids = set(stage.member(bob)["actual"])
        await ann.leave()
        await stage.rest()
        assert stage.member(bob)["actual"] == dict.fromkeys(mids)
        cy = await stage.join("cy")
        await stage.rest()
        assert set(stage.member(bob)["actual"]) == mids
        assert set(bob.receiving()) == sources("cy")
        assert stage.operations(of=bob).count("renegotiate") == 1
        stage.check(bob, cy)


async def test_a_replaced_publisher_stays_on_its_mids():
    async with scene(latency=0.05) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        before = dict(bob.mids)
        ann.peer.fail()
        await stage.rest()
        assert bob.mids == before
        stage.check(ann, bob)


async def test_where_repointing_is_refused_mids_are_closed_and_subscribed_anew():
    async with scene(latency=0.05, setup=refused) as stage:
        ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        before = stage.sessions()
        assert repointing(stage)
        ann.peer.fail()
        await stage.rest()
        assert not repointing(stage)
        stage.check(ann, bob, cy)
        assert {who: stage.sessions()[who] for who in ("bob", "cy")} == {
            who: before[who] for who in ("bob", "cy")
        }


async def test_once_refused_it_is_not_tried_again_and_spares_are_closed():
    async with scene(latency=0.05, setup=refused) as stage:
        ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        ann.peer.fail()
        await stage.rest()
        updates = stage.emulator.count("update_tracks")
        await cy.leave()
        await stage.rest()
        dan = await stage.join("dan")
        await stage.rest()
        assert stage.emulator.count("update_tracks") == updates
        assert None not in stage.member(bob)["actual"].values()
        stage.check(ann, bob, dan)


async def test_a_refusal_right_after_a_subscription_is_no_reason_to_stop():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await bob.wait_until(lambda: len(bob.receiving()) == 2)
        await ann.leave()
        cy = await stage.join("cy")  # the spares are too young to be pointed anywhere
        await stage.rest()
        assert repointing(stage)
        assert any("update_track_error" in call["item_errors"] for call in stage.calls())
        stage.check(bob, cy)


async def test_a_target_that_is_missing_is_no_reason_to_stop():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        await ann.leave()
        cy = await stage.join("cy", sources=("microphone",))
        await cy.wait_until(lambda: bool(cy.me and cy.me.publications))
        name = next(t["track_name"] for t in stage.emulator.active_tracks(stage.session(cy)))
        stage.faults.fail_track(name, "not_found_track_error", times=2)
        await stage.rest(20)
        assert repointing(stage)
        stage.check(bob, cy)


async def test_a_session_that_grew_too_many_sections_is_replaced_when_it_is_quiet():
    async with scene(settings={"settings": Settings(max_sections=8)}, setup=refused) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        ann.peer.fail()
        await stage.rest()
        for _ in range(5):
            await ann.publish("screen")
            await stage.rest(5)
            ann.unpublish("screen")
            await stage.rest(5)
        assert stage.member(bob)["epoch"] == 2
        assert stage.member(bob)["sections"] <= 8
        stage.check(ann, bob)


async def test_a_session_whose_sections_are_all_in_use_is_not_replaced():
    async with scene(settings={"settings": Settings(max_sections=3)}, setup=refused) as stage:
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest()
        stage.rooms._stop_repointing()
        await stage.rest()
        assert [epoch for _, epoch in stage.sessions().values()] == [1, 1, 1]
        stage.check(*people)


async def test_one_room_finds_out_for_all_rooms():
    async with scene(setup=refused) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        async with connect(stage.rooms, "elsewhere", "eve", sources=()):
            ann.peer.fail()
            await stage.rest()
            assert stage.rooms.inspect("elsewhere")["repointing"] is False
            stage.check(ann, bob)
