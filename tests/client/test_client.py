from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

import sms_core
from sms_core import (
    Account,
    AuthenticationFailed,
    Balance,
    Callback,
    CallbackRequest,
    Cancellation,
    Client,
    ConfigurationError,
    DeliveryStatus,
    InvalidMessage,
    Media,
    Message,
    NotFound,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    Recipient,
    RecipientOutcome,
    SendResult,
    SmsError,
    TransportError,
    Unsupported,
    hookimpl,
)
from sms_core.http import Request, Response
from sms_core.middleware import Trace, traced
from sms_core.provider import Flow, Operation, Provider, Session
from sms_core.testing import FakeTransport
from tests.support import tiny
from tests.support.colours import bind_async
from tests.support.tiny import INFO, NOW, PASSWORD, TOKEN, Sleeps, Tiny, Vendor, bind, fields_of, operation_of, text

A, B, C, D = (f"+88690000000{last}" for last in range(1, 5))
PATIENCE = 20.0
THREADS = 16
UNSENT = TransportError("no connection", sent=False)
CUT_OFF = TransportError("cut off", sent=True)


@pytest.fixture(params=[tiny.bind, bind_async], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "bind", request.param)


def asked(network: FakeTransport) -> list[str]:
    return [operation_of(request) for request in network.requests]


# One operation after another


def test_send_takes_a_text_and_numbers() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network) as sms:
        result = sms.send("hello", to=["0900000001", Recipient("0900000002")], reference="m")
    assert result.batch_id == "b1"
    assert result.accepted == 2
    assert result.message == Message("hello", ["0900000001", Recipient("0900000002")], reference="m")
    assert result.sent_at == NOW
    assert asked(network) == ["login", "send"]
    assert fields_of(network.requests[1]) == {
        "secret": TOKEN,
        "numbers": [A, B],
        "texts": ["hello"] * 2,
        "references": ["m-0", "m-1"],
    }
    assert network.closed


def test_send_takes_a_message() -> None:
    with bind(FakeTransport(Vendor(send=["OK b1"]))) as sms:
        assert sms.send(Message("hello", "0900000001")).accepted == 1


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda sms: sms.send("hello"), "to"),
        (lambda sms: sms.send(Message("x", A), to=B), "message"),
        (lambda sms: sms.send(Message("x", A), reference="m"), "message"),
        (lambda sms: sms.send(Message("x", A), send_at=NOW), "message"),
        (lambda sms: sms.send("x", to=A, send_at=NOW), "send_at"),
        (lambda sms: sms.send("x", to="0900"), "to[0].number"),
    ],
)
def test_a_wrong_call_is_refused_before_any_network(call: Callable[[Client], object], field: str) -> None:
    network = FakeTransport([])
    with bind(network) as sms, pytest.raises(InvalidMessage) as caught:
        call(sms)
    assert caught.value.field == field
    assert not network.requests


def test_every_operation_comes_back_as_its_value() -> None:
    network = FakeTransport(
        Vendor(
            balance=["OK 7.5"],
            check=["OK"],
            cancel=["OK 3"],
            reports=[f"OK {A}:r:delivered more", f"OK {B}:s:failed"],
            inbound=[f"OK {A} more", f"OK {B}"],
        )
    )
    with bind(network) as sms:
        assert sms.balance() == Balance(Decimal("7.5"))
        assert sms.check() is None  # type: ignore[func-returns-value]
        assert sms.cancel("b1") == Cancellation(3)
        reports = list(sms.reports("b1"))
        assert [(report.number, report.reference, report.status) for report in reports] == [
            (A, "r", DeliveryStatus.DELIVERED),
            (B, "s", DeliveryStatus.FAILED),
        ]
        assert [reply.number for reply in sms.inbound("b1")] == [A, B]
    pages = [
        (operation_of(request), fields_of(request)["page"])
        for request in network.requests
        if "page" in fields_of(request)
    ]
    assert pages == [("reports", 1), ("reports", 2), ("inbound", 1), ("inbound", 2)]
    assert asked(network).count("login") == 1


def test_pages_are_fetched_as_one_goes() -> None:
    network = FakeTransport(Vendor(reports=[f"OK {A}:r:sent more"]))
    with bind(network) as sms:
        reports = sms.reports("b1")
        assert not network.requests
        next(reports)
        assert asked(network) == ["login", "reports"]
        next(reports)
        assert asked(network) == ["login", "reports", "reports"]


