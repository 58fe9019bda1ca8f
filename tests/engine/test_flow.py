"""Flows run by hand: what they ask of a driver, step by step. No client, no transport."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from sms_core import (
    AuthenticationFailed,
    Balance,
    Capability,
    InsufficientCredit,
    InvalidMessage,
    MalformedResponse,
    Message,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    RateLimited,
    RecipientOutcome,
    RecipientRefused,
    SendError,
    SendResult,
    SessionExpired,
    SmsError,
    TransportError,
    Unsupported,
    VendorError,
    VendorUnavailable,
    hookimpl,
)
from sms_core._engine.flow import FIRST_PAUSE, LONGEST_PAUSE, perform, send_all
from sms_core._engine.plan import Plan, make_plan
from sms_core.http import Request, Response
from sms_core.middleware import Trace, traced
from sms_core.provider import (
    Attempt,
    Cancel,
    Check,
    FindSent,
    Flow,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    PagedOperation,
    Send,
    Session,
    Sleep,
    StartAttempt,
    outcome_after,
)
from tests.support.tiny import INFO, NOW, Tiny, fields_of, operation_of, provider_of, text

A, B, C, D, E = (f"+88690000000{last}" for last in range(1, 6))
SESSION = Session("s1", NOW + timedelta(hours=8))
RENEWED = Session("s2", NOW + timedelta(hours=8))
UNSENT = TransportError("no connection", sent=False)
CUT_OFF = TransportError("cut off", sent=True)
SILENT = TransportError("silent", sent=True, timed_out=True)


def plan_of(*numbers: str, words: str = "x") -> Plan:
    return make_plan(Message(words, numbers, reference="m"), INFO, NOW)


def send_of(*numbers: str) -> Send:
    return plan_of(*numbers).sends[0]


def name_of(step: object) -> str:
    """A step in a word: ``login``, ``login again``, ``send``, ``sleep 0.25``."""
    match step:
        case StartAttempt():
            return "login again" if step.stale else "login"
        case Sleep():
            return f"sleep {step.seconds}"
        case Request():
            return operation_of(step)
    raise AssertionError(step)


Answer = str | int | Response | SmsError | Session | None


_nonces = itertools.count()


def attempt(session: Session | None) -> Attempt:
    """What a driver answers to `StartAttempt`."""
    return Attempt(NOW, f"nonce {next(_nonces)}", session)


def answered(flow: Flow[Any], answer: Attempt | Response) -> Request:
    """The request that a flow makes of this answer."""
    request = flow.send(answer)
    assert isinstance(request, Request)
    return request


def good(operation: Operation[Any]) -> str:
    """An answer that this operation succeeds with."""
    return "OK" if isinstance(operation, PagedOperation) else "OK 1"


def run(flow: Flow[Any], *answers: Answer) -> tuple[list[str], Any]:
    """Answer the steps of a flow in turn; sleeps need no answer. Gives the steps and the result or the error."""
    steps: list[str] = []
    waiting = list(answers)
    try:
        step = next(flow)
        while True:
            if isinstance(step, StartAttempt) and not step.with_session:
                step = flow.send(attempt(None))
                continue
            steps.append(name_of(step))
            if isinstance(step, Sleep):
                step = flow.send(None)
                continue
            answer = waiting.pop(0)
            if isinstance(answer, SmsError):
                step = flow.throw(answer)
            elif isinstance(step, StartAttempt):
                assert isinstance(answer, Session | None)
                step = flow.send(attempt(answer))
            elif isinstance(answer, str | int):
                step = flow.send(text(answer) if isinstance(answer, str) else text("", answer))
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        assert not waiting
        return steps, stop.value
    except SmsError as error:
        assert not waiting
        return steps, error


def test_an_operation_logs_in_asks_and_parses() -> None:
    steps, found = run(perform(provider_of(), GetBalance()), SESSION, "OK 7.5")
    assert steps == ["login", "balance"]
    assert found == Balance(Decimal("7.5"))


def test_the_session_rides_on_the_request() -> None:
    flow = perform(provider_of(), GetBalance())
    assert next(flow) == StartAttempt()
    assert fields_of(answered(flow, attempt(SESSION)))["secret"] == "s1"


def test_a_login_needs_no_session() -> None:
    steps, found = run(perform(provider_of(), Login()), "OK s1")
    assert steps == ["login"]
    assert found == SESSION


READS = [Check(), GetBalance(), GetReports("b"), GetInbound("b"), FindSent(Message("x", A), "x", (A,))]
WRITES = [send_of(A), Cancel("b"), Logout()]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: str(operation.name))
@pytest.mark.parametrize("trouble", [UNSENT, CUT_OFF, SILENT, 502, 403, "NO down", "NO slow"])
def test_reads_are_tried_again_with_longer_pauses(operation: Operation[Any], trouble: SmsError | int | str) -> None:
    steps, found = run(perform(provider_of(), operation), SESSION, trouble, SESSION, trouble, SESSION, good(operation))
    asked = ["login", operation.name]
    assert steps == [*asked, f"sleep {FIRST_PAUSE}", *asked, f"sleep {FIRST_PAUSE * 4}", *asked]
    assert not isinstance(found, SmsError)


@pytest.mark.parametrize("operation", READS, ids=lambda operation: str(operation.name))
def test_retries_are_bounded(operation: Operation[Any]) -> None:
    for retries in (0, 1, 3):
        answers: list[Answer] = [SESSION, CUT_OFF] * (retries + 1)
        steps, found = run(perform(provider_of(retries=retries), operation), *answers)
        assert found is CUT_OFF
        assert steps.count(operation.name) == retries + 1


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: str(operation.name))
@pytest.mark.parametrize("trouble", [CUT_OFF, SILENT, 500, 502, 503, 403, "garbage", "NO down", "NO gateway"])
def test_what_changes_something_is_never_repeated_once_it_may_have_left(
    operation: Operation[Any], trouble: SmsError | int | str
) -> None:
    steps, found = run(perform(provider_of(), operation), SESSION, trouble)
    assert steps == ["login", operation.name]
    assert isinstance(found, SmsError)


@pytest.mark.parametrize("operation", [send_of(A), Cancel("b")], ids=lambda operation: str(operation.name))
@pytest.mark.parametrize("trouble", [UNSENT, 429, "NO slow"])
def test_what_surely_did_not_arrive_is_repeated(operation: Operation[Any], trouble: SmsError | int | str) -> None:
    steps, found = run(perform(provider_of(), operation), SESSION, trouble, SESSION, trouble, SESSION, good(operation))
    assert steps.count(operation.name) == 3
    assert not isinstance(found, SmsError)


def test_a_vendor_s_pause_is_kept_unless_it_is_too_long() -> None:
    def limited(seconds: str) -> Response:
        return Response(429, {"Retry-After": seconds})

    steps, _ = run(perform(provider_of(), send_of(A)), SESSION, limited("7"), SESSION, limited("0"), SESSION, "OK b1")
    assert [step for step in steps if step.startswith("sleep")] == ["sleep 7.0", "sleep 1.0"]
    steps, error = run(perform(provider_of(), send_of(A)), SESSION, limited(f"{LONGEST_PAUSE + 1:.0f}"))
    assert steps == ["login", "send"]
    assert isinstance(error, RateLimited)
    assert isinstance(error, NotSent | SendError)
    assert error.retry_after == LONGEST_PAUSE + 1
    assert error.result.outcomes[0].outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("error", ["NO credit", "NO missing", "NO auth", "garbage"])
def test_an_answer_that_says_no_is_not_asked_for_again(error: str) -> None:
    steps, _ = run(perform(provider_of(), GetBalance()), SESSION, error)
    assert steps == ["login", "balance"]


@pytest.mark.parametrize("operation", [*READS, *WRITES], ids=lambda operation: str(operation.name))
def test_an_expired_session_is_renewed_once(operation: Operation[Any]) -> None:
    steps, found = run(perform(provider_of(retries=0), operation), SESSION, "NO expired", RENEWED, good(operation))
    assert steps == ["login", operation.name, "login again", operation.name]
    assert not isinstance(found, SmsError)
    steps, error = run(perform(provider_of(retries=0), operation), SESSION, "NO expired", RENEWED, "NO expired")
    assert steps == ["login", operation.name, "login again", operation.name]
    assert isinstance(error, SessionExpired)
    if isinstance(operation, Send):
        assert isinstance(error, SendError)
        assert error.result.outcomes[0].outcome is Outcome.NOT_SENT


def test_the_stale_session_is_named() -> None:
    flow = perform(provider_of(), GetBalance())
    next(flow)
    flow.send(attempt(SESSION))
    assert flow.send(text("NO expired")) == StartAttempt(SESSION)
    assert fields_of(answered(flow, attempt(RENEWED)))["secret"] == "s2"


def test_credentials_that_ride_along_cannot_expire() -> None:
    steps, error = run(perform(provider_of(Tiny(logs_in=False)), GetBalance()), None, "NO expired")
    assert steps == ["login", "balance"]
    assert isinstance(error, SessionExpired)


# An answer that leaves open whether the session is dead: Tiny's code "doubt", as EVERY8D's -99 on a token.

DOUBTFUL = Tiny(attrs.evolve(INFO, session_doubts=frozenset({"doubt"})))
DOUBT = "NO doubt what is this token"
CHECKS_THAT_PROVE_NOTHING: list[Answer] = ["OK", CUT_OFF, SILENT, UNSENT, 502, "garbage", "NO down", DOUBT]
"""The session lives; or nobody knows."""


def doubtful(operation: Operation[Any], *answers: Answer) -> tuple[list[str], Any]:
    """Run an operation whose first answer is a doubt, and these the ones after it."""
    return run(perform(provider_of(DOUBTFUL, retries=0), operation), SESSION, DOUBT, *answers)


@pytest.mark.parametrize("operation", [*READS, *WRITES], ids=lambda operation: str(operation.name))
def test_a_session_that_a_check_proves_dead_is_renewed_and_the_operation_repeated(operation: Operation[Any]) -> None:
    steps, found = doubtful(operation, "NO expired", RENEWED, good(operation))
    assert steps == ["login", operation.name, "check", "login again", operation.name]
    assert not isinstance(found, SmsError)


@pytest.mark.parametrize("checked", CHECKS_THAT_PROVE_NOTHING, ids=str)
@pytest.mark.parametrize("operation", [*READS, *WRITES], ids=lambda operation: str(operation.name))
def test_unless_it_is_proven_dead_the_first_answer_stands(operation: Operation[Any], checked: Answer) -> None:
    steps, error = doubtful(operation, checked)
    assert steps == ["login", operation.name, "check"]
    assert isinstance(error, VendorError)
    assert (error.code, error.vendor_text) == ("doubt", "what is this token")
    if isinstance(operation, Send):
        assert [row.outcome for row in error.result.outcomes] == [Outcome.REFUSED]


@pytest.mark.parametrize("operation", [*READS, *WRITES], ids=lambda operation: str(operation.name))
def test_a_check_that_refuses_the_credentials_is_what_is_raised(operation: Operation[Any]) -> None:
    steps, error = doubtful(operation, "NO auth")
    assert steps == ["login", operation.name, "check"]
    assert isinstance(error, AuthenticationFailed)  # which the driver remembers, so that nobody shows them again
    if isinstance(operation, Send):
        assert [row.outcome for row in error.result.outcomes] == [Outcome.REFUSED]


@pytest.mark.parametrize("again", [DOUBT, "NO expired"])
def test_a_second_doubt_ends_it(again: str) -> None:
    steps, error = doubtful(send_of(A), "NO expired", RENEWED, again)
    assert steps == ["login", "send", "check", "login again", "send"]
    assert isinstance(error, VendorError)
    assert error.code in again


def test_the_check_shows_the_session_in_doubt_at_a_time_of_its_own() -> None:
    flow = perform(provider_of(DOUBTFUL), GetBalance())
    next(flow)
    flow.send(attempt(SESSION))
    assert flow.send(text(DOUBT)) == StartAttempt(with_session=False)
    check = answered(flow, attempt(None))
    assert (operation_of(check), fields_of(check)["secret"]) == ("check", "s1")
    assert flow.send(text("NO expired")) == StartAttempt(SESSION)


@pytest.mark.parametrize(
    ("provider", "session", "answer"),
    [
        pytest.param(DOUBTFUL, SESSION, "NO credit", id="another code"),
        pytest.param(Tiny(), SESSION, DOUBT, id="a vendor without doubts"),
        pytest.param(Tiny(DOUBTFUL.info, logs_in=False), None, DOUBT, id="no session"),
    ],
)
def test_nothing_is_checked_where_nothing_is_in_doubt(provider: Tiny, session: Session | None, answer: str) -> None:
    steps, error = run(perform(provider_of(provider), send_of(A)), session, answer)
    assert steps == ["login", "send"]
    assert isinstance(error, VendorError)


def test_a_doubt_that_is_no_verdict_leaves_a_send_unknown_unless_the_session_was_dead() -> None:
    steps, error = doubtful_and_open("OK")
    assert steps == ["login", "send", "check"]
    assert isinstance(error, OutcomeUnknown)
    steps, found = doubtful_and_open("NO expired", RENEWED, "OK b1")
    assert steps == ["login", "send", "check", "login again", "send"]
    assert isinstance(found, SendResult)


def doubtful_and_open(*answers: Answer) -> tuple[list[str], Any]:
    """The same for a send whose doubtful answer says nothing of the message either."""
    provider = Tiny(attrs.evolve(INFO, session_doubts=frozenset({"gateway"})))
    return run(perform(provider_of(provider, retries=0), send_of(A)), SESSION, "NO gateway", *answers)


def test_a_send_interrupted_while_its_session_is_checked_is_unknown() -> None:
    before_it_is_asked = interrupted(plan_of(A, B), SESSION, DOUBT, provider=DOUBTFUL)
    assert outcomes_of(before_it_is_asked) == [Outcome.UNKNOWN] * 2
    before_it_answers = interrupted(plan_of(A, B), SESSION, DOUBT, None, provider=DOUBTFUL)
    assert outcomes_of(before_it_answers) == [Outcome.UNKNOWN] * 2


def test_a_send_interrupted_after_its_session_was_proven_dead_was_not_sent() -> None:
    interruption = interrupted(plan_of(A, B), SESSION, DOUBT, None, "NO expired", provider=DOUBTFUL)
    assert outcomes_of(interruption) == [Outcome.NOT_SENT] * 2


OUTCOMES: list[tuple[SmsError | str | int, Outcome, type[SmsError]]] = [
    (UNSENT, Outcome.NOT_SENT, NotSent),
    (CUT_OFF, Outcome.UNKNOWN, OutcomeUnknown),
    (SILENT, Outcome.UNKNOWN, OutcomeUnknown),
    ("", Outcome.UNKNOWN, OutcomeUnknown),
    ("<html>", Outcome.UNKNOWN, OutcomeUnknown),
    ("OK", Outcome.UNKNOWN, OutcomeUnknown),  # no batch: Tiny fails on it, and that is no verdict
    (302, Outcome.UNKNOWN, OutcomeUnknown),
    (408, Outcome.UNKNOWN, OutcomeUnknown),
    (500, Outcome.UNKNOWN, OutcomeUnknown),
    (502, Outcome.UNKNOWN, OutcomeUnknown),
    (504, Outcome.UNKNOWN, OutcomeUnknown),
    ("NO gateway", Outcome.UNKNOWN, OutcomeUnknown),
    (400, Outcome.NOT_SENT, VendorUnavailable),
    (403, Outcome.NOT_SENT, VendorUnavailable),
    (404, Outcome.NOT_SENT, VendorUnavailable),
    (429, Outcome.NOT_SENT, RateLimited),
    ("NO slow", Outcome.NOT_SENT, RateLimited),
    ("NO expired", Outcome.NOT_SENT, SessionExpired),
    ("NO down", Outcome.REFUSED, VendorUnavailable),
    ("NO auth", Outcome.REFUSED, AuthenticationFailed),
    ("NO credit", Outcome.REFUSED, InsufficientCredit),
    ("NO number", Outcome.REFUSED, RecipientRefused),
]


@pytest.mark.parametrize(("answer", "outcome", "raised"), OUTCOMES)
def test_where_a_send_failed_decides(answer: SmsError | str | int, outcome: Outcome, raised: type[SmsError]) -> None:
    sessions = [SESSION, "NO expired", RENEWED] if answer == "NO expired" else [SESSION]
    _, error = run(perform(provider_of(retries=0), send_of(A, B)), *sessions, answer)
    assert isinstance(error, raised)
    assert isinstance(error, SendError)
    assert [row.outcome for row in error.result.outcomes] == [outcome, outcome]
    assert [row.number for row in error.result.outcomes] == [A, B]
    assert [row.reference for row in error.result.outcomes] == ["m-0", "m-1"]
    assert all(row.error is not None and row.batch_id is None for row in error.result.outcomes)
    assert error.result.accepted == 0


@pytest.mark.parametrize(
    "error",
    [
        UNSENT,
        CUT_OFF,
        SILENT,
        AuthenticationFailed(),
        InsufficientCredit(),
        MalformedResponse("?"),
        VendorUnavailable(maybe_taken=True),
    ],
)
def test_a_failed_login_leaves_a_send_surely_unsent(error: SmsError) -> None:
    _, found = run(perform(provider_of(retries=0), send_of(A, B)), error)
    assert isinstance(found, SendError)
    assert {row.outcome for row in found.result.outcomes} == {Outcome.NOT_SENT}
    assert {row.error for row in found.result.outcomes} == {error}
    assert isinstance(found, type(error) if isinstance(error, VendorError) else NotSent)


def test_a_login_that_may_have_left_is_tried_again_for_it_sends_nothing() -> None:
    steps, found = run(perform(provider_of(), send_of(A)), CUT_OFF, SESSION, "OK b1")
    assert steps == ["login", f"sleep {FIRST_PAUSE}", "login", "send"]
    assert isinstance(found, SendResult)


def test_the_table_of_outcomes_is_total() -> None:
    assert outcome_after(SmsError("anything else")) is Outcome.UNKNOWN
    assert outcome_after(VendorError()) is Outcome.REFUSED


def test_a_whole_send_returns() -> None:
    steps, result = run(perform(provider_of(), send_of(A, B)), SESSION, "OK b1")
    assert steps == ["login", "send"]
    assert [row.outcome for row in result.outcomes] == [Outcome.ACCEPTED] * 2
    assert (result.batch_id, result.accepted, result.cost) == ("b1", 2, 2)


def test_a_send_that_was_refused_in_part_tells_which() -> None:
    _, error = run(perform(provider_of(), send_of(A, B)), SESSION, f"OK b1 {B}")
    assert isinstance(error, PartiallySent)
    assert [row.outcome for row in error.result.outcomes] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert "1 of 2 sent" in str(error)


def test_a_send_of_which_all_was_refused_is_the_vendor_s_error() -> None:
    _, error = run(perform(provider_of(), send_of(A)), SESSION, f"OK b1 {A}")
    assert isinstance(error, RecipientRefused)
    assert isinstance(error, SendError)


def send(plan: Plan, *answers: Any, retries: int = 0) -> tuple[list[str], Any]:
    """Run `send_all` with a session for each request."""
    flow = send_all(provider_of(retries=retries), plan, NOW)
    with_sessions: list[Answer] = []
    for answer in answers:
        with_sessions += [SESSION, answer]
    return run(flow, *with_sessions)


def test_parts_make_one_result() -> None:
    plan = plan_of(A, B, C, D, A, E)
    steps, result = send(plan, "OK b1", "OK b2")
    assert steps == ["login", "send", "login", "send"]
    assert [row.number for row in result.outcomes] == [A, B, C, D, E]
    assert [row.batch_id for row in result.outcomes] == ["b1", "b1", "b1", "b2", "b2"]
    assert (result.batches, result.accepted, result.cost, result.balance) == (("b1", "b2"), 5, 5, 100)
    assert (result.raw, result.message, result.sent_at) == (("b1", "b2"), plan.message, NOW)
    assert [(duplicate.position, duplicate.of) for duplicate in result.duplicates] == [(4, 0)]


@pytest.mark.parametrize(
    ("second", "outcome", "raised"),
    [
        (CUT_OFF, Outcome.UNKNOWN, OutcomeUnknown),
        (UNSENT, Outcome.NOT_SENT, PartiallySent),
        ("NO credit", Outcome.REFUSED, PartiallySent),
        ("NO auth", Outcome.REFUSED, PartiallySent),
        ("garbage", Outcome.UNKNOWN, OutcomeUnknown),
        (502, Outcome.UNKNOWN, OutcomeUnknown),
    ],
)
def test_nothing_accepted_is_lost_when_a_later_part_fails(
    second: str | int | SmsError, outcome: Outcome, raised: type[SmsError]
) -> None:
    steps, error = send(plan_of(A, B, C, D, E, "0900000006", "0900000007"), "OK b1", second)
    assert steps == ["login", "send", "login", "send"]  # the third part stays unsent
    assert type(error) is raised
    assert isinstance(error, SendError)
    found = [row.outcome for row in error.result.outcomes]
    assert found == [Outcome.ACCEPTED] * 3 + [outcome] * 3 + [Outcome.NOT_SENT]
    assert (error.result.batches, error.result.accepted, error.result.cost) == (("b1",), 3, Decimal(3))
    assert error.result.outcomes[6].error is error.result.outcomes[3].error
    assert error.result.message is not None
    assert error.result.sent_at == NOW


@pytest.mark.parametrize("verdict", ["NO number", "NO text", f"OK b2 {A},{B},{C}"])
def test_a_verdict_on_these_recipients_alone_does_not_stop_the_others(verdict: str) -> None:
    steps, error = send(plan_of(A, B, C, D), verdict, "OK b3")
    assert steps.count("send") == 2
    assert isinstance(error, PartiallySent)
    assert [row.outcome for row in error.result.outcomes] == [Outcome.REFUSED] * 3 + [Outcome.ACCEPTED]


def test_a_part_with_a_refused_recipient_does_not_stop_the_next_part() -> None:
    steps, error = send(plan_of(A, B, C, D), f"OK b2 {B}", "OK b3")
    assert steps.count("send") == 2
    assert isinstance(error, PartiallySent)
    assert [row.outcome for row in error.result.outcomes] == [
        Outcome.ACCEPTED,
        Outcome.REFUSED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
    ]


@pytest.mark.parametrize(
    ("first", "raised"),
    [
        ("NO credit", InsufficientCredit),
        (UNSENT, NotSent),
        (CUT_OFF, OutcomeUnknown),
        ("NO auth", AuthenticationFailed),
    ],
)
def test_a_first_part_that_fails_stops_all(first: str | SmsError, raised: type[SmsError]) -> None:
    steps, error = send(plan_of(A, B, C, D), first)
    assert steps == ["login", "send"]
    assert isinstance(error, raised)
    assert isinstance(error, SendError)
    assert len(error.result.outcomes) == 4
    assert error.result.outcomes[3].outcome is Outcome.NOT_SENT


def test_a_refusal_while_building_the_first_request_is_raised_as_it_is() -> None:
    _, error = run(send_all(provider_of(), plan_of(A, words="refused while building"), NOW), SESSION)
    assert isinstance(error, InvalidMessage)
    assert not isinstance(error, SendError)


class RefusesLater(Tiny):
    """Finds the fault of a message only in its second request."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    @hookimpl
    def sms_send(self, account: Any, session: Any, operation: Operation[Any]) -> Request:
        if isinstance(operation, Send) and operation.destinations[0].number == D:
            raise self.error
        return super().sms_send(account, session, operation)


