"""Anything may happen in any order; when it stops, everybody has everything and nothing is left over."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine

import pytest

from cfrealtime_rooms.testing import LocalParticipant, RefusedError, SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import Scene, scene

pytestmark = pytest.mark.looptime

OPERATIONS = (
    "new_session",
    "new_tracks",
    "new_tracks",
    "renegotiate",
    "update_tracks",
    "close_tracks",
    "get_session",
)
ITEM_CODES = ("not_found_track_error", "empty_track_error", "internal_error", "update_track_error")
REFUSALS = (
    (429, "rate_limited"),
    (425, "session_error"),
    (410, "session_error"),
    (406, "invalid_session_description"),
    (503, "retryable_transient_error"),
    (500, "internal_error"),
)


class Storm:
    """People who do whatever they like, on a network and a service that do too."""

    def __init__(self, stage: Scene, seed: int) -> None:
        self.stage, self.rng = stage, random.Random(seed)
        self.here: list[LocalParticipant] = []
        self.away: list[LocalParticipant] = []
        self.count = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def blow(self, steps: int) -> None:
        for _ in range(steps):
            await asyncio.sleep(self.rng.choice((0.0, 0.01, 0.1, 0.5, 2.0)))
            people = (self.come, self.come, self.go, self.share, self.stop, self.mute, self.vanish)
            trouble = (
                self.lose_channel,
                self.come_back,
                self.lose_media,
                self.break_service,
                self.break_track,
            )
            await self.rng.choice(people + trouble)()

    async def calm(self) -> list[LocalParticipant]:
        """Nothing fails any more, whoever can comes back, and time passes."""
        self.stage.faults.clear()
        for guest in list(self.away):
            await self.come_back(guest)
        await self.stage.rest(150)
        await asyncio.gather(*self.tasks)
        return [guest for guest in self.here if guest.joined]

    def spawn(self, what: Coroutine[None, None, None]) -> None:
        async def run() -> None:
            with contextlib.suppress(RefusedError, TimeoutError, KeyError):
                await what  # it may be refused: there is a storm

        self.tasks.append(asyncio.create_task(run()))

    def someone(self) -> LocalParticipant | None:
        self.here = [guest for guest in self.here if guest.closed is None]
        return self.rng.choice(self.here) if self.here else None

    async def come(self) -> None:
        if len(self.here) + len(self.away) >= 6:
            return
        self.count += 1
        # Now and then the identity of someone who is there already.
        identity = f"p{self.rng.randrange(self.count) if self.rng.random() < 0.15 else self.count}"
        guest = await self.stage.arrive(
            identity,
            latency=self.rng.choice((0.0, 0.05, 0.3)),
            sources=self.rng.choice((("microphone", "camera"), ("microphone",), ())),
            peer_factory=lambda: SilentPeer(send_after=self.rng.choice((0.0, 0.2))),
        )
        self.here.append(guest)
        self.spawn(guest.join())

    async def go(self) -> None:
        if (guest := self.someone()) and guest.joined:
            self.here.remove(guest)
            self.spawn(guest.leave())

    async def vanish(self) -> None:
        """Killed: neither a word nor a packet any more."""
        if (guest := self.someone()) and self.rng.random() < 0.5:
            self.here.remove(guest)
            await guest.aclose()

    async def share(self) -> None:
        if guest := self.someone():
            self.spawn(guest.publish(self.rng.choice(("screen", "screen_audio", "camera"))))

    async def stop(self) -> None:
        if guest := self.someone():
            guest.unpublish(self.rng.choice(("screen", "camera", "microphone")))

    async def mute(self) -> None:
        guest = self.someone()
        if guest is not None and guest.me is not None and guest.me.publications:
            source = self.rng.choice(guest.me.publications).source
            if source in guest._sources:
                guest.mute(source, muted=self.rng.random() < 0.5)

    async def lose_channel(self) -> None:
        if (guest := self.someone()) and guest.joined:
            self.here.remove(guest)
            self.away.append(guest)
            await guest.drop()

    async def come_back(self, guest: LocalParticipant | None = None) -> None:
        if guest is None and self.away:
            guest = self.rng.choice(self.away)
        if guest is not None:
            self.away.remove(guest)
            self.here.append(guest)
            self.spawn(guest.reconnect(reload=self.rng.random() < 0.3))

    async def lose_media(self) -> None:
        """A connection fails; now and then the SFU ends the session before its client notices."""
        guest = self.someone()
        if guest is None or not isinstance(guest.peer, SilentPeer) or not guest.joined:
            return
        session = next(
            (p["session_id"] for p in self.stage.room()["participants"] if p["id"] == guest.participant_id),
            None,
        )
        if session in self.stage.media._sessions and self.rng.random() < 0.5:
            self.stage.media.kill(session)
        guest.peer.fail(after=self.rng.choice((0.0, 1.0)))

    async def break_service(self) -> None:
        operation, nth = self.rng.choice(OPERATIONS), self.rng.randrange(1, 4)
        match self.rng.randrange(3):
            case 0:
                self.stage.faults.lose_answer(operation, nth=nth)
            case 1:
                self.stage.faults.refuse(operation, nth=nth)
            case _:
                status, code = self.rng.choice(REFUSALS)
                if status == 410 and operation in ("close_tracks", "get_session"):
                    return  # that is the service's word that nothing is left
                self.stage.faults.answer_with(operation, status, code=code, nth=nth)

    async def break_track(self) -> None:
        tracks = self.stage.emulator.active_tracks()
        if tracks:
            name = self.rng.choice(tracks)["track_name"]
            self.stage.faults.fail_track(name, self.rng.choice(ITEM_CODES), times=self.rng.randrange(1, 4))


def sometimes_slow(seed):
    def setup(emulator):
        emulator.faults.delay = (0.0, 0.1)[seed % 2]

    return setup


@pytest.mark.parametrize("seed", range(12))
async def test_after_any_storm_everybody_has_everything_and_nothing_is_left_over(seed):
    async with scene(settings={"grace": 5.0}, setup=sometimes_slow(seed)) as stage:
        storm = Storm(stage, seed)
        await storm.blow(60)
        stage.check(*await storm.calm())
