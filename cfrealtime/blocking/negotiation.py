# Made by scripts/colours.py from cfrealtime/aio. Changes made here are lost.
"""A session's turn: the calls of one block, and whether its exchange was finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from attrs import evolve

from cfrealtime._core.negotiating import Exchange, after_block, after_call, left_open
from cfrealtime._core.requests.build import entries_of, parts
from cfrealtime._core.requests.tracks import join_subscriptions
from cfrealtime.blocking.session import Session
from cfrealtime.errors import ExchangeOpenError, InvalidRequestError, RealtimeError
from cfrealtime.models.tracks import RemoteTrack, TracksResult

if TYPE_CHECKING:
    from cfrealtime._core.exchange import Batch, Request
    from cfrealtime.blocking.caller import SyncCaller
    from cfrealtime.blocking.queue import SyncQueue
    from cfrealtime.models.shared import SessionDescription
    from cfrealtime.raw import Answer

T = TypeVar("T")


class Negotiation(Session):
    """The session, for the time of a block: `with session.negotiate() as exchange`.

    Inside, call it like any session. Leave the block when the endpoint has applied an answer that it was
    given. An offer of the service must have been answered with `renegotiate` by then: else leaving raises
    ExchangeOpenError. A block that ends with an error in mid-exchange, or in which nobody knows whether a
    call of an exchange took effect, leaves the session unfit: later blocks raise ExchangeOpenError, and the
    session is to be replaced.
    """

    def __init__(
        self, caller: SyncCaller, app_id: str, session_id: str, queue: SyncQueue, timeout: float | None
    ) -> None:
        super().__init__(caller, app_id, session_id)
        self._turns = queue
        self._patience = timeout
        self._inside = False

    def __enter__(self) -> Self:
        self._turns.enter(self._id, self._patience)
        if self._turns.exchange is not Exchange.NONE:
            self._turns.leave()
            raise left_open(self._id, self._turns.exchange)
        self._inside = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = False
        end = self._turns.exchange = after_block(self._turns.exchange, failed=error is not None)
        self._turns.leave()
        if error is None and end is not Exchange.NONE:
            raise left_open(self._id, end)

    def negotiate(self, *, timeout: float | None = None) -> NoReturn:
        """Refused: this is the session's turn already, and a second one would wait for it for ever."""
        raise ExchangeOpenError(
            f"negotiate on session {self._id}: this block has the turn already. Call its methods directly.",
            session_id=self._id,
        )

    def subscribe_all(
        self,
        tracks: Iterable[RemoteTrack],
        answer: Callable[[SessionDescription], str | SessionDescription],
    ) -> TracksResult:
        """Receive any number of publications, one whole exchange for each 64.

        `answer` is given each offer of the service and gives the endpoint's answer. If a later exchange
        fails, the error's `partial` holds what the earlier ones did. API operations: new_tracks, renegotiate.
        """
        results: list[TracksResult] = []
        for part in parts(entries_of("subscribe_all", self._id, tracks, RemoteTrack)):
            try:
                result = self.subscribe(part)
                results.append(result)
                if result.description is not None:
                    self.renegotiate(answer(result.description))
            except RealtimeError as error:
                named = [error.partial] if isinstance(error.partial, TracksResult) else []
                if results or named:
                    error.partial = join_subscriptions([*results, *named])
                raise
        return join_subscriptions(results)

    def _call(self, request: Request[T]) -> T:
        self._check_inside(request.operation)
        try:
            result = super()._call(request)
        except BaseException as error:
            self._turns.exchange = after_call(self._turns.exchange, request, error)
            raise
        self._turns.exchange = after_call(self._turns.exchange, request, result)
        return result

    def _call_all(self, batch: Batch[T]) -> T:
        self._check_inside(batch.requests[0].operation)
        try:
            result = super()._call_all(batch)
        except BaseException as error:
            self._turns.exchange = after_call(self._turns.exchange, batch.requests[0], error)
            raise
        self._turns.exchange = after_call(self._turns.exchange, batch.requests[0], result)
        return result

    def _check_inside(self, operation: str) -> None:
        if not self._inside:
            raise InvalidRequestError(
                f"{operation} on session {self._id} was not sent: it is not this caller's turn. Use what "
                "negotiate() gives inside its block, `with session.negotiate() as exchange`, and the "
                "session itself outside.",
                operation=operation,
                session_id=self._id,
            )

    def _recorded(self, tape: list[Answer]) -> Self:
        caller = evolve(self._caller, tape=tape)
        twin = type(self)(caller, self._app_id, self._id, self._turns, self._patience)
        twin._inside = self._inside
        return twin
