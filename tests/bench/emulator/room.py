"""People in a room of the emulator: who publishes, who receives whom, and what was delivered."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from attrs import frozen

from tests.bench.emulator.endpoint import Endpoint, Source
from tests.cfrealtime.emulator.peer import Peer, codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M


class Host:
    """The emulator's process, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process, base: str) -> None:
        self.process = process
        self.base = base
        self.client = httpx.AsyncClient(
            base_url=base, headers={"Authorization": "Bearer secret"}, timeout=30.0
        )

    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def waited(self) -> float:
        """Seconds for which it was ready to run and waited for its core."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[1]) / 1e9

    async def held(self) -> dict[str, float]:
        """Memory, descriptors and tasks it holds."""
        return (await self.client.get("/_bench/held")).json()


@asynccontextmanager
async def hosted(core: int | None = 0) -> AsyncGenerator[Host]:
    """An emulator of its own, on a core of its own."""
    where = [] if core is None else ["--core", str(core)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.emulator.host",
        *where,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    base = (await process.stdout.readline()).decode().strip()
    host = Host(process, base)
    try:
        yield host
    finally:
        await host.client.aclose()
        process.stdin.close()
        await process.wait()


class Person:
    """One session, its endpoint and, if it publishes, its media."""

    def __init__(self, peer: Peer, endpoint: Endpoint, number: int) -> None:
        self.peer = peer
        self.endpoint = endpoint
        self.source: Source | None = None
        self.tracks: tuple[str, ...] = ()
        self._number = number

    @classmethod
    async def publishing(cls, client: httpx.AsyncClient, number: int, *, video: bool = True) -> Person:
        """Somebody who sends from now on."""
        person = cls(await Peer.join(client), Endpoint(), number)
        ssrc = 1000 + 100 * number
        sections = [M("audio", "0", ssrc=ssrc)] + ([M("video", "1", ssrc=ssrc + 10)] if video else [])
        person.tracks = ("mic", "cam")[: len(sections)]
        tracks = [local(str(mid), name) for mid, name in enumerate(person.tracks)]
        offer = {"type": "offer", "sdp": person.endpoint.offer(*sections)}
        response = await person.peer.post_tracks(tracks, sessionDescription=offer)
        assert codes(response) == [None] * len(tracks)
        await person.endpoint.connect(response.json()["sessionDescription"]["sdp"])
        person.source = Source(person.endpoint, ssrc, video=video)
        person.source.start(number * 0.618 % 1)
        return person

    @classmethod
    async def viewing(cls, client: httpx.AsyncClient, number: int) -> Person:
        """Somebody who only receives."""
        return cls(await Peer.join(client), Endpoint(), number)

    async def receive(self, others: Sequence[Person]) -> None:
        """Subscribe to everything that others publish, 64 tracks at a time."""
        wanted = [remote(other.peer.id, name) for other in others for name in other.tracks]
        for start in range(0, len(wanted), 64):
            part = wanted[start : start + 64]
            response = await self.peer.post_tracks(part)
            assert codes(response) == [None] * len(part), response.text
            offer = response.json()["sessionDescription"]["sdp"]
            answered = await self.peer.renegotiate(self.endpoint.answer(offer))
            assert answered.status_code == 200, answered.text
            if self.endpoint.dtls is None:
                await self.endpoint.connect(offer)

    async def leave(self) -> None:
        """Stop and hang up."""
        if self.source is not None:
            self.source.stop()
        await self.endpoint.close()


@frozen
class Flow:
    """What a room carried while it was watched."""

    seconds: float
    sent: int
    """By publishers."""
    expected: int
    """Copies that ought to arrive."""
    arrived: int
    delays: Sequence[int]
    """Microseconds, sorted."""
    cpu: float
    """Seconds of the emulator's processor time."""
    waited: float
    """Seconds in which it could have run, and others did."""

    def delay(self, share: float) -> float:
        """Milliseconds within which this share of the packets came."""
        return (
            self.delays[min(len(self.delays) - 1, int(share * len(self.delays)))] / 1000
            if self.delays
            else 0.0
        )


async def watch(host: Host, people: Sequence[Person], seconds: float) -> Flow:
    """Let media flow from everyone to everyone for a while, and count. Everybody receives already."""
    sources = [person.source for person in people if person.source is not None]
    audience = {id(person): sum(p is not person for p in people) for person in people}
    for source in sources:
        source.stop()
    await asyncio.sleep(0.5)
    before = {id(source): source.sent for source in sources}
    for person in people:
        person.endpoint.delays.clear()
        person.endpoint.packets.clear()
    cpu, waited, loop = host.cpu(), host.waited(), asyncio.get_running_loop()
    started = loop.time()
    for number, source in enumerate(sources):
        source.start(number * 0.618 % 1)
    await asyncio.sleep(seconds)
    for source in sources:
        source.stop()
    took, cpu, waited = loop.time() - started, host.cpu() - cpu, host.waited() - waited
    await asyncio.sleep(1.0)
    counts = {id(p): p.source.sent - before[id(p.source)] for p in people if p.source is not None}
    return Flow(
        took,
        sum(counts.values()),
        sum(count * audience[person] for person, count in counts.items()),
        sum(person.endpoint.packets.total() for person in people),
        sorted(delay for person in people for delay in person.endpoint.delays),
        cpu,
        waited,
    )


async def everyone_receives(people: Sequence[Person], streams: int, within: float = 60.0) -> None:
    """Return once each of these receives so many streams."""
    async with asyncio.timeout(within):
        while True:
            if all(len(person.endpoint.packets) >= streams for person in people):
                return
            await asyncio.sleep(0.05)
