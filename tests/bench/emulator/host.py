"""The emulator in a process of its own that also tells what it holds: `python -m tests.bench.emulator.host`.

Prints its base address when it is ready. `/_bench/held` tells how much memory, how many descriptors, tasks
and sessions it has; asking for it collects garbage first, and gives back what is free.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from cfrealtime.emulator import Emulator, UdpMediaPlane, world
from cfrealtime.emulator.__main__ import collecting_seldom
from cfrealtime.emulator.journal import KEPT, Journal
from cfrealtime.emulator.serving import serving
from tests.bench.sdk.timing import use_core


def held(emulator: Emulator) -> dict[str, float]:
    """What this process holds now."""
    gc.collect()
    with suppress(AttributeError, OSError):  # where the C library has no such function
        ctypes.CDLL(None).malloc_trim(0)  # what is free again is not held, though it is kept
    state = emulator.state()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "megabytes": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
        "sessions": len(state["sessions"]),
        "adapters": sum(adapter["status"] != "closed" for adapter in state["adapters"]),
    }


def with_figures(emulator: Emulator) -> ASGIApp:
    """The emulator's application and one page more."""

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/_bench/held":
            await JSONResponse(held(emulator))(scope, receive, send)
        else:
            await emulator.app(scope, receive, send)

    return both


async def main(journal: int) -> None:
    """Serve until standard input ends."""
    world.Journal = partial(Journal, journal)
    emulator = Emulator(media=UdpMediaPlane())
    served = serving(with_figures(emulator), "127.0.0.1", 0)
    async with emulator, served as (host, port), collecting_seldom():
        sys.stdout.write(f"http://{host}:{port}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.emulator.host")
    parser.add_argument("--core", type=int, default=None, help="the core to stay on")
    parser.add_argument("--journal", type=int, default=KEPT, help="how many calls it remembers")
    options = parser.parse_args()
    if options.core is not None:
        use_core(options.core)
    asyncio.run(main(options.journal))
