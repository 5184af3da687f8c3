"""A room on the in-process emulator in virtual time, and what must hold when everybody rests."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import httpx

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator
from cfrealtime.emulator.media.manual import ManualMediaPlane
from cfrealtime_rooms import RoomEvent, Rooms
from cfrealtime_rooms.testing import Guests, LocalParticipant
from tests.cfrealtime_rooms.scenarios.wire import Wire

ROOM = "demo"
ROUND_TRIP = 0.15
"""Seconds to a client and back."""
API = 0.1
"""Seconds an API call takes."""


class Scene:
    """Emulator, rooms and guests of one test."""

    def __init__(self, emulator: Emulator, realtime: AsyncRealtime, rooms: Rooms, guests: Guests) -> None:
        self.emulator, self.realtime, self.rooms, self.guests = emulator, realtime, rooms, guests
        self.join, self.arrive, self.join_at_once = guests.join, guests.arrive, guests.join_at_once
        self.wire: Wire = Wire(emulator.app)
        self.events: list[RoomEvent] = []

    @property
    def faults(self) -> Any:
        return self.emulator.faults

    @property
    def media(self) -> ManualMediaPlane:
        assert isinstance(self.emulator.media, ManualMediaPlane)
        return self.emulator.media

    async def rest(self, seconds: float = 10.0) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    async def meet(self, *identities: str, **options: Any) -> list[LocalParticipant]:
        """Several who come at once, with time to receive each other."""
        people = await self.join_at_once(*identities, **options)
        await self.rest()
        return people

    async def until(self, guest: LocalParticipant, phase: str, within: float = 30.0) -> None:
        """Wait until the guest's lane is in this phase."""
        for _ in range(int(within / 0.005)):
            if self.member(guest)["phase"] == phase:
                return
            await asyncio.sleep(0.005)
        raise TimeoutError(f"waited {within:g} s for {phase}")

    # What the room knows.

    def room(self) -> dict[str, Any]:
        return self.rooms.inspect(ROOM) or {"participants": [], "ledger": []}

    def member(self, guest: LocalParticipant) -> dict[str, Any]:
        return next(p for p in self.room()["participants"] if p["id"] == guest.participant_id)

    def member_called(self, identity: str) -> dict[str, Any]:
        """The participant of this identity, whether or not its client has heard of it."""
        return next(p for p in self.room()["participants"] if p["identity"] == identity)

    def session(self, guest: LocalParticipant) -> str:
        return self.member(guest)["session_id"]

    def mid(self, guest: LocalParticipant, source: str) -> str:
        return next(p["mid"] for p in self.member(guest)["publications"] if p["source"] == source)

    def sessions(self) -> dict[str, tuple[str | None, int]]:
        """Session and epoch of everyone, by identity: who kept them was not disturbed."""
        return {p["identity"]: (p["session_id"], p["epoch"]) for p in self.room()["participants"]}

    def epochs(self) -> dict[str, int]:
        """How many sessions everyone has had, by identity."""
        return {who: epoch for who, (_, epoch) in self.sessions().items()}

    def seen(self, kind: type) -> list[Any]:
        """The host's events of this kind."""
        return [event for event in self.events if isinstance(event, kind)]

    # What was called.

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls after the `since`-th."""
        return [call for call in self.emulator.journal()["calls"] if call["n"] > since]

    def operations(self, since: int = 0, of: LocalParticipant | None = None) -> list[str]:
        session = self.session(of) if of is not None else None
        return [c["operation"] for c in self.calls(since) if session in (None, c["session_id"])]

    def calls_by_session(self, since: int = 0) -> Counter[str]:
        return Counter(call["session_id"] or "none" for call in self.calls(since))

    def asked(self, since: int = 0, of: LocalParticipant | None = None) -> list[int]:
        """How many tracks each `new_tracks` named."""
        session = self.session(of) if of is not None else None
        calls = [call for call in self.calls(since) if call["operation"] == "new_tracks"]
        return [call["tracks"] for call in calls if session in (None, call["session_id"])]

    # What must hold.

    def check(self, *guests: LocalParticipant) -> None:
        """At rest everyone has what the policy wants, and the SFU holds that and nothing else."""
        room = self.room()
        assert room["ledger"] == []
        assert self.emulator.journal()["breaches"] == []
        for member in room["participants"]:
            assert member["phase"] == "Idle", member
            received = [publication for publication in member["actual"].values() if publication]
            assert sorted(received) == sorted(member["wanted"]), member
        self._check_the_sfu(room["participants"])
        for guest in guests:
            assert guest.missing() == set(), guest.describe()
            assert guest.faults == []
            mids = {mid: one for mid, one in guest.mids.items() if guest.roster.owner(one)}
            assert mids == {mid: one for mid, one in self.member(guest)["actual"].items() if one}

    def _check_the_sfu(self, members: Collection[dict[str, Any]]) -> None:
        """Every active track is one the room knows of, and carries what the room says it carries."""
        published = {
            (member["session_id"], one["mid"]): one["id"]
            for member in members
            for one in member["publications"]
            if one["state"] == "live"
        }
        received = {
            (member["session_id"], mid): publication
            for member in members
            for mid, publication in member["actual"].items()
        }
        tracks = self.emulator.active_tracks()
        local = {(t["session_id"], t["track_name"]): t["mid"] for t in tracks if t["location"] == "local"}
        assert {(session, mid) for (session, _), mid in local.items()} == published.keys()
        remote = {
            (t["session_id"], t["mid"]): published[
                t["source_session_id"], local[t["source_session_id"], t["track_name"]]
            ]
            for t in tracks
            if t["location"] == "remote"
        }
        assert remote == {where: publication for where, publication in received.items() if publication}


@asynccontextmanager
async def scene(
    *, settings: dict[str, Any] | None = None, setup: Callable[[Emulator], None] | None = None, **guest: Any
) -> AsyncIterator[Scene]:
    """A room of its own; keywords are options of its guests. No fixture: they end outside its time."""
    async with no_faults_of_ours(), Emulator() as emulator:
        if setup is not None:
            setup(emulator)
        wire = Wire(emulator.app)
        async with (
            client(emulator, wire) as realtime,
            Rooms(realtime, **(settings or {})) as rooms,
            Guests(rooms, ROOM, **guest) as guests,
        ):
            stage = Scene(emulator, realtime, rooms, guests)
            stage.wire = wire
            watching = asyncio.create_task(_watch(rooms, stage.events))
            try:
                yield stage
            finally:
                watching.cancel()


@asynccontextmanager
async def successor(stage: Scene, **settings: Any) -> AsyncIterator[Scene]:
    """The same room in the hands of the next process."""
    async with (
        client(stage.emulator) as realtime,
        Rooms(realtime, **settings) as rooms,
        Guests(rooms, ROOM) as guests,
    ):
        yield Scene(stage.emulator, realtime, rooms, guests)


async def _watch(rooms: Rooms, events: list[RoomEvent]) -> None:
    async for event in rooms.events():
        events.append(event)


@asynccontextmanager
async def no_faults_of_ours() -> AsyncIterator[None]:
    """Fail where the rooms logged an error: what went wrong in a turn is logged, and the room goes on."""
    records = list[logging.LogRecord]()
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append
    log = logging.getLogger("cfrealtime_rooms")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
    messages = [record.getMessage() for record in records]
    assert messages == [], messages


def client(emulator: Emulator, wire: Wire | None = None) -> AsyncRealtime:
    """The SDK on an emulator in this process."""
    transport = wire if wire is not None else httpx.ASGITransport(emulator.app)
    return AsyncRealtime("demo", "secret", base_url="http://emulator/v1", transport=transport)


def sources(name: str) -> set[tuple[str, str]]:
    """What a usual guest sends."""
    return {(name, "microphone"), (name, "camera")}


def slow(emulator: Emulator) -> None:
    """Every call takes a while, as it does in the field."""
    emulator.faults.delay = API


def intercept(guest: LocalParticipant, kind: str) -> list[dict[str, Any]]:
    """Keep what the room says of this kind from the guest, until `release`; it is gathered here."""
    kept: list[dict[str, Any]] = []

    async def keep(message: Any) -> None:
        kept.append(message)

    guest._handlers = {**guest._handlers, kind: keep}
    return kept


async def release(guest: LocalParticipant, kind: str, kept: list[dict[str, Any]]) -> None:
    """Hand on what was kept, and keep nothing more."""
    guest._handlers = {**guest._handlers, kind: getattr(guest, f"_on_{kind}")}
    for message in kept:
        await guest.receive(json.dumps(message))
    kept.clear()


def say(guest: LocalParticipant, kind: str, **fields: Any) -> None:
    """Send a message of the protocol as it is given."""
    guest.send_raw(json.dumps({"type": kind, **fields}))
