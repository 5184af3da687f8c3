"""One storm from its beginning to its end, as data: a climate and steps; drawn, run, made shorter."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from tests.cfrealtime_rooms.storm import outer_moves, people_moves  # noqa: F401 - they declare the moves
from tests.cfrealtime_rooms.storm.clock import VirtualLoop
from tests.cfrealtime_rooms.storm.moves import Step, drawn, make
from tests.cfrealtime_rooms.storm.rest import calm, check, check_the_end
from tests.cfrealtime_rooms.storm.world import DOMAINS, Climate, World, world

WAITS = (0.0, 0.01, 0.1, 0.5, 2.0)


@frozen
class Episode:
    """What happened: enough to make it happen again."""

    climate: Climate
    steps: tuple[Step, ...]
    """With waits in between, which are moves named `wait` but do not count as steps."""


async def step(there: World, one: Step) -> bool:
    """One move, or a wait."""
    name, values = one
    if name == "wait":
        await asyncio.sleep(values["seconds"])
        return True
    happened = await make(there, one)
    there.complain()
    return happened


async def end(there: World) -> None:
    """Rest, look, and end."""
    await calm(there)
    await check(there)
    await check_the_end(there)


def climate_of(rng: random.Random) -> Climate:
    """Any climate."""
    return Climate(**{name: rng.choice(values) for name, values in DOMAINS.items()})


async def blow(seed: str, length: int, log: list[Step]) -> Counter[str]:
    """So many moves that happen, drawn from a seed. `log` gets all there is to repeat them."""
    rng = random.Random(seed)
    done = Counter[str]()
    async with world(climate_of(rng)) as there:
        while done.total() < length:
            wait = rng.choice(WAITS)
            if rng.random() < 0.5:
                log.append(("wait", {"seconds": wait}))
                await step(there, log[-1])
            for one in drawn(rng):
                log.append(one)
                if await step(there, one):
                    done[one[0]] += 1
                    break
                log.pop()
        await end(there)
        done["calls"], done["calls allowed"] = there.emulator.count(), there.allowed
    return done


async def repeat(climate: Climate, steps: Sequence[Step]) -> None:
    """The same again, or a part of it."""
    async with world(climate) as there:
        for one in steps:
            await step(there, one)
        await end(there)


def run(what: Any) -> Any:
    """In virtual time, on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(what)


def failure_of(climate: Climate, steps: Sequence[Step]) -> BaseException | None:
    """How it fails, if it does."""
    try:
        run(repeat(climate, steps))
    except Exception as error:
        return error
    return None


def shortest(climate: Climate, steps: Sequence[Step], tries: int = 400) -> list[Step]:
    """The fewest of these steps found that still fail: parts are left out, smaller and smaller ones."""
    left, part = list(steps), max(1, len(steps) // 2)
    while tries > 0:
        at, before = 0, len(left)
        while at < len(left) and tries > 0:
            tries -= 1
            without = left[:at] + left[at + part :]
            if failure_of(climate, without) is not None:
                left = without
            else:
                at += part
        if part == 1 and len(left) == before:
            break
        part = max(1, part // 2)
    return left
