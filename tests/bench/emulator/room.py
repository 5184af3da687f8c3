"""People in a room of the emulator: who publishes, who receives whom, and what was delivered."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from aiortc import RTCDataChannel
from attrs import frozen

from tests.bench.emulator.endpoint import Endpoint, Source
from tests.cfrealtime.emulator.data_peer import DataPeer, channel_codes, heard, told
from tests.cfrealtime.emulator.peer import codes, local, remote
from tests.cfrealtime.emulator.sdp.endpoint import M


@frozen
class Used:
    """Seconds of a core."""

    cpu: float
    """For which the emulator ran."""
    waited: float
    """For which it could have run, and others of this machine did."""
    stolen: float
    """For which other machines on the same hardware had the core."""

    def since(self, before: Used) -> Used:
        """What came in between."""
        return Used(self.cpu - before.cpu, self.waited - before.waited, self.stolen - before.stolen)


class Host:
    """The emulator's process, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process, base: str, core: int | None) -> None:
        self.process = process
        self.core = core
        self.base = base
        self.client = httpx.AsyncClient(
            base_url=base, headers={"Authorization": "Bearer secret"}, timeout=30.0
        )

    def used(self) -> Used:
        """What it has had of its core so far."""
        process = Path(f"/proc/{self.process.pid}")
        own = (process / "stat").read_text().rpartition(")")[2].split()
        waited = int((process / "schedstat").read_text().split()[1]) / 1e9
        name = "cpu" if self.core is None else f"cpu{self.core}"
        rows = (line.split() for line in Path("/proc/stat").read_text().splitlines())
        whole = next(row for row in rows if row[0] == name)
        tick = os.sysconf("SC_CLK_TCK")
        return Used((int(own[11]) + int(own[12])) / tick, waited, int(whole[8]) / tick)

    async def held(self) -> dict[str, float]:
        """Memory, descriptors, tasks and sessions it holds."""
        return (await self.client.get("/_bench/held")).json()


@asynccontextmanager
async def hosted(core: int | None = 0, *, journal: int | None = None) -> AsyncGenerator[Host]:
    """An emulator of its own, on a core of its own; its journal may be kept short."""
    options = {"--core": core, "--journal": journal}
    given = [str(part) for item in options.items() if item[1] is not None for part in item]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.emulator.host",
        *given,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    base = (await process.stdout.readline()).decode().strip()
    host = Host(process, base, core)
    try:
        yield host
    finally:
        await host.client.aclose()
        process.stdin.close()
        await process.wait()