@pytest.mark.parametrize("error", [InvalidMessage("text", "odd"), Unsupported("tiny", "media")])
def test_a_refusal_while_building_a_later_request_loses_nothing(error: SmsError) -> None:
    _, found = run(send_all(provider_of(RefusesLater(error)), plan_of(A, B, C, D), NOW), SESSION, "OK b1", SESSION)
    assert isinstance(found, PartiallySent)
    assert [row.outcome for row in found.result.outcomes] == [Outcome.ACCEPTED] * 3 + [Outcome.NOT_SENT]
    assert found.result.outcomes[3].error is error


def test_a_provider_s_bug_while_building_a_later_request_loses_nothing() -> None:
    flow = send_all(provider_of(RefusesLater(KeyError("bug"))), plan_of(A, B, C, D), NOW)
    with pytest.raises((KeyError, SendError)) as caught:  # either way it tells what was accepted
        run(flow, SESSION, "OK b1", SESSION)
    assert outcomes_of(caught.value) == [Outcome.ACCEPTED] * 3 + [Outcome.NOT_SENT]


def outcomes_of(error: BaseException) -> list[Outcome]:
    result = error.result if isinstance(error, SendError) else getattr(error, "sms_result", None)
    assert isinstance(result, SendResult)
    return [row.outcome for row in result.outcomes]


