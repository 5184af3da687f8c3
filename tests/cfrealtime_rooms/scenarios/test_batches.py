"""What a lane asks for in one call, and in which order."""

from __future__ import annotations

import pytest

from cfrealtime_rooms import Permissions
from cfrealtime_rooms.testing import Outgoing
from tests.cfrealtime_rooms.scenarios.scene import API, scene

pytestmark = pytest.mark.looptime

SPEAKER = Permissions(subscribe=False)


def slow(emulator):
    emulator.faults.delay = API


async def test_a_hundred_and_thirty_subscriptions_go_in_three_calls_audio_first():
    async with scene() as stage:
        thirteen = [Outgoing(f"a{n}", "audio") for n in range(7)] + [
            Outgoing(f"v{n}", "video") for n in range(6)
        ]
        for n in range(10):
            await stage.join(f"p{n}", sources=thirteen, permissions=SPEAKER)
        await stage.rest()
        before = stage.emulator.count()
        viewer = await stage.join("viewer", sources=())
        await stage.rest(20)
        stage.check(viewer)
        asked = [c["tracks"] for c in stage.calls(before) if c["operation"] == "new_tracks"]
        assert asked == [64, 64, 2]
        kinds = {mid: viewer.roster.owner(one)[1].kind for mid, one in viewer.mids.items()}
        assert [kinds[f"s{n}"] for n in range(130)] == ["audio"] * 70 + ["video"] * 60


async def test_two_who_join_while_a_third_negotiates_share_its_next_batch():
    async with scene(setup=slow, sources=("microphone",)) as stage:
        viewer = await stage.join("viewer", sources=())
        await stage.join("ann")
        while stage.member(viewer)["phase"] != "Calling":
            await stage.rest(0.01)
        before = stage.emulator.count()
        await stage.join_at_once("bob", "cy")
        await stage.rest()
        session = stage.session(viewer)
        asked = [
            call["tracks"]
            for call in stage.calls(before)
            if call["operation"] == "new_tracks" and call["session_id"] == session
        ]
        assert asked == [1, 2]
        stage.check(viewer)


async def test_one_refused_item_is_retried_alone_and_the_rest_stands():
    async with scene() as stage:
        people = [await stage.join(f"p{n}", permissions=SPEAKER) for n in range(5)]
        await stage.rest()
        name = stage.emulator.active_tracks(stage.session(people[0]))[0]["track_name"]
        stage.faults.fail_track(name, "internal_error", times=2)
        before = stage.emulator.count()
        viewer = await stage.join("viewer", sources=())
        await stage.rest()
        asked = [c["tracks"] for c in stage.calls(before) if c["operation"] == "new_tracks"]
        assert asked == [10, 1, 1]
        assert stage.member(viewer)["epoch"] == 1
        stage.check(viewer)


async def test_when_every_item_is_refused_each_is_tried_again():
    async with scene() as stage:
        ann = await stage.join("ann", permissions=SPEAKER)
        await stage.rest()
        for track in stage.emulator.active_tracks(stage.session(ann)):
            stage.faults.fail_track(track["track_name"], "internal_error", times=1)
        viewer = await stage.join("viewer", sources=())
        await stage.rest()
        stage.check(viewer)
        assert "" not in stage.member(viewer)["actual"]
        assert stage.member(viewer)["epoch"] == 1
