"""Synthetic participants that keep a room alive: `python -m examples.bots --url ws://127.0.0.1:8000/rooms/demo`.

Each has a moving picture, a voice, things to say, and its own idea of when to mute or to share its screen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from cfrealtime_rooms.testing import RefusedError
from cfrealtime_rooms.testing.light import LightPeer
from cfrealtime_rooms.testing.pictures import drawn
from cfrealtime_rooms.testing.websocket import WebSocketParticipant

NAMES = ("Ada", "Bruno", "Chika", "Dara", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jun", "Kaya", "Luz")
LINES = (
    "Can everyone hear me?",
    "I'll share my notes in a minute.",
    "Good point.",
    "Let's keep this short today.",
    "Who takes this one?",
    "Done since yesterday, it is in review.",
    "Sorry, I was muted!",
    "The numbers look better than last week.",
    "I have to leave a bit earlier.",
    "Nice background :)",
    "Could you say that again?",
    "+1",
)
SHARES_SECONDS = (12.0, 20.0)


class Stage:
    """What the bots of one room agree on: one share at a time, one who greets."""

    def __init__(self) -> None:
        self.sharing = asyncio.Lock()
        self.greeted = set[str]()


class Bot:
    """One synthetic participant, its media and its habits."""

    def __init__(self, url: str, name: str, stage: Stage, tell: Callable[[str], None]) -> None:
        self.name = name
        self._stage, self._tell = stage, tell
        # A host knows its users: here everyone says who they are. One identity for all of a bot's visits.
        who = urlencode({"identity": f"bot-{name}-{random.randbytes(4).hex()}", "name": name})
        self._url = f"{url}{'&' if '?' in url else '?'}{who}"
        self._dice = random.Random(name)
        self._media = drawn(name)

    async def prepare(self) -> None:
        """Draw and encode, where it does not hold up the others' packets."""
        await asyncio.to_thread(self._media, "microphone", "audio")
        await asyncio.to_thread(self._media, "camera", "video")

    async def live(self) -> None:
        """Come, act, leave and come back, for ever. Whatever happens to one visit, the next one follows."""
        while True:
            try:
                await self._visit()
            except (OSError, TimeoutError, RefusedError) as error:
                self._tell(f"{self.name} could not stay: {error}")
            await asyncio.sleep(self._dice.uniform(4, 8))

    async def _visit(self) -> None:
        me = WebSocketParticipant(self._url, name=self.name, peer_factory=lambda: LightPeer(self._media))
        try:
            await me.open()
            await me.join()
            self._tell(f"{self.name} joined")
            me.say(self._dice.choice(("Hi all!", "Good morning!", "Hello :)")))
            acts: list[Callable[[WebSocketParticipant], Awaitable[None]]] = [
                *[self._speak] * 4,
                *[self._mute] * 2,
                self._camera_off,
                *[self._share] * 2,
            ]
            for _ in range(self._dice.randint(25, 40)):
                await asyncio.sleep(self._dice.uniform(5, 14))
                if me.closed is not None:
                    return
                self._greet(me)
                await self._dice.choice(acts)(me)
        finally:
            # Shut down while it acts: the room hears a leave rather than a lost channel.
            with contextlib.suppress(TimeoutError):
                await asyncio.shield(me.leave(within=1.0))
            await me.aclose()
            self._tell(f"{self.name} left")

    async def _speak(self, me: WebSocketParticipant) -> None:
        me.say(self._dice.choice(LINES))

    def _greet(self, me: WebSocketParticipant) -> None:
        for view in me.others.values():
            if view.name not in NAMES and view.id not in self._stage.greeted:
                self._stage.greeted.add(view.id)
                me.say(f"Hello {view.name}!")

    async def _mute(self, me: WebSocketParticipant) -> None:
        me.mute("microphone")
        await asyncio.sleep(self._dice.uniform(4, 9))
        me.unmute("microphone")

    async def _camera_off(self, me: WebSocketParticipant) -> None:
        me.mute("camera")
        await asyncio.sleep(self._dice.uniform(5, 10))
        me.unmute("camera")

    async def _share(self, me: WebSocketParticipant) -> None:
        if self._stage.sharing.locked():
            return
        async with self._stage.sharing:
            await asyncio.to_thread(self._media, "screen", "video")
            await me.publish("screen")
            me.say("Can you see my screen?")
            await asyncio.sleep(self._dice.uniform(*SHARES_SECONDS))
            me.unpublish("screen")


async def run(url: str, count: int, stagger: float, tell: Callable[[str], None]) -> None:
    """Bring `count` bots into the room behind `url`, one after the other, until cancelled."""
    stage = Stage()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            round_, at = divmod(number, len(NAMES))
            bot = Bot(url, NAMES[at] + (f" {round_ + 1}" if round_ else ""), stage, tell)
            await bot.prepare()
            group.create_task(bot.live())
            await asyncio.sleep(stagger)


async def _until_stopped(url: str, count: int, stagger: float) -> None:
    bots = asyncio.create_task(run(url, count, stagger, _print))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, bots.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await bots


def _print(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bots until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.bots", description="Synthetic participants that keep a room alive."
    )
    parser.add_argument(
        "--url", default="ws://127.0.0.1:8000/rooms/demo", help="the room (default: %(default)s)"
    )
    parser.add_argument("--bots", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--stagger", type=float, default=1.0, help="seconds from one to the next")
    options = parser.parse_args(arguments)
    asyncio.run(_until_stopped(options.url, options.bots, options.stagger))
    return 0


if __name__ == "__main__":
    sys.exit(main())
