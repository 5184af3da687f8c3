"""Making calls, in two colours: what `conduct` says, done with an engine, a clock and a way to wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from attrs import field, frozen

from cfrealtime._core.conduct import Finished, Options, Pause, conduct
from cfrealtime._core.decode import cf_ray
from cfrealtime._core.exchange import Batch, Lost, Request, Response
from cfrealtime._core.headers import Headers
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._queues import AsyncQueue, Queues, SyncQueue
from cfrealtime.errors import InvalidRequestError, RealtimeError
from cfrealtime.raw import Answer

T = TypeVar("T")


class SyncEngine(Protocol):
    """What sends one request and waits for its answer."""

    closed: bool

    def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send and read the answer within some seconds, whatever its status."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncEngine(Protocol):
    """What sends one request on the running event loop."""

    closed: bool

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send and read the answer within some seconds, whatever its status."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class ThreadsafeLimiter(SessionLimiter):
    """The limiter of a client that threads share."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def reserve(self, session_id: str, now: float, patience: float) -> float | None:
        """Reserve, one thread at a time."""
        with self._lock:
            return super().reserve(session_id, now, patience)


def _sync_queues() -> Queues[SyncQueue]:
    return Queues(SyncQueue)


def _async_queues() -> Queues[AsyncQueue]:
    return Queues(AsyncQueue)


@frozen(eq=False)
class SyncCaller:
    """Makes calls with one set of credentials and options. Those evolved from it share all that is below."""

    engine: SyncEngine
    headers: Headers
    options: Options
    tape: list[Answer] | None = None
    limiter: ThreadsafeLimiter = field(factory=ThreadsafeLimiter, kw_only=True)
    queues: Queues[SyncQueue] = field(factory=_sync_queues, kw_only=True)
    clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    wait: Callable[[float], None] = field(default=time.sleep, kw_only=True)

    def call(self, request: Request[T]) -> T:
        """The value of a request's answer."""
        finished = self._conduct(request)
        _record(self.tape, request, finished)
        # Raised here, where no text of an answer is at hand.
        if isinstance(finished.value, RealtimeError):
            raise finished.value
        return finished.value

    def call_all(self, batch: Batch[T]) -> T:
        """The joined values of several requests, one after the other."""
        results: list[T] = []
        for request in batch.requests:
            try:
                results.append(self.call(request))
            except RealtimeError as error:
                batch.keep(error, results)
                raise
        return batch.total(results)

    def _conduct(self, request: Request[T]) -> Finished[T]:
        if self.engine.closed:
            raise _closed(request)
        steps = conduct(request, self.options, self.limiter, self.clock())
        try:
            step = next(steps)
            while True:
                outcome = None
                try:
                    if isinstance(step, Pause):
                        self.wait(step.seconds)
                    else:
                        outcome = self.engine.send(request, self.headers, step.seconds)
                except BaseException as error:
                    steps.throw(error)
                    raise
                step = steps.send((self.clock(), outcome))
        except StopIteration as stop:
            finished: Finished[T] = stop.value
            return finished


@frozen(eq=False)
class AsyncCaller:
    """Makes calls with one set of credentials and options. Those evolved from it share all that is below."""

    engine: AsyncEngine
    headers: Headers
    options: Options
    tape: list[Answer] | None = None
    limiter: ThreadsafeLimiter = field(factory=ThreadsafeLimiter, kw_only=True)
    queues: Queues[AsyncQueue] = field(factory=_async_queues, kw_only=True)

    async def call(self, request: Request[T]) -> T:
        """The value of a request's answer."""
        finished = await self._conduct(request)
        _record(self.tape, request, finished)
        # Raised here, where no text of an answer is at hand.
        if isinstance(finished.value, RealtimeError):
            raise finished.value
        return finished.value

    async def call_all(self, batch: Batch[T]) -> T:
        """The joined values of several requests, one after the other."""
        results: list[T] = []
        for request in batch.requests:
            try:
                results.append(await self.call(request))
            except RealtimeError as error:
                batch.keep(error, results)
                raise
        return batch.total(results)

    async def _conduct(self, request: Request[T]) -> Finished[T]:
        if self.engine.closed:
            raise _closed(request)
        clock = asyncio.get_running_loop().time
        steps = conduct(request, self.options, self.limiter, clock())
        try:
            step = next(steps)
            while True:
                outcome = None
                try:
                    if isinstance(step, Pause):
                        await asyncio.sleep(step.seconds)
                    else:
                        outcome = await self.engine.send(request, self.headers, step.seconds)
                except BaseException as error:
                    steps.throw(error)
                    raise
                step = steps.send((clock(), outcome))
        except StopIteration as stop:
            finished: Finished[T] = stop.value
            return finished


def _record(tape: list[Answer] | None, request: Request[Any], finished: Finished[Any]) -> None:
    response = finished.response
    if tape is not None and response is not None:
        ray = cf_ray(response)
        answer = Answer(
            request.operation, response.status, response.headers, ray, finished.attempts, finished.seconds
        )
        tape.append(answer)


def _closed(request: Request[Any]) -> InvalidRequestError:
    return InvalidRequestError(
        f"{request.operation} was not sent: this client is closed. Make a new one.",
        operation=request.operation,
    )
