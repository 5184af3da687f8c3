"""The pages that are read as programs: their blocks, what these print, and the surroundings they ask for."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from inspect import iscoroutine
from pathlib import Path
from typing import Any

from attrs import frozen

from cfrealtime import AsyncRealtime, LocalTrack, RemoteTrack
from cfrealtime.emulator import Emulator, ManualMediaPlane
from cfrealtime.testing import InProcessEmulator, ServedEmulator
from tests.docs.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# A block, and what it prints: perhaps after a paragraph, as long as no other block comes between.
_BLOCK = re.compile(
    r"^```(python|sh)\n(.*?)^```\n(?:(?:(?!```|#)[^\n]*\n){0,4}^```text\n(.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)
_SURROUNDINGS = re.compile(r"^<!-- runs: (.+) -->$", re.MULTILINE)


@frozen
class Block:
    """A block of a page, where it begins, and what the page says that it prints."""

    language: str
    line: int
    code: str
    prints: str | None

    def compiled(self, page: str) -> Any:
        """The code, under line numbers of the page; `await` may stand anywhere, as in `python -m asyncio`."""
        return compile(
            "\n" * self.line + self.code, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )


@frozen
class Page:
    """A page of the documentation."""

    name: str
    text: str

    @property
    def surroundings(self) -> str | None:
        """What its blocks need around them: `in process` or `over HTTP`."""
        found = _SURROUNDINGS.findall(self.text)
        return found[0] if len(found) == 1 else None

    @property
    def blocks(self) -> list[Block]:
        """Its blocks of Python and of commands, in their order."""
        return [
            Block(found[1], self.text[: found.start()].count("\n") + 1, found[2], found[3])
            for found in _BLOCK.finditer(self.text)
        ]


def page(name: str) -> Page:
    """A page by its name below docs."""
    return Page(name, (DOCS / name).read_text(encoding="utf-8"))


async def run(block: Block, page_name: str, names: dict[str, Any]) -> None:
    """Run a block with the names of its page; what it defines is added to them."""
    if block.language == "sh":
        print(await asyncio.to_thread(run_commands, block.code), end="")
        return
    result = eval(block.compiled(page_name), names)
    if iscoroutine(result):
        await result


def run_commands(commands: str) -> str:
    """What commands print, where `python` is this one."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", commands], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def matches(printed: str, expected: str) -> bool:
    """Whether a text is the expected one, in which … stands for anything within a line."""
    return re.fullmatch(".+".join(map(re.escape, expected.split("…"))), printed) is not None


def people() -> dict[str, Any]:
    """The endpoints that pages speak of."""
    return {name: Endpoint() for name in ("alice", "bob", "carol")}


@asynccontextmanager
async def in_process(page: Page) -> AsyncGenerator[dict[str, Any]]:
    """An emulator on the test's loop, a client of it, endpoints and, if need be, a hundred publications."""
    async with InProcessEmulator() as emulator:
        names = {**people(), "emulator": emulator, "realtime": emulator.async_realtime}
        if "hundred_tracks" in page.text:
            names["hundred_tracks"] = await _publish_a_hundred(emulator.async_realtime)
        yield names


async def _publish_a_hundred(realtime: AsyncRealtime) -> list[RemoteTrack]:
    tracks: list[RemoteTrack] = []
    for _ in range(2):
        session, endpoint = await realtime.new_session(), Endpoint()
        offer = await endpoint.offer(*["audio"] * 50)
        local = [LocalTrack(str(number), f"microphone-{number}") for number in range(50)]
        (await session.publish(offer, local)).raise_for_items()
        tracks += [RemoteTrack(session.id, track.track_name) for track in local]
    return tracks


@contextmanager
def over_http() -> Generator[dict[str, str]]:
    """An emulator that is served beside; gives the environment of its clients."""
    with ServedEmulator(Emulator(media=ManualMediaPlane(connect_after=0))) as server:
        yield dict(server.environment)
