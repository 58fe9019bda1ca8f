"""A span that is the current one while a flow is run, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from opentelemetry import context
from opentelemetry.trace import Span, set_span_in_context

from sms_core.provider import Flow, Step

T = TypeVar("T")


def in_span(span: Span, flow: Flow[T]) -> Flow[T]:
    """The same conversation, with the span current both while it runs and while the driver answers a step.

    What the driver does for a step (an HTTP request, a login) becomes the span's child. A driver may go on in another
    context with each step; the one where it got a step has the span until it goes on there, or throws it away.
    """
    advance: Callable[[], Step] = partial(next, flow)
    while True:
        with _current(span):
            try:
                step = advance()
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                answer = yield step
            except BaseException as error:  # noqa: BLE001 - handed on whole, as `yield from` would
                advance = partial(flow.throw, error)
            else:
                advance = partial(flow.send, answer)


@contextmanager
def _current(span: Span) -> Generator[None]:
    outside = context.get_current()
    mark = context.create_key("sms_core_otel")
    context.attach(set_span_in_context(span, context.set_value(mark, value=True, context=outside)))
    try:
        yield
    finally:
        # `context.detach` is for the context of `attach` alone, and a flow may go on in another one, or in a copy. The
        # mark tells whether this is one that has our span; a flow within this flow may have put its own on top.
        if context.get_value(mark):
            context.attach(outside)
