"""A session's turns, for tasks."""

from __future__ import annotations

import asyncio

from cfrealtime._queues import SessionQueue, not_my_turn


class AsyncQueue(SessionQueue):
    """The turns of tasks, which may run on different event loops."""

    async def enter(self, session_id: str, patience: float | None) -> None:
        """Wait for one's turn."""
        loop = asyncio.get_running_loop()
        turn = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(turn.set)

        if self.take(wake):
            return
        try:
            async with asyncio.timeout(patience):
                await turn.wait()
        except BaseException as error:
            self.give_up(wake)
            if isinstance(error, TimeoutError):
                raise not_my_turn(session_id, patience) from None
            raise
