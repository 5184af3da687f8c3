"""People who come and go for a while: some hang up, some vanish, and the emulator must forget them all."""

from __future__ import annotations

import asyncio
from random import Random

from attrs import frozen

from tests.bench.emulator.room import Host, Person, hosted

AT_ONCE = 8
SPEED = 15
"""In a rest the emulator's clock runs so many times as fast."""
FORGETTING = 60.0
"""Seconds of a rest. An endpoint that has vanished is missed after 15, on any clock; then its session may
come back for 30 s of the emulator's time, and is remembered for ten minutes."""


@frozen
class Story:
    """What was held before, in the middle and after, and how many came."""

    before: dict[str, float]
    middle: dict[str, float]
    after: dict[str, float]
    sessions: int

    @property
    def growth(self) -> float:
        """Kilobytes for each session of the second half."""
        return (self.after["megabytes"] - self.middle["megabytes"]) * 1000 / max(1, self.sessions / 2)


async def churn(seconds: float, forgetting: float = FORGETTING) -> Story:
    """Two halves of so many seconds together, each with a rest in which everything ends."""
    async with hosted() as host:
        await _half(host, 3.0, 0, forgetting)  # what is made once is made before we look
        before = await host.held()
        first = await _half(host, seconds / 2, 1, forgetting)
        middle = await host.held()
        second = await _half(host, seconds / 2, 2, forgetting)
        return Story(before, middle, await host.held(), first + second)


async def _half(host: Host, seconds: float, seed: int, forgetting: float) -> int:
    chance, here, count = Random(seed), list[Person](), 0
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        person = await Person.publishing(host.client, count, video=chance.random() < 0.5)
        count += 1
        await asyncio.sleep(0.05)
        await person.receive(chance.sample(here, min(3, len(here))))
        here.append(person)
        if len(here) >= AT_ONCE:
            await _go(here.pop(chance.randrange(len(here))), vanish=chance.random() < 0.3)
    for person in here:
        await _go(person, vanish=False)
    await host.client.post("/_emulator/faults", json=f"clock speed={SPEED}")
    await asyncio.sleep(forgetting)
    await host.client.delete("/_emulator/faults")
    return count


async def _go(person: Person, *, vanish: bool) -> None:
    """Leave as a closed page does, which says good-bye, or as a lost phone, which does not."""
    if person.source is not None:
        person.source.stop()
    if vanish:
        person.endpoint.vanish()
    await person.endpoint.close()
