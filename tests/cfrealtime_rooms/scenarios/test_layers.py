"""Simulcast layers on the emulator, their calls counted."""

from __future__ import annotations

import pytest

from cfrealtime_rooms import Wanted, everyone
from cfrealtime_rooms.testing import Outgoing, SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import Scene, scene

pytestmark = pytest.mark.looptime

RIDS = ("c", "b", "a")
SOURCES = ("microphone", Outgoing("camera", "video", rids=RIDS), Outgoing("screen", "video", rids=RIDS))


class Layered(SilentPeer):
    """Offers its video in three layers."""

    async def create_offer(self, add=()):
        text, mids = await super().create_offer(add)
        layered = {mids[one.source] for one in add if one.rids}
        head, *sections = text.split("\r\nm=")
        lines = "".join(f"a=rid:{rid} send\r\n" for rid in RIDS) + f"a=simulcast:send {';'.join(RIDS)}\r\n"
        sections = [
            one + ("" if one.endswith("\r\n") else "\r\n") + lines
            if any(f"a=mid:{mid}\r\n" in one + "\r\n" for mid in layered)
            else one
            for one in sections
        ]
        return "\r\nm=".join([head, *(one.removesuffix("\r\n") for one in sections)]) + "\r\n", mids


async def people(stage: Scene):
    ann = await stage.join("ann", sources=SOURCES, peer_factory=Layered)
    bob = await stage.join("bob", sources=SOURCES, peer_factory=Layered)
    cy = await stage.join("cy", sources=())
    await stage.rest(20)
    return ann, bob, cy


def videos(guest) -> list[str]:
    return [one.id for view in guest.others.values() for one in view.publications if one.rids]


def layers(stage: Scene, guest) -> list[str | None]:
    """What the SFU was last asked for, by the room's word."""
    participant = stage.rooms._open["demo"]._machine.room.participants[guest.participant_id]
    subscriptions = participant.lane.subscriptions.values()
    return sorted({one.rid for one in subscriptions if one.kind == "video"}, key=str)


async def test_a_layer_change_costs_one_call_whatever_the_number_of_tracks():
    async with scene(latency=0.05) as stage:
        ann, bob, cy = await people(stage)
        assert len(videos(cy)) == 4
        before = stage.emulator.count()
        cy.prefer_layers(dict.fromkeys(videos(cy), "low"))
        await stage.rest()
        assert stage.operations(before) == ["update_tracks"]
        assert stage.operations(before, of=cy) == ["update_tracks"]
        assert layers(stage, cy) == ["c"]
        cy.prefer_layers(dict.fromkeys(videos(cy), "low"))
        await stage.rest()
        assert len(stage.operations(before)) == 1
        stage.check(ann, bob, cy)


async def test_a_layer_of_the_policys_costs_no_call_of_its_own():
    def small(room, subscriber):
        return [Wanted(one, "low") for one in everyone(room, subscriber)]

    async with scene(settings={"policy": small}, latency=0.05) as stage:
        ann, bob, cy = await people(stage)
        assert "update_tracks" not in stage.operations()
        assert layers(stage, cy) == ["c"]
        stage.check(ann, bob, cy)


async def test_a_layer_survives_a_new_session_of_either_side():
    async with scene(latency=0.05) as stage:
        ann, bob, cy = await people(stage)
        cy.prefer_layers(dict.fromkeys(videos(cy), "medium"))
        await stage.rest()
        ann.peer.fail()
        await stage.rest()
        assert layers(stage, cy) == ["b"]
        cy.peer.fail()
        await stage.rest()
        assert layers(stage, cy) == ["b"]
        stage.check(ann, bob, cy)


async def test_a_rid_that_is_unavailable_costs_a_few_calls_and_nobody_anything():
    async with scene(latency=0.05) as stage:
        ann = await stage.join("ann", sources=SOURCES)  # says that it has layers, and has none
        cy = await stage.join("cy", sources=())
        await stage.rest(20)
        before = stage.emulator.count()
        cy.prefer_layers(dict.fromkeys(videos(cy), "low"))
        await stage.rest(120)
        assert stage.operations(before) == ["update_tracks"] * 5
        assert stage.room()["repointing"]
        stage.check(ann, cy)
