"""The shipped policies and `visible` on the emulator, their calls counted."""

from __future__ import annotations

import pytest

from cfrealtime_rooms import audio_only, selected
from tests.cfrealtime_rooms.scenarios.scene import scene, sources

pytestmark = pytest.mark.looptime


async def test_audio_only_costs_what_audio_costs():
    async with scene(settings={"policy": audio_only}) as stage:
        people = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(30)
        assert set(people[0].receiving()) == {("bob", "microphone"), ("cy", "microphone")}
        assert stage.emulator.count() == 4 * 3


async def test_what_a_client_selects_it_gets_and_changing_its_mind_costs_one_call():
    async with scene(settings={"policy": selected}, latency=0.05) as stage:
        ann, bob, cy = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(30)
        assert ann.receiving() == {}
        ann.select(participants=[bob.participant_id])
        await stage.rest()
        assert set(ann.receiving()) == sources("bob")
        before = stage.emulator.count()
        ann.select(participants=[cy.participant_id])
        await stage.rest()
        assert set(ann.receiving()) == sources("cy")
        assert stage.operations(before) == ["update_tracks"]
        ann.select()
        await stage.rest()
        assert ann.receiving() == {}
        assert stage.operations(before) == ["update_tracks", "close_tracks"]
        assert bob.receiving() == cy.receiving() == {}


async def test_a_choice_survives_a_lost_connection():
    async with scene(settings={"policy": selected}, latency=0.05) as stage:
        ann, bob, _ = await stage.join_at_once("ann", "bob", "cy")
        await stage.rest(30)
        ann.select(participants=[bob.participant_id])
        await stage.rest()
        ann.peer.fail()
        await stage.rest()
        assert set(ann.receiving()) == sources("bob")


def on_stage(room, viewer, other):
    """Everyone sees the stage, the stage sees everyone."""
    return "stage" in viewer.attributes or "stage" in other.attributes


async def test_a_message_tells_nobody_about_somebody_it_may_not_hear_of():
    async with scene(settings={"visible": on_stage}, latency=0.05) as stage:
        host = await stage.join("host", host_attributes={"stage": "yes"})
        one, two = [await stage.join(name, sources=()) for name in ("one", "two")]
        one.say("may I ask something?")  # even before the others are told of it
        await stage.rest(5)
        host.say("please")
        two.say("psst", to=[one.participant_id])
        await stage.rest(1)
        assert [said.text for said in host.messages] == ["may I ask something?", "please"]
        assert [said.text for said in two.messages] == ["please"]
        assert [error.code for error in two.errors] == ["unknown_participant"]


async def test_an_audience_that_does_not_hear_of_itself_costs_itself_nothing():
    async with scene(settings={"visible": on_stage}, latency=0.05) as stage:
        host = await stage.join("host", host_attributes={"stage": "yes"})
        audience = [await stage.join(f"p{n}", sources=()) for n in range(5)]
        await stage.rest(20)
        assert set(host.others) == {f"p{n}" for n in range(5)}
        for one in audience:
            assert set(one.others) == {"host"}
            assert set(one.receiving()) == sources("host")
        before = stage.emulator.count()
        audience[0].set_attributes(stage="yes")
        await stage.rest(5)
        assert set(audience[1].others) == {"host", "p0"}
        assert set(audience[0].others) == {"host", "p1", "p2", "p3", "p4"}
        audience[0].set_attributes(stage="")
        await stage.rest(5)
        assert set(audience[1].others) == {"host"}
        assert stage.emulator.count() == before
        stage.check(host)
