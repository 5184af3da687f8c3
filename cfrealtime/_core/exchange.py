"""A request and its response as values. What sends them is elsewhere, and there are several of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar, cast

from attrs import field, frozen

from cfrealtime.errors import RealtimeError
from cfrealtime.models.shared import ResultOfItems

T = TypeVar("T")

Document: TypeAlias = Mapping[str, Any]


class Safety(Enum):
    """What an operation may be repeated after, when nobody knows whether it happened."""

    READ = "it changes nothing"
    IDEMPOTENT = "done twice is done once"
    WASTEFUL = "what is lost expires by itself"
    ONCE = "it can allocate or negotiate twice"


class UnreadableError(Exception):
    """An answer that lacks what it must hold; `partial` is what it did name. Never leaves `_core`."""

    def __init__(self, reason: str, partial: ResultOfItems | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.partial = partial


@frozen
class Request(Generic[T]):
    """One call of the API: where it goes, what it carries, and how its answer's document becomes a value.

    `answers_with` are statuses besides 2xx under which a list of items is an answer and no refusal.
    """

    operation: str
    method: str
    path: str = field(repr=False)
    read: Callable[[Document], T] = field(repr=False)
    safety: Safety
    session_id: str | None = None
    query: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes | None = field(default=None, repr=False)
    answers_with: frozenset[int] = frozenset()


@frozen
class Response:
    """What came back: header names in lower case, and a body that may be anything.

    `received` is our clock's time where the service named a moment and not its own time.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received: datetime | None = None


@frozen
class Lost:
    """Nothing came back, or not all of it. `left` is False where the request is known not to have left."""

    reason: str
    left: bool = True


@frozen
class Batch(Generic[T]):
    """One facade call that takes several requests, sent one after the other."""

    requests: tuple[Request[T], ...]
    join: Callable[[T, T], T]

    def total(self, results: list[T]) -> T:
        """The results of all requests as one."""
        first, *rest = results
        for result in rest:
            first = self.join(first, result)
        return first

    def keep(self, error: RealtimeError, results: list[T]) -> None:
        """Put what was finished before a request failed on its error: none of it may be forgotten."""
        if not results:
            return
        # What the failed request itself left on the error has the type of its own results.
        rest = [] if error.partial is None else [cast("T", error.partial)]
        error.partial = cast("ResultOfItems", self.total([*results, *rest]))
