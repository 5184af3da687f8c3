"""Tells hooks what happens, on a thread of their own: one that blocks or raises holds nobody up."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

log = logging.getLogger("cfrealtime_rooms")

CAPACITY = 10_000
"""What waits for hooks that do not keep up; what happens meanwhile they are not told."""

Info = TypeVar("Info")
Queue = SimpleQueue[tuple[Callable[[Any], None], object] | None]


class Teller:
    """Calls hooks one after the other. The thread begins with the first thing to tell."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.untold = 0
        """How much was left out."""
        self._capacity = capacity
        self._waiting: Queue = SimpleQueue()
        self._thread: Thread | None = None
        self._behind = self._ended = False

    def tell(self, hook: Callable[[Info], None] | None, info: Info) -> None:
        """Have a hook told. Never blocks, never raises."""
        if hook is None or self._ended:
            return
        waiting = self._waiting.qsize()
        if waiting >= self._capacity:
            self.untold += 1
            if not self._behind:
                log.warning("the hooks are too slow: they are not told everything")
            self._behind = True
            return
        self._behind = self._behind and waiting > 0
        if self._thread is None:
            self._begin()
        self._waiting.put((hook, info))

    async def finish(self, within: float) -> None:
        """Let hooks hear what they have not yet, for so many seconds."""
        self._ended = True
        if self._thread is None:
            return
        self._waiting.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, within)
        if self._thread.is_alive():
            log.warning("a hook takes too long: what it was to be told is lost")

    def _begin(self) -> None:
        self._thread = Thread(target=_work, args=(self._waiting,), name="hooks of rooms", daemon=True)
        self._thread.start()
        weakref.finalize(self, self._waiting.put, None)  # rooms that nobody closes leave no thread


def _work(waiting: Queue) -> None:
    while (told := waiting.get()) is not None:
        hook, info = told
        try:
            hook(info)
        except Exception:
            log.exception("a hook failed on %s; the rooms go on", type(info).__name__)
