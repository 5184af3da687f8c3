"""What was called and what came of it, breaches of a session's order, and what happened without a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from typing import Any, Generic, Protocol, TypeVar, cast

from attrs import define, field, frozen

from .refusals import ASKED_FOR, NOT_ELSEWHERE, Breach, Json
from .rules.events import Event
from .rules.faults import FailItem, NoRepointing
from .rules.leaks import Makers

_OF_ITEMS = {ASKED_FOR: FailItem.kind, NOT_ELSEWHERE: NoRepointing.kind}
"""The kinds of faults that happen to items, by what their errors say."""
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
    """Nothing where there is no such operation."""
    request: str | None = None
    """Method and path of such a call."""
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
        words = {item.get("errorDescription") for item in items}
        self.faults = (*self.faults, *(kind for said, kind in _OF_ITEMS.items() if said in words))
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
            "operation": self.operation or None,
            **({"request": self.request} if self.request else {}),
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
    """Only so many calls, so many breaches and so many events."""


@frozen
class _Happened:
    after: int
    """The number of the last call before."""
    at: float
    event: Event

    operation = None

    @property
    def session_id(self) -> str | None:
        return self.event.session_id

    def view(self) -> Json:
        return {"after": self.after, "at": round(self.at, 6), **self.event.view()}


@frozen
class _NotedBreach:
    after: int
    """The number of the last call before: a call may be refused long after it came."""
    entry: Entry = field(eq=False)
    breach: Breach

    @property
    def operation(self) -> str:
        return self.entry.operation

    @property
    def session_id(self) -> str | None:
        return self.entry.session_id

    def view(self) -> Json:
        rule, detail = self.breach.rule, self.breach.detail
        return {"n": self.entry.n, "session_id": self.session_id, "rule": rule, "detail": detail}


class _Filed(Protocol):
    @property
    def operation(self) -> str | None: ...

    @property
    def session_id(self) -> str | None: ...

    def view(self) -> Json: ...


T = TypeVar("T", bound=_Filed)


class _File(Generic[T]):
    """The newest things of one sort, found by operation and session without a look at all the others."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._number = 0
        # By number, so that the oldest is found and goes at once; a dictionary of few is small.
        self._all: dict[int, T] = {}
        self._by_operation: dict[str, dict[int, T]] = {}
        self._by_session: dict[str, dict[int, T]] = {}

    def add(self, thing: T) -> T | None:
        """File it; gives what had to go for it."""
        number = self._number = self._number + 1
        self._all[number] = thing
        if thing.operation is not None:
            self._by_operation.setdefault(thing.operation, {})[number] = thing
        if thing.session_id is not None:
            self._by_session.setdefault(thing.session_id, {})[number] = thing
        return self._drop(number - self._kept) if number > self._kept else None

    def newest(self, operation: str | None, session_id: str | None) -> Iterator[T]:
        """What was filed under both, the newest first. Under two, the smaller shelf is looked through."""
        shelves = [self._all]
        if operation is not None:
            shelves.append(self._by_operation.get(operation, {}))
        if session_id is not None:
            shelves.append(self._by_session.get(session_id, {}))
        for thing in reversed(min(shelves[1:] or shelves, key=len).values()):
            if operation in (None, thing.operation) and session_id in (None, thing.session_id):
                yield thing

    def _drop(self, number: int) -> T:
        thing = self._all.pop(number)
        for shelves, name in ((self._by_operation, thing.operation), (self._by_session, thing.session_id)):
            if name is not None:
                del shelves[name][number]
                if not shelves[name]:
                    del shelves[name]
        return thing


class Journal:
    """The emulator's memory, in the order in which things came. A look at it costs what it shows."""

    def __init__(self, kept: int = KEPT) -> None:
        self.version = 0
        """Another number after every change."""
        self.makers = Makers()
        """Which of the calls that are remembered made what."""
        self._kept = kept
        self._calls = _File[Entry](kept)
        self._breaches = _File[_NotedBreach](kept)
        self._events = _File[_Happened](kept)
        self._open: dict[int, Entry] = {}
        self._counts: Counter[str] = Counter()

    def open(self, at: float, operation: str, app_id: str | None, session_id: str | None) -> Entry:
        """A call has come."""
        self._counts[operation] += 1
        entry = Entry(self.count(), at, app_id, session_id, operation)
        self._open[entry.n] = entry
        forgotten = self._calls.add(entry)
        if forgotten is not None:
            self.makers.forget(forgotten)
        self.version += 1
        return entry

    def stray(self, at: float, request: str, status: int, code: str) -> None:
        """A call has come, and was refused, that is none of the API's operations."""
        entry = self.open(at, "", None, None)
        entry.request = request
        entry.finish(status, {"errorCode": code})
        self.close(entry, 0.0)

    def finish(self, entry: Entry, status: int, body: Mapping[str, Any]) -> None:
        """A call has come to its answer, which may still be held up."""
        entry.finish(status, body)
        if entry.n > self.count() - self._kept:
            self.makers.note(entry)

    def close(self, entry: Entry, seconds: float) -> None:
        """A call is over, so many seconds after it came."""
        entry.seconds = seconds
        del self._open[entry.n]
        self.version += 1

    def breach(self, entry: Entry, breach: Breach) -> None:
        """A call broke its session's order."""
        self._breaches.add(_NotedBreach(self.count(), entry, breach))

    def note(self, at: float, event: Event) -> None:
        """Something happened without a call."""
        self._events.add(_Happened(self.count(), at, event))
        self.version += 1

    def count(self, operation: str | None = None) -> int:
        """How many calls there were, of one operation or of all."""
        return self._counts.total() if operation is None else self._counts[operation]

    @property
    def handled(self) -> tuple[Entry, ...]:
        """The calls that are being handled now."""
        return tuple(self._open.values())

    def view(self, wanted: Filter = Filter()) -> Json:
        """Calls, breaches and events as JSON, for /_emulator/journal. Asked for an operation, no events."""
        under, since = (wanted.operation, wanted.session_id), wanted.since
        calls = takewhile(lambda entry: entry.n > since, self._calls.newest(*under))
        noted = takewhile(lambda breach: breach.after > since, self._breaches.newest(*under))
        breaches = (breach for breach in noted if breach.entry.n > since)
        events = takewhile(lambda happened: happened.after >= since, self._events.newest(*under))
        return {
            "counts": {operation: n for operation, n in self._counts.items() if operation},
            "calls": _views(calls, wanted.newest),
            "breaches": _views(breaches, wanted.newest),
            "events": _views(events, wanted.newest),
        }


def _views(newest_first: Iterator[_Filed], newest: int | None) -> list[Json]:
    """As JSON, in the order in which they came."""
    found = [thing.view() for thing in islice(newest_first, newest)]
    found.reverse()
    return found