def test_reports_of_a_result_are_those_of_all_its_batches() -> None:
    network = FakeTransport(Vendor(reports=["OK"], inbound=["OK"]))
    with bind(network) as sms:
        result = SendResult((), batches=("b1", "b2"), message=Message("x", A))
        assert list(sms.reports(result)) == []
        assert list(sms.inbound(result)) == []
        assert list(sms.reports(SendResult(()))) == []
    assert [fields_of(request)["batch"] for request in network.requests[1:]] == ["b1", "b2", "b1", "b2"]


def test_reports_of_many_batches_are_asked_for_together_where_the_vendor_lets_you() -> None:
    network = FakeTransport(Vendor(reports=[f"OK {A}:r:sent", f"OK {C}:r:sent"]))
    by_two = Tiny(attrs.evolve(INFO, limits=attrs.evolve(INFO.limits, batches=2)))
    with bind(network, by_two) as sms:
        reports = list(sms.reports({"b1": [A], "b2": [B], "b3": [C]}))
    assert [report.number for report in reports] == [A, C]
    together, alone = map(fields_of, network.requests[1:])
    assert (together["batches"], together["batch"]) == ({"b1": [A], "b2": [B]}, "b1")
    assert (alone["batch"], "batches" in alone) == ("b3", False)


# Cancelling


def cancelled(network: FakeTransport) -> list[tuple[str, list[str]]]:
    """The batches that were asked to be taken back, each with its numbers."""
    fields = [fields_of(request) for request in network.requests if operation_of(request) == "cancel"]
    return [(asked_for["batch"], asked_for["numbers"]) for asked_for in fields]


def booked(*batches: str | None) -> SendResult:
    """A send to one number after another, each accepted in this batch; None is one that was refused."""
    rows = []
    for batch, number in zip(batches, (A, B, C, D), strict=False):
        outcome = Outcome.REFUSED if batch is None else Outcome.ACCEPTED
        rows.append(RecipientOutcome(number, outcome, batch, f"m-{number}"))
    named = [batch for batch in batches if batch is not None]
    return SendResult(tuple(rows), batches=tuple(dict.fromkeys(named)), message=Message("x", [A, B, C, D]))


def test_a_batch_is_taken_back_by_its_id() -> None:
    network = FakeTransport(Vendor(cancel=["OK 3"]))
    with bind(network) as sms:
        assert sms.cancel("b1") == Cancellation(3)
    assert cancelled(network) == [("b1", [])]


def test_a_result_is_taken_back_batch_by_batch_with_the_numbers_in_each() -> None:
    network = FakeTransport(Vendor(cancel=["OK 2 1.50", "OK 1 0.75"]))
    with bind(network) as sms:
        assert sms.cancel(booked("b1", "b2", None, "b1")) == Cancellation(3, Decimal("2.25"))
    assert cancelled(network) == [("b1", [A, D]), ("b2", [B])]


def test_batches_are_taken_back_with_the_numbers_that_a_mapping_names() -> None:
    network = FakeTransport(Vendor(cancel=["OK 2 1.50", "OK 1"]))
    with bind(network) as sms:
        # Points that one of them does not tell are not known for all.
        assert sms.cancel({"b1": [A, B], "b2": (C,)}) == Cancellation(3, None)
    assert cancelled(network) == [("b1", [A, B]), ("b2", [C])]


def test_a_picture_s_booking_is_taken_back_as_one() -> None:
    picture = Message("x", A, media=Media(b"", "jpg"))
    network = FakeTransport(Vendor(cancel=["OK 1"]))
    with bind(network) as sms:
        sms.cancel(attrs.evolve(booked("b1"), message=picture))
        sms.cancel("b1", mms=True)
        sms.cancel("b1")
    asked_for = [fields_of(request) for request in network.requests if operation_of(request) == "cancel"]
    assert [fields["mms"] for fields in asked_for] == [True, True, False]


@pytest.mark.parametrize("failing", ["NO missing", TransportError("cut off", sent=True), "garbage"], ids=str)
@pytest.mark.parametrize(
    "batches", [booked("b1", "b2", "b3"), {"b1": [A], "b2": [B], "b3": [C]}], ids=["result", "map"]
)
def test_one_batch_that_fails_does_not_keep_the_others_and_a_note_tells_what_was_taken_back(
    batches: SendResult | dict[str, list[str]], failing: str | SmsError
) -> None:
    network = FakeTransport(Vendor(cancel=["OK 1 0.50", failing, "OK 2 1.00"]))
    with bind(network) as sms, pytest.raises(SmsError) as caught:
        sms.cancel(batches)
    assert cancelled(network) == [("b1", [A]), ("b2", [B]), ("b3", [C])]
    assert caught.value.__notes__[-1:] == ["3 messages were cancelled, of the batches b1, b3"]


