"""What was called and what came of it, breaches of a session's order, and what happened without a call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, cast

from attrs import define, field, frozen

from .refusals import ASKED_FOR, Breach, Json
from .rules.events import Event
from .rules.faults import FailItem

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
    track_names: tuple[str, ...] = ()
    """Tracks and data channels that it is about."""
    made: tuple[str, ...] = ()
    """Mids, and ids of data channels and adapters, that its answer names without an error."""
    status: int | None = None
    error_code: str | None = None
    item_errors: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    """The kinds of faults that happened to it."""
    seconds: float | None = None
    """How long it took; None while it is handled."""
    abandoned: bool = False
    """Its caller hung up."""

    def finish(self, status: int, body: Mapping[str, Any]) -> None:
        """Note the outcome."""
        self.status = status
        self.error_code = body.get("errorCode")
        items = cast("list[Json]", body.get("tracks") or body.get("dataChannels") or [])
        self.item_errors = tuple(item["errorCode"] for item in items if "errorCode" in item)
        if any(item.get("errorDescription") == ASKED_FOR for item in items):
            self.faults = (*self.faults, FailItem.kind)
        fine = [item for item in items if "errorCode" not in item]
        found = (item.get("mid", item.get("id", item.get("adapterId"))) for item in fine)
        self.made = tuple(str(item) for item in found if item is not None)
        if self.operation == "new_tracks" and not self.track_names:
            # autoDiscover names the tracks itself.
            self.track_names = tuple(item["trackName"] for item in items if "trackName" in item)

    def view(self) -> Json:
        """The entry as JSON."""
        return {
            "n": self.n,
            "at": round(self.at, 6),
            "app_id": self.app_id,
            "session_id": self.session_id,
            "operation": self.operation,
            "tracks": self.tracks,
            "track_names": list(self.track_names),
            "made": list(self.made),
            "status": self.status,
            "error_code": self.error_code,
            "item_errors": list(self.item_errors),
            "faults": list(self.faults),
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "abandoned": self.abandoned,
        }


@frozen
class Filter:
    """Which part of a journal is asked for."""

    operation: str | None = None
    session_id: str | None = None
    since: int = 0
    """Only what came after the call of this number."""
    newest: int | None = None
    """Only so many calls, and so many events."""

    def takes(self, entry: Entry) -> bool:
        """Whether a call is wanted."""
        return (
            entry.n > self.since
            and self.operation in (None, entry.operation)
            and self.session_id in (None, entry.session_id)
        )


@frozen
class _Happened:
    after: int
    """The number of the last call before."""
    at: float
    event: Event


@frozen
class _NotedBreach:
    entry: Entry = field(eq=False)
    breach: Breach


class Journal:
    """The emulator's memory, in the order in which things came."""

    def __init__(self) -> None:
        self.version = 0
        """Another number after every change."""
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._breaches: deque[_NotedBreach] = deque(maxlen=KEPT)
        self._events: deque[_Happened] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()

    def open(self, at: float, operation: str, app_id: str | None, session_id: str | None) -> Entry:
        """A call has come."""
        self._counts[operation] += 1
        entry = Entry(self._counts.total(), at, app_id, session_id, operation)
        self._entries.append(entry)
        self.version += 1
        return entry

    def close(self, entry: Entry, seconds: float) -> None:
        """A call is over, so many seconds after it came."""
        entry.seconds = seconds
        self.version += 1

    def breach(self, entry: Entry, breach: Breach) -> None:
        """A call broke its session's order."""
        self._breaches.append(_NotedBreach(entry, breach))

    def note(self, at: float, event: Event) -> None:
        """Something happened without a call."""
        self._events.append(_Happened(self._counts.total(), at, event))
        self.version += 1

    def count(self, operation: str | None = None) -> int:
        """How many calls there were, of one operation or of all."""
        return self._counts.total() if operation is None else self._counts[operation]

    def view(self, wanted: Filter = Filter()) -> Json:
        """Calls, breaches and events as JSON, for /_emulator/journal. Asked for an operation, no events."""
        newest = -(wanted.newest or 0)
        calls = [entry for entry in self._entries if wanted.takes(entry)][newest:]
        breaches = [
            {
                "n": noted.entry.n,
                "session_id": noted.entry.session_id,
                "rule": noted.breach.rule,
                "detail": noted.breach.detail,
            }
            for noted in self._breaches
            if wanted.takes(noted.entry)
        ]
        events = [
            {"after": noted.after, "at": round(noted.at, 6), **noted.event.view()}
            for noted in self._events
            if wanted.operation is None
            and noted.after >= wanted.since
            and wanted.session_id in (None, noted.event.session_id)
        ]
        return {
            "calls": [entry.view() for entry in calls],
            "breaches": breaches,
            "events": events[newest:],
        }
