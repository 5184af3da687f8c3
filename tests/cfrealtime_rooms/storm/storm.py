"""People, hosts, networks and a service that do whatever they like; everything follows from one seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any
from unittest import mock

from cfrealtime_rooms import Permissions, audio_only, everyone, selected
from cfrealtime_rooms.testing import LocalParticipant, RefusedError, SilentPeer
from tests.cfrealtime_rooms.scenarios.scene import ROOM, Scene, scene

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
SOURCES = ("microphone", "camera", "screen", "screen_audio")
RIGHTS = (
    None,
    Permissions(),
    Permissions(subscribe=False),
    Permissions(publish=frozenset({"microphone"})),
    Permissions(publish=frozenset()),
)
POLICIES = {"everyone": everyone, "audio only": audio_only, "selected": selected}
MOST_PEOPLE = 6
CALLS_A_STEP = 12
"""More calls than this for a step on average, and something goes round in circles."""


class Storm:
    """One episode: `blow` for some steps, then `calm`, then `check`."""

    def __init__(self, stage: Scene, rng: random.Random, policy: str, keeper: LocalParticipant) -> None:
        self.stage, self.rng, self.policy = stage, rng, policy
        self.keeper = keeper
        """Somebody who stays, and receives."""
        self.here: list[LocalParticipant] = []
        self.away: list[LocalParticipant] = []
        self.chosen: dict[str, list[str]] = {}
        """By participant: whom it has chosen to receive."""
        self.rights: dict[str, Permissions] = {}
        self.muted: dict[str, set[str]] = {}
        self.count = 0
        self.done = Counter[str]()
        self.tasks: list[asyncio.Task[None]] = []

    async def blow(self, steps: int) -> None:
        """So many steps."""
        people = (self.come, self.come, self.come, self.go, self.share, self.stop, self.mute, self.vanish)
        trouble = (self.lose_channel, self.come_back, self.lose_media, self.break_service, self.break_track)
        power = (self.permit, self.silence, self.kick, self.ban, self.select, self.delay)
        for _ in range(steps):
            await asyncio.sleep(self.rng.choice((0.0, 0.01, 0.1, 0.5, 2.0)))
            step = self.rng.choice(people + people + trouble + trouble + power)
            self.done[step.__name__] += 1
            await step()

    async def calm(self) -> list[LocalParticipant]:
        """Nothing fails any more, whoever can comes back, and time passes."""
        self.stage.faults.clear()
        self.stage.wire.clear()
        for guest in list(self.away):
            await self.come_back(guest)
        await self.stage.rest(150)
        await asyncio.gather(*self.tasks)
        there = {member["id"] for member in self.stage.room()["participants"]}
        people = [self.keeper, *(one for one in self.here if one.joined)]
        assert {one.participant_id for one in people} == there, [one.describe() for one in people]
        if self.policy == "selected":
            for guest in people:
                self.choose(guest)
            await self.stage.rest(30)
        return people

    async def check(self, people: list[LocalParticipant]) -> None:
        """At rest: everyone has what it may and should have, the SFU no more than that, and all is quiet."""
        stage = self.stage
        stage.check()
        members = {member["id"]: member for member in stage.room()["participants"]}
        for guest in people:
            member = members[guest.participant_id or ""]
            assert guest.faults == []
            assert self.received(member) == self.expected(members, member), member
            assert self.published(member) == set(guest._sources), member
            muted = {one["source"]: one["muted"] for one in member["publications"]}
            assert muted == {source: one.muted for source, one in guest._sources.items()}
            shown = {mid: one for mid, one in guest.mids.items() if guest.roster.owner(one)}
            assert shown == {mid: one for mid, one in member["actual"].items() if one}
        calls = stage.emulator.count()
        assert calls <= CALLS_A_STEP * (self.done.total() + 10), calls
        await stage.rest(60)
        assert stage.emulator.count() == calls

    def received(self, member: dict[str, Any]) -> set[str]:
        """What a member's session receives."""
        return {publication for publication in member["actual"].values() if publication}

    def published(self, member: dict[str, Any]) -> set[str]:
        """The sources a member publishes; none that it may not."""
        sources = {one["source"] for one in member["publications"] if one["state"] == "live"}
        rights = self.rights.get(member["identity"], Permissions())
        assert all(rights.may_publish(source) for source in sources)
        assert not sources & self.muted.get(member["identity"], set())
        return sources

    def expected(self, members: dict[str, Any], member: dict[str, Any]) -> set[str]:
        """What policy and permission let a member receive: reckoned here, from what was asked for."""
        if not self.rights.get(member["identity"], Permissions()).subscribe:
            return set()
        return {
            one["id"]
            for other in members.values()
            if other["id"] != member["id"]
            and (self.policy != "selected" or other["id"] in self.chosen.get(member["id"], ()))
            for one in other["publications"]
            if self.policy != "audio only" or one["kind"] == "audio"
        }

    def spawn(self, what: Coroutine[Any, Any, Any]) -> None:
        """Begin something that may be refused, or never end: there is a storm."""

        async def run() -> None:
            with contextlib.suppress(RefusedError, TimeoutError, KeyError):
                await what

        self.tasks.append(asyncio.create_task(run()))

    def someone(self) -> LocalParticipant | None:
        """Anyone who is here."""
        self.here = [guest for guest in self.here if guest.closed is None]
        return self.rng.choice(self.here) if self.here else None

    # People.

    async def come(self) -> None:
        """A new person, or now and then one who is here already."""
        if len(self.here) + len(self.away) >= MOST_PEOPLE:
            return
        self.count += 1
        identity = f"p{self.rng.randrange(self.count) if self.rng.random() < 0.15 else self.count}"
        send_after = self.rng.choice((0.0, 0.2))
        options: dict[str, Any] = {
            "latency": self.rng.choice((0.0, 0.05, 0.3)),
            "sources": self.rng.choice((("microphone", "camera"), ("microphone",), ())),
            "peer_factory": lambda: SilentPeer(send_after=send_after),
        }
        with contextlib.suppress(TimeoutError):  # banned
            guest = await self.stage.arrive(identity, **options)
            self.here.append(guest)
            self.spawn(guest.join())

    async def go(self) -> None:
        """Somebody leaves."""
        if (guest := self.someone()) and guest.joined:
            self.here.remove(guest)
            self.spawn(guest.leave())

    async def vanish(self) -> None:
        """Killed: neither a word nor a packet any more."""
        if (guest := self.someone()) and self.rng.random() < 0.5:
            self.here.remove(guest)
            await guest.aclose()

    async def share(self) -> None:
        """One more source."""
        if guest := self.someone():
            source = self.rng.choice(SOURCES)
            if source not in guest._sources:
                self.spawn(guest.publish(source))

    async def stop(self) -> None:
        """One source less."""
        if guest := self.someone():
            guest.unpublish(self.rng.choice(SOURCES))

    async def mute(self) -> None:
        """Softly."""
        guest = self.someone()
        if guest is not None and guest.me is not None and guest.me.publications:
            source = self.rng.choice(guest.me.publications).source
            if source in guest._sources:
                guest.mute(source, muted=self.rng.random() < 0.5)

    async def select(self) -> None:
        """Another choice of whom to receive."""
        if self.policy == "selected" and (guest := self.someone()) and guest.joined:
            self.choose(guest)

    def choose(self, guest: LocalParticipant) -> None:
        """Tell the room, and remember."""
        others = sorted(one.id for one in guest.others.values())
        chosen = self.rng.sample(others, self.rng.randrange(len(others) + 1))
        self.chosen[guest.participant_id or ""] = chosen
        guest.select(participants=chosen)

    # Trouble.

    async def lose_channel(self) -> None:
        """The socket drops."""
        if (guest := self.someone()) and guest.joined:
            self.here.remove(guest)
            self.away.append(guest)
            await guest.drop()

    async def come_back(self, guest: LocalParticipant | None = None) -> None:
        """And is back, now and then after a reload."""
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
        members = self.stage.room()["participants"]
        session = next((one["session_id"] for one in members if one["id"] == guest.participant_id), None)
        if session in self.stage.media._sessions and self.rng.random() < 0.5:
            self.stage.media.kill(session)
        guest.peer.fail(after=self.rng.choice((0.0, 1.0)))

    async def break_service(self) -> None:
        """One of the next calls goes wrong."""
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
        """One track cannot be had for a while."""
        names = sorted(track["track_name"] for track in self.stage.emulator.active_tracks())
        if names:
            code = self.rng.choice(ITEM_CODES)
            self.stage.faults.fail_track(self.rng.choice(names), code, times=self.rng.randrange(1, 4))

    async def delay(self) -> None:
        """An answer comes late, or its body never ends."""
        operation = self.rng.choice(OPERATIONS)
        if self.rng.random() < 0.3:
            self.stage.wire.stall(operation)
        else:
            self.stage.wire.hold(operation, self.rng.choice((0.5, 3.0, 12.0, 25.0)))

    # The host's power.

    async def permit(self) -> None:
        """Other rights for somebody."""
        identity, rights = f"p{self.rng.randrange(self.count + 1)}", self.rng.choice(RIGHTS)
        self.stage.rooms.set_permissions(ROOM, identity, rights)
        self.rights.pop(identity, None)
        if rights is not None:
            self.rights[identity] = rights

    async def silence(self) -> None:
        """A source is closed by force, or allowed again."""
        identity, source = f"p{self.rng.randrange(self.count + 1)}", self.rng.choice(SOURCES)
        if self.rng.random() < 0.5:
            self.stage.rooms.mute(ROOM, identity, source)
            self.muted.setdefault(identity, set()).add(source)
        else:
            self.stage.rooms.allow(ROOM, identity, source)
            self.muted.get(identity, set()).discard(source)

    async def kick(self) -> None:
        """Somebody is sent away."""
        if self.rng.random() < 0.5:
            self.stage.rooms.remove(ROOM, f"p{self.rng.randrange(self.count + 1)}")

    async def ban(self) -> None:
        """Somebody may not come in for a while."""
        if self.rng.random() < 0.3:
            self.stage.rooms.ban(ROOM, f"p{self.rng.randrange(self.count + 1)}", seconds=20)