def test_where_every_batch_fails_the_first_error_is_raised() -> None:
    network = FakeTransport(Vendor(cancel=["NO missing first", "NO missing second"]))
    with bind(network) as sms, pytest.raises(NotFound) as caught:
        sms.cancel(booked("b1", "b2"))
    assert caught.value.vendor_text == "first"
    assert not hasattr(caught.value, "__notes__")
    assert len(cancelled(network)) == 2


@pytest.mark.parametrize("nothing", [booked(None), SendResult(()), {}], ids=["refused", "empty", "map"])
def test_what_was_never_taken_cannot_be_taken_back(nothing: SendResult | dict[str, list[str]]) -> None:
    network = FakeTransport([])
    with bind(network) as sms, pytest.raises(NotFound, match="nothing was sent that could be cancelled"):
        sms.cancel(nothing)
    assert not network.requests


# Attempts


class Signed(Tiny):
    """A vendor whose requests say when they were made, and once only."""

    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        request = super().sms_send(account, session, operation)
        signed = {**fields_of(request), "nonce": operation.nonce, "now": operation.now.isoformat()}
        return attrs.evolve(request, body=json.dumps(signed).encode())


@pytest.mark.parametrize(
    ("call", "answers", "count"),
    [
        (lambda sms: sms.balance(), {"balance": [CUT_OFF, 502, "OK 1"]}, 3),
        (lambda sms: sms.send("x", to=A), {"send": [UNSENT, "NO slow", "OK b1"]}, 3),
        (lambda sms: sms.send("x", to=A), {"send": ["NO expired", "OK b1"]}, 2),
        (lambda sms: list(sms.reports("b1")), {"reports": [f"OK {A}:r:sent more", CUT_OFF, "OK"]}, 3),
        (lambda sms: sms.send("x", to=[A, B, C, D]), {"send": ["OK b1", "OK b2"]}, 2),
    ],
    ids=["a read", "a send that did not arrive", "an expired session", "pages", "requests of one message"],
)
def test_each_attempt_has_a_nonce_and_a_time_of_its_own(
    call: Callable[[Client], object], answers: dict[str, Any], count: int
) -> None:
    times = (NOW + timedelta(seconds=second) for second in itertools.count())
    network = FakeTransport(Vendor(**answers))
    with bind(network, Signed(), clock=lambda: next(times)) as sms:
        call(sms)
    signed = [fields_of(request) for request in network.requests if operation_of(request) != "login"]
    assert len(signed) == count
    nonces = {fields["nonce"] for fields in signed}
    assert len(nonces) == count
    assert all(len(nonce) == 32 for nonce in nonces)
    moments = [fields["now"] for fields in signed]
    assert sorted(set(moments)) == moments


def test_pauses_are_slept_through_the_client_s_own_sleep() -> None:
    sleeps = Sleeps()
    with bind(FakeTransport(Vendor(balance=[CUT_OFF, CUT_OFF, "OK 1"])), sleep=sleeps) as sms:
        assert sms.balance() == Balance(Decimal(1))
    assert sleeps.seconds == [0.25, 1.0]


def test_without_a_connection_a_login_is_tried_as_often_as_retries_says() -> None:
    network = FakeTransport(Vendor(login=[UNSENT]))
    with bind(network, retries=2) as sms, pytest.raises(NotSent):
        sms.send("x", to=A)
    assert asked(network) == ["login"] * 3


def test_a_client_shows_its_place_and_no_secret() -> None:
    shown = repr(bind(FakeTransport([])))
    assert "tiny" in shown
    assert "https://tiny.invalid" in shown
    assert PASSWORD not in shown


# Failures


def test_a_failed_send_tells_what_became_of_each() -> None:
    with bind(FakeTransport(Vendor(send=["OK b1", CUT_OFF]))) as sms, pytest.raises(OutcomeUnknown) as caught:
        sms.send("x", to=[A, B, C, D])
    result = caught.value.result
    assert [row.outcome for row in result.outcomes] == [Outcome.ACCEPTED] * 3 + [Outcome.UNKNOWN]
    assert result.batch_id == "b1"
    assert result.message is not None
    assert caught.value.__cause__ is CUT_OFF


