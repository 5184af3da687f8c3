"""A session's turns, for threads."""

from __future__ import annotations

import threading

from cfrealtime._queues import SessionQueue, not_my_turn


class SyncQueue(SessionQueue):
    """The turns of threads."""

    def enter(self, session_id: str, patience: float | None) -> None:
        """Wait for one's turn."""
        turn = threading.Event()
        if self.take(turn.set):
            return
        try:
            mine = turn.wait(patience)
        except BaseException:
            # Ctrl-C, for one: a place that nobody waits at would hold up all behind it.
            self.give_up(turn.set)
            raise
        if not mine:
            self.give_up(turn.set)
            raise not_my_turn(session_id, patience)
