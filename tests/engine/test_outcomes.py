"""The promise, where it is kept: what a failure means for a recipient, and what the rows of a send come to."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import (
    AuthenticationFailed,
    Capability,
    ContentRefused,
    InsufficientCredit,
    Limits,
    MalformedResponse,
    NotFound,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    ProviderInfo,
    RateLimited,
    RecipientOutcome,
    RecipientRefused,
    SendError,
    SendResult,
    SessionExpired,
    SmsError,
    TransportError,
    VendorError,
    VendorUnavailable,
)
from sms_core._engine.outcomes import account_for, conclude, merge, with_outcome
from sms_core.provider import Destination, outcome_after

INFO = ProviderInfo("tiny", "Tiny", frozenset({Capability.SEND}), Limits(10))
REFUSED = RecipientRefused("the vendor refused", code="17")
LOST = TransportError("the answer was lost", sent=True)
ERRORS = {Outcome.ACCEPTED: None, Outcome.REFUSED: REFUSED, Outcome.UNKNOWN: LOST, Outcome.NOT_SENT: None}
ROWS = [rows for count in (1, 2, 3) for rows in itertools.product(Outcome, repeat=count)]
"""Everything that can have become of up to three recipients."""


def result_of(*outcomes: Outcome) -> SendResult:
    rows = []
    for place, outcome in enumerate(outcomes):
        batch = "b1" if outcome is Outcome.ACCEPTED else None
        rows.append(RecipientOutcome(f"+88690000000{place}", outcome, batch, f"r{place}", ERRORS[outcome]))
    return SendResult(tuple(rows))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TransportError("no such host", sent=False), Outcome.NOT_SENT),
        (TransportError("the answer was lost", sent=True), Outcome.UNKNOWN),
        (MalformedResponse("half an answer"), Outcome.UNKNOWN),
        (SmsError("whatever else"), Outcome.UNKNOWN),
        (VendorError(code="1"), Outcome.REFUSED),
        (AuthenticationFailed(), Outcome.REFUSED),
        (InsufficientCredit(), Outcome.REFUSED),
        (RecipientRefused(), Outcome.REFUSED),
        (ContentRefused(), Outcome.REFUSED),
        (NotFound(), Outcome.REFUSED),
        (RateLimited(), Outcome.NOT_SENT),
        (SessionExpired(), Outcome.NOT_SENT),
        (VendorUnavailable(code="closed"), Outcome.REFUSED),
        (VendorUnavailable(status=503), Outcome.NOT_SENT),
        (VendorUnavailable(status=502, maybe_taken=True), Outcome.UNKNOWN),
        (VendorError(code="999", maybe_taken=True), Outcome.UNKNOWN),
        (RateLimited(maybe_taken=True), Outcome.UNKNOWN),
    ],
    ids=lambda value: repr(value) if isinstance(value, SmsError) else value.value,
)
def test_where_a_failure_happened_decides(error: SmsError, outcome: Outcome) -> None:
    assert outcome_after(error) is outcome


@pytest.mark.parametrize("outcomes", ROWS, ids=lambda outcomes: "-".join(outcome.value for outcome in outcomes))
def test_a_send_returns_only_if_all_was_accepted_and_raises_what_its_rows_come_to(
    outcomes: tuple[Outcome, ...],
) -> None:
    result = result_of(*outcomes)
    found = {*outcomes}
    if found == {Outcome.ACCEPTED}:
        assert conclude(result, INFO) is result
        return
    with pytest.raises(SendError) as raised:
        conclude(result, INFO)
    if Outcome.UNKNOWN in found:
        expected: type[SendError] = OutcomeUnknown
    elif Outcome.ACCEPTED in found:
        expected = PartiallySent
    elif Outcome.REFUSED in found:
        expected = RecipientRefused
    else:
        expected = NotSent
    assert type(raised.value) is expected
    assert raised.value.result.outcomes == result.outcomes
    assert not (raised.value.retry and found - {Outcome.NOT_SENT}), "what may have been taken is never sent again"


def test_a_refusal_is_the_vendor_s_own_error_and_a_failed_send_at_once() -> None:
    result = result_of(Outcome.REFUSED)
    with pytest.raises(RecipientRefused) as raised:
        conclude(result, INFO, REFUSED)
    assert (raised.value.code, raised.value.result) == ("17", result)
    assert isinstance(raised.value, SendError)


def destinations(count: int) -> list[Destination]:
    return [Destination(f"+8869{place:08}", "您好", f"r{place}") for place in range(count)]


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Outcome)), max_size=8))
def test_each_recipient_has_one_row_and_whoever_is_forgotten_is_unknown(
    count: int, told: list[tuple[int, Outcome]]
) -> None:
    rows = [RecipientOutcome(f"+8869{place:08}", outcome, None, f"r{place}", None) for place, outcome in told]
    asked = destinations(count)
    found = account_for(asked, SendResult(tuple(rows))).outcomes
    assert [row.reference for row in found] == [destination.reference for destination in asked]
    last = dict(told)
    for place, row in enumerate(found):
        assert row.outcome is last.get(place, Outcome.UNKNOWN)


@pytest.mark.parametrize("nonsense", [None, "OK", 200, [], {"accepted": 1}])
def test_what_is_no_result_tells_of_nobody(nonsense: object) -> None:
    found = account_for(destinations(2), nonsense)
    assert [row.outcome for row in found.outcomes] == [Outcome.UNKNOWN] * 2
    assert all(isinstance(row.error, MalformedResponse) for row in found.outcomes)


@given(st.permutations(range(5)), st.integers(1, 4))
def test_parts_make_a_whole_in_the_message_s_order(places: list[int], cut: int) -> None:
    rows = [RecipientOutcome(f"+88690000000{place}", Outcome.ACCEPTED, "b", f"r{place}", None) for place in places]
    parts = [
        SendResult(
            tuple(rows[:cut]), accepted=cut, cost=Decimal(cut), balance=Decimal(9), batches=("b1",), notes=("n",)
        ),
        SendResult(tuple(rows[cut:]), accepted=5 - cut, cost=Decimal(5 - cut), batches=("b2",), notes=("n",)),
    ]
    whole = merge(parts, [f"r{place}" for place in range(5)])
    assert [row.reference for row in whole.outcomes] == ["r0", "r1", "r2", "r3", "r4"]
    assert (whole.accepted, whole.cost, whole.balance) == (5, Decimal(5), Decimal(9))
    assert (whole.batches, whole.notes) == (("b1", "b2"), ("n",))


def test_a_cost_that_nobody_told_is_no_zero() -> None:
    assert merge([result_of(Outcome.ACCEPTED)], ["r0"]).cost is None


def test_what_was_learned_changes_its_rows_alone() -> None:
    before = result_of(Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.ACCEPTED)
    learned = RecipientOutcome("+886900000001", Outcome.ACCEPTED, "b7", "r1", None)
    after = with_outcome(before, {"r1": learned})
    assert [row.outcome for row in after.outcomes] == [Outcome.UNKNOWN, Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert (after.accepted, after.batches) == (2, ("b7",))
    assert after.outcomes[0] is before.outcomes[0]
