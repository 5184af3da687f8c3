"""What people publish: muted, stopped, shared, collected, and all of it at awkward moments."""

from __future__ import annotations

import json

import pytest

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.testing import Outgoing, RefusedError
from tests.cfrealtime_rooms.scenarios.scene import API, scene, sources

pytestmark = pytest.mark.looptime


def slow(emulator):
    emulator.faults.delay = API


def muted(guest, name):
    return {one.source for one in guest.others[name].publications if one.muted}


async def test_camera_off_for_forty_seconds_and_on_again_costs_nothing_and_loses_nothing():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        before = stage.emulator.count()
        ann.mute("camera")
        await stage.rest(40)
        assert muted(bob, "ann") == {"camera"}
        ann.unmute("camera")
        await stage.rest(1)
        assert muted(bob, "ann") == set()
        stage.check(ann, bob)
        assert stage.emulator.count() == before


async def test_a_share_arrives_and_goes_and_the_next_one_uses_its_mids():
    async with scene(latency=0.05) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        ann._sources["screen_audio"] = Outgoing("screen_audio", "audio")
        await ann.publish("screen")
        await stage.rest()
        assert {("ann", "screen"), ("ann", "screen_audio")} <= set(bob.receiving())
        sections = stage.member(bob)["sections"]
        ann.unpublish("screen")
        ann.unpublish("screen_audio")
        await stage.rest()
        assert set(bob.receiving()) == sources("ann")
        stage.check(ann, bob)
        await ann.publish("screen")
        await stage.rest()
        assert ("ann", "screen") in bob.receiving()
        assert stage.member(bob)["sections"] == sections
        stage.check(ann, bob)


async def test_a_source_unpublished_while_its_offer_is_on_the_way_is_not_published():
    async with scene(setup=slow) as stage:
        bob = await stage.join("bob")
        ann = await stage.join("ann")
        await stage.rest()
        ann._sources["screen"] = Outgoing("screen", "video")
        ann._ask()
        await stage.rest(0.05)
        assert stage.member(ann)["phase"] == "Calling"
        ann.unpublish("screen")
        await stage.rest()
        assert set(bob.receiving()) == sources("ann")
        assert ann.errors == []
        stage.check(ann, bob)


async def test_a_source_muted_while_it_is_published_anew_stays_muted():
    async with scene(setup=slow) as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()
        ann.peer.fail()
        await stage.rest(0.05)
        assert stage.member(ann)["phase"] == "Calling"
        ann.mute("microphone")
        await stage.rest()
        assert muted(bob, "ann") == {"microphone"}
        stage.check(ann, bob)


async def test_who_reports_packets_again_after_half_a_minute_is_looked_at():
    async with scene() as stage:
        ann, bob = await stage.join_at_once("ann", "bob")
        await stage.rest()

        def report(*sending):
            ann.send_raw(json.dumps({"type": "media", "epoch": ann.epoch, "sending": sending}))

        stage.media.silence(stage.session(ann), stage.mid(ann, "camera"))
        report("microphone")
        await stage.rest(31)
        report("microphone", "camera")
        await stage.rest()
        assert stage.operations().count("get_session") == 1
        stage.check(ann, bob)


async def test_a_source_nobody_can_receive_holds_up_no_other():
    async with scene() as stage:
        bob = await stage.join("bob")
        ann = await stage.join("ann")
        await stage.rest()
        cy = await stage.join("cy")
        stage.media.silence(stage.session(ann), stage.mid(ann, "camera"))
        await stage.rest(6)
        dan = await stage.join("dan")
        await stage.rest(12)  # the call for both of ann's is held for 10 s
        assert ("ann", "microphone") in dan.receiving()
        assert ("ann", "camera") not in dan.receiving()
        late = await stage.join("late")
        await stage.rest(14)
        assert sources("late") <= set(dan.receiving())
        stage.media.flow(stage.session(ann))
        await stage.rest(60)
        stage.check(ann, bob, cy, dan, late)


async def test_a_source_that_is_not_allowed_is_refused_and_the_rest_goes_on():
    async with scene() as stage:
        bob = await stage.join("bob")
        ann = await stage.join("ann", permissions=Permissions(publish=frozenset({"microphone", "camera"})))
        await stage.rest()
        with pytest.raises(RefusedError, match="not_allowed"):
            await ann.publish("screen")
        cy = await stage.join("cy")
        await stage.rest(2)
        stage.check(ann, bob, cy)


async def test_after_a_refused_offer_the_next_one_is_granted_at_once():
    async with scene() as stage:
        ann = await stage.join("ann", sources=(), permissions=Permissions(publish=frozenset({"microphone"})))
        await stage.rest(1)
        with pytest.raises(RefusedError, match="not_allowed"):
            await ann.publish("camera")
        await ann.publish("microphone", within=1)
        await stage.rest()
        stage.check(ann)
