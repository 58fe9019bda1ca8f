from __future__ import annotations

import copy
import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from sms_core import (
    ConfigurationError,
    InvalidMessage,
    MalformedResponse,
    Message,
    NotSent,
    Outcome,
    OutcomeUnknown,
    RecipientRefused,
    SendError,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
    hookimpl,
)
from sms_core.errors import result_of
from sms_core.middleware import LogOperations, Observer, Trace, observed, traced
from sms_core.provider import Attempt, Destination, Flow, Operation, Provider, Request, Send, Sleep, StartAttempt, Step
from sms_core.testing import FakeTransport
from tests.support import tiny
from tests.support.colours import bind_async
from tests.support.tiny import PASSWORD, TOKEN, Tiny, Vendor, bind, provider_of

NUMBERS = [f"+8869000001{last:02d}" for last in range(7)]


@pytest.fixture(params=[tiny.bind, bind_async], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "bind", request.param)


def records(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.name == "sms_core.operations"]


def test_each_operation_is_logged_once_with_what_it_came_to(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    network = FakeTransport(Vendor(balance=[TransportError("cut off", sent=True), "OK 1"], send=["OK b1"]))
    with bind(network, middleware=[LogOperations()]) as sms:
        sms.balance()
        sms.send("seen by nobody", to=NUMBERS[0], reference="m")
    login, balance, send = records(caplog)
    assert [record["sms_operation"] for record in (login, balance, send)] == ["login", "balance", "send"]
    assert [record["levelname"] for record in (login, balance, send)] == ["INFO"] * 3
    assert (balance["sms_provider"], balance["sms_requests"], balance["sms_error"], balance["sms_code"]) == (
        "tiny",
        2,
        None,
        "",
    )
    assert isinstance(balance["sms_seconds"], float)
    assert "sms_reference" not in balance
    assert (send["sms_reference"], send["sms_batch_id"], send["sms_outcomes"]) == ("m", "b1", {"accepted": 1})
    assert send["sms_numbers"] == ["+8869******00"]


def test_failures_are_warnings_that_say_what_is_known(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    network = FakeTransport(Vendor(send=["NO credit", TransportError("cut off", sent=True)]))
    logger = logging.getLogger("sms_core.operations")
    with bind(network, middleware=[LogOperations(logger)]) as sms:
        with pytest.raises(SendError):
            sms.send("x", to=NUMBERS[:3])
        with pytest.raises(OutcomeUnknown):
            sms.send("x", to=NUMBERS[:2])
    _, refused, unknown = records(caplog)
    assert (refused["levelname"], refused["sms_error"], refused["sms_code"]) == (
        "WARNING",
        "InsufficientCredit",
        "credit",
    )
    assert refused["sms_outcomes"] == {"refused": 3}
    assert (unknown["sms_error"], unknown["sms_code"], unknown["sms_batch_id"]) == ("OutcomeUnknown", "", None)
    assert unknown["sms_outcomes"] == {"unknown": 2}


def test_no_log_record_holds_a_text_a_full_number_or_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    network = FakeTransport(Vendor(send=["OK b1", f"NO number {NUMBERS[3]}", "OK b2"]))
    with bind(network, middleware=[LogOperations()]) as sms, pytest.raises(SendError):
        sms.send("seen by nobody", to=NUMBERS)
    assert len(records(caplog)) == 4
    shown = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for hidden in ("seen by nobody", TOKEN, PASSWORD, *NUMBERS, *(number[4:] for number in NUMBERS)):
        assert hidden not in shown


def test_an_interrupted_operation_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def interrupt(request: object) -> object:
        raise KeyboardInterrupt

    network = FakeTransport(Vendor(send=interrupt))  # type: ignore[arg-type]
    with tiny.bind(network, middleware=[LogOperations()]) as sms, pytest.raises(KeyboardInterrupt):
        sms.send("x", to=NUMBERS[0])
    assert records(caplog)[-1]["sms_error"] == "KeyboardInterrupt"
    assert records(caplog)[-1]["sms_outcomes"] == {"unknown": 1}


class Notes(Observer):
    """Notes all that it is told."""

    def __init__(self) -> None:
        self.notes: list[object] = []

    def on_begin(self) -> None:
        self.notes.append("begin")

    @contextmanager
    def around_step(self) -> Generator[None]:
        self.notes.append("(")
        yield
        self.notes.append(")")

    def on_step(self, step: Step) -> None:
        self.notes.append(step)

    def on_answer(self, answer: object) -> None:
        self.notes.append(answer)

    def on_end(self, result: object, error: BaseException | None) -> None:
        self.notes.append((result, error))


def three_steps() -> Flow[str]:
    answer = yield Sleep(1)
    try:
        yield Sleep(2)
    except TransportError:
        answer += yield Sleep(3)
    return f"answers {answer}"


def test_an_observer_sees_each_step_and_answer_and_changes_none() -> None:
    observer = Notes()
    flow = observed(three_steps(), observer)
    assert observer.notes == []
    assert next(flow) == Sleep(1)
    assert flow.send(1) == Sleep(2)
    assert flow.throw(TransportError("cut off", sent=True)) == Sleep(3)
    with pytest.raises(StopIteration) as stop:
        flow.send(2)
    assert stop.value.value == "answers 3"
    steps = ["(", Sleep(1), 1, ")", "(", Sleep(2), ")", "(", Sleep(3), 2, ")", "(", ")"]
    assert observer.notes == ["begin", *steps, ("answers 3", None)]


def test_an_observer_is_told_of_the_error_that_ended_a_flow() -> None:
    observer = Notes()
    flow = observed(three_steps(), observer)
    next(flow)
    error = ValueError()
    with pytest.raises(ValueError) as caught:
        flow.throw(error)
    assert caught.value is error
    assert observer.notes[-1] == (None, error)


def test_of_a_send_that_is_given_up_the_outcomes_are_known() -> None:
    """A generator that is closed gets an exception of its own; what the flow puts into it is not lost."""
    traces: list[Trace] = []
    provider = provider_of(Tiny(logs_in=False))
    destination = Destination(NUMBERS[0], "x", "reference")
    send = Send(Message("x", NUMBERS[0]), (destination,))
    flow = traced(provider.perform(send), Trace(send), traces.append)
    step = next(flow)
    while not isinstance(step, Request):
        step = flow.send(Attempt(datetime.now(UTC), "nonce"))
    flow.close()
    (trace,) = traces
    assert isinstance(trace.error, GeneratorExit)
    assert trace.send_result is not None
    assert [row.outcome for row in trace.send_result.outcomes] == [Outcome.UNKNOWN]


def test_a_refusal_of_what_is_no_send_has_no_send_result() -> None:
    traces: list[Trace] = []

    class Keep:
        @hookimpl(wrapper=True)
        def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
            return traced((yield), Trace(operation), traces.append)

    network = FakeTransport(Vendor(balance=["NO credit"]))
    with bind(network, Tiny(logs_in=False), middleware=[Keep()]) as sms, pytest.raises(VendorError):
        sms.balance()
    assert isinstance(traces[0].error, VendorError)
    assert traces[0].send_result is None


class Mark:
    """A middleware that notes when it begins and when it ends."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    @hookimpl(wrapper=True)
    def sms_perform(self) -> Generator[None, Flow[Any], Flow[Any]]:
        flow = yield
        return self.around(flow)

    def around(self, flow: Flow[Any]) -> Flow[Any]:
        self.notes.append(f"{self.name} begins")
        result = yield from flow
        self.notes.append(f"{self.name} ends")
        return result


class First(Mark):
    @hookimpl(wrapper=True, tryfirst=True)
    def sms_perform(self) -> Generator[None, Flow[Any], Flow[Any]]:
        return self.around((yield))


class Last(Mark):
    @hookimpl(wrapper=True, trylast=True)
    def sms_perform(self) -> Generator[None, Flow[Any], Flow[Any]]:
        return self.around((yield))


def test_one_may_ask_to_be_outside_or_inside_of_all_others() -> None:
    notes: list[str] = []
    network = FakeTransport(Vendor(balance=["OK 1"]))
    marks = [First("outside", notes), Mark("between", notes), Last("inside", notes)]
    with bind(network, Tiny(logs_in=False), middleware=marks) as sms:
        sms.balance()
    assert notes[:3] == ["outside begins", "between begins", "inside begins"]


class Fails:
    """A middleware that raises an error of its own, before a send or after it."""

    def __init__(self, error: BaseException, *, after: bool) -> None:
        self.error = error
        self.after = after

    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        return self.around((yield))

    def around(self, flow: Flow[Any]) -> Flow[Any]:
        if not self.after:
            raise self.error
        try:
            yield from flow
        except SmsError:
            raise self.error from None
        raise self.error


OWN_ERRORS = [
    InvalidMessage("text", "comes too late"),
    ConfigurationError("found out late"),
    Unsupported("tiny", "this"),
    NotSent("says nothing of anybody"),
    RuntimeError("a bug"),
]
FOUR = [NUMBERS[0], NUMBERS[1], NUMBERS[2], NUMBERS[3]]  # the first request holds three of them
A, U, N, R = Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.REFUSED


@pytest.mark.parametrize("error", OWN_ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        ("OK b1", [A, A, A, N]),
        (f"OK b1 {NUMBERS[0]}", [R, A, A, N]),
        ("NO text", [R, R, R, N]),
        ("half an answer", [U, U, U, N]),
        (TransportError("cut off", sent=True), [U, U, U, N]),
        (TransportError("nobody there", sent=False), [N, N, N, N]),
    ],
    ids=["accepted", "in part", "refused", "unreadable", "cut off", "nothing left"],
)
def test_no_error_of_a_middleware_hides_what_became_of_a_send(
    error: Exception, answer: str | TransportError, outcomes: list[Outcome]
) -> None:
    network = FakeTransport(Vendor(send=[answer]))
    failing = Fails(copy.copy(error), after=True)
    sending = bind(network, Tiny(logs_in=False), middleware=[failing], retries=0)
    with sending as sms, pytest.raises(type(error)) as caught:
        sms.send("x", to=FOUR)
    assert caught.value is failing.error
    result = result_of(caught.value)
    assert result is not None
    assert [row.outcome for row in result.outcomes] == outcomes
    assert result.batches == (("b1",) if A in outcomes else ())
    assert len(network.requests) == 1


@pytest.mark.parametrize("error", OWN_ERRORS[:4], ids=lambda error: type(error).__name__)
def test_an_error_of_a_middleware_before_a_send_says_that_nothing_was_begun(error: Exception) -> None:
    network = FakeTransport(Vendor())
    failing = Fails(copy.copy(error), after=False)
    with bind(network, Tiny(logs_in=False), middleware=[failing]) as sms, pytest.raises(type(error)) as caught:
        sms.send("x", to=FOUR)
    assert result_of(caught.value) is None
    assert network.requests == []


def test_what_a_vendors_answer_shows_to_be_set_up_wrongly_leaves_a_send_unknown() -> None:
    """Parsing comes after the request: no error of any class says there that nothing was sent."""

    class Strict(Tiny):
        @hookimpl
        def sms_parse_response(self) -> Any:
            raise ConfigurationError("the account has another address")

    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, Strict(logs_in=False)) as sms, pytest.raises(OutcomeUnknown, match="another address") as caught:
        sms.send("x", to=NUMBERS[0])
    assert [row.outcome for row in caught.value.result.outcomes] == [U]


@pytest.mark.parametrize(
    ("error", "raised", "outcome"),
    [
        (InvalidMessage("text", "is refused by what came back"), OutcomeUnknown, U),
        (RecipientRefused(code="7"), RecipientRefused, R),
        (TransportError("nobody there", sent=False), NotSent, N),
        (MalformedResponse("half an answer"), OutcomeUnknown, U),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_a_conversation_of_a_providers_own_raises_has_an_outcome(
    error: SmsError, raised: type[SendError], outcome: Outcome
) -> None:
    class Converses(Tiny):
        @hookimpl
        def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Any]:
            attempt = yield StartAttempt()
            yield provider.request(attempt.session, operation)
            raise error

    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, Converses(logs_in=False)) as sms, pytest.raises(raised) as caught:
        sms.send("x", to=NUMBERS[0])
    assert [row.outcome for row in caught.value.result.outcomes] == [outcome]


def test_of_several_the_last_one_is_the_outermost() -> None:
    notes: list[str] = []
    network = FakeTransport(Vendor(balance=["OK 1"]))
    with bind(network, Tiny(logs_in=False), middleware=[Mark("first", notes), Mark("last", notes)]) as sms:
        sms.balance()
    assert notes == ["last begins", "first begins", "first ends", "last ends"]
