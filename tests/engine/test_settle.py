"""What may be claimed of an unknown outcome, as a table of the evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from sms_core import (
    AuthenticationFailed,
    Capability,
    InsufficientCredit,
    MalformedResponse,
    Media,
    Message,
    Outcome,
    OutcomeUnknown,
    Recipient,
    RecipientOutcome,
    SendResult,
    SmsError,
    TransportError,
)
from sms_core.http import Request, Response
from sms_core.provider import Replay
from sms_core.testing import FakeTransport
from tests.support import tiny
from tests.support.colours import bind_async
from tests.support.tiny import INFO, NOW, Tiny, Vendor, bind, fields_of, operation_of, text

A, B, C, D, E = (f"+88690000000{last}" for last in range(1, 6))
SECOND = timedelta(seconds=1)
DAY = timedelta(hours=24)
CUT_OFF = TransportError("cut off", sent=True)
TIMED_OUT = TransportError("silent", sent=True, timed_out=True)


@pytest.fixture(params=[tiny.bind, bind_async], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "bind", request.param)


def unknown(
    *numbers: str, error: SmsError = CUT_OFF, age: timedelta = SECOND * 10, batch: str | None = None, words: str = "x"
) -> SendResult:
    message = Message(words, numbers, reference="m")
    references = [f"m-{place}" for place in range(len(numbers))] if len(numbers) > 1 else ["m"]
    rows = (
        RecipientOutcome(number, Outcome.UNKNOWN, batch, reference, error)
        for number, reference in zip(numbers, references, strict=True)
    )
    batches = () if batch is None else (batch,)
    return SendResult(tuple(rows), batches=batches, message=message, sent_at=NOW - age)


ACCEPTED, NOT_SENT, UNKNOWN = Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("told", "known", "age", "error", "outcome", "batch"),
    [
        # Named for a batch that the caller does not know: this message's.
        (f"{A}=b1", [], SECOND, CUT_OFF, ACCEPTED, "b1"),
        (f"{A}=b1 proof", [], SECOND, CUT_OFF, ACCEPTED, "b1"),
        (f"{A}=b1", ["b0"], SECOND, CUT_OFF, ACCEPTED, "b1"),
        (f"{A}=b1", [], SECOND, TIMED_OUT, ACCEPTED, "b1"),
        (f"{A}=b1", [], DAY * 2, CUT_OFF, ACCEPTED, "b1"),
        # Named for a batch that the caller knows from earlier.
        (f"{A}=b0", ["b0"], SECOND, CUT_OFF, UNKNOWN, None),
        (f"{A}=b0 proof", ["b0"], SECOND, CUT_OFF, NOT_SENT, None),
        (f"{A}=b0 proof", ["b0"], DAY, CUT_OFF, UNKNOWN, None),
        # Named without a batch: no proof once the caller knows of an earlier one.
        (f"{A}=", [], SECOND, CUT_OFF, ACCEPTED, None),
        (f"{A}= proof", ["b0"], SECOND, CUT_OFF, UNKNOWN, None),
        # Not named.
        ("", [], SECOND, CUT_OFF, UNKNOWN, None),
        ("proof", [], SECOND, CUT_OFF, NOT_SENT, None),
        ("proof", ["b0"], SECOND, CUT_OFF, NOT_SENT, None),
        (f"{B}=b1 proof", [], SECOND, CUT_OFF, NOT_SENT, None),
        ("proof", [], SECOND, MalformedResponse("half"), NOT_SENT, None),
        # ... but the vendor has forgotten by now, or may still be at work.
        ("proof", [], DAY - SECOND, CUT_OFF, NOT_SENT, None),
        ("proof", [], DAY, CUT_OFF, UNKNOWN, None),
        ("proof", [], SECOND, TIMED_OUT, UNKNOWN, None),
        ("proof", [], SECOND * 119, TIMED_OUT, UNKNOWN, None),
        ("proof", [], SECOND * 120, TIMED_OUT, NOT_SENT, None),
        ("proof", [], DAY, TIMED_OUT, UNKNOWN, None),
    ],
)
def test_evidence(
    told: str, known: list[str], age: timedelta, error: SmsError, outcome: Outcome, batch: str | None
) -> None:
    with bind(FakeTransport(Vendor(find_sent=[f"OK {told}"]))) as sms:
        settled = sms.settle(unknown(A, age=age, error=error), known_batches=known)
    row = settled.outcomes[0]
    assert (row.outcome, row.batch_id) == (outcome, batch)
    assert row.number == A
    assert settled.accepted == (outcome is ACCEPTED)
    assert settled.batches == ((batch,) if batch else ())
    assert row.error is (None if outcome is ACCEPTED else error)


@pytest.mark.parametrize("began", [NOW - SECOND, None])
def test_the_vendor_may_be_asked_about_what_came_since_the_send_began(began: datetime | None) -> None:
    network = FakeTransport(Vendor(find_sent=["OK"]))
    with bind(network) as sms:
        sms.settle(attrs.evolve(unknown(A), sent_at=began))
    (asked,) = [fields_of(request) for request in network.requests if operation_of(request) == "find_sent"]
    assert asked["since"] == (began.isoformat() if began else "")


def test_without_a_time_absence_proves_nothing() -> None:
    with bind(FakeTransport(Vendor(find_sent=["OK proof"]))) as sms:
        settled = sms.settle(attrs.evolve(unknown(A), sent_at=None))
    assert settled.outcomes[0].outcome is UNKNOWN


def test_only_the_unknown_are_asked_about_in_requests_of_the_vendor_s_size() -> None:
    result = unknown(A, B, C, D, E)
    rows = (attrs.evolve(result.outcomes[0], outcome=ACCEPTED, batch_id="b0"), *result.outcomes[1:])
    result = attrs.evolve(result, outcomes=rows, accepted=1, batches=("b0",), cost=Decimal(1))
    network = FakeTransport(Vendor(find_sent=[f"OK {B}=b1 proof", "OK"]))
    with bind(network) as sms:
        settled = sms.settle(result)
    asked = [fields_of(request)["numbers"] for request in network.requests if operation_of(request) == "find_sent"]
    assert asked == [[B, C, D], [E]]
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, ACCEPTED, NOT_SENT, NOT_SENT, UNKNOWN]
    assert (settled.accepted, settled.batches, settled.cost) == (2, ("b0", "b1"), Decimal(1))


def test_each_text_is_asked_for_by_itself() -> None:
    message = Message("one", [A, Recipient(B, text="two"), Recipient(A, text="two")], reference="m")
    rows = tuple(RecipientOutcome(n, UNKNOWN, None, f"m-{place}", CUT_OFF) for place, n in enumerate((A, B, A)))
    network = FakeTransport(Vendor(find_sent=[f"OK {A}=b1", "OK"]))
    with bind(network) as sms:
        settled = sms.settle(SendResult(rows, message=message, sent_at=NOW))
    asked = [(fields_of(request)["text"], fields_of(request)["numbers"]) for request in network.requests[1:]]
    assert asked == [("one", [A]), ("two", [B, A])]
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, UNKNOWN, UNKNOWN]


def test_an_error_is_settled_by_its_result() -> None:
    with bind(FakeTransport(Vendor(find_sent=[f"OK {A}=b1"]))) as sms:
        assert sms.settle(OutcomeUnknown("who knows", unknown(A))).batch_id == "b1"


def test_nothing_is_asked_where_nothing_is_unknown() -> None:
    network = FakeTransport([])
    known = attrs.evolve(unknown(A), outcomes=(attrs.evolve(unknown(A).outcomes[0], outcome=NOT_SENT),))
    with bind(network) as sms:
        assert sms.settle(known) == known
    assert not network.requests


MUTE = Tiny(attrs.evolve(INFO, capabilities=INFO.capabilities - {Capability.SETTLE, Capability.REPORTS}))
PICTURE = Message("x", A, media=Media(b"", "jpg"), reference="m")


@pytest.mark.parametrize(
    ("provider", "result", "words"),
    [
        (None, attrs.evolve(unknown(A), message=PICTURE), "Tiny cannot be asked: a delivery report may tell"),
        (None, attrs.evolve(unknown(A), message=None), "the result lacks the message that was sent"),
        (MUTE, unknown(A), "Tiny cannot be asked: a delivery report may tell"),
        (MUTE, unknown(A, batch="b1"), "do not send again before you know"),
    ],
)
def test_where_nobody_can_be_asked_a_note_says_so(provider: Tiny | None, result: SendResult, words: str) -> None:
    network = FakeTransport([])
    with bind(network, provider or Tiny()) as sms:
        settled = sms.settle(result)
    assert attrs.evolve(settled, notes=()) == result
    assert words in settled.notes[0]
    assert not network.requests


def test_a_message_that_was_scheduled_for_what_is_past_now_is_settled_too() -> None:
    result = unknown(A, age=SECOND * 60)
    message = Message("x", A, reference="m", send_at=NOW - SECOND)
    with bind(FakeTransport(Vendor(find_sent=[f"OK {A}=b1"]))) as sms:
        assert sms.settle(attrs.evolve(result, message=message)).outcomes[0].outcome is ACCEPTED


def test_reports_of_a_named_batch_tell_who_is_in_it() -> None:
    reports = [f"OK {A}:m-0:delivered more", f"OK {B}::sent {C}:m-2:no_credit"]
    network = FakeTransport(Vendor(reports=reports))
    with bind(network) as sms:
        settled = sms.settle(unknown(A, B, C, D, batch="b1"))
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, ACCEPTED, Outcome.REFUSED, UNKNOWN]
    assert isinstance(settled.outcomes[2].error, InsufficientCredit)
    assert settled.outcomes[2].error.code == "no_credit"
    assert settled.outcomes[0].error is None
    assert [fields_of(request)["page"] for request in network.requests if operation_of(request) == "reports"] == [1, 2]
    assert settled.accepted == 2


def test_reports_of_another_batch_tell_nothing() -> None:
    first, other = unknown(A, B, batch="b1").outcomes
    result = attrs.evolve(unknown(A, B), outcomes=(first, attrs.evolve(other, batch_id="b2")))
    with bind(FakeTransport(Vendor(reports=[f"OK {A}:m-0:sent {B}:m-1:sent", "OK"]))) as sms:
        settled = sms.settle(result)
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, UNKNOWN]


def test_a_report_of_the_same_number_s_other_text_is_no_evidence() -> None:
    message = Message("one", [A, Recipient(A, text="two")], reference="m")
    rows = tuple(RecipientOutcome(A, UNKNOWN, "b1", f"m-{place}", CUT_OFF) for place in range(2))
    with bind(FakeTransport(Vendor(reports=[f"OK {A}:m-1:delivered"]))) as sms:
        settled = sms.settle(SendResult(rows, batches=("b1",), message=message, sent_at=NOW))
    assert [row.outcome for row in settled.outcomes] == [UNKNOWN, ACCEPTED]


def test_settling_fails_as_reads_do_and_leaves_the_result_as_it_was() -> None:
    result = unknown(A)
    with bind(FakeTransport(Vendor(find_sent=[CUT_OFF])), retries=0) as sms, pytest.raises(TransportError):
        sms.settle(result)
    assert result == unknown(A)


def test_what_was_told_before_a_question_failed_is_with_the_exception() -> None:
    first, other = unknown(A, B, batch="b1").outcomes
    reported = attrs.evolve(unknown(A, B), outcomes=(first, attrs.evolve(other, batch_id="b2")))
    asked_for_text = unknown(A, B, C, D)
    cases = [
        (reported, Vendor(reports=[f"OK {A}:m-0:sent", CUT_OFF])),
        (asked_for_text, Vendor(find_sent=[f"OK {A}=b1", CUT_OFF])),
    ]
    for result, vendor in cases:
        with bind(FakeTransport(vendor), retries=0) as sms, pytest.raises(TransportError) as caught:
            sms.settle(result)
        told: SendResult = caught.value.sms_result  # type: ignore[attr-defined]
        assert [row.outcome for row in told.outcomes] == [ACCEPTED, *[UNKNOWN] * (len(result.outcomes) - 1)]


def test_the_clock_decides_about_age() -> None:
    moment: list[datetime] = [NOW]
    with bind(FakeTransport(Vendor(find_sent=["OK proof"])), clock=lambda: moment[0]) as sms:
        assert sms.settle(unknown(A)).outcomes[0].outcome is NOT_SENT
        moment[0] += DAY
        # The session has ended by then, too, and is renewed on the way.
        assert sms.settle(unknown(A)).outcomes[0].outcome is UNKNOWN


def test_known_batches_may_be_any_collection() -> None:
    for known in ({"b1"}, ("b1",), {"b1": 0}.keys()):
        with bind(
            FakeTransport(lambda request: text(f"OK {A}=b1") if operation_of(request) == "find_sent" else text("OK t"))
        ) as sms:
            assert sms.settle(unknown(A), known_batches=known).outcomes[0].outcome is UNKNOWN


# Replay: the same request once more under its key

REPLAYS = Replay(timedelta(hours=12), "duplicate")
TWICE = Tiny(attrs.evolve(MUTE.info, replay=REPLAYS))
"""Cannot be asked anything, but takes the same request with the same key for one."""
LATEST = REPLAYS.window - timedelta(minutes=10)
"""The age from which on no replay begins any more."""


def sends(network: FakeTransport) -> list[dict[str, Any]]:
    return [fields_of(request) for request in network.requests if operation_of(request) == "send"]


def test_a_replay_carries_the_same_key_and_its_acceptance_decides() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, TWICE) as sms:
        settled = sms.settle(unknown(A, B), replay=True)
    (sent,) = sends(network)
    assert (sent["numbers"], sent["texts"], sent["references"]) == ([A, B], ["x", "x"], ["m-0", "m-1"])
    assert [(row.outcome, row.batch_id, row.error) for row in settled.outcomes] == [(ACCEPTED, "b1", None)] * 2
    assert (settled.accepted, settled.batches, settled.raw, settled.notes) == (2, ("b1",), ("b1",), ())


def test_nothing_is_sent_again_unless_it_is_asked_for() -> None:
    network = FakeTransport([])
    with bind(network, TWICE) as sms:
        settled = sms.settle(unknown(A))
    assert settled.outcomes == unknown(A).outcomes
    way = "settle(replay=True) asks again under the same key, which the vendor knows for 12 hours"
    assert settled.notes == (f"settle() had nothing to ask: {way}",)
    assert not network.requests


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("NO credit", "credit"),
        ("NO number", "number"),
        ("NO missing no such route", "no such route"),
        ("NO slow", "slow"),
        ("NO gateway", "gateway"),
        (CUT_OFF, "cut off"),
        (TransportError("no connection", sent=False), "no connection"),
        (502, "HTTP 502"),
        ("garbage", "not Tiny's"),
        (f"OK b9 {A}", "number"),
    ],
    ids=str,
)
def test_a_replay_that_is_refused_decides_nothing(answer: str | int | SmsError, words: str) -> None:
    """The first request may have been taken before whatever refuses this one."""
    with bind(FakeTransport(Vendor(send=[answer])), TWICE, retries=0) as sms:
        settled = sms.settle(unknown(A), replay=True)
    assert settled.outcomes == unknown(A).outcomes
    assert (settled.accepted, settled.batches) == (0, ())
    (note,) = settled.notes
    assert note.startswith("asked again, and still unknown for some: ")
    assert words in note


def test_of_a_replay_that_is_refused_in_part_the_acceptances_decide() -> None:
    with bind(FakeTransport(Vendor(send=[f"OK b1 {B}"])), TWICE) as sms:
        settled = sms.settle(unknown(A, B, C), replay=True)
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, UNKNOWN, ACCEPTED]
    assert [row.batch_id for row in settled.outcomes] == ["b1", None, "b1"]
    assert (settled.accepted, settled.batches) == (2, ("b1",))
    assert settled.outcomes[1].error is CUT_OFF
    assert len(settled.notes) == 1


def test_refused_credentials_are_raised_and_the_outcomes_stay_what_they_were() -> None:
    network = FakeTransport(Vendor(send=["OK b1", "NO auth"]))
    result = unknown(A, B, C, D)
    with bind(network, TWICE) as sms, pytest.raises(AuthenticationFailed) as caught:
        sms.settle(result, replay=True)
    # What was refused is to show the credentials again, not the messages.
    assert [row.outcome for row in caught.value.result.outcomes] == [ACCEPTED, ACCEPTED, ACCEPTED, UNKNOWN]
    assert caught.value.result.message == result.message


@pytest.mark.parametrize("age", [LATEST, REPLAYS.window, REPLAYS.window * 2, None])
def test_outside_the_window_nothing_is_sent_and_a_note_says_so(age: timedelta | None) -> None:
    began = None if age is None else NOW - age
    network = FakeTransport([])
    with bind(network, TWICE) as sms:
        settled = sms.settle(attrs.evolve(unknown(A), sent_at=began), replay=True)
    assert settled.outcomes == unknown(A).outcomes
    assert settled.notes == ("too late to ask again: Tiny knows a key for 12 hours",)
    assert not network.requests


def test_within_the_window_it_is_sent_up_to_the_margin() -> None:
    with bind(FakeTransport(Vendor(send=["OK b1"])), TWICE) as sms:
        assert sms.settle(unknown(A, age=LATEST - SECOND), replay=True).accepted == 1


@pytest.mark.parametrize(
    ("provider", "result"),
    [
        pytest.param(MUTE, unknown(A), id="no key"),
        pytest.param(TWICE, attrs.evolve(unknown(A), message=None), id="no message"),
    ],
)
def test_where_nothing_can_be_asked_again_a_note_says_so(provider: Tiny, result: SendResult) -> None:
    network = FakeTransport([])
    with bind(network, provider) as sms:
        settled = sms.settle(result, replay=True)
    assert settled.outcomes == result.outcomes
    assert len(settled.notes) == 1
    assert not network.requests


def test_only_unknown_rows_without_a_batch_are_asked_again() -> None:
    result = unknown(A, B, C, D)
    a, b, c, d = result.outcomes
    rows = (
        attrs.evolve(a, outcome=ACCEPTED, batch_id="b0"),
        b,
        attrs.evolve(c, outcome=Outcome.REFUSED),
        attrs.evolve(d, batch_id="b0"),
    )
    result = attrs.evolve(result, outcomes=rows, accepted=1, batches=("b0",))
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, TWICE) as sms:
        settled = sms.settle(result, replay=True)
    assert [(sent["numbers"], sent["references"]) for sent in sends(network)] == [([B], ["m-1"])]
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, ACCEPTED, Outcome.REFUSED, UNKNOWN]
    assert (settled.accepted, settled.batches) == (2, ("b0", "b1"))


def test_what_the_vendor_named_a_batch_for_is_not_sent_again_and_a_note_says_so() -> None:
    network = FakeTransport([])
    with bind(network, TWICE) as sms:
        settled = sms.settle(unknown(A, batch="b0"), replay=True)
    assert settled.outcomes == unknown(A, batch="b0").outcomes
    assert settled.notes == ("nothing to ask again: the vendor has named a batch for what is unknown",)
    assert not network.requests


def test_the_vendor_is_asked_before_anything_is_sent_again() -> None:
    provider = Tiny(attrs.evolve(INFO, replay=REPLAYS))
    network = FakeTransport(Vendor(find_sent=[f"OK {A}=b1 proof", "OK"], send=["OK b2"]))
    result = unknown(A, B, C, D)
    with bind(network, provider) as sms:
        settled = sms.settle(result, replay=True)
    assert [operation_of(request) for request in network.requests] == ["login", "find_sent", "find_sent", "send"]
    assert [sent["numbers"] for sent in sends(network)] == [[D]]
    assert [row.outcome for row in settled.outcomes] == [ACCEPTED, NOT_SENT, NOT_SENT, ACCEPTED]


def test_nothing_is_sent_or_said_where_the_vendor_s_answers_tell_all() -> None:
    network = FakeTransport(Vendor(find_sent=[f"OK {A}=b1"]))
    with bind(network) as sms:  # a vendor that takes no key
        settled = sms.settle(unknown(A), replay=True)
    assert settled.outcomes[0].outcome is ACCEPTED
    assert settled.notes == ()


def test_an_interrupted_replay_tells_what_is_known() -> None:
    def send(request: Request) -> Response:
        if D in fields_of(request)["numbers"]:
            raise KeyboardInterrupt
        return text("OK b1")

    with tiny.bind(FakeTransport(Vendor(send=send)), TWICE) as sms, pytest.raises(KeyboardInterrupt) as caught:
        sms.settle(unknown(A, B, C, D), replay=True)
    result = caught.value.sms_result  # type: ignore[attr-defined]
    assert [row.outcome for row in result.outcomes] == [ACCEPTED, ACCEPTED, ACCEPTED, UNKNOWN]
    assert result.message == unknown(A, B, C, D).message


def test_a_message_that_was_scheduled_is_replayed_after_its_time_with_its_time() -> None:
    message = Message("x", A, reference="m", send_at=NOW - SECOND)
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, TWICE) as sms:
        settled = sms.settle(attrs.evolve(unknown(A, age=SECOND * 60), message=message), replay=True)
    assert settled.outcomes[0].outcome is ACCEPTED
