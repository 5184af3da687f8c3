"""The same call through the blocking and the async client, in time that passes without being waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import looptime
from attrs import evolve, frozen

from cfrealtime import AsyncRealtime, Realtime


@frozen
class Ended:
    """How a call ended, and after how many seconds."""

    value: Any
    error: BaseException | None
    seconds: float


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def blocking_client(clock: Clock, **options: Any) -> Realtime:
    """A client that lives in a clock's time."""
    client = Realtime("app", "hunter2", **options)
    client._caller = evolve(client._caller, clock=lambda: clock.now, wait=clock.wait)
    return client


def virtually(colour: str, action: Any, **options: Any) -> Ended:
    """What came of `action(client)`, which may be a coroutine's."""
    value, error = None, None
    if colour == "sync":
        clock = Clock()
        with blocking_client(clock, **options) as client:
            try:
                value = action(client)
            except BaseException as raised:
                error = raised
        return Ended(value, error, clock.now - 1000.0)

    async def main() -> Ended:
        async with AsyncRealtime("app", "hunter2", **options) as client:
            value, error = None, None
            start = asyncio.get_running_loop().time()
            try:
                value = await action(client)
            except BaseException as raised:
                error = raised
            return Ended(value, error, asyncio.get_running_loop().time() - start)

    return run_in_virtual_time(main())


def run_in_virtual_time(coroutine: Any) -> Any:
    """`asyncio.run` on a loop whose time passes when nothing else happens."""
    loop = looptime.new_event_loop(start=0.0)
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