def interrupted(plan: Plan, *answers: str | Session | None, provider: Tiny | None = None) -> BaseException:
    """What comes out where Ctrl-C strikes instead of the answer after these."""
    flow = send_all(provider_of(provider), plan, NOW)
    next(flow)
    for answer in answers:
        flow.send(text(answer) if isinstance(answer, str) else attempt(answer))
    with pytest.raises(KeyboardInterrupt) as caught:
        flow.throw(KeyboardInterrupt())
    return caught.value


def test_an_interrupted_send_tells_what_became_of_it() -> None:
    plan = plan_of(A, B, C, D, E, "0900000006", "0900000007")
    interruption = interrupted(plan, SESSION, "OK b1", SESSION)
    assert outcomes_of(interruption) == [Outcome.ACCEPTED] * 3 + [Outcome.UNKNOWN] * 3 + [Outcome.NOT_SENT]
    result = interruption.sms_result  # type: ignore[attr-defined]
    assert (result.batches, result.message, result.sent_at) == (("b1",), plan.message, NOW)
    assert any("sms_result" in note for note in interruption.__notes__)
    assert A not in "".join(interruption.__notes__)


def test_a_send_interrupted_at_its_login_was_surely_not_sent() -> None:
    assert outcomes_of(interrupted(plan_of(A, B))) == [Outcome.NOT_SENT] * 2
    assert outcomes_of(interrupted(plan_of(A, B, C, D), SESSION, "OK b1")) == [Outcome.ACCEPTED] * 3 + [
        Outcome.NOT_SENT
    ]


