"""What was called and what came of it, and every breach of a session's order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, cast

from attrs import define, frozen

from .refusals import Breach, Json

KEPT = 50_000
"""Calls remembered; the oldest are forgotten, the counts are not."""


@define
class Entry:
    """One call. `status` is None while it is handled, and for ever if it was dropped before it arrived."""

    n: int
    at: float
    app_id: str | None
    session_id: str | None
    operation: str
    tracks: int = 0
    status: int | None = None
    error_code: str | None = None
    item_errors: tuple[str, ...] = ()

    def finish(self, status: int, body: Mapping[str, Any]) -> None:
        """Note the outcome."""
        self.status = status
        self.error_code = body.get("errorCode")
        items = cast("list[Json]", body.get("tracks") or body.get("dataChannels") or [])
        self.item_errors = tuple(item["errorCode"] for item in items if "errorCode" in item)

    def view(self) -> Json:
        """The entry as JSON."""
        return {
            "n": self.n,
            "at": round(self.at, 6),
            "app_id": self.app_id,
            "session_id": self.session_id,
            "operation": self.operation,
            "tracks": self.tracks,
            "status": self.status,
            "error_code": self.error_code,
            "item_errors": list(self.item_errors),
        }


@frozen
class _NotedBreach:
    n: int
    breach: Breach


class Journal:
    """The emulator's memory of calls, in the order in which they came."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._breaches: deque[_NotedBreach] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()

    def open(self, at: float, operation: str, app_id: str | None, session_id: str | None) -> Entry:
        """A call has come."""
        self._counts[operation] += 1
        entry = Entry(self._counts.total(), at, app_id, session_id, operation)
        self._entries.append(entry)
        return entry

    def breach(self, entry: Entry, breach: Breach) -> None:
        """A call broke its session's order."""
        self._breaches.append(_NotedBreach(entry.n, breach))

    def count(self, operation: str | None = None) -> int:
        """How many calls there were, of one operation or of all."""
        return self._counts.total() if operation is None else self._counts[operation]

    def view(self) -> Json:
        """Everything as JSON, for /_emulator/journal."""
        breaches = [
            {"n": noted.n, "rule": noted.breach.rule, "detail": noted.breach.detail}
            for noted in self._breaches
        ]
        return {"calls": [entry.view() for entry in self._entries], "breaches": breaches}
