"""OpenTelemetry: spans of exchanges and calls, and metrics, made of hooks. Extra: `cfrealtime[otel]`.

    rooms = Rooms(AsyncRealtime(), hooks=otel_room_hooks())

Spans are of kind INTERNAL. One of an exchange is named `rooms.publish` or `rooms.subscribe` and is the parent
of its calls; one of a call is named `rooms.call` and the operation. They hold `cfrealtime.room`,
`cfrealtime.participant`, `cfrealtime.epoch`, `cfrealtime.session_id`, `cfrealtime.tracks` and
`cfrealtime.result`; calls also `cfrealtime.operation`, `cfrealtime.attempt`, `cfrealtime.waited` and, on a
refusal, status, code and `cf-ray`. The SDK's own spans (`cfrealtime.otel`) are not their children; session id
and time lead from one to the other.

Metrics name operations, results, codes and reasons, never rooms or people: those would be too many.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final, TypeVar

from attrs import frozen

from cfrealtime._version import __version__

from .hooks import (
    BacklogInfo,
    CallInfo,
    ExchangeInfo,
    LedgerInfo,
    OutcomeInfo,
    ReplacementInfo,
    RoomHooks,
    RoomInfo,
)

try:
    from opentelemetry.context import Context
    from opentelemetry.metrics import (
        CallbackOptions,
        Counter,
        Histogram,
        Meter,
        MeterProvider,
        Observation,
        UpDownCounter,
        get_meter,
    )
    from opentelemetry.trace import (
        Span,
        Status,
        StatusCode,
        TracerProvider,
        get_tracer,
        set_span_in_context,
    )
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "cfrealtime_rooms.otel needs opentelemetry-api: pip install 'cfrealtime[otel]'", name=missing.name
    ) from missing

__all__ = ["otel_room_hooks"]

_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""Seconds: a call may take twenty, a client's part of an exchange fifteen."""
_MOST_OPEN: Final = 10_000

Attributes = dict[str, str | int | float | list[str]]


