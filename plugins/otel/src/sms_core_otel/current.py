"""A span that is the current one while a flow is run, whoever runs it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from attrs import frozen
from opentelemetry import context
from opentelemetry.trace import Span, set_span_in_context

from sms_core.middleware import Observer


@frozen
class CurrentSpan(Observer):
    """Makes a span current while a flow runs, and while its driver answers a step.

    What the driver does for a step (an HTTP request, a login) becomes the span's child. A driver may go on in another
    context with each step; the one where it got a step has the span until it goes on there, or throws it away.
    """

    span: Span

    @contextmanager
    def around_step(self) -> Generator[None]:
        """Switch the context that the flow runs in now."""
        outside = context.get_current()
        mark = context.create_key("sms_core_otel")
        context.attach(set_span_in_context(self.span, context.set_value(mark, value=True, context=outside)))
        try:
            yield
        finally:
            # `context.detach` is for the context of `attach` alone, and a flow may go on in another one, or in a copy.
            # The mark tells whether this is one that has our span; a flow within this flow may have put its own on top.
            if context.get_value(mark):
                context.attach(outside)
