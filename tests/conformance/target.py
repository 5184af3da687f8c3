"""Who is asked: the emulator in this process, or the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from attrs import define, frozen

from cfrealtime.emulator import Emulator, UdpMediaPlane
from cfrealtime.emulator.adapters.dialing import Channel, dial
from tests.conformance import environment
from tests.servers import free_port

_ELSEWHERE = "ws://adapters.invalid"
"""Where the emulator finds our WebSocket server: it refuses localhost, as the service does."""


@frozen
class Way:
    """How adapters find the WebSocket server of a test."""

    url: str
    port: int
    """The one on this machine to which the URL leads."""


@frozen
class Target:
    """One who answers the API."""

    name: str
    client: httpx.AsyncClient
    app_id: str
    turn: tuple[str, str] | None
    """Key and token; None where there is none to ask with."""
    way: Way | None
    """None where adapters cannot reach us."""
    pass_time: Callable[[float, Callable[[], None]], Awaitable[None]]
    """Lets time go by; what is called meanwhile keeps connections alive where time is hurried."""
    patience: float
    """How many times as long as the emulator it may take to do a thing."""


@define
class _Hurry:
    """The time of the running loop, put forward on demand. The loop ends with its test: nothing goes back."""

    ahead: float = 0.0

    @classmethod
    def of_this_loop(cls) -> _Hurry:
        loop = asyncio.get_running_loop()
        hurry, real = cls(), loop.time
        loop.__dict__["time"] = lambda: real() + hurry.ahead
        return hurry

    async def pass_time(self, seconds: float, keep_alive: Callable[[], None]) -> None:
        step, until = 0.5, self.ahead + seconds
        while self.ahead < until:
            self.ahead = min(until, self.ahead + step)
            keep_alive()
            await asyncio.sleep(0.012)

    async def run(self) -> None:
        """Let nobody wait long any more."""
        while True:
            self.ahead += 0.1
            await asyncio.sleep(0.001)


@asynccontextmanager
async def emulated() -> AsyncGenerator[Target]:
    """The emulator over HTTP and UDP. It refuses adapters on localhost, as the service does."""
    hurry, port = _Hurry.of_this_loop(), free_port()

    async def dial_us(url: str) -> Channel:
        return await dial(url.replace(_ELSEWHERE, f"ws://127.0.0.1:{port}"))

    emulator = Emulator(
        {"app": "app-secret"},
        UdpMediaPlane(),
        turn_keys={"key": "key-token"},
        allow_localhost_adapters=False,
        dial=dial_us,
    )
    headers = {"Authorization": "Bearer app-secret"}
    ending: asyncio.Task[None] | None = None
    try:
        async with emulator.serve() as base_url:
            async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=120.0) as client:
                way = Way(_ELSEWHERE, port)
                yield Target("emulator", client, "app", ("key", "key-token"), way, hurry.pass_time, 1.0)
            ending = asyncio.create_task(hurry.run())  # a server looks at its end ten times a second only
    finally:
        if ending is not None:
            ending.cancel()


@asynccontextmanager
async def serviced() -> AsyncGenerator[Target]:
    """The service, with the credentials of the environment."""

    async def pass_time(seconds: float, _: Callable[[], None]) -> None:
        await asyncio.sleep(seconds)

    app, turn, url = environment.app(), environment.turn(), environment.websocket()
    headers = {"Authorization": f"Bearer {app.secret}"}
    way = Way(url, environment.port()) if url else None
    async with httpx.AsyncClient(base_url=app.base_url, headers=headers, timeout=60.0) as client:
        yield Target("service", client, app.app_id, turn, way, pass_time, 5.0)
