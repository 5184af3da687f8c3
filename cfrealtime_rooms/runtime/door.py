"""The one way into the rooms' event loop: on it from the first use on, and from any other thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 30.0
"""Seconds another thread waits for the rooms' event loop."""
_T = TypeVar("_T")


class Door:
    """Of the event loop that comes through it first; its thread goes straight in."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None

    def bind(self) -> None:
        """Be the running event loop's. Raises `RuntimeError` where another came first."""
        loop = asyncio.get_running_loop()
        if self.loop is not None and self.loop is not loop:
            raise RuntimeError("Rooms belong to the event loop that used them first; make one Rooms per loop")
        self.loop, self._thread = loop, threading.get_ident()

    def go(self, act: Callable[[], _T]) -> _T:
        """Act on the rooms' own thread, from whichever thread this is."""
        loop = self.loop
        if loop is None or loop.is_closed() or threading.get_ident() == self._thread:
            return act()
        done: concurrent.futures.Future[_T] = concurrent.futures.Future()

        def run() -> None:
            try:
                done.set_result(act())
            except Exception as error:  # handed to the caller's thread
                done.set_exception(error)

        loop.call_soon_threadsafe(run)
        try:
            return done.result(timeout=DEADLINE)
        except concurrent.futures.TimeoutError:
            raise RuntimeError(f"the rooms' event loop has not answered for {DEADLINE:g} s") from None
