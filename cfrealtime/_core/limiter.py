"""Fifty requests a second for one session: who has to wait, and how long."""

from __future__ import annotations

import threading
from bisect import insort
from collections import OrderedDict, deque
from typing import Final

REQUESTS: Final = 50
WINDOW: Final = 1.0
SESSIONS: Final = 4096


class SessionLimiter:
    """Reserves a moment for each request, so that no session makes more than 50 within any second.

    Source: the service's limits. It remembers the moments of the last second and those that calls still wait
    for, and a session only for a second after its last one. With more than 4096 sessions busy within that
    second the ones longest quiet are forgotten, which for them lifts the limit; the service's own answer,
    429, still holds. Threads may share it.
    """

    def __init__(self, requests: int = REQUESTS, window: float = WINDOW, sessions: int = SESSIONS) -> None:
        self._requests = requests
        self._window = window
        self._sessions = sessions
        self._guard = threading.Lock()
        # Sorted, although a place that was given back is taken again out of order.
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._moments)

    def reserve(self, session_id: str, now: float, patience: float) -> float | None:
        """When the session's next request may leave; None, and no place taken, beyond `patience` seconds."""
        with self._guard:
            return self._reserve(session_id, now, patience)

    def give_back(self, session_id: str, at: float) -> None:
        """Free a reserved moment that no request will leave at."""
        with self._guard:
            moments = self._moments.get(session_id)
            if moments is None or at not in moments:
                return
            moments.remove(at)
            if not moments:
                del self._moments[session_id]

    def _reserve(self, session_id: str, now: float, patience: float) -> float | None:
        moments = self._moments.get(session_id)
        if moments is None:
            self._forget_quiet(now)
            moments = self._moments[session_id] = deque()
        else:
            self._moments.move_to_end(session_id)
            while moments and moments[0] + self._window <= now:
                moments.popleft()
        at = now
        if len(moments) >= self._requests:
            at = max(now, moments[-self._requests] + self._window)
        if at - now > max(patience, 0.0):
            return None
        if not moments or moments[-1] <= at:
            moments.append(at)
        else:
            insort(moments, at)
        return at

    def _forget_quiet(self, now: float) -> None:
        while self._moments:
            session_id, moments = next(iter(self._moments.items()))
            if moments[-1] + self._window > now and len(self._moments) < self._sessions:
                return
            del self._moments[session_id]
