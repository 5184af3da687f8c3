"""People who come and go for a while: some hang up, some vanish, and the emulator must forget them all.

They speak; some have a camera, some of these in layers; some talk in data channels; bots come and go over
WebSockets, and say or hear something.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from attrs import Factory, define, frozen

from tests.bench.emulator.room import Host, Person, hosted
from tests.cfrealtime.emulator.adapters import calls
from tests.cfrealtime.emulator.adapters.bot import Bot, running_bot

AT_ONCE = 8
FEWEST = 10
"""So many come in every half, however slow this machine is."""
JOURNAL = 500
"""So few calls are remembered, that what the journal holds is the same at every look."""
SPEED = 15
"""In a rest the emulator's clock runs so many times as fast."""
FORGETTING = 90.0
"""Seconds of a rest at most. An endpoint that has vanished is missed after 15, on any clock; then its session
may come back for 30 s of the emulator's time, and is remembered for ten minutes."""
LOOK_EVERY = 0.5
SILENCE = bytes(19_200)


@frozen
class Story:
    """What was held before, in the middle and after, and who came."""

    before: dict[str, float]
    middle: dict[str, float]
    after: dict[str, float]
    came: Counter[str]
    """People, and what some of them had."""

    def left(self, what: str) -> float:
        """What of this was not there before."""
        return self.after[what] - self.before[what]

    @property
    def growth(self) -> float:
        """Megabytes of the second half."""
        return self.after["megabytes"] - self.middle["megabytes"]


async def churn(
    seconds: float, *, core: int | None = 0, vanishing: float = 0.3, speed: float = SPEED
) -> Story:
    """Two halves of so many seconds together, each with a rest in which everything ends."""
    async with hosted(core, journal=JOURNAL) as host, running_bot() as bot:
        crowd = Crowd(host, bot, vanishing, speed)
        await crowd.half(min(20.0, seconds / 4), 0)  # what is made once is made before we look
        before = await host.held()
        crowd.came.clear()
        await crowd.half(seconds / 2, 1)
        middle = await host.held()
        await crowd.half(seconds / 2, 2)
        return Story(before, middle, await host.held(), crowd.came)


@define
class Crowd:
    """Those who are there, and those who were."""

    host: Host
    bot: Bot
    vanishing: float
    """The share of those who go without a word."""
    speed: float
    here: list[Person] = Factory(list[Person])
    came: Counter[str] = Factory(Counter[str])

    async def half(self, seconds: float, seed: int) -> None:
        """Let people come and go, then wait until the last one is forgotten."""
        chance, loop, already = Random(seed), asyncio.get_running_loop(), self.came["sessions"]
        until = loop.time() + seconds
        while loop.time() < until or self.came["sessions"] < already + FEWEST:
            await self._comes(chance)
            if len(self.here) >= AT_ONCE:
                gone = self.here.pop(chance.randrange(len(self.here)))
                await self._goes(gone, vanish=chance.random() < self.vanishing)
        while self.here:
            await self._goes(self.here.pop(), vanish=False)
        await self._rest()

    async def _comes(self, chance: Random) -> None:
        video, layers, chat = (chance.random() < share for share in (0.5, 0.3, 0.4))
        rids = ("f", "q") if video and layers else ()
        number = self.came["sessions"]
        person = await Person.publishing(self.host.client, number, video=video, rids=rids, chat=chat)
        self.came.update(sessions=1, simulcast=bool(rids), chats=chat)
        await asyncio.sleep(0.05)
        others = chance.sample(self.here, min(3, len(self.here)))
        await person.receive(others)
        if chat:
            for other in others:
                if other.chat is not None:
                    await person.talk(other)
        self.here.append(person)
        if chance.random() < 0.2:
            await self._bot_visits(person)

    async def _bot_visits(self, person: Person) -> None:
        """One bot speaks, another one listens to somebody, who may leave before it does."""
        client = self.host.client
        speaks = await calls.made(client, calls.ingest(endpoint=self.bot.url))
        await self.bot.say(SILENCE)
        listens = await calls.made(client, calls.egress(person.peer.id, endpoint=self.bot.url))
        self.came.update(adapters=2)
        await asyncio.sleep(0.1)
        closed = await calls.close(client, speaks["adapterId"], listens["adapterId"])
        assert closed.status_code == 200, closed.text

    async def _goes(self, person: Person, *, vanish: bool) -> None:
        """Leave as a closed page does, which says good-bye, or as a lost phone, which does not."""
        self.came.update(messages=person.endpoint.heard.total(), vanished=vanish)
        if person.source is not None:
            person.source.stop()
        if vanish:
            person.endpoint.vanish()
        await person.endpoint.close()

    async def _rest(self) -> None:
        """Return when nobody is known any more; whoever still is after a while has been left behind."""
        client = self.host.client
        await client.post("/_emulator/faults", json=f"clock speed={self.speed:g}")
        for _ in range(int(FORGETTING / LOOK_EVERY)):
            await asyncio.sleep(LOOK_EVERY)
            if not (await client.get("/_emulator/state")).json()["sessions"]:
                break
        await client.delete("/_emulator/faults")
