"""Waiting for something to become true, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_SETTLE = 0.02
"""Packets come by the hundred: conditions are looked at this often at most."""


class Waiters:
    """Conditions that are looked at again after each change."""

    def __init__(self) -> None:
        self._waiting = dict[asyncio.Future[None], Callable[[], bool]]()
        self._timer: asyncio.TimerHandle | None = None

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait for a condition; False where it did not come true in time."""
        if condition():
            return True
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = condition
        try:
            async with asyncio.timeout(within):
                await future
        except TimeoutError:
            return condition()
        finally:
            self._waiting.pop(future, None)
        return True

    def look(self) -> None:
        """Something changed: look now."""
        for future, condition in tuple(self._waiting.items()):
            if future.done():
                continue
            try:
                if condition():
                    future.set_result(None)
            except Exception as error:
                future.set_exception(error)

    def look_soon(self) -> None:
        """Something small changed: look within 20 ms."""
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SETTLE, self._look_late)

    def fail(self, error: BaseException) -> None:
        """Nothing more will change: whoever waits is told why."""
        for future in self._waiting:
            if not future.done():
                future.set_exception(error)

    def _look_late(self) -> None:
        self._timer = None
        self.look()
