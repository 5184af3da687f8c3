"""Rooms in OpenTelemetry: an exchange is a span with its calls inside, and nothing counted names a person."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cfrealtime_rooms import otel
from cfrealtime_rooms.hooks import CallInfo, LedgerInfo, OutcomeInfo, RoomInfo
from cfrealtime_rooms.otel import otel_room_hooks

from .scenarios.scene import API, scene, slow

CALL = CallInfo(1, "hall", "p1", "ann", 1, "s1", "publish", 2, 1, 0.0)


class Recorder:
    """Providers that keep what they are told, and hooks that tell them."""

    def __init__(self):
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.hooks = otel_room_hooks(tracers, MeterProvider([self._reader], shutdown_on_exit=False))

    def spans(self, name=""):
        """The spans that have ended and whose name begins so, in the order of their ends."""
        return [span for span in self._spans.get_finished_spans() if span.name.startswith(name)]

    def points(self):
        """Each metric's points, as pairs of attributes and value or count."""
        data = self._reader.get_metrics_data()
        return {
            metric.name.removeprefix("cfrealtime.rooms."): [
                (dict(p.attributes), p.value if hasattr(p, "value") else p.count)
                for p in metric.data.data_points
            ]
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def total(self, name):
        """A metric over all its attributes."""
        return sum(value for _, value in self.points().get(name, []))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.mark.looptime
async def test_an_exchange_is_a_span_with_its_calls_inside(recorder):
    async with scene(settings={"hooks": recorder.hooks}, setup=slow, latency=0.1) as stage:
        ann, _ = await stage.meet("ann", "bob")
        session = stage.session(ann)
    exchange = next(
        s for s in recorder.spans("rooms.subscribe") if s.attributes["cfrealtime.session_id"] == session
    )
    inside = [
        s for s in recorder.spans("rooms.call") if s.parent and s.parent.span_id == exchange.context.span_id
    ]
    assert [one.name for one in inside] == ["rooms.call subscribe", "rooms.call renegotiate"]
    assert (exchange.kind, exchange.status.status_code) == (SpanKind.INTERNAL, StatusCode.UNSET)
    client = exchange.attributes["cfrealtime.client_seconds"]
    assert dict(exchange.attributes) == {
        "cfrealtime.room": "demo",
        "cfrealtime.participant": ann.participant_id,
        "cfrealtime.session_id": session,
        "cfrealtime.epoch": 1,
        "cfrealtime.tracks": 2,
        "cfrealtime.result": "finished",
        "cfrealtime.client_seconds": client,
    }
    assert dict(inside[0].attributes) == {
        "cfrealtime.room": "demo",
        "cfrealtime.participant": ann.participant_id,
        "cfrealtime.session_id": session,
        "cfrealtime.epoch": 1,
        "cfrealtime.tracks": 2,
        "cfrealtime.operation": "subscribe",
        "cfrealtime.attempt": 1,
        "cfrealtime.waited": 0.0,
        "cfrealtime.result": "succeeded",
    }
    assert (exchange.end_time - exchange.start_time) / 1e9 == pytest.approx(2 * API + client, abs=1e-3)
    assert (inside[0].end_time - inside[0].start_time) / 1e9 == pytest.approx(API, abs=1e-3)
    assert {s.parent for s in recorder.spans("rooms.call new_session")} == {None}


@pytest.mark.looptime
async def test_a_meeting_in_numbers(recorder):
    async with scene(settings={"hooks": recorder.hooks}) as stage:
        stage.faults.answer_with("new_session", 429, code="too_many_requests")
        ann, _ = await stage.meet("ann", "bob")
        stage.faults.lose_answer("new_tracks")
        await ann.publish("screen")
        await stage.rest(30)
    assert recorder.points()["retries"] == [({"cfrealtime.operation": "new_session"}, 1)]
    assert recorder.total("exchange.duration") == len(recorder.spans("rooms.publish")) + len(
        recorder.spans("rooms.subscribe")
    )
    assert recorder.total("call.duration") == len(recorder.spans("rooms.call")) == recorder.total("call.wait")
    assert recorder.total("exchange.client") > 0
    ((reason, times),) = recorder.points()["replacements"]
    assert (list(reason), times) == (["cfrealtime.reason"], 1)
    results = {a["cfrealtime.result"] for a, _ in recorder.points()["call.duration"]}
    assert results == {"succeeded", "refused", "unknown"}
    assert [recorder.total(name) for name in ("open", "participants", "ledger.size", "leaks")] == [0, 0, 0, 0]
    named = str(recorder.points())
    assert [word for word in ("demo", "ann", ann.participant_id) if word in named] == []


def test_open_rooms_and_their_people_are_counted(recorder):
    def now():
        return recorder.total("open"), recorder.total("participants")

    recorder.hooks.room(RoomInfo("hall", "opened", 1))
    recorder.hooks.room(RoomInfo("attic", "opened", 2))
    recorder.hooks.room(RoomInfo("hall", "participants", 5))
    assert now() == (2, 7)
    recorder.hooks.room(RoomInfo("hall", "closed", 0))
    assert now() == (1, 2)


def test_a_refusal_says_what_it_was(recorder):
    recorder.hooks.call(CALL)
    recorder.hooks.outcome(OutcomeInfo(CALL, 2.0, "refused", 410, "session_error", "8f-AMS", {}))
    (span,) = recorder.spans("rooms.call publish")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["http.response.status_code"] == 410
    assert span.attributes["cfrealtime.error_code"] == "session_error"
    assert span.attributes["http.response.header.cf-ray"] == ("8f-AMS",)
    assert span.end_time - span.start_time == 2_000_000_000


def test_items_that_failed_are_counted_by_code(recorder):
    recorder.hooks.outcome(OutcomeInfo(CALL, 2.0, "partial", None, None, None, {"empty_track_error": 3}))
    labels = {"cfrealtime.operation": "publish", "cfrealtime.error_code": "empty_track_error"}
    assert recorder.points()["failed_items"] == [(labels, 3)]


def test_the_ledger_shows_the_oldest_debt_of_all_rooms_and_counts_leaks(recorder):
    recorder.hooks.ledger(LedgerInfo("hall", 2, 100.0, 0))
    recorder.hooks.ledger(LedgerInfo("attic", 1, 5.0, 1))
    ((_, oldest),) = recorder.points()["ledger.oldest"]
    assert oldest == pytest.approx(100, abs=10)
    assert (recorder.total("ledger.size"), recorder.total("leaks")) == (3, 1)
    recorder.hooks.ledger(LedgerInfo("hall", 0, None, 1))
    recorder.hooks.ledger(LedgerInfo("attic", 0, None, 0))
    recorder.hooks.ledger(LedgerInfo("attic", 1, 1.0, 1))
    assert (recorder.total("ledger.size"), recorder.total("leaks")) == (1, 3)


def test_spans_whose_end_is_never_told_are_given_up(recorder, monkeypatch):
    monkeypatch.setattr(otel, "_MOST_OPEN", 3)
    for number in range(10):
        recorder.hooks.call(CallInfo(number, "hall", f"p{number}", "ann", 1, "s1", "subscribe", 2, 1, 0.0))
    assert (len(recorder.spans("rooms.call")), len(recorder.spans("rooms.subscribe"))) == (7, 7)
    recorder.hooks.outcome(OutcomeInfo(CALL, 1.0, "unknown", None, None, None, {}))
    assert len(recorder.spans("rooms.call")) == 7


def test_without_the_extra_it_says_what_to_install():
    code = "import sys; sys.modules['opentelemetry'] = None; import cfrealtime_rooms.otel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'cfrealtime[otel]'" in done.stderr.splitlines()[-1]
