"""OpenTelemetry: a span for every attempt and three metrics, made of hooks. Extra: `cfrealtime[otel]`.

    client = AsyncRealtime(hooks=otel_hooks())

Spans are of kind CLIENT, children of whatever span is current, named after the API operation. Beside HTTP's
own attributes they hold `cfrealtime.operation`, `cfrealtime.session_id` and, on a refusal,
`cfrealtime.error_code`. No URL is told: one of them would hold a TURN user name.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from cfrealtime._core.codes import printable_code
from cfrealtime._version import __version__
from cfrealtime.errors import RealtimeError
from cfrealtime.hooks import ErrorInfo, Hooks, RequestInfo, ResponseInfo, RetryInfo

try:
    from opentelemetry.metrics import MeterProvider, get_meter
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_tracer
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "cfrealtime.otel needs opentelemetry-api: pip install 'cfrealtime[otel]'", name=missing.name
    ) from missing

__all__ = ["otel_hooks"]

# What the semantic conventions advise for the duration of HTTP requests, in seconds.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


def otel_hooks(
    tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> Hooks:
    """Hooks that report to these providers, or to the global ones. Join them to others with `Hooks.of`."""
    telemetry = _Telemetry(tracer_provider, meter_provider)
    return Hooks(telemetry.request, telemetry.response, telemetry.retry, telemetry.error)


@frozen
class _Attempt:
    span: Span
    start: float
    labels: dict[str, str | int]


class _Telemetry:
    """The attempts that are under way. Each is told to have ended exactly once, whatever became of it."""

    def __init__(self, tracers: TracerProvider | None, meters: MeterProvider | None) -> None:
        self._tracer = get_tracer("cfrealtime", __version__, tracers)
        meter = get_meter("cfrealtime", __version__, meters)
        self._duration = meter.create_histogram(
            "cfrealtime.client.request.duration",
            "s",
            "How long attempts took.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._retries = meter.create_counter(
            "cfrealtime.client.retries", "{retry}", "Attempts that were followed by another."
        )
        self._leftovers = meter.create_counter(
            "cfrealtime.client.leftovers",
            "{leftover}",
            "Lost attempts that may have made a session or credentials, which expire by themselves.",
        )
        self._open: dict[tuple[int, int], _Attempt] = {}

    def request(self, info: RequestInfo) -> None:
        """Begin a span."""
        labels = {"cfrealtime.operation": info.operation, "http.request.method": info.method}
        attributes: dict[str, str | int] = {**labels}
        if info.session_id is not None:
            attributes["cfrealtime.session_id"] = info.session_id
        if info.attempt > 1:
            attributes["http.request.resend_count"] = info.attempt - 1
        span = self._tracer.start_span(info.operation, kind=SpanKind.CLIENT, attributes=attributes)
        self._open[info.call_id, info.attempt] = _Attempt(span, time.monotonic(), {**labels})

    def response(self, info: ResponseInfo) -> None:
        """End a span with an answer."""
        attributes: dict[str, str | int | list[str]] = {"http.response.status_code": info.status}
        if info.cf_ray is not None:
            attributes["http.response.header.cf-ray"] = [info.cf_ray]
        self._end(info.call_id, info.attempt, info.error, info.status, attributes)

    def retry(self, info: RetryInfo) -> None:
        """Count a retry, and end a span that has seen no answer."""
        labels = {"cfrealtime.operation": info.operation, "error.type": _type(info.error)}
        self._retries.add(1, labels)
        if info.leaves_something:
            self._leftovers.add(1, labels)
        self._end(info.call_id, info.attempt, info.error)

    def error(self, info: ErrorInfo) -> None:
        """End a span that has seen no answer. There is none when the call ended between two attempts."""
        self._end(info.call_id, info.attempt, info.error)

    def _end(
        self,
        call_id: int,
        attempt: int,
        error: BaseException | None,
        status: int | None = None,
        attributes: Mapping[str, str | int | list[str]] | None = None,
    ) -> None:
        ended = self._open.pop((call_id, attempt), None)
        if ended is None:
            return
        ended.span.set_attributes(attributes or {})
        if status is not None:
            ended.labels["http.response.status_code"] = status
        if error is not None:
            ended.labels["error.type"] = _type(error)
            ended.span.set_attribute("error.type", _type(error))
            ended.span.set_status(Status(StatusCode.ERROR, _description(error)))
            code = error.code if isinstance(error, RealtimeError) else None
            if code is not None:
                ended.span.set_attribute("cfrealtime.error_code", printable_code(code))
        ended.span.end()
        self._duration.record(time.monotonic() - ended.start, ended.labels)


def _type(error: BaseException) -> str:
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _description(error: BaseException) -> str | None:
    # Our own messages hold no secrets; of what a transport of the caller's own raises, nobody knows.
    return str(error) if isinstance(error, RealtimeError) else None
