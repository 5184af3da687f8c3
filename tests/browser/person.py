"""Someone at a browser: what they do on the page, and what they see and hear there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import frozen
from playwright.async_api import BrowserContext, Locator, Page
from playwright.async_api import Error as PlaywrightError

T = TypeVar("T")

# Keeps every connection of the page, so that its statistics can be read: the page itself hands none out.
WATCH = """
window.connections = [];
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) { super(...given); window.connections.push(this); }
};
"""

INBOUND = """
async ([selector, kind]) => {
  const media = document.querySelector(selector)?.querySelector(kind);
  const track = media?.srcObject?.getTracks()[0];
  if (!track) return null;
  for (const connection of window.connections) {
    const receiver = connection.getReceivers().find((receiver) => receiver.track === track);
    if (!receiver || connection.connectionState === "closed") continue;
    for (const report of (await receiver.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      return {
        packets: report.packetsReceived ?? 0,
        frames: report.framesDecoded ?? 0,
        width: report.frameWidth ?? 0,
        energy: report.totalAudioEnergy ?? 0,
        shown: media.videoWidth ?? 0,
        playing: !media.paused,
        muted: media.muted,
      };
    }
  }
  return null;
}
"""

# The camera is what has been sent longest; a share comes later.
SENT_WIDTH = """
async () => {
  let longest = { framesEncoded: 0, frameWidth: 0 };
  for (const connection of window.connections) {
    if (connection.connectionState !== "connected") continue;
    for (const report of (await connection.getStats()).values())
      if (report.type === "outbound-rtp" && report.framesEncoded > longest.framesEncoded) longest = report;
  }
  return longest.frameWidth ?? 0;
}
"""


@frozen
class Inbound:
    """What one element of the page receives, from the browser's statistics."""

    packets: int = 0
    frames: int = 0
    width: int = 0
    energy: float = 0.0
    shown: int = 0
    playing: bool = False
    muted: bool = False


def tile(name: str) -> str:
    """The selector of another participant's tile."""
    return f'[data-participant][data-name="{name}"]:not([data-self])'


class Person:
    """One browser context with the meeting page."""

    def __init__(self, context: BrowserContext, page: Page, base: str, name: str) -> None:
        self.context, self.page, self.base, self.name = context, page, base, name
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @classmethod
    async def arrive(cls, context: BrowserContext, base: str, name: str) -> Person:
        """Open a page; nothing is loaded yet."""
        await context.add_init_script(WATCH)
        return cls(context, await context.new_page(), base, name)

    async def join(self, room: str, *, debug: bool = False) -> None:
        """Enter as the form does it."""
        await self.page.goto(f"{self.base}/{'?debug=1' if debug else ''}")
        await self.page.get_by_role("textbox", name="Your name").fill(self.name)
        await self.page.get_by_role("textbox", name="Room").fill(room)
        await self.press("Join")
        await self.own_tile.wait_for()

    async def join_by_address(self, room: str) -> None:
        """Enter by a link."""
        await self.page.goto(f"{self.base}/?room={room}&name={self.name}&join=1")
        await self.own_tile.wait_for()

    async def press(self, name: str) -> None:
        """Press a button."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def write(self, text: str) -> None:
        """Send a message."""
        box = self.page.get_by_role("textbox", name="Message")
        if not await box.is_visible():
            await self.press("Chat")
        await box.fill(text)
        await self.press("Send")

    @property
    def own_tile(self) -> Locator:
        """The self view."""
        return self.page.locator("[data-self]")

    @property
    def log(self) -> Locator:
        """The conversation."""
        return self.page.get_by_role("log")

    def tile(self, name: str) -> Locator:
        """Another participant's tile."""
        return self.page.locator(tile(name))

    @property
    def share(self) -> Locator:
        """The share on the page (there is one presenter in these tests)."""
        return self.page.locator("[data-share-of]")

    async def others(self) -> list[str]:
        """Names of everyone else with a tile."""
        tiles = self.page.locator("[data-participant]:not([data-self])")
        return sorted([await tile.get_attribute("data-name") or "" for tile in await tiles.all()])

    async def inbound(self, selector: str, kind: str) -> Inbound:
        """What an element of the page receives, `kind` being `video` or `audio`."""
        found = await self.page.evaluate(INBOUND, [selector, kind])
        return Inbound(**found) if found else Inbound()

    async def share_seen(self) -> Inbound:
        """What the share on the page receives."""
        return await self.inbound("[data-share-of]", "video")

    async def sent_width(self) -> int:
        """The width of the video this browser sends."""

        async def look() -> int:
            return int(await self.page.evaluate(SENT_WIDTH))

        return await until(look, lambda width: width > 0, f"{self.name} to send a picture")

    async def sees(self, name: str, *, width: int | None = None) -> None:
        """Frames of this participant are decoded and go on being decoded."""

        async def look() -> Inbound:
            return await self.inbound(tile(name), "video")

        first = await until(look, lambda seen: seen.frames > 0, f"{self.name} to see {name}")
        seen = await until(
            look,
            lambda seen: seen.frames >= first.frames + 5,
            f"{name}'s picture to move for {self.name}",
        )
        assert seen.playing
        if width is not None:
            await until(look, lambda seen: seen.width == seen.shown == width, f"{width} pixels")

    async def hears(self, name: str) -> None:
        """Sound of this participant comes out of an element that is not muted."""

        async def listen() -> Inbound:
            return await self.inbound(tile(name), "audio")

        first = await until(listen, lambda heard: heard.energy > 0, f"{self.name} to hear {name}")
        heard = await until(listen, lambda heard: heard.energy > first.energy, f"{name} to go on sounding")
        assert heard.playing
        assert not heard.muted

    async def connections(self) -> int:
        """How many connections this page has made so far."""
        return int(await self.page.evaluate("window.connections.length"))

    async def kill_tab(self) -> None:
        """Crash the tab's process: the page says nothing to anybody."""
        with contextlib.suppress(PlaywrightError):
            await self.page.goto("chrome://crash", timeout=2000)

    async def gone(self, name: str, *, within: float | None = None) -> None:
        """This participant's tile disappears; `within` seconds where others would be a mistake."""
        timeout = None if within is None else within * 1000
        await self.tile(name).wait_for(state="detached", timeout=timeout)


async def until(look: Callable[[], Awaitable[T]], good: Callable[[T], bool], what: str) -> T:
    """Look again and again until what is seen is good."""
    deadline = time.monotonic() + 120
    while True:
        seen = await look()
        if good(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited 120 s for {what}; last seen: {seen}")
        await asyncio.sleep(0.1)


async def meet_all(people: list[Person]) -> None:
    """Everyone sees and hears everyone, each at the width that its sender sends."""

    async def meets(one: Person, other: Person) -> None:
        await one.sees(other.name, width=await other.sent_width())
        await one.hears(other.name)

    async with asyncio.TaskGroup() as group:
        for one in people:
            for other in people:
                if one is not other:
                    group.create_task(meets(one, other))