class Careless(Tiny):
    """Answers a send with something that is not the result of these destinations."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    @hookimpl
    def sms_parse_response(self, account: Any, operation: Operation[Any], response: Response) -> Any:
        result = super().sms_parse_response(account, operation, response)
        return self.change(result) if isinstance(result, SendResult) else result


@pytest.mark.parametrize(
    "change",
    [
        lambda result: attrs.evolve(result, outcomes=tuple(attrs.evolve(row, reference="") for row in result.outcomes)),
        lambda result: attrs.evolve(result, outcomes=result.outcomes[:1]),
        lambda result: attrs.evolve(result, outcomes=()),
        lambda result: None,
    ],
    ids=["no references", "one row", "no rows", "nothing"],
)
def test_a_provider_that_does_not_account_for_every_recipient_leaves_them_unknown(change: Any) -> None:
    _, found = run(send_all(provider_of(Careless(change)), plan_of(A, B), NOW), SESSION, "OK b1")
    assert isinstance(found, OutcomeUnknown), "without an error that tells, someone sends these again or never"
    assert [row.number for row in found.result.outcomes] == [A, B]
    assert Outcome.UNKNOWN in {row.outcome for row in found.result.outcomes}


def test_a_provider_s_bug_on_an_answer_is_malformed_and_tells_its_place() -> None:
    _, error = run(perform(provider_of(), GetBalance()), SESSION, "OK ten")
    assert isinstance(error, MalformedResponse)
    assert "InvalidOperation" in str(error)
    assert error.response == text("OK ten")
    assert "Decimal" in "".join(error.__notes__)


def test_an_unsupported_operation_is_refused_by_name_before_any_step() -> None:
    provider = provider_of(Tiny(attrs.evolve(INFO, capabilities=frozenset({Capability.SEND}))))
    for operation in (
        GetBalance(),
        GetReports("b"),
        GetInbound("b"),
        Cancel("b"),
        FindSent(Message("x", A), "x", (A,)),
    ):
        with pytest.raises(Unsupported) as caught:
            provider.perform(operation)
        assert operation.capability is not None
        assert caught.value.capability == operation.capability.value
    with pytest.raises(Unsupported, match="poll instead"):
        provider.require(Capability.PUSHED_REPORTS, "poll instead")
    provider.require(None)


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1.5
        return self.now


def test_a_trace_sees_requests_result_and_time() -> None:
    seen: list[Trace] = []
    trace = Trace(GetBalance())
    steps, found = run(
        traced(perform(provider_of(), GetBalance()), trace, seen.append, Ticks()), SESSION, CUT_OFF, SESSION, "OK 1"
    )
    assert steps == ["login", "balance", f"sleep {FIRST_PAUSE}", "login", "balance"]
    assert found == Balance(Decimal(1))
    assert seen == [trace]
    assert (trace.requests, trace.seconds, trace.result, trace.error) == (2, 1.5, found, None)
    assert (trace.request, trace.response) == (provider_of().request(SESSION, GetBalance()), text("OK 1"))
    assert trace.send_result is None
    assert "credit" not in repr(trace)
    assert "OK" not in repr(trace)


def test_a_trace_sees_the_error() -> None:
    seen: list[Trace] = []
    trace = Trace(send_of(A))
    _, error = run(traced(perform(provider_of(), send_of(A)), trace, seen.append), SESSION, CUT_OFF)
    assert seen == [trace]
    assert trace.error is error
    assert isinstance(error, OutcomeUnknown)
    assert trace.send_result is error.result
    assert (trace.requests, trace.response) == (1, None)
    assert A not in repr(trace)


def test_a_trace_sees_a_conversation_that_is_given_up() -> None:
    seen: list[Trace] = []
    flow = traced(perform(provider_of(), GetBalance()), Trace(GetBalance()), seen.append)
    next(flow)
    flow.close()
    assert isinstance(seen[0].error, GeneratorExit)
    flow = traced(perform(provider_of(), GetBalance()), Trace(GetBalance()), seen.append)
    next(flow)
    with pytest.raises(KeyboardInterrupt):
        flow.throw(KeyboardInterrupt())
    assert isinstance(seen[1].error, KeyboardInterrupt)


def test_rows_for_recipients_that_nobody_asked_for_are_left_out() -> None:
    def add_a_stranger(result: SendResult) -> SendResult:
        stranger = RecipientOutcome(C, Outcome.ACCEPTED, "b1", "somebody else")
        return attrs.evolve(result, outcomes=(stranger, *result.outcomes))

    _, found = run(send_all(provider_of(Careless(add_a_stranger)), plan_of(A, B), NOW), SESSION, "OK b1")
    assert isinstance(found, SendResult)
    assert [row.number for row in found.outcomes] == [A, B]
