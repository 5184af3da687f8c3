"""How a call is conducted: wait for a free place, send, look, perhaps again. Shared by both colours.

It is a generator that says what to do next and is told what came of it, with the time. It does no I/O and
reads no clock, so tests drive it as they like.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from typing import Generic, TypeAlias, TypeVar

from attrs import frozen

from cfrealtime._core.decode import cf_ray, interpret
from cfrealtime._core.exchange import Lost, Request, Response
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._core.notices import Notices, notices_for
from cfrealtime._core.retry import leaves_something, pause_before_retry
from cfrealtime.errors import NotSentError, RealtimeError
from cfrealtime.hooks import Hooks

T = TypeVar("T")


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
    """Conduct one call that begins at `start`; every time is of the clock that `start` was read from."""
    notices = notices_for(request, options.hooks)
    deadline, now, attempt = start + options.timeout, start, 0
    try:
        while True:
            attempt += 1
            value, response, now = yield from _attempt(request, limiter, notices, attempt, now, deadline)
            if not isinstance(value, RealtimeError):
                return Finished(value, response, attempt, now - start)
            pause = None
            if attempt <= options.max_retries:
                left = deadline - now
                pause = pause_before_retry(request, value, attempt=attempt, left=left, chance=chance())
            if pause is None:
                break
            if notices is not None:
                notices.retrying(attempt, value, pause, leaves_something=leaves_something(request, value))
            now, _ = yield Pause(pause)
    except BaseException as error:
        # Cancelled, or a transport of the caller's own raised what nobody expects.
        if notices is not None:
            notices.failed(attempt, error, now - start)
        raise
    value.attempts = attempt
    if notices is not None:
        notices.failed(attempt, value, now - start)
    return Finished(value, response, attempt, now - start)


def _attempt(
    request: Request[T],
    limiter: SessionLimiter,
    notices: Notices | None,
    attempt: int,
    now: float,
    deadline: float,
) -> Generator[Step, Reply, tuple[T | RealtimeError, Response | None, float]]:
    if request.session_id is not None:
        wait = limiter.reserve(request.session_id, now, deadline - now)
        if wait is None:
            return _no_place(request), None, now
        if wait > 0.0:
            now, _ = yield Pause(wait)
    sent = now
    if notices is not None:
        notices.sending(attempt)
    now, outcome = yield Send(max(deadline - sent, 0.001))
    if outcome is None:
        raise RuntimeError("a Send step is answered with an outcome")
    response = outcome if isinstance(outcome, Response) else None
    if notices is not None and response is not None:
        notices.answered(attempt, response, cf_ray(response), now - sent)
    return interpret(request, outcome), response, now


def _no_place(request: Request[T]) -> NotSentError:
    return NotSentError(
        "this session has made 50 requests within a second, and no place becomes free in this call's time",
        operation=request.operation,
        session_id=request.session_id,
    )
