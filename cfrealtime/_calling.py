"""What callers of both colours share: a limiter for threads, and notes for raw answers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cfrealtime._core.limiter import SessionLimiter
from cfrealtime.errors import InvalidRequestError

if TYPE_CHECKING:
    from cfrealtime._core.conduct import Finished
    from cfrealtime._core.exchange import Request
    from cfrealtime.raw import Answer


class ThreadsafeLimiter(SessionLimiter):
    """The limiter of a client that threads share."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def reserve(self, session_id: str, now: float, patience: float) -> float | None:
        """Reserve, one thread at a time."""
        with self._lock:
            return super().reserve(session_id, now, patience)


def record(tape: list[Answer], request: Request[Any], finished: Finished[Any]) -> None:
    """Note the last answer of a call."""
    from cfrealtime._core.decode import cf_ray
    from cfrealtime.raw import Answer

    response = finished.response
    if response is not None:
        ray = cf_ray(response)
        tape.append(
            Answer(
                request.operation, response.status, response.headers, ray, finished.attempts, finished.seconds
            )
        )


def closed(request: Request[Any]) -> InvalidRequestError:
    """The error for a call on a client that was closed."""
    return InvalidRequestError(
        f"{request.operation} was not sent: this client is closed. Make a new one.",
        operation=request.operation,
    )
