"""What is asked of the rooms as a host runs them: CPU for each API call, memory, many rooms at once."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from unittest import mock

import httpx

from cfrealtime import AsyncRealtime
from cfrealtime_rooms import Rooms
from cfrealtime_rooms.runtime import tenure
from tests.bench.rooms.guests import Guest, forget_texts, meeting, tracks_in
from tests.bench.rooms.service import Service, Transport
from tests.bench.sdk.report import Line, Table
from tests.bench.sdk.server import running
from tests.bench.sdk.timing import by_median
from tests.bench.sdk.work import APP_ID, APP_SECRET, body, urls

MILLISECONDS, MICROSECONDS = 1e3, 1e6
REST = 2 * tenure.SAVE_EVERY + 1
"""Seconds after which everything is saved and nothing is on its way."""


async def calls(rounds: int) -> list[Table]:
    """What the rooms cost for each API call, beside the plain call over a socket."""
    samples: dict[str, list[float]] = {_PLAIN: []} | {name: [] for name in _MEETINGS}
    with running() as server:
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {APP_SECRET}"}) as client:
            await _plain(client, server, 80)
            for _ in range(rounds):
                samples[_PLAIN].append(await _plain(client, server, 80))
                for name, come in _MEETINGS.items():
                    samples[name].append(await come())
    costs = by_median(samples, _PLAIN)
    limits = dict.fromkeys(_MEETINGS, 0.5)
    lines = [Line(c.name, c.seconds * MICROSECONDS, c.ratio, limits.get(c.name)) for c in costs]
    note = "The rooms with their signaling, a client's share and a service that answers at once; no SDK."
    return [Table("One API call", "µs CPU", lines, note)]


_PLAIN = "httpx, a POST of a publish to this machine"


async def _plain(client: httpx.AsyncClient, server: str, count: int) -> float:
    targets = urls(server)
    gc.collect()
    started = time.process_time()
    for _ in range(count):
        (await client.post(next(targets), json=body())).raise_for_status().json()
    return (time.process_time() - started) / count


async def _one_after_the_other() -> float:
    return await _spent_per_call(6, quiet=True)


async def _all_at_once() -> float:
    return await _spent_per_call(30, quiet=False)


_MEETINGS: dict[str, Callable[[], Awaitable[float]]] = {
    "rooms, 6 come one after the other": _one_after_the_other,
    "rooms, 30 come at once": _all_at_once,
}


async def _spent_per_call(size: int, *, quiet: bool) -> float:
    service = Service()
    async with meeting(service) as rooms, AsyncExitStack() as stack:
        gc.collect()
        started = time.process_time()
        for number in range(size):
            await Guest().enter(stack, rooms, "hall", f"guest {number}")
            if quiet:
                await service.until_received(tracks_in(number + 1))
        await service.until_received(tracks_in(size))
        return (time.process_time() - started) / service.calls


async def memory(size: int) -> list[Table]:
    """What a participant holds at rest: rooms, SDK, and what the store in memory has saved."""
    # Saves are spread over more time than a bench has: here each may take all of it.
    with mock.patch.object(tenure, "SAVE_SHARE", 1.0):
        await _held(3)  # what is made once, on first use
        small, held = await _held(size // 2), await _held(size)
    # From one size to the other each has so many subscriptions more, and nothing else.
    subscription = (held / size - small / (size // 2)) / (2 * (size - size // 2))
    lines = [
        Line("a participant", held / size / 1000, limit=50.0),
        Line("of that each subscription", subscription / 1000),
    ]
    note = "rooms, SDK and the document in the memory store, as tracemalloc counts it"
    return [Table(f"Memory at rest, {size} in full mesh", "kB", lines, note)]


async def _held(size: int) -> float:
    service = Service()
    async with _sdk(service) as realtime, meeting(service, realtime) as rooms, AsyncExitStack() as stack:
        guests = [Guest() for _ in range(size)]
        gc.collect()
        tracemalloc.start()
        for number, guest in enumerate(guests):
            await guest.enter(stack, rooms, "hall", f"guest {number}")
        await service.until_received(tracks_in(size))
        await asyncio.sleep(REST)
        service.forget()
        forget_texts()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return held


def _sdk(service: Service) -> AsyncRealtime:
    return AsyncRealtime(APP_ID, APP_SECRET, base_url=service.base_url, transport=Transport(service))


async def many(rooms: int, size: int) -> list[Table]:
    """What it costs to fill many small rooms, until everyone receives everyone."""
    service = Service()
    straight = await _arrivals(service, None, rooms, size)
    service = Service()
    async with _sdk(service) as realtime:
        through = await _arrivals(service, realtime, rooms, size)
    lines = [
        Line("CPU for each participant, ms", straight * MILLISECONDS, limit=5.0),
        Line("participants a second", 1 / straight),
        Line("through the SDK and httpx: CPU for each, ms", through * MILLISECONDS),
        Line("through the SDK and httpx: participants a second", 1 / through),
    ]
    note = (
        "One core, one process with the service and the clients; HTTP in the last two lines only, no media."
    )
    return [Table(f"{rooms} rooms of {size}", "", lines, note)]


async def _arrivals(service: Service, realtime: AsyncRealtime | None, rooms: int, size: int) -> float:
    async with meeting(service, realtime) as host, AsyncExitStack() as stack:
        gc.collect()
        started = time.process_time()
        await asyncio.gather(*(_fill(stack, host, f"room {number}", size) for number in range(rooms)))
        await service.until_received(rooms * tracks_in(size))
        return (time.process_time() - started) / (rooms * size)


async def _fill(stack: AsyncExitStack, rooms: Rooms, room_id: str, size: int) -> None:
    for number in range(size):
        await Guest().enter(stack, rooms, room_id, f"guest {number}")
