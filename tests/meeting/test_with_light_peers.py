"""The browser scenarios without a browser: real packets through the emulator, canned pictures and sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from attrs import frozen

from cfrealtime import AsyncRealtime
from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.testing import Guests, LocalParticipant
from cfrealtime_rooms.testing.light import LightPeer

ROOM = "demo"
LONGEST = 60.0
"""Seconds until something that is expected is missed."""


@frozen
class Meeting:
    """A room with real media; the SFU's side can be looked at."""

    emulator: Emulator
    rooms: Rooms
    guests: Guests

    def participant(self, name: str) -> dict[str, Any]:
        """How the room sees someone."""
        inspection = self.rooms.inspect(ROOM) or {"participants": []}
        return next(p for p in inspection["participants"] if p["name"] == name)

    def sessions(self) -> dict[str, str]:
        """Everyone's session, by name."""
        inspection = self.rooms.inspect(ROOM) or {"participants": []}
        return {p["name"]: p["session_id"] for p in inspection["participants"]}

    async def rest(self, *gone: str) -> None:
        """Nothing is active at the SFU of sessions that are gone, spare mids of others excepted."""
        for _ in range(600):
            if not self.leaks(gone):
                break
            await asyncio.sleep(0.1)
        assert self.leaks(gone) == []
        assert self.emulator.journal()["breaches"] == []

    def leaks(self, gone: tuple[str, ...]) -> list[Any]:
        """Active tracks published or received by gone sessions."""
        inspection = self.rooms.inspect(ROOM) or {"participants": []}
        spare = {
            (p["session_id"], mid)
            for p in inspection["participants"]
            for mid, publication in p["actual"].items()
            if publication is None
        }
        return [
            track
            for track in self.emulator.active_tracks()
            if track["session_id"] in gone
            or (track["source_session_id"] in gone and (track["session_id"], track["mid"]) not in spare)
        ]


@asynccontextmanager
async def meeting(**settings: Any) -> AsyncGenerator[Meeting]:
    """Emulator, SDK over HTTP, rooms, and light peers to come."""
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(Emulator(media=UdpMediaPlane()))
        url = await stack.enter_async_context(emulator.serve())
        realtime = await stack.enter_async_context(AsyncRealtime("demo", "secret", base_url=url))
        rooms = await stack.enter_async_context(Rooms(realtime, **settings))
        guests = Guests(rooms, ROOM, peer_factory=lambda: LightPeer(timeout=3.0))
        yield Meeting(emulator, rooms, await stack.enter_async_context(guests))


async def meet_all(*people: LocalParticipant) -> None:
    """Everyone sees and hears everyone else, and goes on doing so."""
    for one in people:
        others = [other.name for other in people if other is not one]
        await one.wait_until(
            lambda one=one, others=others: all(one.sees(name) and one.hears(name) for name in others),
            LONGEST,
            "to see and hear the others",
        )


async def test_one_after_the_other_a_late_fourth_and_a_viewer() -> None:
    async with meeting() as at:
        people = [await at.guests.join(name) for name in ("ana", "bo", "cy")]
        await meet_all(*people)
        people.append(await at.guests.join("di"))
        await meet_all(*people)
        viewer = await at.guests.join("vi", sources=())
        await viewer.wait_until(
            lambda: all(viewer.sees(p.name) and viewer.hears(p.name) for p in people), LONGEST
        )
        assert viewer.receiving()["ana", "camera"].size == (320, 240)
        await at.rest()


async def test_three_at_once() -> None:
    async with meeting() as at:
        await meet_all(*await at.guests.join_at_once("ana", "bo", "cy"))
        await at.rest()


async def test_muting_and_talking_cost_no_call() -> None:
    async with meeting() as at:
        ana, bo = await at.guests.join_at_once("ana", "bo")
        await meet_all(ana, bo)
        calls = at.emulator.count()
        ana.mute("microphone")
        ana.mute("camera")
        await bo.wait_until(lambda: all(p.muted for p in bo.others["ana"].publications), LONGEST)
        ana.unmute("camera")
        ana.say("hello")
        await bo.wait_until(lambda: [m.text for m in bo.messages] == ["hello"], LONGEST)
        before = bo.receiving()["ana", "camera"].frames
        await bo.wait_until(lambda: bo.receiving()["ana", "camera"].frames > before + 3, LONGEST)
        assert at.emulator.count() == calls


async def test_a_share_arrives_and_goes_twice() -> None:
    async with meeting() as at:
        ana, bo = await at.guests.join_at_once("ana", "bo")
        await meet_all(ana, bo)
        for _ in range(2):
            await ana.publish("screen")
            await bo.wait_until(lambda: bo.sees("ana", "screen"), LONGEST)
            ana.unpublish("screen")
            await bo.wait_until(lambda: ("ana", "screen") not in bo.receiving(), LONGEST)
        await at.rest()


async def test_one_leaves_and_the_next_uses_the_spare_mids() -> None:
    async with meeting() as at:
        ana, bo, cy = [await at.guests.join(name) for name in ("ana", "bo", "cy")]
        await meet_all(ana, bo, cy)
        gone = at.sessions()["cy"]
        await cy.leave()
        await ana.wait_until(lambda: "cy" not in ana.others, LONGEST)
        await at.rest(gone)
        before = at.emulator.count("update_tracks")
        di = await at.guests.join("di")
        await meet_all(ana, bo, di)
        # The cost is counted in virtual time; here di's connection may be late, and mids are tried again.
        assert at.emulator.count("update_tracks") >= before + 2
        assert set(ana.receiving()) == {(n, s) for n in ("bo", "di") for s in ("camera", "microphone")}


async def test_one_is_killed_and_gone_after_the_grace_period() -> None:
    async with meeting(grace=3.0) as at:
        ana, bo = await at.guests.join_at_once("ana", "bo")
        await meet_all(ana, bo)
        gone = at.sessions()["bo"]
        await bo.aclose()
        await ana.wait_until(lambda: ana.others["bo"].state == "reconnecting", LONGEST)
        await ana.wait_until(lambda: not ana.others, LONGEST)
        await at.rest(gone)


async def test_a_lost_media_connection_is_replaced_and_the_others_are_undisturbed() -> None:
    async with meeting() as at:
        ana, bo, cy = await at.guests.join_at_once("ana", "bo", "cy")
        await meet_all(ana, bo, cy)
        before = at.sessions()
        broken = cy.peer
        broken.break_connection()
        await cy.wait_until(lambda: cy.peer is not broken and cy.connected, LONGEST, "a new connection")
        await meet_all(ana, bo, cy)
        after = at.sessions()
        assert (after["ana"], after["bo"]) == (before["ana"], before["bo"])
        assert after["cy"] != before["cy"]
        await at.rest(before["cy"])


async def test_the_host_restarts_and_everyone_comes_back() -> None:
    async with meeting() as at:
        ana, bo = await at.guests.join_at_once("ana", "bo")
        await meet_all(ana, bo)
        before = tuple(at.sessions().values())
        await at.rooms.aclose()
        realtime = at.rooms._services.realtime
        async with Rooms(realtime) as restarted:
            for person in (ana, bo):
                person._rooms = restarted
                await person.open()
            await meet_all(ana, bo)
            assert not [t for t in at.emulator.active_tracks() if t["session_id"] in before]
            assert at.emulator.journal()["breaches"] == []
            await ana.aclose()
            await bo.aclose()
