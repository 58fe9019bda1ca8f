"""The middleware: begins a span with each operation, and when that has ended, ends it and counts."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider

from sms_core import hookimpl
from sms_core.middleware import Trace, observed, traced
from sms_core.provider import Flow, Operation, Provider
from sms_core_otel.attributes import of_beginning, of_end, of_error, of_kind, of_server
from sms_core_otel.current import CurrentSpan
from sms_core_otel.links import links
from sms_core_otel.tally import tally_of

T = TypeVar("T")

SCOPE = "sms_core_otel"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets that the conventions advise for the duration of a client's operations."""


class OpenTelemetry:
    """A span and metrics for each operation; give it to a client as ``connect(dsn, plugins=[OpenTelemetry()])``.

    Without providers it uses the global ones, also where these are set later. Spans are of kind CLIENT and named
    ``send every8d``: operation and provider. Metrics are the counters ``sms.client.messages``,
    ``sms.client.segments`` and ``sms.client.points``, and the histogram ``sms.client.operation.duration`` in seconds.
    No number, text, password or vendor's words are in any of them.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(SCOPE, version("sms-core-otel"), tracer_provider)
        meter = metrics.get_meter(SCOPE, version("sms-core-otel"), meter_provider)
        self._messages = meter.create_counter("sms.client.messages", "{message}", "Messages that were to be sent.")
        self._segments = meter.create_counter("sms.client.segments", "{segment}", "Segments of these messages.")
        self._points = meter.create_counter("sms.client.points", "{point}", "Points that the vendor took.")
        self._duration = meter.create_histogram(
            "sms.client.operation.duration",
            "s",
            "How long operations took, retries and logins included.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Wrap the conversation."""
        flow = yield
        return self._in_span(provider, operation, flow)

    def _in_span(self, provider: Provider, operation: Operation[T], flow: Flow[T]) -> Flow[T]:
        span = self._tracer.start_span(
            f"{operation.name} {provider.info.name}",
            kind=SpanKind.CLIENT,
            attributes=of_beginning(provider, operation),
            links=links.get(),
        )
        counted = traced(flow, Trace(operation), partial(self._end, provider, span))
        return (yield from observed(counted, CurrentSpan(span)))

    def _end(self, provider: Provider, span: Span, ended: Trace) -> None:
        tally = tally_of(ended)
        system = {"messaging.system": provider.info.name}
        for outcome in tally.messages:
            labels = {**system, "sms.outcome": outcome.value}
            self._messages.add(tally.messages[outcome], labels)
            self._segments.add(tally.segments[outcome], labels)
        if tally.points is not None and tally.points > 0:  # a counter only grows
            self._points.add(tally.points, system)
        kind = of_kind(provider, ended.operation)
        self._duration.record(ended.seconds, {**kind, **of_server(provider.account.base_url), **of_error(ended)})
        span.set_attributes(of_end(ended, tally))
        if ended.error is not None:
            span.set_status(StatusCode.ERROR)
        span.end()