def otel_room_hooks(
    tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> RoomHooks:
    """Hooks that report to these providers, or to the global ones. Join others with `RoomHooks.of`."""
    spans = _Spans(tracer_provider)
    numbers = _Numbers(get_meter("cfrealtime_rooms", __version__, meter_provider))
    reported = RoomHooks(
        outcome=numbers.outcome,
        exchange=numbers.exchange,
        replacement=numbers.replacement,
        ledger=numbers.ledger,
        backlog=numbers.backlog,
        room=numbers.room,
    )
    return RoomHooks.of(RoomHooks(call=spans.call, outcome=spans.outcome, exchange=spans.exchange), reported)


@frozen
class _Open:
    span: Span
    since: int

    def end(self, seconds: float, attributes: Attributes, *, well: bool) -> None:
        """Exactly so long after it began, however late this is told."""
        self.span.set_attributes(attributes)
        if not well:
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end(self.since + round(seconds * 1e9))


_Key = TypeVar("_Key")


class _Spans:
    """Those that are open. Hooks may be left untold, so of too many the oldest are given up."""

    def __init__(self, tracers: TracerProvider | None) -> None:
        self._tracer = get_tracer("cfrealtime_rooms", __version__, tracers)
        self._calls: dict[int, _Open] = {}
        self._exchanges: dict[tuple[str, str], _Open] = {}

    def call(self, info: CallInfo) -> None:
        """Begin a call's span, and before that its exchange's."""
        about: Attributes = {"cfrealtime.room": info.room, "cfrealtime.tracks": info.tracks}
        if info.session_id is not None:
            about["cfrealtime.session_id"] = info.session_id
        if info.participant is not None and info.epoch is not None:
            about |= {"cfrealtime.participant": info.participant, "cfrealtime.epoch": info.epoch}
        exchange = self._exchange_of(info, about)
        parent = None if exchange is None else set_span_in_context(exchange.span, Context())
        about["cfrealtime.operation"] = info.operation
        about["cfrealtime.attempt"] = info.attempt
        about["cfrealtime.waited"] = info.waited
        _keep(self._calls, info.call_id, self._begin(f"rooms.call {info.operation}", about, parent))

    def outcome(self, info: OutcomeInfo) -> None:
        """End a call's span."""
        opened = self._calls.pop(info.call.call_id, None)
        if opened is None:
            return
        attributes: Attributes = {"cfrealtime.result": info.result}
        if info.status is not None:
            attributes["http.response.status_code"] = info.status
        if info.code is not None:
            attributes["cfrealtime.error_code"] = info.code
        if info.cf_ray is not None:
            attributes["http.response.header.cf-ray"] = [info.cf_ray]
        if info.failed_items:
            attributes["cfrealtime.failed_items"] = sum(info.failed_items.values())
        opened.end(info.seconds, attributes, well=info.result in ("succeeded", "partial"))

    def exchange(self, info: ExchangeInfo) -> None:
        """End an exchange's span."""
        opened = self._exchanges.pop((info.room, info.participant), None)
        if opened is None:
            return
        attributes: Attributes = {"cfrealtime.result": info.end}
        if info.client_seconds is not None:
            attributes["cfrealtime.client_seconds"] = info.client_seconds
        opened.end(info.seconds, attributes, well=info.end == "finished")

    def _exchange_of(self, info: CallInfo, about: Attributes) -> _Open | None:
        """The exchange that a call is part of, which it may begin."""
        if info.participant is None:
            return None
        key = info.room, info.participant
        if info.operation in ("publish", "subscribe"):
            _keep(self._exchanges, key, self._begin(f"rooms.{info.operation}", about))
        return self._exchanges.get(key)

    def _begin(self, name: str, attributes: Attributes, parent: Context | None = None) -> _Open:
        now = time.time_ns()
        context = Context() if parent is None else parent
        return _Open(self._tracer.start_span(name, context, attributes=attributes, start_time=now), now)


def _keep(spans: dict[_Key, _Open], key: _Key, span: _Open) -> None:
    lost = [spans.pop(key, None)]
    if len(spans) >= _MOST_OPEN:
        lost.append(spans.pop(next(iter(spans))))
    for one in lost:
        if one is not None:
            one.span.end()
    spans[key] = span


class _Numbers:
    """The metrics."""

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, description: str) -> Histogram:
            return meter.create_histogram(
                f"cfrealtime.rooms.{name}", "s", description, explicit_bucket_boundaries_advisory=_BUCKETS
            )

        def times(name: str, unit: str, description: str) -> Counter:
            return meter.create_counter(f"cfrealtime.rooms.{name}", f"{{{unit}}}", description)

        def amount(name: str, unit: str, description: str) -> UpDownCounter:
            return meter.create_up_down_counter(f"cfrealtime.rooms.{name}", f"{{{unit}}}", description)

        self._duration = seconds("call.duration", "How long API calls took.")
        self._waited = seconds("call.wait", "How long what a call is for had waited for its session.")
        self._exchanges = seconds("exchange.duration", "How long exchanges of descriptions took.")
        self._clients = seconds("exchange.client", "What clients took of it for their part.")
        self._retries = times("retries", "call", "Calls after one that had come to nothing.")
        self._failed_items = times("failed_items", "item", "Tracks and mids refused one by one.")
        self._replacements = times("replacements", "session", "Sessions that were replaced.")
        self._leaks = times("leaks", "session", "What could not be closed in time and was given up.")
        self._overflows = times("overflows", "client", "Clients that read too slowly.")
        self._rooms = amount("open", "room", "Rooms that are open.")
        self._people = amount("participants", "participant", "Participants in them.")
        self._debts = amount("ledger.size", "session", "Sessions that are over and not closed yet.")
        meter.create_observable_gauge(
            "cfrealtime.rooms.ledger.oldest", [self._oldest], "s", "The age of the oldest of them."
        )
        self._told_people: dict[str, int] = {}
        self._ledgers: dict[str, tuple[int, float]] = {}
        """Size, and when the oldest debt came to be."""

    def outcome(self, info: OutcomeInfo) -> None:
        """Count a call."""
        operation = {"cfrealtime.operation": info.call.operation}
        self._duration.record(info.seconds, operation | {"cfrealtime.result": info.result})
        self._waited.record(info.call.waited, operation)
        if info.call.attempt > 1:
            self._retries.add(1, operation)
        for code, failed in info.failed_items.items():
            self._failed_items.add(failed, operation | {"cfrealtime.error_code": code})

    def exchange(self, info: ExchangeInfo) -> None:
        """Count an exchange."""
        kind = {"cfrealtime.exchange": info.kind}
        self._exchanges.record(info.seconds, kind | {"cfrealtime.result": info.end})
        if info.client_seconds is not None:
            self._clients.record(info.client_seconds, kind)

    def replacement(self, info: ReplacementInfo) -> None:
        """Count a replacement."""
        self._replacements.add(1, {"cfrealtime.reason": info.reason})

    def ledger(self, info: LedgerInfo) -> None:
        """Note a room's ledger."""
        size, _ = self._ledgers.pop(info.room, (0, 0.0))
        self._debts.add(info.size - size)
        self._leaks.add(info.leaked)
        if info.oldest is not None:
            self._ledgers[info.room] = info.size, time.monotonic() - info.oldest

    def backlog(self, _: BacklogInfo) -> None:
        """Count a client that reads too slowly."""
        self._overflows.add(1)

    def room(self, info: RoomInfo) -> None:
        """Note how many are in a room."""
        if info.change == "opened":
            self._rooms.add(1)
        people = 0 if info.change == "closed" else info.participants
        self._people.add(people - self._told_people.pop(info.room, 0))
        if info.change == "closed":
            self._rooms.add(-1)
        else:
            self._told_people[info.room] = people

    def _oldest(self, _: CallbackOptions) -> Iterable[Observation]:
        born = min((since for _, since in self._ledgers.copy().values()), default=None)
        return () if born is None else (Observation(time.monotonic() - born),)