def test_ctrl_c_during_a_send_tells_what_became_of_each() -> None:
    def send(request: Request) -> Response:
        if len(fields_of(request)["numbers"]) == 3:
            return text("OK b1")
        raise KeyboardInterrupt

    # In an event loop it is a cancellation: test_async.py
    with tiny.bind(FakeTransport(Vendor(send=send))) as sms, pytest.raises(KeyboardInterrupt) as caught:
        sms.send("x", to=[A, B, C, D])
    result: SendResult = caught.value.sms_result  # type: ignore[attr-defined]
    assert [row.outcome for row in result.outcomes] == [Outcome.ACCEPTED] * 3 + [Outcome.UNKNOWN]


def test_what_an_error_shows_holds_no_secret() -> None:
    network = FakeTransport(Vendor(login=[f"NO auth wrong {A}"]))
    with bind(network) as sms, pytest.raises(AuthenticationFailed) as caught:
        sms.balance()
    for error in (caught.value, caught.value.__cause__, caught.value.__context__):
        for hidden in (PASSWORD, TOKEN, A, A[1:]):
            assert hidden not in f"{error} {error!r}"


# Middleware


class Watch:
    """A middleware as a third party would write it."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []

    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Any:
        flow: Flow[Any] = yield
        return traced(flow, Trace(operation), self.traces.append)


def test_middleware_sees_each_operation_with_its_requests_outcome_and_time() -> None:
    watch = Watch()
    network = FakeTransport(Vendor(balance=[CUT_OFF, "OK 1"], send=["OK b1", "NO credit"]))
    with bind(network, middleware=[watch]) as sms:
        sms.balance()
        with pytest.raises(PartiallySent):
            sms.send("x", to=[A, B, C, D])
    told = [(trace.operation.name, trace.requests, type(trace.error).__name__) for trace in watch.traces]
    assert told == [
        ("login", 1, "NoneType"),
        ("balance", 2, "NoneType"),
        ("send", 1, "NoneType"),
        ("send", 1, "InsufficientCredit"),
    ]
    assert isinstance(watch.traces[0].result, Session)
    assert isinstance(watch.traces[2].result, SendResult)
    assert all(trace.seconds >= 0 for trace in watch.traces)
    for hidden in (TOKEN, PASSWORD, A):
        assert hidden not in repr(watch.traces)


def test_middleware_wraps_middleware_and_one_sees_the_other_s_error() -> None:
    outer, inner = Watch(), Watch()
    with (
        bind(FakeTransport(Vendor(balance=["NO missing"])), middleware=[inner, outer]) as sms,
        pytest.raises(NotFound) as caught,
    ):
        sms.balance()
    assert [trace.error for trace in outer.traces] == [None, caught.value]
    assert [trace.error for trace in inner.traces] == [None, caught.value]


class OddDance(Tiny):
    """A vendor whose balance takes no request at all."""

    @hookimpl
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Any]:
        yield from ()
        return Balance(Decimal(42))


def test_a_vendor_with_an_odd_dance_overrides_the_conversation() -> None:
    watch = Watch()
    with bind(FakeTransport([]), OddDance(), middleware=[watch]) as sms:
        assert sms.balance() == Balance(Decimal(42))
    assert [trace.operation.name for trace in watch.traces] == ["balance"]


# Callbacks


class Pushes(Tiny):
    @hookimpl
    def sms_parse_callback(self, request: CallbackRequest) -> Callback:
        return Callback(())


def test_a_push_goes_to_the_provider() -> None:
    request = CallbackRequest("GET", "/push")
    with bind(FakeTransport([]), Pushes()) as sms:
        assert sms.parse_callback(request) == Callback(())
    with bind(FakeTransport([])) as sms, pytest.raises(Unsupported) as caught:
        sms.parse_callback(request)
    assert caught.value.capability == "pushed reports"


# connect


def test_connect_binds_what_the_dsn_names() -> None:
    with sms_core.connect("memory://u:p@", plugins=[Watch()]) as sms:
        assert sms.info.name == "memory"
        assert sms.info in sms_core.providers()


def test_connect_lowers_the_batch_size_but_never_raises_it() -> None:
    with sms_core.connect("memory://u:p@") as sms:
        most = sms.info.limits.recipients
    with sms_core.connect("memory://u:p@?batch_size=2") as sms:
        assert sms.info.limits.recipients == 2
        assert sms.preview(Message("x", [A, B, C])).requests == 2
    with sms_core.connect(f"memory://u:p@?batch_size={most + 1}") as sms:
        assert sms.info.limits.recipients == most


def test_connect_refuses_what_it_cannot_read() -> None:
    for dsn in ("", "memory", "memory://u:p@?zzz=1", "nobody-has-this://u:p@h"):
        with pytest.raises(ConfigurationError):
            sms_core.connect(dsn)
