"""A meeting with real browsers: emulator with real media, the FastAPI example, Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from cfrealtime.emulator import Emulator
from cfrealtime.emulator.media.udp import UdpMediaPlane
from tests.browser.person import Person
from tests.servers import Server, meeting_host

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--auto-accept-this-tab-capture",
]
LONGEST = 120.0
"""Seconds until something that is expected is missed: pages are slow where many share two cores."""
expect.set_options(timeout=LONGEST * 1000)
DEVICES = ["--use-fake-device-for-media-stream=fps=10"]

GRACE = 8.0
"""Seconds in which somebody who was lost may come back."""

Arrive = Callable[..., Awaitable[Person]]


def chromium() -> str:
    """The system's Chromium."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail(
            "No Chromium found: install your system's chromium package, or run scripts/test --no-browser."
        )
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def emulator() -> AsyncGenerator[Emulator]:
    """Cloudflare Realtime on this machine, with real media."""
    async with Emulator(media=UdpMediaPlane()) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def realtime(emulator: Emulator) -> AsyncGenerator[str]:
    """The emulator's base address."""
    async with emulator.serve() as base_url:
        yield base_url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(realtime: str) -> AsyncGenerator[Server]:
    """The FastAPI meeting."""
    host = meeting_host("examples/01_fastapi/app.py", realtime, grace=GRACE)
    await host.start()
    yield host
    await host.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright() -> AsyncGenerator[Playwright]:
    """Playwright itself."""
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(playwright: Playwright) -> AsyncGenerator[Browser]:
    """A Chromium with a fake camera and microphone."""
    browser = await playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *DEVICES])
    yield browser
    await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def arrive(browser: Browser, host: Server) -> AsyncGenerator[Arrive]:
    """Bring people to the page, each in a browser context of their own; all leave at the end."""
    async with AsyncExitStack() as stack:

        async def bring(name: str, *, into: Browser | None = None, base: str | None = None) -> Person:
            # A small window: pages are painted by the same two cores that encode and decode.
            context = await (into or browser).new_context(viewport={"width": 1024, "height": 576})
            context.set_default_timeout(LONGEST * 1000)
            stack.push_async_callback(context.close)
            return await Person.arrive(context, base or host.base, name)

        yield bring
