"""A request and its response as values. What sends them is elsewhere, and there are two of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar, cast

from attrs import field, frozen

from cfrealtime.errors import RealtimeError
from cfrealtime.models import CloseResult, TracksResult

T = TypeVar("T")

READS: Final = frozenset({"get_session"})

Document = Mapping[str, Any]


class UnreadableError(Exception):
    """An answer that lacks what it must hold; `partial` is what it did name. Never leaves `_core`."""

    def __init__(self, reason: str, partial: TracksResult | CloseResult | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.partial = partial


@frozen
class Request(Generic[T]):
    """One call of the API: where it goes, what it carries, and how its answer's document becomes a value."""

    operation: str
    method: str
    path: str
    read: Callable[[Document], T] = field(repr=False)
    session_id: str | None = None
    query: Mapping[str, str] = field(factory=dict[str, str])
    body: bytes | None = field(default=None, repr=False)

    @property
    def mutates(self) -> bool:
        """Whether the call changes anything at the service."""
        return self.operation not in READS


@frozen
class Response:
    """What came back: header names in lower case, and a body that may be anything."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


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
        error.partial = cast("TracksResult | CloseResult", self.total([*results, *rest]))
