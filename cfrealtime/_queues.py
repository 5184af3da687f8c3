"""Who may negotiate with a session now: one caller at a time, first come, first served.

A queue lives as long as somebody holds a handle that has used it, so a process that has seen a million
sessions holds the queues of those it still talks to.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakValueDictionary

from cfrealtime.errors import ExchangeOpenError

if TYPE_CHECKING:
    from cfrealtime._core.negotiating import Exchange

QueueT = TypeVar("QueueT", bound="SessionQueue")


class SessionQueue:
    """One session's turns, and where its exchange was left."""

    def __init__(self) -> None:
        from cfrealtime._core.negotiating import Exchange

        self.exchange: Exchange = Exchange.NONE
        self._guard = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._taken = False

    def leave(self) -> None:
        """Let the next one in."""
        with self._guard:
            while self._waiting:
                # A waiter whose event loop is closed has nobody left to wake.
                with suppress(RuntimeError):
                    self._waiting.popleft()()
                    return
            self._taken = False

    def take(self, wake: Callable[[], None]) -> bool:
        """Whether it is one's turn at once; else `wake` is called when it is."""
        with self._guard:
            if self._taken:
                self._waiting.append(wake)
                return False
            self._taken = True
            return True

    def give_up(self, wake: Callable[[], None]) -> None:
        """Wait no longer."""
        with self._guard:
            if wake in self._waiting:
                self._waiting.remove(wake)
                return
        # The turn came in the same moment: it goes on to the next.
        self.leave()


class Queues(Generic[QueueT]):
    """The queues that are in use, by session."""

    def __init__(self, make: Callable[[], QueueT]) -> None:
        self._make = make
        self._queues: WeakValueDictionary[str, QueueT] = WeakValueDictionary()
        self._guard = threading.Lock()

    def of(self, session_id: str) -> QueueT:
        """A session's queue."""
        with self._guard:
            queue = self._queues.get(session_id)
            if queue is None:
                queue = self._queues[session_id] = self._make()
            return queue


def not_my_turn(session_id: str, patience: float | None) -> ExchangeOpenError:
    """The error for a wait that was too long."""
    return ExchangeOpenError(
        f"negotiate on session {session_id}: another exchange did not end within {patience or 0:g} s. "
        "Wait longer, or find who holds it.",
        session_id=session_id,
    )
