"""Run the same call through the blocking and the async client."""

from __future__ import annotations

import asyncio

from cfrealtime import AsyncRealtime, Realtime

COLOURS = ["sync", "async"]
BASE = "https://rtc.live.cloudflare.com/v1/apps/app/sessions"


def run(colour, action, **options):
    """The result of `action(client)`, which may be a coroutine's, on a client that is closed afterwards."""
    if colour == "sync":
        with Realtime("app", "hunter2", **options) as client:
            return action(client)

    async def main():
        async with AsyncRealtime("app", "hunter2", **options) as client:
            return await action(client)

    return run_alone(main())


def run_alone(coroutine):
    """`asyncio.run`, but the loop that pytest-asyncio keeps for the thread is left alone."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
