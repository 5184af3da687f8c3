"""Somebody who has the emulator's page open, which asks once a second for what there is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from attrs import frozen

from tests.bench.emulator.room import Host
from tests.cfrealtime.emulator.peer import APP

EVERY = 1.0
ASKED = ("state?ended=50", "journal?newest=250")
"""What the page asks for while calls are made."""
JOURNAL = 2000
"""Calls that were before, as after a while of work."""


@frozen
class Look:
    """One look: how long its answers took, and their bytes."""

    seconds: float
    size: int


async def fill_journal(host: Host) -> None:
    """Make calls that change nothing."""
    for _ in range(JOURNAL):
        await host.client.get(f"{APP}/sessions/nobody")


@asynccontextmanager
async def onlooker(host: Host) -> AsyncGenerator[list[Look]]:
    """Look on; gives the looks so far."""
    looks = list[Look]()
    looking = asyncio.create_task(_look_on(host, looks))
    try:
        yield looks
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look_on(host: Host, looks: list[Look]) -> None:
    while True:
        began, size = time.perf_counter(), 0
        for path in ASKED:
            size += len((await host.client.get(f"/_emulator/{path}")).content)
        looks.append(Look(time.perf_counter() - began, size))
        await asyncio.sleep(EVERY)
