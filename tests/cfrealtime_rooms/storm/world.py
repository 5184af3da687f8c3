"""The world of a storm: a house with one room, people, a service with faults; and what was asked of them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

from attrs import Factory, define, frozen

from cfrealtime.emulator import Emulator
from cfrealtime_rooms import MemoryStore, Permissions, Rooms, Settings, audio_only, everyone, selected
from cfrealtime_rooms.testing import Guests, RefusedError
from tests.cfrealtime_rooms.scenarios.scene import ROOM, Scene, no_faults_of_ours
from tests.cfrealtime_rooms.storm.door import Door, client_through
from tests.cfrealtime_rooms.storm.people import House, Person

PLACES = 6
IDENTITIES = 4
"""Fewer than places: some people have two tabs."""
POLICIES = {"everyone": everyone, "audio only": audio_only, "selected": selected}


@frozen
class Climate:
    """What holds for one world from its beginning to its end."""

    policy: str = "everyone"
    duplicates: str = "replace"
    max_participants: int = 100
    max_tracks: int | None = None
    teams: bool = False
    """People of different teams do not see each other, unless the room is open."""
    delay: float = 0.0
    repointing: bool = True


DOMAINS: dict[str, tuple[Any, ...]] = {
    "policy": tuple(POLICIES),
    "duplicates": ("replace", "reject", "allow"),
    "max_participants": (100, 100, 3),
    "max_tracks": (None, None, 4),
    "teams": (False, True),
    "delay": (0.0, 0.0, 0.1),
    "repointing": (True, True, True, False),
}
"""What a climate may be, the simplest first."""


@define
class Decisions:
    """What the host has decided for one opening of the room."""

    rights: dict[str, Permissions] = Factory(dict[str, Permissions])
    muted: dict[str, set[str]] = Factory(dict[str, set[str]])
    banned: dict[str, float] = Factory(dict[str, float])
    """Until when, by identity."""
    attributes: dict[str, str] = Factory(dict[str, str])


class World:
    """Everything that moves act on. Made by `world`."""

    def __init__(self, climate: Climate, emulator: Emulator, door: Door) -> None:
        self.climate, self.emulator, self.door = climate, emulator, door
        self.house, self.store = House(), MemoryStore()
        self.people: list[Person | None] = [None] * PLACES
        self.tasks: set[asyncio.Task[None]] = set()
        self.allowed = 50
        """How many calls all that has happened may have cost."""
        self.seen: set[tuple[str, str]] = set()
        """(viewer, other): the host's function has ever said yes."""
        self.chosen: dict[str, list[str]] = {}
        self._decisions: tuple[object, Decisions] = (None, Decisions())
        self._realtime = client_through(door)
        self._failure: BaseException | None = None
        self.open_house()
        self.stage = Scene(emulator, self._realtime, self.rooms, Guests(self.rooms, ROOM))

    # The host.

    @property
    def rooms(self) -> Rooms:
        """The rooms of the process that runs now."""
        assert self.house.rooms is not None
        return self.house.rooms

    @property
    def actor(self) -> Any:
        """What holds the room, while it is open."""
        return self.rooms._open.get(ROOM)

    def open_house(self) -> None:
        """A process starts."""
        options: dict[str, Any] = {"visible": self._visible} if self.climate.teams else {}
        self.house.rooms = Rooms(
            self._realtime,
            grace=5.0,
            policy=POLICIES[self.climate.policy],
            duplicates=self.climate.duplicates,
            max_participants=self.climate.max_participants,
            settings=Settings(max_tracks=self.climate.max_tracks, leak_after=1e9),  # nothing is given up
            store=self.store,
            **options,
        )

    def moved(self) -> None:
        """The process is another one."""
        self.stage.rooms = self.rooms

    def _visible(self, room: Any, viewer: Any, other: Any) -> bool:
        sees = self.sees(room.attributes, viewer.attributes, other.attributes)
        if sees:
            self.seen.add((viewer.id, other.id))
        return sees

    def sees(self, room: Any, viewer: Any, other: Any) -> bool:
        """Whether one with these attributes is told about one with those."""
        if not self.climate.teams or room.get("open"):
            return True
        return viewer.get("team") == other.get("team")

    @property
    def decisions(self) -> Decisions:
        """What was decided since the room was opened: it ends with the room."""
        if self._decisions[0] is not self.actor:
            self._decisions = (self.actor, Decisions())
        return self._decisions[1]

    # People.

    def person(self, place: int) -> Person | None:
        """Whoever has this place; what ended makes room."""
        person = self.people[place]
        if person is not None and person.closed is not None:
            self.people[place] = person = None
        return person

    def joined(self, place: int) -> Person | None:
        """The same, if in the room and on the line."""
        person = self.person(place)
        return person if person is not None and person.joined and person.attached else None

    def present(self) -> list[Person]:
        """Everyone with a place."""
        return [one for place in range(PLACES) if (one := self.person(place)) is not None]

    def spawn(self, what: Coroutine[Any, Any, Any]) -> None:
        """Begin something that may be refused, or never end: there is a storm."""

        async def run() -> None:
            with contextlib.suppress(RefusedError, TimeoutError, KeyError, ConnectionError):
                await what

        task = asyncio.get_running_loop().create_task(run())
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error

    def complain(self) -> None:
        """Fail where anything that was begun has failed."""
        if self._failure is not None:
            raise self._failure

    async def until_nothing_is_left(self) -> None:
        """Everybody goes, and the room with them."""
        for place in range(PLACES):
            if (person := self.person(place)) is not None:
                await person.aclose()
        await asyncio.gather(*self.tasks)
        await asyncio.sleep(90)


@asynccontextmanager
async def world(climate: Climate) -> AsyncIterator[World]:
    """A world with nobody in it."""
    with fated():
        async with no_faults_of_ours(), Emulator() as emulator:
            emulator.faults.delay, emulator.faults.repointing = climate.delay, climate.repointing
            there = World(climate, emulator, Door(emulator))
            try:
                yield there
            finally:
                for person in there.present():
                    await person.aclose()
                for task in tuple(there.tasks):
                    task.cancel()
                await asyncio.gather(*there.tasks, return_exceptions=True)
                if there.house.rooms is not None:
                    await there.rooms.aclose()


@contextlib.contextmanager
def fated() -> Iterator[None]:
    """Ids and secrets are the same every time: what goes by their order happens again."""
    fate = random.Random(0)
    with (
        mock.patch.object(secrets, "token_urlsafe", lambda n=16: fate.randbytes(n).hex()),
        mock.patch.object(secrets, "token_hex", lambda n=16: fate.randbytes(n).hex()),
        mock.patch.object(secrets, "token_bytes", lambda n=16: fate.randbytes(n)),
        mock.patch.object(secrets, "randbits", fate.getrandbits),
    ):
        yield
