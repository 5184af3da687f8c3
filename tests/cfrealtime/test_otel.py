"""Every attempt is one span that ends, whatever becomes of it; retries and leftovers are counted."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cfrealtime import AsyncRealtime, Hooks, LocalTrack, OutcomeUnknownError, RealtimeError
from cfrealtime.otel import otel_hooks
from tests.cfrealtime.colours import BASE, COLOURS, run

OPERATION = "cfrealtime.operation"


class Recorder:
    """Providers that keep what they are told, and hooks that tell them."""

    def __init__(self):
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.started = []
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.tracers.add_span_processor(self)
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.hooks = otel_hooks(self.tracers, meters)

    def on_start(self, span, parent_context=None):
        self.started.append(span)

    def on_end(self, span):
        pass

    def _on_ending(self, span):
        pass

    @property
    def spans(self):
        """The spans that have ended, which must be all that began."""
        ended = self._spans.get_finished_spans()
        assert len(ended) == len(self.started)
        return ended

    def metric(self, name):
        """The points of one metric as pairs of attributes and value."""
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        points = [point for metric in metrics if metric.name == name for point in metric.data.data_points]
        return [(dict(p.attributes), p.value if hasattr(p, "value") else p.count) for p in points]


@pytest.fixture
def recorder():
    return Recorder()


def get_state(client):
    return client.session("s1").get_state()


def new_session(client):
    return client.new_session()


def publish(client):
    return client.session("s1").publish("v=0 canary-sdp", [LocalTrack("0", "camera")])


@pytest.mark.parametrize("colour", COLOURS)
def test_a_call_is_a_span_of_its_operation(colour, recorder, respx_mock):
    respx_mock.get(f"{BASE}/s1").respond(json={}, headers={"CF-Ray": "8f-AMS"})
    run(colour, get_state, hooks=recorder.hooks)
    (span,) = recorder.spans
    assert (span.name, span.kind, span.status.status_code) == (
        "get_session",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    assert dict(span.attributes) == {
        OPERATION: "get_session",
        "cfrealtime.session_id": "s1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.response.header.cf-ray": ("8f-AMS",),
    }
    labels = {OPERATION: "get_session", "http.request.method": "GET", "http.response.status_code": 200}
    assert recorder.metric("cfrealtime.client.request.duration") == [(labels, 1)]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_refusal_says_what_it_was(colour, recorder, respx_mock):
    respx_mock.post(f"{BASE}/s1/tracks/new").respond(410, json={"errorCode": "session_error"})
    with pytest.raises(RealtimeError):
        run(colour, publish, hooks=recorder.hooks)
    (span,) = recorder.spans
    assert span.status.status_code is StatusCode.ERROR
    assert "410 session_error" in span.status.description
    assert span.attributes["error.type"] == "cfrealtime.errors.SessionGoneError"
    assert span.attributes["cfrealtime.error_code"] == "session_error"
    assert "canary" not in span.to_json()


@pytest.mark.parametrize("colour", COLOURS)
def test_every_attempt_is_a_span_and_retries_are_counted(colour, recorder, respx_mock):
    respx_mock.post(f"{BASE}/new").mock(
        side_effect=[httpx.ReadError("prose"), httpx.Response(201, json={"sessionId": "s9"})]
    )
    run(colour, new_session, hooks=recorder.hooks)
    first, second = recorder.spans
    assert first.attributes["error.type"] == "cfrealtime.errors.OutcomeUnknownError"
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    labels = {OPERATION: "new_session", "error.type": "cfrealtime.errors.OutcomeUnknownError"}
    assert recorder.metric("cfrealtime.client.retries") == [(labels, 1)]
    assert recorder.metric("cfrealtime.client.leftovers") == [(labels, 1)]


def test_a_retry_after_which_nothing_can_be_left_is_no_leftover(recorder, respx_mock):
    respx_mock.post(f"{BASE}/new").mock(
        side_effect=[httpx.ConnectError("no"), httpx.Response(201, json={"sessionId": "s9"})]
    )
    run("sync", new_session, hooks=recorder.hooks)
    assert len(recorder.metric("cfrealtime.client.retries")) == 1
    assert recorder.metric("cfrealtime.client.leftovers") == []


@pytest.mark.parametrize("body", [b"<html>canary</html>", b'{"errorCode": "canary with prose"}'])
def test_a_success_that_cannot_be_read_is_an_error(body, recorder, respx_mock):
    respx_mock.get(f"{BASE}/s1").respond(200, content=body)
    with pytest.raises(RealtimeError):
        run("sync", get_state, hooks=recorder.hooks, max_retries=0)
    (span,) = recorder.spans
    assert (span.attributes["http.response.status_code"], span.status.status_code) == (200, StatusCode.ERROR)
    assert "canary" not in span.to_json()


@pytest.mark.looptime
async def test_a_cancelled_call_ends_its_span(recorder):
    async def never(_):
        await asyncio.sleep(3600)

    transport = httpx.MockTransport(never)
    async with AsyncRealtime("app", "hunter2", transport=transport, hooks=recorder.hooks) as client:
        call = asyncio.create_task(client.new_session())
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    (span,) = recorder.spans
    assert span.attributes["error.type"] == "asyncio.exceptions.CancelledError"


@pytest.mark.looptime
async def test_a_call_cancelled_between_attempts_ends_no_span_twice(recorder):
    transport = httpx.MockTransport(lambda _: httpx.Response(429, headers={"Retry-After": "3"}))
    async with AsyncRealtime("app", "hunter2", transport=transport, hooks=recorder.hooks) as client:
        call = asyncio.create_task(client.new_session())
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    (span,) = recorder.spans
    assert span.attributes["http.response.status_code"] == 429


def test_what_a_transport_raises_ends_its_span_and_is_not_quoted(recorder):
    def explode(_):
        raise ZeroDivisionError("canary")

    with pytest.raises(ZeroDivisionError):
        run("sync", new_session, hooks=recorder.hooks, transport=httpx.MockTransport(explode))
    (span,) = recorder.spans
    assert (span.attributes["error.type"], span.status.description) == ("ZeroDivisionError", None)


def test_hooks_that_fail_beside_it_leave_no_span_open(recorder, respx_mock):
    respx_mock.post(f"{BASE}/new").mock(side_effect=httpx.ReadError("prose"))

    def fail(_):
        raise ZeroDivisionError

    with pytest.raises(OutcomeUnknownError):
        run("sync", new_session, hooks=Hooks.of(Hooks(fail, fail, fail, fail), recorder.hooks))
    assert len(recorder.spans) == 3


def test_spans_are_children_of_the_current_one(recorder, respx_mock):
    respx_mock.get(f"{BASE}/s1").respond(json={})
    with recorder.tracers.get_tracer("test").start_as_current_span("request of a user") as parent:
        run("async", get_state, hooks=recorder.hooks)
    (child, _) = recorder.spans
    assert child.parent.span_id == parent.get_span_context().span_id


def test_without_the_extra_it_says_what_to_install():
    code = "import sys; sys.modules['opentelemetry'] = None; import cfrealtime; import cfrealtime.otel"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'cfrealtime[otel]'" in done.stderr.splitlines()[-1]
