"""`rooms.js` in Chromium against a room inside the page: no host, no SFU, nothing on the network."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright
from playwright.async_api import TimeoutError as Timeout

from cfrealtime_rooms.web import WEB_ROOT
from tests.browser.conftest import DEVICES, FLAGS, chromium
from tests.browser.person import WATCH

SITE = "http://localhost"  # nobody listens there: every request is answered below
FAKE_ROOM = Path(__file__).with_name("fake_room.js")

ENTER = """
async ([others, options, setup]) => {
  await (0, eval)(`(async () => { ${setup} })()`);
  const [{ Room }, { FakeRoom, picture }] = await Promise.all([import("/rooms.js"), import("/fake_room.js")]);
  const fake = new FakeRoom(others);
  const room = new Room("/", { name: "Ana", ...options, channel: fake.channel });
  const events = [];
  const told = {
    state: (event) => event.state,
    error: (error) => error.code,
    "track-added": ({ participant, track }) => `${participant.id} ${track.source}`,
    "track-removed": ({ participant, track }) => `${participant.id} ${track.source}`,
  };
  for (const [type, tell] of Object.entries(told)) room.on(type, (event) => events.push([type, tell(event)]));
  Object.assign(window, { room, fake, picture, events });
  await room.join();
}
"""


# What a failure is explained with.
STANDING = """
  const states = connections.map((pc) => [pc.connectionState, pc.signalingState]);
  return JSON.stringify({ room: room.state, states, own: fake.own, events });
"""


class Client:
    """A page with a joined room (`room`), the fake it is in (`fake`), and what it was told (`events`)."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def run(self, script: str) -> Any:
        """Run the body of an async function in the page."""
        return await self.page.evaluate(f"async () => {{ {script} }}")

    async def until(self, condition: str) -> None:
        """Wait until an expression holds in the page."""
        await self.page.wait_for_function(condition, timeout=60_000)

    async def until_sent(self, what: str) -> list[str]:
        """Wait until the client has sent this; gives all it has sent since the last look."""
        taken: list[str] = []
        while what not in taken:
            try:
                await self.until("fake.log.length > 0")
            except Timeout as error:
                error.add_note(f"waiting for {what!r} after {taken}; {await self.run(STANDING)}")
                raise
            taken += await self.run("return fake.taken()")
        return taken

    async def told(self, kind: str) -> list[str]:
        """What the events of a type said."""
        return await self.run(f"return events.filter(([type]) => type === '{kind}').map(([, what]) => what)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *DEVICES])
        yield browser
        await browser.close()


async def _serve(route: Route) -> None:
    name = route.request.url.removeprefix(SITE).removeprefix("/")
    if not name:
        await route.fulfill(body="<!doctype html>", content_type="text/html")
    else:
        path = FAKE_ROOM if name == FAKE_ROOM.name else WEB_ROOT / name
        await route.fulfill(path=path, content_type="text/javascript")


@pytest_asyncio.fixture(loop_scope="module")
async def enter(browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Enter a fake room; whatever goes uncaught in the page fails the test."""
    context = await browser.new_context(permissions=["camera", "microphone"])
    uncaught: list[str] = []

    async def join(*others: dict[str, Any], setup: str = "", **options: Any) -> Client:
        page = await context.new_page()
        page.on("pageerror", lambda error: uncaught.append(str(error)))
        await page.add_init_script(WATCH)
        await page.route("**/*", _serve)
        await page.goto(SITE)
        await page.evaluate(ENTER, [list(others), options, setup])
        return Client(page)

    yield join
    await context.close()
    assert uncaught == []


@pytest.fixture
def ben() -> dict[str, Any]:
    """Somebody with a camera."""
    return {"id": "ben", "sources": ["camera"]}


@pytest.fixture
def cid() -> dict[str, Any]:
    """Somebody else with a camera."""
    return {"id": "cid", "sources": ["camera"]}
