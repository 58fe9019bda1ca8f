"""A send of an outbox is a span that links to its put."""

from __future__ import annotations

from typing import Any

from sms_core import Message, connect
from sms_core_otel import OutboxTraces
from sms_core_outbox import Outbox


def test_a_send_links_to_the_puts_of_its_texts(telemetry: Any) -> None:
    with (
        connect("memory://links", plugins=[telemetry.middleware]) as client,
        Outbox("sqlite://", accounts={"main": client}, traces=OutboxTraces()) as outbox,
    ):
        outbox.create()
        puts = []
        for number in (1, 2):
            with telemetry.tracer.start_as_current_span(f"order {number}") as span:
                outbox.put(Message("hi", f"+88690000000{number}"), key=str(number))
                puts.append(span.get_span_context())
        outbox.put(Message("outside of a span", "+886900000003"), key="3")
        outbox.drain()
    linked = [link.context for span in telemetry.spans if span.name == "send memory" for link in span.links]
    assert {context.span_id for context in linked} == {context.span_id for context in puts}
    assert {context.trace_id for context in linked} == {context.trace_id for context in puts}
