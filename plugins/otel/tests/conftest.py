"""Telemetry that stays in memory, and a check that no test leaves a span behind as the current one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sms_core_otel import OpenTelemetry
from sms_core_sandbox import Sandbox


class Telemetry:
    """What was exported. ``middleware`` is what exports it, ``tracer`` that of an application."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.traces = TracerProvider()
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])
        self.middleware = OpenTelemetry(self.traces, self.meters)
        self.tracer = self.traces.get_tracer("application")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Those that have ended, in the order of their ends."""
        return self.exporter.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        """The only one of this name."""
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def parent_of(self, span: ReadableSpan) -> str | None:
        """Its name."""
        if span.parent is None:
            return None
        return next(parent.name for parent in self.spans if parent.context.span_id == span.parent.span_id)

    def metric(self, name: str) -> dict[frozenset[tuple[str, Any]], Any]:
        """A metric's points by their attributes: a sum, or a histogram's point."""
        return {
            frozenset(point.attributes.items()): getattr(point, "value", point)
            for metric in self.metrics
            if metric.name == name
            for point in metric.data.data_points
        }

    @property
    def metrics(self) -> list[Any]:
        """All of them."""
        data = self.reader.get_metrics_data()
        resources = data.resource_metrics if data else []
        return [metric for resource in resources for scope in resource.scope_metrics for metric in scope.metrics]

    @property
    def everything(self) -> str:
        """All that leaves the process, in one text."""
        data = self.reader.get_metrics_data()
        return "\n".join([*(span.to_json() for span in self.spans), data.to_json() if data else ""])


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry()
    yield made
    made.traces.shutdown()
    made.meters.shutdown()


@pytest.fixture(autouse=True)
def _nothing_stays_current(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG, "opentelemetry")
    yield
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []


@pytest.fixture(scope="module")
def shared_box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def box(shared_box: Sandbox) -> Sandbox:
    shared_box.reset()
    return shared_box
