"""What a join costs in API calls; what costs none."""

from __future__ import annotations

import asyncio
import json
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


@pytest.mark.parametrize("count", [3, 6, 10])
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


async def test_fifty_who_come_within_a_second_cost_little_more_than_the_least_there_is():
    count = 50
    async with scene(setup=realistic, latency=ROUND_TRIP / 2) as stage:
        people = [await stage.arrive(f"p{n}") for n in range(count)]
        coming = []
        for one in people:
            coming.append(asyncio.create_task(one.join(within=30)))
            await asyncio.sleep(1 / count)
        await asyncio.gather(*coming)
        await until_complete(people)
        complete = stage.emulator._world.age
        await stage.rest(20)
        stage.check(*people)
        floor = count * (2 + 2 * 2)  # 98 tracks are two batches
        assert stage.emulator.count() <= 1.5 * floor
        made = [call["at"] for call in stage.calls() if call["operation"] == "new_session"]
        assert len(made) == count
        assert max(made) - min(made) <= 1 + API
        published = max(call["at"] for call in first_calls(stage))
        assert complete - (published + API) <= 3 * (API + ROUND_TRIP + API)


def first_calls(stage: Scene) -> list[dict]:
    """The first `new_tracks` of every session: its publish."""
    first: dict[str, dict] = {}
    for call in stage.calls():
        if call["operation"] == "new_tracks":
            first.setdefault(call["session_id"], call)
    return list(first.values())


async def until_complete(people: list) -> None:
    """Until everyone receives everyone. By mids alone: with fifty, whoever looks at more is slow."""
    for _ in range(6_000):
        if all(len(one.mids) == 2 * (len(people) - 1) for one in people):
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("somebody does not receive everyone")


async def test_fifty_sessions_are_made_in_about_one_round_trip():
    async with scene(setup=realistic) as stage:
        people = [await stage.arrive(f"p{n}") for n in range(50)]
        for one in people:
            one._tell(
                "join", name=one.name, offer="v=0", tracks=[{"mid": "0", "source": "x", "kind": "audio"}]
            )
        await stage.rest(API + 0.01)
        assert stage.emulator.count("new_session") == 50
        assert stage.emulator.count("new_tracks") == 50  # each goes on with its own


@pytest.mark.parametrize(("repointing", "calls"), [(True, 1), (False, 3)])
async def test_a_reconnect_costs_each_other_one_call_or_three(repointing, calls):
    async with scene(setup=realistic, latency=ROUND_TRIP / 2) as stage:
        stage.faults.repointing = repointing
        ann, *others = await filled(stage, 5)
        if not repointing:  # it is found out once
            ann.peer.fail()
            await stage.rest(20)
        before = stage.emulator.count()
        await ann.drop()
        await ann.reconnect(reload=True)
        await stage.rest(20)
        spent = stage.calls_by_session(before)
        assert [spent[stage.session(one)] for one in others] == [calls] * 4
        stage.check(ann, *others)


async def test_a_join_is_one_message_of_constant_size_to_each_other():
    async with scene(setup=realistic, latency=ROUND_TRIP / 2) as stage:
        sizes = []
        (first,) = await filled(stage, 1)
        heard = overheard(first)
        for n in range(1, 12):
            heard.clear()
            await stage.join(f"joiner-{n:02}")
            await stage.rest(20)
            assert [kind for kind, _ in heard if kind in ("delta", "snapshot")] == ["delta"]
            sizes += [size for kind, size in heard if kind == "delta"]
        assert max(sizes) - min(sizes) <= 2  # digits of the revision
        assert max(sizes) < 600


async def test_snapshots_come_on_joining_and_after_a_gap_only():
    async with scene(latency=ROUND_TRIP / 2) as stage:
        ann, bob, cy = await filled(stage, 3)
        heard = overheard(ann)
        await stage.join("dan")
        bob.mute("camera")
        cy.set_attributes(hand="up")
        cy.peer.fail()
        await stage.rest(20)
        await bob.leave()
        await stage.rest(20)
        assert "snapshot" not in [kind for kind, _ in heard]
        on_delta, lost = ann._handlers["delta"], []

        async def lose(message):
            lost.append(message)
            ann._handlers = {**ann._handlers, "delta": on_delta}

        ann._handlers = {**ann._handlers, "delta": lose}
        cy.set_attributes(hand="down")
        await stage.rest(1)
        cy.set_attributes(hand="up")
        await stage.rest(1)
        assert len(lost) == 1
        assert [kind for kind, _ in heard].count("snapshot") == 1
        assert ann.others["p2"].attributes == {"hand": "up"}


def overheard(guest) -> list[tuple[str, int]]:
    """Kind and size of everything the room says to a guest from now on."""
    heard = []

    def listening(handler):
        async def listen(message):
            heard.append((message["type"], len(json.dumps(message))))
            await handler(message)

        return listen

    guest._handlers = {kind: listening(handler) for kind, handler in guest._handlers.items()}
    return heard
