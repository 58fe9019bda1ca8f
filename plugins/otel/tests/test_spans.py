"""One span for each operation, over a real wire."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

import sms_core
from sms_core import Message, PartiallySent, Recipient, SocketTransport
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from sms_core_otel import OpenTelemetry
from sms_core_sandbox import Sandbox

NUMBERS = [f"+8869000000{last:02d}" for last in range(1, 13)]


def connect(box: Sandbox, telemetry: Any, provider: str = "every8d", **options: object) -> sms_core.Client:
    dsn = box.dsn(provider, **options)
    return sms_core.connect(dsn, plugins=[telemetry.middleware], sleep=lambda seconds: None)


def server(box: Sandbox) -> dict[str, object]:
    return {"server.address": box.host, "server.port": box.port}


def test_a_send_and_its_login_are_one_span_each(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry) as sms:
        result = sms.send("您的驗證碼是 123456", to=NUMBERS[:2], reference="order-7")
    login, send = telemetry.spans
    assert (login.name, send.name) == ("login every8d", "send every8d")
    assert telemetry.parent_of(login) == "send every8d"
    assert telemetry.parent_of(send) is None
    assert {login.kind, send.kind} == {SpanKind.CLIENT}
    assert {login.status.status_code, send.status.status_code} == {StatusCode.UNSET}
    assert dict(send.attributes) == {
        "messaging.system": "every8d",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": 2,
        **server(box),
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "sms.requests": 1,
        "sms.message.reference": "order-7",
        "sms.batch.ids": result.batches,
        "sms.messages.accepted": 2,
        "sms.segments": 2,
        "sms.points": float(result.cost or 0),
    }
    assert dict(login.attributes) == {
        "messaging.system": "every8d",
        "messaging.operation.name": "login",
        **server(box),
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "sms.requests": 1,
    }
    assert (send.instrumentation_scope.name, bool(send.instrumentation_scope.version)) == ("sms_core_otel", True)


def test_a_span_is_the_child_of_the_application_s(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry) as sms, telemetry.tracer.start_as_current_span("checkout"):
        sms.check()
        sms.balance()
    assert telemetry.parent_of(telemetry.span("check every8d")) == "checkout"
    assert telemetry.parent_of(telemetry.span("balance every8d")) == "checkout"


def test_what_happens_during_a_request_is_the_span_s_child(box: Sandbox, telemetry: Any) -> None:
    class Instrumented(SocketTransport):
        def send(self, request: Request) -> Response:
            with telemetry.tracer.start_as_current_span("POST"):
                return super().send(request)

    network = Instrumented(connect_timeout=5, read_timeout=5)
    with sms_core.connect(box.dsn("every8d"), transport=network, plugins=[telemetry.middleware]) as sms:
        sms.balance()
    parents = [telemetry.parent_of(span) for span in telemetry.spans if span.name == "POST"]
    assert parents == ["login every8d", "balance every8d"]


def test_each_request_of_a_message_is_a_span(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry, batch_size=2) as sms:
        result = sms.send("x", to=NUMBERS[:5], reference="m")
    sends = [span.attributes for span in telemetry.spans if span.name == "send every8d"]
    assert [send["messaging.batch.message_count"] for send in sends] == [2, 2, 1]
    assert {send["sms.message.reference"] for send in sends} == {"m"}
    assert tuple(batch for send in sends for batch in send["sms.batch.ids"]) == result.batches


def test_retries_are_within_one_span(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry) as sms:
        sms.check()
        box.faults.add("502", match="GetCredit")
        sms.balance()
    span = telemetry.span("balance every8d")
    assert (span.attributes["sms.requests"], span.attributes["http.response.status_code"]) == (2, 200)
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in span.attributes


def test_an_answer_that_is_lost_leaves_no_status_and_an_unknown_outcome(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry) as sms:
        box.faults.add("drop_after", match="SendSMS")
        with pytest.raises(sms_core.OutcomeUnknown):
            sms.send("x", to=NUMBERS[:3])
    span = telemetry.span("send every8d")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.attributes["error.type"] == "OutcomeUnknown"
    assert span.attributes["sms.messages.unknown"] == 3
    assert "http.response.status_code" not in span.attributes
    assert "sms.batch.ids" not in span.attributes
    assert span.events == ()


def test_a_refused_login_fails_the_send_and_sends_nothing(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry, password="wrong") as sms, pytest.raises(sms_core.SendError):
        sms.send("x", to=NUMBERS[0])
    login, send = telemetry.spans
    assert login.attributes["error.type"] == "AuthenticationFailed"
    assert login.attributes["sms.vendor_code"]
    assert (send.attributes["sms.requests"], send.attributes["sms.messages.not_sent"]) == (0, 1)
    assert {login.status.status_code, send.status.status_code} == {StatusCode.ERROR}


def test_a_refusal_is_the_error_that_it_is(box: Sandbox, telemetry: Any) -> None:
    box.exchange.add_account("poor", "secret", 0)
    dsn = box.dsn("every8d", user="poor", password="secret")
    with sms_core.connect(dsn, plugins=[telemetry.middleware]) as sms, pytest.raises(sms_core.InsufficientCredit):
        sms.send("x", to=NUMBERS[:2])
    attributes = telemetry.span("send every8d").attributes
    assert (attributes["error.type"], attributes["sms.messages.refused"]) == ("InsufficientCredit", 2)
    assert attributes["http.response.status_code"] == 200


def test_a_send_that_is_partly_taken_counts_both(telemetry: Any) -> None:
    with (
        sms_core.connect("memory://otel-partly", plugins=[telemetry.middleware]) as sms,
        pytest.raises(PartiallySent),
    ):
        sms.send("x", to=[NUMBERS[0], NUMBERS[1], "+886900000909"])
    attributes = telemetry.span("send memory").attributes
    assert (attributes["sms.messages.accepted"], attributes["sms.messages.refused"]) == (2, 1)
    assert (attributes["error.type"], attributes["sms.segments"]) == ("PartiallySent", 3)
    assert "server.address" not in attributes


def test_queries_name_their_batch_and_replies_their_number(box: Sandbox, telemetry: Any) -> None:
    with connect(box, telemetry) as sms:
        result = sms.send("x", to=[NUMBERS[0], "+886900000908"])
        list(sms.reports(result))
        replies = list(sms.inbound(result))
        with pytest.raises(sms_core.NotFound):
            sms.cancel("11111111-2222-3333-4444-555555555555")
    reports, inbound = telemetry.span("reports every8d"), telemetry.span("inbound every8d")
    assert reports.attributes["sms.batch.ids"] == inbound.attributes["sms.batch.ids"] == result.batches
    assert "messaging.operation.type" not in reports.attributes
    assert inbound.attributes["messaging.operation.type"] == "receive"
    assert inbound.attributes["messaging.batch.message_count"] == len(replies) == 1
    assert telemetry.span("cancel every8d").attributes["error.type"] == "NotFound"


def test_a_caller_s_error_has_no_outcomes(telemetry: Any) -> None:
    class Refuses:
        @sms_core.hookimpl(wrapper=True)
        def sms_perform(self) -> Any:
            yield
            return self.refuse()

        def refuse(self) -> Any:
            yield from ()
            raise sms_core.InvalidMessage("text", "is not what this vendor sends")

    plugins = [Refuses(), telemetry.middleware]
    with sms_core.connect("memory://", plugins=plugins) as sms, pytest.raises(sms_core.InvalidMessage):
        sms.send("x", to=NUMBERS[0])
    attributes = telemetry.span("send memory").attributes
    assert attributes["error.type"] == "InvalidMessage"
    assert not [name for name in attributes if name.startswith("sms.messages")]
    assert telemetry.metric("sms.client.messages") == {}


def test_ctrl_c_ends_the_span_with_what_it_left_open(telemetry: Any) -> None:
    def interrupt(request: Request) -> Response:
        raise KeyboardInterrupt

    network = FakeTransport(interrupt)
    dsn = "smsgo://user:password@"
    with (
        sms_core.connect(dsn, transport=network, plugins=[telemetry.middleware]) as sms,
        pytest.raises(KeyboardInterrupt),
    ):
        sms.send("x", to=NUMBERS[0])
    span = telemetry.span("send smsgo")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes["error.type"], span.attributes["sms.messages.unknown"]) == ("KeyboardInterrupt", 1)


def test_messages_sent_side_by_side_have_a_span_each(box: Sandbox, telemetry: Any) -> None:
    messages = [Message("x", Recipient(number), reference=f"m{n}") for n, number in enumerate(NUMBERS)]
    with connect(box, telemetry) as sms, telemetry.tracer.start_as_current_span("campaign"):
        results = {sent.message.reference: sent.result for sent in sms.send_many(messages, concurrency=4)}
    sends = [span for span in telemetry.spans if span.name == "send every8d"]
    assert sorted(span.attributes["sms.message.reference"] for span in sends) == sorted(
        message.reference for message in messages
    )
    assert {telemetry.parent_of(span) for span in sends} == {"campaign"}
    batches = {span.attributes["sms.message.reference"]: span.attributes["sms.batch.ids"] for span in sends}
    assert batches == {reference: result.batches for reference, result in results.items() if result}
    assert telemetry.parent_of(telemetry.span("login every8d")) == "send every8d"


def test_without_an_sdk_all_goes_on(box: Sandbox) -> None:
    with sms_core.connect(box.dsn("every8d"), plugins=[OpenTelemetry()]) as sms:
        assert sms.send("x", to=NUMBERS[0]).accepted == 1


def test_several_pipelines_may_watch_one_client(box: Sandbox, telemetry: Any) -> None:
    other = OpenTelemetry(telemetry.traces, MeterProvider())
    with sms_core.connect(box.dsn("every8d"), plugins=[telemetry.middleware, other]) as sms:
        sms.balance()
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert [span.name for span in telemetry.spans] == ["login every8d"] * 2 + ["balance every8d"] * 2
    assert [telemetry.parent_of(span) for span in telemetry.spans] == [
        "login every8d",
        "balance every8d",
        "balance every8d",
        None,
    ]


def test_a_span_that_nobody_samples_still_counts(telemetry: Any) -> None:
    middleware = OpenTelemetry(TracerProvider(sampler=ALWAYS_OFF), telemetry.meters)
    with sms_core.connect("memory://", plugins=[middleware]) as sms:
        sms.send("x", to=NUMBERS[0])
    assert sum(telemetry.metric("sms.client.messages").values()) == 1