async def episode(seed: str, steps: int) -> Counter[str]:
    """One storm from its beginning to rest; what happened in it, and `calls`."""
    rng = random.Random(seed)
    policy = rng.choice(tuple(POLICIES))
    delay, repointing = rng.choice((0.0, 0.0, 0.1)), rng.random() < 0.8
    duplicates = rng.choice(("replace", "reject", "allow"))
    settings = {"grace": 5.0, "policy": POLICIES[policy], "duplicates": duplicates}
    with fated(rng):
        async with scene(settings=settings) as stage:
            keeper = await stage.join(
                "keeper", sources=()
            )  # a room that empties forgets what the host decided
            stage.faults.delay, stage.faults.repointing = delay, repointing
            storm = Storm(stage, rng, policy, keeper)
            await storm.blow(steps)
            await storm.check(await storm.calm())
            return storm.done + Counter(calls=stage.emulator.count())


@contextlib.contextmanager
def fated(rng: random.Random) -> Iterator[None]:
    """Ids and secrets follow from the seed, too: what goes by their order happens again."""
    fate = random.Random(rng.random())
    with (
        mock.patch.object(secrets, "token_urlsafe", lambda n=16: fate.randbytes(n).hex()),
        mock.patch.object(secrets, "token_hex", lambda n=16: fate.randbytes(n).hex()),
        mock.patch.object(secrets, "token_bytes", lambda n=16: fate.randbytes(n)),
    ):
        yield
