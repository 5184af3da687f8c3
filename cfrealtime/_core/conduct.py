"""How a call is conducted: wait for a free place, send, look, perhaps again. Shared by both colours.

It is a generator that says what to do next and is told what came of it, with the time. It does no I/O and
reads no clock, so tests drive it as they like.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from attrs import frozen

from cfrealtime._core.decode import cf_ray, interpret
from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._core.retry import LEAST_TIME, leaves_something, pause_before_retry
from cfrealtime.errors import NotSentError, RealtimeError

if TYPE_CHECKING:
    from cfrealtime._core.notices import Notices
    from cfrealtime.hooks import Hooks

logger = logging.getLogger("cfrealtime")

T = TypeVar("T")

_CROWDED: Final = (
    "this session has made 50 requests within a second, and no place becomes free in this call's time"
)
_LATE: Final = "its time was over before it could leave"


@frozen
class Options:
    """How calls are made. `timeout` is what one call may take in seconds, all its attempts together."""

    timeout: float
    max_retries: int
    hooks: Hooks | None = None


@frozen
class Pause:
    """Do nothing for some seconds."""

    seconds: float


@frozen
class Send:
    """Send the request and read its answer, within some seconds."""

    seconds: float


@frozen
class Finished(Generic[T]):
    """What came of a call: a value or the error to raise, and the last answer if there was one."""

    value: T | RealtimeError
    response: Response | None
    attempts: int
    seconds: float


class BrokenOff(Exception):  # noqa: N818 - it ends a conduct, and reaches nobody else
    """Thrown into a conduct whose step ended with `error`, at this time.

    The step was cancelled, or a transport of the caller's own raised what nobody expects.
    """

    def __init__(self, error: BaseException, now: float) -> None:
        super().__init__()
        self.error = error
        self.now = now


Step: TypeAlias = Pause | Send
Reply: TypeAlias = tuple[float, Response | Lost | None]
"""The time, and after `Send` what came back."""


def conduct(
    request: Request[T],
    options: Options,
    limiter: SessionLimiter,
    start: float,
    chance: Callable[[], float] = random.random,
) -> Generator[Step, Reply, Finished[T]]:
    """Conduct one call that begins at `start`; every time is of the clock that `start` was read from.

    An error of an attempt that left outranks that of a later one that could not: something may have happened.
    """
    notices = _notices(request, options.hooks)
    deadline, now, attempt = start + options.timeout, start, 0
    heard: RealtimeError | None = None
    response: Response | None = None
    try:
        while True:
            now, obstacle = yield from _wait_for_place(request, limiter, now, deadline)
            if obstacle is not None:
                error: RealtimeError = NotSentError(
                    obstacle,
                    operation=request.operation,
                    session_id=request.session_id,
                    advice="Spread the session's calls out, or give them more time",
                )
                break
            attempt += 1
            value, response, now = yield from _attempt(request, notices, attempt, now, deadline)
            if not isinstance(value, RealtimeError):
                return Finished(value, response, attempt, now - start)
            error, pause = value, None
            heard = heard if isinstance(error, NotSentError) else error
            if attempt <= options.max_retries:
                left = deadline - now
                pause = pause_before_retry(request, error, attempt=attempt, left=left, chance=chance())
            if pause is None:
                break
            if notices is not None:
                notices.retrying(attempt, error, pause, leaves_something=leaves_something(request, error))
            now, _ = yield Pause(pause)
    except BaseException as raised:
        cause, now = (raised.error, raised.now) if isinstance(raised, BrokenOff) else (raised, now)
        if notices is not None:
            notices.failed(attempt, cause, now - start)
        raise
    if isinstance(error, NotSentError):
        error = heard or error
    error.attempts = attempt
    if notices is not None:
        notices.failed(attempt, error, now - start)
    return Finished(error, response, attempt, now - start)


def _wait_for_place(
    request: Request[T], limiter: SessionLimiter, now: float, deadline: float
) -> Generator[Step, Reply, tuple[float, str | None]]:
    """Wait until the request may leave; gives the time, and what is in the way if it may not."""
    session_id = request.session_id
    if session_id is not None:
        at = limiter.reserve(session_id, now, deadline - now - LEAST_TIME)
        if at is None:
            return now, _CROWDED
        if at > now:
            try:
                now, _ = yield Pause(at - now)
            except BaseException:
                limiter.give_back(session_id, at)
                raise
    # Whoever waits can oversleep, and a request without time would end with an unknown outcome.
    return now, _LATE if now >= deadline else None


def _notices(request: Request[Any], hooks: Hooks | None) -> Notices | None:
    """Who is to be told of a call; most often there is nobody, and then it costs nothing."""
    if hooks is None and not logger.isEnabledFor(logging.INFO):
        return None
    from cfrealtime._core.notices import notices_for

    return notices_for(request, hooks)


def _attempt(
    request: Request[T], notices: Notices | None, attempt: int, now: float, deadline: float
) -> Generator[Step, Reply, tuple[T | RealtimeError, Response | None, float]]:
    sent = now
    if notices is not None:
        notices.sending(attempt)
    now, outcome = yield Send(deadline - sent)
    if outcome is None:
        raise RuntimeError("a Send step is answered with an outcome")
    value = interpret(request, outcome)
    response = outcome if isinstance(outcome, Response) else None
    if notices is not None and response is not None:
        error = value if isinstance(value, RealtimeError) else None
        notices.answered(attempt, response, cf_ray(response), now - sent, error)
    return value, response, now
