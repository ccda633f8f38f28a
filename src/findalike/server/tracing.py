"""Traces of requests by OpenTelemetry, where the service is told to send them somewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from findalike import __version__
from findalike.errors import MissingExtraError, SettingError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span, Tracer, TracerProvider

STAGES = ("fetch", "queue", "prepare", "propose", "wait", "embed", "search")
"""The stages of a search in their order."""


class Traces(Protocol):
    """Where requests leave a trace."""

    def begin(self, method: str, headers: Mapping[str, str]) -> RequestTrace:
        """Begin the span of a request."""

    def stop(self) -> None:
        """Send what is not sent yet."""


class RequestTrace(Protocol):
    """The trace of one request."""

    trace_id: str | None

    def end(
        self, *, route: str, status: int, stages_ms: Mapping[str, float], facts: Mapping[str, Any]
    ) -> None:
        """End the span."""


def start_tracing(endpoint: str | None, *, share: float = 1.0) -> Traces:
    """Start sending traces.

    Args:
        endpoint: URL of a collector that takes OTLP by HTTP, such as ``http://localhost:4318``;
            without a path, ``/v1/traces`` is added. None for no traces.
        share: of the requests that begin a trace here are traced, 0 to 1. Those that come with
            the decision of a trusted proxy (``traceparent``) follow it.

    Raises:
        MissingExtraError: if the libraries are not installed.
        SettingError: if the endpoint is no URL.
    """
    if endpoint is None:
        return _NoTraces()
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(
            f"--trace-endpoint {endpoint!r} is no URL: write it like http://localhost:4318"
        )
    if parts.path in ("", "/"):
        endpoint = endpoint.rstrip("/") + "/v1/traces"
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("--trace-endpoint", extra="tracing") from error
    resource = Resource.create({"service.name": "findalike", "service.version": __version__})
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(share))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return _OpenTelemetry(provider)


class _NoTrace:
    """A request that is not traced."""

    trace_id: str | None = None

    def end(
        self, *, route: str, status: int, stages_ms: Mapping[str, float], facts: Mapping[str, Any]
    ) -> None:
        pass


class _NoTraces:
    """No traces."""

    def __init__(self) -> None:
        self._none = _NoTrace()

    def begin(self, method: str, headers: Mapping[str, str]) -> RequestTrace:
        return self._none

    def stop(self) -> None:
        pass


class _OpenTelemetry:
    """Traces to a collector."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self._tracer: Any = provider.get_tracer("findalike", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, method: str, headers: Mapping[str, str]) -> RequestTrace:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        span = self._tracer.start_span(
            method, context=self._propagator.extract(carrier), kind=SpanKind.SERVER
        )
        return _Trace(self._tracer, span, method)

    def stop(self) -> None:
        self._provider.shutdown()


class _Trace:
    """The span of one request, and those of its stages."""

    def __init__(self, tracer: Tracer, span: Span, method: str) -> None:
        from opentelemetry.trace import format_trace_id  # noqa: PLC0415

        self._tracer = tracer
        self._span = span
        self._method = method
        self.trace_id: str | None = format_trace_id(span.get_span_context().trace_id)

    def end(
        self, *, route: str, status: int, stages_ms: Mapping[str, float], facts: Mapping[str, Any]
    ) -> None:
        from opentelemetry.trace import Status, StatusCode, set_span_in_context  # noqa: PLC0415

        span = self._span
        now = time.time_ns()
        span.update_name(f"{self._method} {route}")
        span.set_attribute("http.request.method", self._method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        for name, value in facts.items():
            if value is not None:
                span.set_attribute(f"findalike.{name}", value)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        # Stages run in threads, together with those of other requests, and are timed there. What
        # is known of them is their order and their length, which end with the answer.
        stages = [(name, int(stages_ms[name] * 1e6)) for name in STAGES if name in stages_ms]
        started = now - sum(length for _, length in stages)
        context = set_span_in_context(span)
        for name, length in stages:
            stage = self._tracer.start_span(name, context=context, start_time=started)
            started += length
            stage.end(started)
        span.end(now)
