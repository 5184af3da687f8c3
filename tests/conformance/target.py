"""Who is asked: the emulator in this process, or the service."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from attrs import define, frozen

from cfrealtime.emulator import Emulator, UdpMediaPlane

SERVICE = "https://rtc.live.cloudflare.com/v1"
TURN_KEY, TURN_TOKEN = "CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_API_TOKEN"


@frozen
class Target:
    """One who answers the API."""

    name: str
    client: httpx.AsyncClient
    app_id: str
    turn: tuple[str, str] | None
    """Key and token; None where there is none to ask with."""
    pass_time: Callable[[float, Callable[[], None]], Awaitable[None]]
    """Lets time go by; what is called meanwhile keeps connections alive where time is hurried."""
    patience: float
    """How many times as long as the emulator it may take to do a thing."""


def targets(*, turn: bool = False) -> list[str]:
    """Whom to ask: the service only where somebody wants it and can."""
    wanted = os.environ.get("CFREALTIME_CONFORMANCE") == "live"
    needed = ["CLOUDFLARE_REALTIME_APP_ID", "CLOUDFLARE_REALTIME_APP_SECRET"]
    needed += [TURN_KEY, TURN_TOKEN] if turn else []
    able = all(os.environ.get(name) for name in needed)
    return ["emulator", "service"] if wanted and able else ["emulator"]


@define
class _Warp:
    """The loop's time, and what was added to it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead

    async def pass_time(self, seconds: float, keep_alive: Callable[[], None]) -> None:
        step, until = 0.5, self.ahead + seconds
        while self.ahead < until:
            self.ahead = min(until, self.ahead + step)
            keep_alive()
            await asyncio.sleep(0.012)


@asynccontextmanager
async def emulated() -> AsyncGenerator[Target]:
    """The emulator over HTTP and UDP. It refuses adapters on localhost, as the service does."""
    warp = _Warp()
    emulator = Emulator(
        {"app": "app-secret"},
        UdpMediaPlane(clock=warp),
        warp,
        {"key": "key-token"},
        allow_localhost_adapters=False,
    )
    headers = {"Authorization": "Bearer app-secret"}
    async with (
        emulator.serve() as base_url,
        httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30.0) as client,
    ):
        yield Target("emulator", client, "app", ("key", "key-token"), warp.pass_time, 1.0)


@asynccontextmanager
async def serviced() -> AsyncGenerator[Target]:
    """The service, with the credentials of the environment."""

    async def pass_time(seconds: float, _: Callable[[], None]) -> None:
        await asyncio.sleep(seconds)

    base_url = os.environ.get("CLOUDFLARE_REALTIME_BASE_URL", SERVICE)
    headers = {"Authorization": f"Bearer {os.environ['CLOUDFLARE_REALTIME_APP_SECRET']}"}
    turn = (os.environ.get(TURN_KEY), os.environ.get(TURN_TOKEN))
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60.0) as client:
        app_id = os.environ["CLOUDFLARE_REALTIME_APP_ID"]
        key = (turn[0], turn[1]) if turn[0] and turn[1] else None
        yield Target("service", client, app_id, key, pass_time, 5.0)
