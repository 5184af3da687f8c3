"""What is asked of the emulator, and the tables that answer."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext

from tests.bench.emulator.churn import churn
from tests.bench.emulator.lossy import broadcast
from tests.bench.emulator.onlooker import JOURNAL, Look, fill_journal, onlooker
from tests.bench.emulator.room import Flow, Person, everyone_receives, hosted, watch
from tests.bench.sdk.report import Line, Table

CAME = ("simulcast", "chats", "messages", "adapters", "vanished")
LEFT = ("sessions", "adapters", "tasks", "descriptors")
FLAT = 5.0
"""Megabytes by which the memory of a process may differ when nothing is kept."""


async def mesh(size: int, seconds: float, *, page: bool = False) -> list[Table]:
    """Everybody publishes and receives everybody; perhaps somebody has the page of it all open."""
    async with hosted() as host:
        people = [await Person.publishing(host.client, number) for number in range(size)]
        for person in people:
            await person.receive([other for other in people if other is not person])
        await everyone_receives(people, 2 * (size - 1))
        if page:
            await fill_journal(host)
        async with onlooker(host) if page else nullcontext() as looks:
            flow = await watch(host, people, seconds)
        held = await host.held()
        for person in people:
            await person.leave()
    title = f"{size} in full mesh, {size * (size - 1) * 2} tracks, on one core"
    if looks is not None:
        return [_flow(f"{title}, and the page open", flow, p99=10.0), _looks(looks)]
    return [
        _flow(title, flow, p99=10.0),
        _memory(f"Memory with {size} in full mesh", held, size, limit=200.0),
    ]


async def viewers(size: int, publishers: int, seconds: float) -> list[Table]:
    """A few publish, the first of them with a camera; everybody receives them."""
    async with hosted() as host:
        empty = await host.held()
        people = [
            await Person.publishing(host.client, number, video=number == 0) for number in range(publishers)
        ]
        streams = publishers + 1
        started = time.perf_counter()
        for person in list(people):
            await person.receive([other for other in people if other is not person])
        for number in range(publishers, size):  # one by one: a session that is not used soon is ended
            people.append(await Person.viewing(host.client, number))
            await people[-1].receive(people[:publishers])
        joined = (time.perf_counter() - started) / (size - publishers)
        await everyone_receives(people[publishers:], streams)
        flow = await watch(host, people, seconds)
        held = await host.held()
        for person in people:
            await person.leave()
    title = f"{size} people, {publishers} of them publish {streams} tracks, on one core"
    table = _flow(title, flow)
    each = (held["megabytes"] - empty["megabytes"]) * 1000 / size
    joining = Table(
        "A session", "", [Line("memory, kB", each), Line("joining, ms, both sides", joined * 1000)]
    )
    return [table, joining]


async def ready(rounds: int) -> list[Table]:
    """How long the command takes until it says that it is ready."""
    samples = [await asyncio.to_thread(_until_ready) for _ in range(rounds)]
    line = Line("python -m cfrealtime.emulator, median", statistics.median(samples), limit=1.5)
    return [Table("From the command to its first line", "seconds", [line, Line("worst", max(samples))])]


async def losses(shares: Sequence[float], seconds: float) -> list[Table]:
    """What becomes of video while packets are lost on both links, both ways."""
    lines: list[Line] = []
    async with hosted() as host:
        for share in shares:
            watched = await broadcast(host, share, seconds)
            lost = f"{share:.0%} lost"
            missing = 100 - 100 * watched.shown / max(1, watched.sent)
            lines.append(Line(f"{lost}: pictures missing, %", missing, limit=1.0))
            if watched.delays:
                lines.append(Line(f"{lost}: delay, median, ms", statistics.median(watched.delays) * 1000))
                lines.append(Line(f"{lost}: delay, worst, ms", watched.delays[-1] * 1000))
            lines.append(Line(f"{lost}: key frames", watched.key_frames))
    return [Table("30 pictures a second over two links that lose packets both ways", "", lines)]


async def comings_and_goings(seconds: float) -> list[Table]:
    """What is left after people have come and gone."""
    story = await churn(seconds)
    lines = [
        *(Line(f"{what} that came and went", story.came[what]) for what in ("sessions", *CAME)),
        *(Line(f"{what} left behind", story.left(what), limit=0) for what in LEFT),
        Line("memory before, MB", story.before["megabytes"]),
        Line("memory in the middle, MB", story.middle["megabytes"]),
        Line("memory in the end, MB", story.after["megabytes"]),
        Line("growth of the second half, MB", story.growth, limit=FLAT),
    ]
    note = (
        "What is left is looked at once all sessions are forgotten. The journal is kept so short that it is "
        "full at every look."
    )
    return [Table(f"{seconds:g} s of comings and goings", "", lines, note)]


def _flow(title: str, flow: Flow, p99: float | None = None) -> Table:
    missing = flow.expected - flow.arrived
    lines = [
        Line("packets forwarded a second", flow.arrived / flow.seconds),
        Line("packets that did not arrive", missing, limit=0),
        Line("processor time for each, µs", flow.used.cpu / max(1, flow.arrived) * 1e6),
        Line("of one core, %", 100 * flow.used.cpu / flow.seconds),
        Line("delay, median, ms", flow.delay(0.5)),
        Line("delay, 99 of 100 in a usual second, ms", flow.usual_delay(0.99), limit=p99),
        Line("delay, 99 of 100 of all, ms", flow.delay(0.99)),
        Line("ready to run, but waiting, %", 100 * flow.used.waited / flow.seconds),
        Line("core taken by other machines, %", 100 * flow.used.stolen / flow.seconds),
        Line("sent late by publishers, %", 100 * flow.late / max(1, flow.sent)),
    ]
    note = (
        "A delay ends where the kernel puts the packet into the receiver's socket. Half of the seconds were "
        "better than the usual one. Others on this machine or its hardware disturb the delays: the last "
        "three lines tell what can be seen of that."
    )
    return Table(title, "", lines, note)


def _looks(looks: Sequence[Look]) -> Table:
    slowest = max(looks, key=lambda look: look.seconds)
    lines = [
        Line("looks", len(looks)),
        Line("median, ms", statistics.median(look.seconds for look in looks) * 1000),
        Line("slowest, ms", slowest.seconds * 1000),
        Line("read each time, kB", statistics.median(look.size for look in looks) / 1000),
    ]
    note = "A look asks for the state and the newest 250 calls, as the page does once a second."
    return Table(f"Looking on, {JOURNAL} calls in the journal", "", lines, note)


def _memory(title: str, held: dict[str, float], size: int, limit: float) -> Table:
    lines = [
        Line("resident, MB", held["megabytes"], limit=limit),
        Line("tasks", held["tasks"]),
        Line("descriptors", held["descriptors"]),
    ]
    return Table(title, "", lines)


def _until_ready() -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "cfrealtime.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        took = time.perf_counter() - started
        process.terminate()
    return took