class Person:
    """One session, its endpoint and, if it publishes, its media."""

    def __init__(self, peer: DataPeer, endpoint: Endpoint, number: int) -> None:
        self.peer = peer
        self.endpoint = endpoint
        self.source: Source | None = None
        self.tracks: tuple[str, ...] = ()
        self.rids: tuple[str, ...] = ()
        self.chat: RTCDataChannel | None = None
        self._number = number

    @classmethod
    async def publishing(
        cls,
        client: httpx.AsyncClient,
        number: int,
        *,
        video: bool = True,
        rids: tuple[str, ...] = (),
        chat: bool = False,
    ) -> Person:
        """Somebody who sends from now on: sound, video, perhaps in layers, and what is said in a chat."""
        person = cls(await DataPeer.join(client), Endpoint(), number)
        ssrc = 1000 + 100 * number
        sections = [M("audio", "0", ssrc=ssrc)]
        if video:
            sections.append(M("video", "1", rids=rids, ssrc=None if rids else ssrc + 10))
        person.tracks, person.rids = ("mic", "cam")[: len(sections)], rids
        tracks = [local(str(mid), name) for mid, name in enumerate(person.tracks)]
        transport = [M("application", "2", "sendrecv")] if chat else []
        offer = {"type": "offer", "sdp": person.endpoint.offer(*sections, *transport)}
        response = await person.peer.post_tracks(tracks, sessionDescription=offer)
        assert codes(response) == [None] * len(tracks)
        await person.endpoint.connect(response.json()["sessionDescription"]["sdp"])
        person.source = Source(person.endpoint, ssrc, video=video, rids=rids)
        person.source.start(number * 0.618 % 1)
        if chat:
            await person.endpoint.open_data_channels()
            person.chat = await person._channel(told("chat"))
        return person

    @classmethod
    async def viewing(cls, client: httpx.AsyncClient, number: int) -> Person:
        """Somebody who only receives."""
        return cls(await DataPeer.join(client), Endpoint(), number)

    async def receive(self, others: Sequence[Person]) -> None:
        """Subscribe to everything that others publish, 64 tracks at a time."""
        wanted = [other.track(name) for other in others for name in other.tracks]
        for start in range(0, len(wanted), 64):
            part = wanted[start : start + 64]
            response = await self.peer.post_tracks(part)
            assert codes(response) == [None] * len(part), response.text
            offer = response.json()["sessionDescription"]["sdp"]
            answered = await self.peer.renegotiate(self.endpoint.answer(offer))
            assert answered.status_code == 200, answered.text
            if self.endpoint.dtls is None:
                await self.endpoint.connect(offer)

    def track(self, name: str) -> dict:
        """What a subscription to a track of this one says; of layers it takes the smallest."""
        layers = {"simulcast": {"preferredRid": self.rids[-1]}} if name == "cam" and self.rids else {}
        return remote(self.peer.id, name, **layers)

    async def talk(self, other: Person) -> None:
        """Listen to what another one says in the chat, until there is a word."""
        await self._channel(heard(other.peer.id, "chat"))
        before = self.endpoint.heard.total()
        async with asyncio.timeout(60):
            while self.endpoint.heard.total() == before:
                other.chat.send("hello")
                await asyncio.sleep(0.05)

    async def _channel(self, entry: dict) -> RTCDataChannel:
        response = await self.peer.channels(entry)
        assert channel_codes(response) == [None], response.text
        return self.endpoint.channel(response.json()["dataChannels"][0]["id"])

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
    delays: Mapping[int, Sequence[int]]
    """Microseconds, by the second in which the packets came."""
    used: Used
    """By the emulator, of its core."""
    late: int = 0
    """Times that a publisher was late here, which publishers elsewhere would not have been all at once."""

    def delay(self, share: float) -> float:
        """Milliseconds within which this share of the packets came."""
        return within(share, [delay for second in self.delays.values() for delay in second])

    def usual_delay(self, share: float) -> float:
        """The same in a usual second: half of the seconds were better."""
        return statistics.median([within(share, second) for second in self.delays.values()] or [0.0])


def within(share: float, delays: Sequence[int]) -> float:
    """Milliseconds within which this share of them lies, of delays in microseconds."""
    if not delays:
        return 0.0
    return sorted(delays)[min(len(delays) - 1, int(share * len(delays)))] / 1000


async def watch(host: Host, people: Sequence[Person], seconds: float) -> Flow:
    """Let media flow from everyone to everyone for a while, and count. Everybody receives already."""
    sources = [person.source for person in people if person.source is not None]
    audience = {id(person): sum(p is not person for p in people) for person in people}
    for source in sources:
        source.stop()
    await asyncio.sleep(0.5)
    sent, late = {id(source): source.sent for source in sources}, sum(source.late for source in sources)
    for person in people:
        person.endpoint.delays.clear()
        person.endpoint.packets.clear()
    loop, used = asyncio.get_running_loop(), host.used()
    started = loop.time()
    with uncollected():
        for number, source in enumerate(sources):
            source.start(number * 0.618 % 1)
        await asyncio.sleep(seconds)
        for source in sources:
            source.stop()
    took, used = loop.time() - started, host.used().since(used)
    await asyncio.sleep(1.0)
    counts = {id(p): p.source.sent - sent[id(p.source)] for p in people if p.source is not None}
    return Flow(
        took,
        sum(counts.values()),
        sum(count * audience[person] for person, count in counts.items()),
        sum(person.endpoint.packets.total() for person in people),
        by_second(person.endpoint for person in people),
        used,
        sum(source.late for source in sources) - late,
    )


def by_second(endpoints: Iterable[Endpoint]) -> dict[int, list[int]]:
    """The delays that these endpoints saw, together."""
    delays = defaultdict[int, list[int]](list)
    for endpoint in endpoints:
        for second, seen in endpoint.delays.items():
            delays[second] += seen
    return delays


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for garbage on this side: all publishers at once would be late by it."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def everyone_receives(people: Sequence[Person], streams: int, within: float = 60.0) -> None:
    """Return once each of these receives so many streams."""
    async with asyncio.timeout(within):
        while True:
            if all(len(person.endpoint.packets) >= streams for person in people):
                return
            await asyncio.sleep(0.05)
