"""Fifty requests a second for one session: who has to wait, and how long."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

REQUESTS: Final = 50
WINDOW: Final = 1.0
SESSIONS: Final = 4096


class SessionLimiter:
    """Reserves a moment for each request, so that no session makes more than 50 within any second.

    Source: the service's limits. It remembers when the last 50 requests of a session were to leave, and a
    session only for a second after its last one. With more than 4096 sessions busy within that second the
    ones longest quiet are forgotten, which for them lifts the limit; the service's own answer, 429, still
    holds.
    """

    def __init__(self, requests: int = REQUESTS, window: float = WINDOW, sessions: int = SESSIONS) -> None:
        self._requests = requests
        self._window = window
        self._sessions = sessions
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._moments)

    def reserve(self, session_id: str, now: float, patience: float) -> float | None:
        """Seconds until the session's next request may leave; None, and no place taken, beyond `patience`."""
        moments = self._moments.get(session_id)
        if moments is None:
            self._forget_quiet(now)
            moments = self._moments[session_id] = deque(maxlen=self._requests)
        else:
            self._moments.move_to_end(session_id)
        at = now
        if len(moments) == self._requests:
            at = max(now, moments[0] + self._window)
        if at - now > max(patience, 0.0):
            return None
        moments.append(at)
        return at - now

    def _forget_quiet(self, now: float) -> None:
        while self._moments:
            session_id, moments = next(iter(self._moments.items()))
            if moments[-1] + self._window > now and len(self._moments) < self._sessions:
                return
            del self._moments[session_id]
