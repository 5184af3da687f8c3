"""What can be counted on a bench of the emulator: in a small room everything arrives, and nothing stays."""

from __future__ import annotations

import asyncio

from tests.bench.emulator.churn import churn
from tests.bench.emulator.onlooker import onlooker
from tests.bench.emulator.questions import LEFT
from tests.bench.emulator.room import Flow, Host, Person, Used, everyone_receives, hosted, watch

NOTHING = Used(0.0, 0.0, 0.0)


async def settled(host: Host, tasks: float) -> dict[str, float]:
    """What is held once so few tasks are left, or after a while if they stay."""
    for _ in range(300):
        held = await host.held()
        if held["tasks"] <= tasks:
            break
        await asyncio.sleep(0.1)
    return held


async def test_everything_that_is_published_arrives_at_everyone_while_somebody_looks_and_nothing_stays():
    async with hosted(core=None) as host:
        before = await host.held()
        people = [await Person.publishing(host.client, number) for number in range(3)]
        people.append(await Person.viewing(host.client, 3))
        for person in people:
            await person.receive([p for p in people if p.source is not None and p is not person])
        await everyone_receives(people[:3], 4)
        await everyone_receives(people[3:], 6)
        async with onlooker(host) as looks:
            flow = await watch(host, people, 1.0)
        for person in people:
            await person.leave()
        after = await settled(host, before["tasks"])
    assert min(look.size for look in looks) > 1000
    assert flow.sent > 0  # how many is a matter of what else the machine does
    assert flow.arrived == flow.expected == 3 * flow.sent
    assert sum(map(len, flow.delays.values())) == flow.arrived
    assert (after["tasks"], after["descriptors"]) == (before["tasks"], before["descriptors"])


def flow(delays: dict[int, list[int]]) -> Flow:
    return Flow(1.0, 100, 100, 100, delays, NOTHING)


def test_a_delay_is_that_of_a_share_of_all_packets():
    hundred = [1000 * n for n in range(100, 0, -1)]
    seen = flow({7: hundred[:60], 8: hundred[60:]})
    assert [seen.delay(share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 51.0, 100.0, 100.0]
    assert flow({}).delay(0.5) == flow({}).usual_delay(0.5) == 0.0


def test_a_usual_second_is_not_the_one_in_which_something_else_had_the_machine():
    seen = flow({7: [1000, 2000], 8: [90_000, 80_000], 9: [3000, 1000]})
    assert (seen.usual_delay(0.99), seen.delay(0.99)) == (3.0, 90.0)


async def test_nothing_stays_of_those_who_come_and_go_with_layers_data_channels_and_bots():
    story = await churn(0.0, core=None, vanishing=0.0, speed=1000)
    assert min(story.came[what] for what in ("sessions", "simulcast", "messages", "adapters")) > 0
    assert {what: story.left(what) for what in LEFT} == dict.fromkeys(LEFT, 0)
