"""The span is the current one whoever runs the flow, and nothing stays behind. No client here: drivers by hand."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, StatusCode

from sms_core import Balance, Capability, Limits, ProviderInfo, TransportError, hookimpl
from sms_core.http import Request, Response
from sms_core.middleware import observed
from sms_core.provider import Flow, GetBalance, Operation, Provider, Step
from sms_core.testing import bind_provider
from sms_core_otel.current import CurrentSpan

ADDRESS = "https://vendor.invalid:8443/api"
DSN = "chatty://user:password@vendor.invalid:8443/api"
RESPONSE = Response(200, body=b"7")


class Chatty:
    """A vendor that takes three requests for a balance, and looks about itself meanwhile."""

    def __init__(self) -> None:
        self.current: list[Span] = []

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return ProviderInfo("chatty", "Chatty", frozenset({Capability.BALANCE}), Limits(1))

    @hookimpl
    def sms_send(self) -> Request:
        return Request("GET", ADDRESS)

    @hookimpl
    def sms_parse_response(self) -> Balance:
        return Balance(Decimal(0))

    @hookimpl
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Balance]:
        return self.perform(provider, operation)

    def perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Balance]:
        total = Decimal(0)
        for _ in range(3):
            response = yield provider.request(None, operation)
            self.current.append(trace.get_current_span())
            total += Decimal(response.body.decode())
        return Balance(total)


class Asked:
    """Flows of Chatty under the middleware, and what was current when a driver answered."""

    def __init__(self, telemetry: Any) -> None:
        self.telemetry = telemetry
        self.vendor = Chatty()
        self.answered: list[Span] = []

    def flow(self) -> Flow[Balance]:
        return bind_provider(self.vendor, DSN, [self.telemetry.middleware]).perform(GetBalance())

    def answer(self, step: Step) -> Response:
        assert isinstance(step, Request)
        self.answered.append(trace.get_current_span())
        return RESPONSE

    def spans(self, seen: list[Span]) -> list[int]:
        return [span.get_span_context().span_id for span in seen]

    @property
    def span(self) -> ReadableSpan:
        found: ReadableSpan = self.telemetry.span("balance chatty")
        return found


def result_of(advance: Callable[[], Step]) -> Step | Balance:
    """The next step, or the result."""
    try:
        return advance()
    except StopIteration as stop:
        assert isinstance(stop.value, Balance)
        return stop.value


@pytest.fixture
def asked(telemetry: Any) -> Asked:
    return Asked(telemetry)


def test_in_one_context_the_span_is_current_at_every_step(asked: Asked) -> None:
    flow = asked.flow()
    step = result_of(lambda: next(flow))
    while not isinstance(step, Balance):
        answer = asked.answer(step)
        step = result_of(lambda answer=answer: flow.send(answer))  # type: ignore[misc]
        if isinstance(step, Balance):
            assert trace.get_current_span() is trace.INVALID_SPAN
    own = asked.span.context.span_id
    assert asked.spans(asked.answered) == asked.spans(asked.vendor.current) == [own] * 3
    assert dict(asked.span.attributes or {}) == {
        "messaging.system": "chatty",
        "messaging.operation.name": "balance",
        "server.address": "vendor.invalid",
        "server.port": 8443,
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "sms.requests": 3,
    }


def test_each_step_may_be_taken_in_a_copy_of_the_context(asked: Asked) -> None:
    flow = asked.flow()
    home = copy_context()
    step = home.run(lambda: result_of(lambda: next(flow)))
    while not isinstance(step, Balance):
        home = home.copy()
        answer = home.run(asked.answer, step)
        step = home.run(lambda answer=answer: result_of(lambda: flow.send(answer)))  # type: ignore[misc]
    assert home.run(trace.get_current_span) is trace.INVALID_SPAN
    own = asked.span.context.span_id
    assert asked.spans(asked.answered) == asked.spans(asked.vendor.current) == [own] * 3


def test_each_step_may_be_taken_in_a_thread_of_its_own(asked: Asked) -> None:
    """A thread that is new knows of no span, and one that ends takes its context along."""
    flow = asked.flow()

    def turn(answer: Response | None) -> Step | Balance | Response:
        step = result_of(lambda: next(flow) if answer is None else flow.send(answer))
        return step if isinstance(step, Balance) else asked.answer(step)

    found: Any = None
    while not isinstance(found, Balance):
        with ThreadPoolExecutor(1) as fresh:
            found = fresh.submit(turn, found).result()
        assert trace.get_current_span() is trace.INVALID_SPAN
    own = asked.span.context.span_id
    assert asked.spans(asked.answered) == asked.spans(asked.vendor.current) == [own] * 3


def test_many_flows_in_one_event_loop_keep_apart(telemetry: Any) -> None:
    async def drive(flow: Flow[Balance]) -> Balance:
        """As an async client would: the network is a thread, or waits."""
        step = result_of(lambda: next(flow))
        while not isinstance(step, Balance):
            answer = await asyncio.to_thread(request, step)
            await asyncio.sleep(0)
            step = result_of(lambda answer=answer: flow.send(answer))  # type: ignore[misc]
        return step

    def request(step: Step) -> Response:
        with telemetry.tracer.start_as_current_span("GET"):
            assert isinstance(step, Request)
            return RESPONSE

    async def main() -> list[Balance]:
        with telemetry.tracer.start_as_current_span("job") as job:
            found = await asyncio.gather(*(drive(Asked(telemetry).flow()) for _ in range(10)))
            assert trace.get_current_span() is job
        return found

    assert asyncio.run(main()) == [Balance(Decimal(21))] * 10
    balances = [span for span in telemetry.spans if span.name == "balance chatty"]
    parents = [span.parent.span_id for span in telemetry.spans if span.name == "GET"]
    assert len(balances) == 10
    assert {telemetry.parent_of(span) for span in balances} == {"job"}
    assert all(parents.count(span.context.span_id) == 3 for span in balances)


@pytest.mark.parametrize("copied", [True, False])
def test_flows_that_take_turns_keep_apart(copied: bool, telemetry: Any) -> None:
    first, second = Asked(telemetry), Asked(telemetry)
    running = {id(asked): (asked, asked.flow()) for asked in (first, second)}
    answers: dict[int, Response] = {}
    while running:
        for key, (asked, flow) in list(running.items()):
            step = (copy_context() if copied else Here()).run(advance, asked, flow, answers, key)
            if isinstance(step, Balance):
                del running[key]
    for asked in (first, second):
        assert len(set(asked.spans(asked.answered))) == 1
        assert asked.spans(asked.answered) == asked.spans(asked.vendor.current)
    assert set(first.spans(first.answered)) != set(second.spans(second.answered))


class Here:
    """Stands for the context that is there already."""

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)


def advance(asked: Asked, flow: Flow[Balance], answers: dict[int, Response], key: int) -> Step | Balance:
    step = result_of(lambda: flow.send(answers[key]) if key in answers else next(flow))
    if not isinstance(step, Balance):
        answers[key] = asked.answer(step)
    return step


def test_a_flow_that_is_closed_ends_its_span_as_an_error(asked: Asked) -> None:
    flow = asked.flow()
    next(flow)
    flow.close()
    assert asked.span.status.status_code is StatusCode.ERROR
    assert (asked.span.attributes or {})["error.type"] == "GeneratorExit"


def test_a_flow_that_never_began_has_no_span(asked: Asked) -> None:
    asked.flow().close()
    assert asked.telemetry.spans == ()
    assert asked.telemetry.metric("sms.client.operation.duration") == {}


def test_a_flow_that_is_dropped_is_ended_by_whoever_collects_it(asked: Asked) -> None:
    """In a thread with a span of its own, which stays as it is."""
    left = [asked.flow()]
    home = copy_context()
    home.run(next, left[0])

    def collect() -> bool:
        with asked.telemetry.tracer.start_as_current_span("cleaning") as cleaning:
            left.clear()
            gc.collect()
            return trace.get_current_span() is cleaning

    with ThreadPoolExecutor(1) as other:
        assert other.submit(collect).result()
    assert (asked.span.attributes or {})["error.type"] == "GeneratorExit"


def test_an_error_reaches_the_flow_inside_its_span(asked: Asked) -> None:
    flow = asked.flow()
    next(flow)
    with pytest.raises(TransportError):
        flow.throw(TransportError("cut off", sent=True))
    assert (asked.span.attributes or {})["error.type"] == "TransportError"
    assert asked.span.events == ()


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 3))
def test_any_mixture_of_answers_and_errors_arrives_as_without_a_span(turns: list[bool], layers: int) -> None:
    def echo() -> Flow[list[object]]:
        heard: list[object] = []
        while len(heard) < len(turns):
            try:
                heard.append((yield Request("GET", f"{ADDRESS}/{len(heard)}")))
            except TransportError as error:
                heard.append(str(error))
        return heard

    def run(flow: Flow[list[object]]) -> tuple[list[str], list[object]]:
        urls: list[str] = []
        try:
            step = next(flow)
            for number, good in enumerate(turns):
                assert isinstance(step, Request)
                urls.append(step.url)
                step = flow.send(number) if good else flow.throw(TransportError(f"error {number}", sent=False))
        except StopIteration as stop:
            return urls, stop.value
        raise AssertionError

    spanned = echo()
    for _ in range(layers):
        spanned = observed(spanned, CurrentSpan(trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)))
    assert run(spanned) == run(echo())
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_span_is_current_in_its_own_thread_alone(asked: Asked) -> None:
    flow = asked.flow()
    next(flow)
    seen: list[Span] = []
    thread = threading.Thread(target=lambda: seen.append(trace.get_current_span()))
    thread.start()
    thread.join()
    assert seen == [trace.INVALID_SPAN]
    assert trace.get_current_span() is not trace.INVALID_SPAN
    flow.close()
