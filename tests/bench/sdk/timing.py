"""CPU time of calls, measured in turns so that what disturbs the machine disturbs everyone alike."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from attrs import frozen

Samples: TypeAlias = Mapping[str, Sequence[float]]
Block: TypeAlias = Callable[[int], object]
"""Makes that many calls."""


@frozen
class Cost:
    """What one of the measured things costs, in seconds, and beside the thing it is compared with."""

    name: str
    seconds: float
    ratio: float


def in_turns(blocks: Mapping[str, Block], *, rounds: int, calls: int) -> dict[str, list[float]]:
    """CPU seconds per call for every block, in every round; a first round warms up and is not counted."""
    samples: dict[str, list[float]] = {name: [] for name in blocks}
    for block in blocks.values():
        block(calls)
    # What imported peers keep in memory would be searched for garbage at everyone's expense.
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for name, block in blocks.items():
            gc.collect()
            started = time.process_time()
            block(calls)
            samples[name].append((time.process_time() - started) / calls)
    gc.unfreeze()
    return samples


def by_median(samples: Samples, base: str) -> list[Cost]:
    """Median cost, and the median of the ratios within a round: for repeated calls in one process."""
    return [
        Cost(
            name,
            statistics.median(spent),
            statistics.median(mine / other for mine, other in zip(spent, samples[base], strict=True)),
        )
        for name, spent in samples.items()
    ]


def by_smallest(samples: Samples, base: str) -> list[Cost]:
    """Smallest cost and its ratio: for fresh processes, whose disturbances only ever add."""
    return [Cost(name, min(spent), min(spent) / min(samples[base])) for name, spent in samples.items()]


def repeated(call: Callable[[], object]) -> Block:
    """One blocking call after the other."""

    def block(calls: int) -> None:
        for _ in range(calls):
            call()

    return block


def in_flight(runner: asyncio.Runner, call: Callable[[], Awaitable[object]], at_once: int) -> Block:
    """Async calls, so many at a time, on the runner's loop."""

    async def work(calls: list[None]) -> None:
        while calls:
            calls.pop()
            await call()

    async def everyone(calls: int) -> None:
        left: list[None] = [None] * calls
        await asyncio.gather(*(work(left) for _ in range(at_once)))

    return lambda calls: runner.run(everyone(calls))


def use_core(index: int) -> bool:
    """Keep this process on one core, apart from the server's; False where that cannot be."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    # A process inherits the core its parent keeps to. Asked for all, the system gives those there may be.
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return False
    os.sched_setaffinity(0, {cores[index]})
    return True
