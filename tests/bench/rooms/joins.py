"""A meeting of light peers with real media: what a joiner waits for, and what it costs.

Emulator, host and peers are three processes on this machine. Per size: how long a joiner waits for its
first picture, what a join costs in API calls, and what emulator and host cost in CPU while everyone
receives everyone.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path

from attrs import frozen

from cfrealtime_rooms.testing.light import LightPeer
from cfrealtime_rooms.testing.websocket import WebSocketParticipant, connect
from tests.bench.sdk.report import Line, Table
from tests.servers import Server, emulator_process, meeting_host


@frozen
class Figures:
    """One size's results."""

    size: int
    first_frame: tuple[float, ...]
    """Seconds from joining to the first picture of somebody else, for each but the first."""
    calls: int
    """API calls until everyone received everyone."""
    packets: float
    """Received by all peers, per second."""
    emulator: float
    """Share of one core, in steady state."""
    host: float


def cpu_seconds(server: Server) -> float:
    """User and system time that a server's process has used."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def received(people: list[WebSocketParticipant]) -> int:
    """Packets that have reached anyone."""
    return sum(r.packets for person in people for r in person.receiving().values())


async def calls(emulator: Server) -> int:
    """API calls so far."""
    journal = await emulator.get("/_emulator/journal")
    return len(journal["calls"])


async def arrive(stack: AsyncExitStack, host: Server, room: str, name: str) -> WebSocketParticipant:
    """A light peer with an open channel."""
    url = f"{host.base.replace('http', 'ws')}/rooms/{room}?identity={name}&name={name}"
    return await stack.enter_async_context(connect(url, join=False, name=name, peer_factory=LightPeer))


async def measure(emulator: Server, host: Server, size: int, seconds: float) -> Figures:
    """Let `size` peers join one after the other, then watch them."""
    before = await calls(emulator)
    async with AsyncExitStack() as stack:
        people: list[WebSocketParticipant] = []
        waits: list[float] = []
        for index in range(size):
            person = await arrive(stack, host, f"bench-{size}", f"peer{index}")
            started = time.perf_counter()
            await person.join()
            if people:
                await person.wait_until(
                    lambda person=person: any(person.sees(name) for name in person.others), 30, "a picture"
                )
                waits.append(time.perf_counter() - started)
            people.append(person)
        for person in people:
            await person.wait_until(
                lambda person=person: (
                    len(person.receiving()) == 2 * (size - 1)
                    and all(person.sees(name) for name in person.others)
                ),
                30,
                "everyone",
            )
        spent = await calls(emulator) - before
        start, packets = time.perf_counter(), received(people)
        used = [cpu_seconds(server) for server in (emulator, host)]
        await asyncio.sleep(seconds)
        took = time.perf_counter() - start
        shares = [(cpu_seconds(s) - u) / took for s, u in zip((emulator, host), used, strict=True)]
        flow = (received(people) - packets) / took
        for person in people:
            await person.leave()
    return Figures(size, tuple(waits), spent, flow, *shares)


async def meetings(sizes: list[int], seconds: float) -> list[Table]:
    """Start the processes and measure each size."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))  # they take what there is
    emulator = emulator_process()
    host = meeting_host("examples/01_fastapi/app.py", f"{emulator.base}/v1")
    try:
        await emulator.start()
        await host.start()
        return [_table(await measure(emulator, host, size, seconds)) for size in sizes]
    finally:
        await host.stop()
        await emulator.stop()


def _table(figures: Figures) -> Table:
    lines = [
        Line("first picture, median, ms", statistics.median(figures.first_frame) * 1000),
        Line("first picture, worst, ms", max(figures.first_frame) * 1000),
        Line("API calls for each join", figures.calls / figures.size),
        Line("packets received a second", figures.packets),
        Line("emulator, % of one core", 100 * figures.emulator),
        Line("host with the rooms, % of one core", 100 * figures.host),
    ]
    note = "real media on three processes, which share this machine's cores with the peers"
    return Table(f"{figures.size} light peers join one after the other", "", lines, note)
