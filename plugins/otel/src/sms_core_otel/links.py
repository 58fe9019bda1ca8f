"""From a put of an outbox to its send: a span of a send links to those in which its texts were put."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.trace import Link, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"

links: ContextVar[tuple[Link, ...]] = ContextVar("sms_core_otel_links", default=())
"""What a span that begins now links to."""


class OutboxTraces:
    """Give it to an outbox, ``Outbox(…, traces=OutboxTraces())``, whose accounts have `OpenTelemetry` among their plugins.

    With each put its W3C ``traceparent`` is stored. A request may hold the texts of several puts, so its span is no child
    of theirs, but links to each.
    """

    def __init__(self) -> None:
        self._propagator = TraceContextTextMapPropagator()

    def current(self) -> str | None:
        """The caller's context as a ``traceparent``; None outside of a span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(HEADER)

    @contextmanager
    def sending(self, puts: Collection[str]) -> Generator[None]:
        """Let spans that begin in this block link to these contexts."""
        contexts = [self._propagator.extract({HEADER: put}) for put in puts]
        spans = [get_current_span(context).get_span_context() for context in contexts]
        token = links.set(tuple(Link(span) for span in spans if span.is_valid))
        try:
            yield
        finally:
            links.reset(token)
