"""Making calls, on asyncio: what `conduct` says, done with an engine and the loop's clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import field, frozen

from cfrealtime._calling import closed, record
from cfrealtime._core.conduct import BrokenOff, Finished, Options, Pause, conduct
from cfrealtime._core.headers import Headers
from cfrealtime._core.limiter import SessionLimiter
from cfrealtime._queues import Queues
from cfrealtime.aio.queue import AsyncQueue
from cfrealtime.errors import RealtimeError

if TYPE_CHECKING:
    from cfrealtime._core.exchange import Batch, Lost, Request, Response
    from cfrealtime.raw import Answer

T = TypeVar("T")


class AsyncEngine(Protocol):
    """What sends one request on the running event loop."""

    closed: bool

    async def send(self, request: Request[Any], headers: Headers, seconds: float) -> Response | Lost:
        """Send and read the answer within some seconds, whatever its status."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


def _queues() -> Queues[AsyncQueue]:
    return Queues(AsyncQueue)


@frozen(eq=False)
class AsyncCaller:
    """Makes calls with one set of credentials and options. Those evolved from it share all that is below."""

    engine: AsyncEngine
    headers: Headers
    options: Options
    tape: list[Answer] | None = None
    limiter: SessionLimiter = field(factory=SessionLimiter, kw_only=True)
    queues: Queues[AsyncQueue] = field(factory=_queues, kw_only=True)

    async def call(self, request: Request[T]) -> T:
        """The value of a request's answer."""
        finished = await self._conduct(request)
        if self.tape is not None:
            record(self.tape, request, finished)
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
            raise closed(request)
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
                    with suppress(BrokenOff):
                        steps.throw(BrokenOff(error, clock()))
                    raise
                step = steps.send((clock(), outcome))
        except StopIteration as stop:
            finished: Finished[T] = stop.value
            return finished
