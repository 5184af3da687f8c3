"""What a join costs in API calls; what costs none."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.cfrealtime_rooms.scenarios.scene import API, ROUND_TRIP, Scene, scene

pytestmark = pytest.mark.looptime


def realistic(emulator):
    emulator.faults.delay = API


async def filled(stage: Scene, count: int) -> list:
    people = await stage.join_at_once(*(f"p{n}" for n in range(count)))
    await stage.rest(30)
    return people


@pytest.mark.parametrize(("others", "batches"), [(1, 1), (2, 1), (4, 1), (7, 1), (33, 2)])
async def test_a_quiet_join_costs_two_calls_and_two_a_batch_and_two_for_each_other(others, batches):
    async with scene(setup=realistic, latency=ROUND_TRIP / 2) as stage:
        people = await filled(stage, others)
        before = stage.emulator.count()
        joiner = await stage.join("joiner")
        await stage.rest(20)
        spent = stage.calls_by_session(before)
        stage.check(joiner)
        assert spent.pop("none") == 1  # sessions/new names no session
        assert spent.pop(stage.session(joiner)) == 1 + 2 * batches
        assert all(count == 2 for count in spent.values())
        assert len(spent) == len(people)


@pytest.mark.parametrize("count", [3, 6, 10, 33])
async def test_a_join_of_all_at_once_costs_the_least_there_is(count):
    async with scene(setup=realistic, latency=ROUND_TRIP / 2) as stage:
        people = await filled(stage, count)
        stage.check(*people)
        assert stage.emulator.count() == 4 * count


@pytest.mark.parametrize("count", [3, 6, 10, 33])
async def test_a_join_of_all_within_a_second_costs_at_most_eight_calls_each(count):
    rng = random.Random(count)

    async def come(stage, name):
        await asyncio.sleep(rng.random())
        return await stage.join(name, latency=rng.uniform(0.5, 1.5) * ROUND_TRIP / 2)

    async with scene(setup=realistic) as stage:
        people = await asyncio.gather(*(come(stage, f"p{n}") for n in range(count)))
        await stage.rest(20)
        stage.check(*people)
        assert stage.emulator.count() <= 8 * count


async def test_words_mutes_attributes_snapshots_and_time_cost_nothing():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await filled(stage, 3)
        before = stage.emulator.count()
        ann.mute("camera")
        bob.say("hello")
        cy.set_attributes(hand="up")
        bob.send_raw('{"type": "snapshot"}')
        ann.unmute("camera")
        await stage.rest(120)
        stage.check(ann, bob, cy)
        assert [message.text for message in ann.messages] == ["hello"]
        assert bob.others["p2"].attributes == {"hand": "up"}
        assert stage.emulator.count() == before
