"""Making calls, blocking: what `conduct` says, done with an engine, a clock and a way to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import field, frozen

from cfrealtime._calling import closed, record
from cfrealtime._core.conduct import BrokenOff, Finished, Options, Pause, conduct
from cfrealtime._core.headers import Headers
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._queues import Queues
from cfrealtime.blocking.queue import SyncQueue
from cfrealtime.errors import RealtimeError

if TYPE_CHECKING:
    from cfrealtime._core.exchange import Batch, Lost, Request, Response
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


def _queues() -> Queues[SyncQueue]:
    return Queues(SyncQueue)


@frozen(eq=False)
class SyncCaller:
    """Makes calls with one set of credentials and options. Those evolved from it share all that is below."""

    engine: SyncEngine
    headers: Headers
    options: Options
    tape: list[Answer] | None = None
    limiter: SessionLimiter = field(factory=SessionLimiter, kw_only=True)
    queues: Queues[SyncQueue] = field(factory=_queues, kw_only=True)
    clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    wait: Callable[[float], None] = field(default=time.sleep, kw_only=True)

    def call(self, request: Request[T]) -> T:
        """The value of a request's answer."""
        finished = self._conduct(request)
        if self.tape is not None:
            record(self.tape, request, finished)
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
            raise closed(request)
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
                    with suppress(BrokenOff):
                        steps.throw(BrokenOff(error, self.clock()))
                    raise
                step = steps.send((self.clock(), outcome))
        except StopIteration as stop:
            finished: Finished[T] = stop.value
            return finished
