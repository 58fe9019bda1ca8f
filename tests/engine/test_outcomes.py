"""The promise, where it is kept: what a failure means for a recipient, and what the rows of a send come to."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import (
    AuthenticationFailed,
    CallbackRefused,
    Capability,
    ConfigurationError,
    ContentRefused,
    InsufficientCredit,
    InvalidMessage,
    Limits,
    MalformedResponse,
    Media,
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
    Unsupported,
    VendorError,
    VendorUnavailable,
    errors,
)
from sms_core._engine.outcomes import account_for, conclude, merge, with_outcome
from sms_core.http import Response
from sms_core.provider import Account, Destination, Operation, Replay, hookimpl, outcome_after
from sms_core.testing import FakeTransport
from tests.support.tiny import INFO as TINY
from tests.support.tiny import Tiny, Vendor, bind

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


AFTER: list[tuple[SmsError, Outcome]] = [
    # Nothing left this machine.
    (TransportError("no such host", sent=False), Outcome.NOT_SENT),
    # It left, and no whole and understood answer came.
    (TransportError("the answer was lost", sent=True), Outcome.UNKNOWN),
    (TransportError("no answer in time", sent=True, timed_out=True), Outcome.UNKNOWN),
    (MalformedResponse("half an answer"), Outcome.UNKNOWN),
    # The vendor said no.
    (VendorError(code="1"), Outcome.REFUSED),
    (AuthenticationFailed(), Outcome.REFUSED),
    (InsufficientCredit(), Outcome.REFUSED),
    (RecipientRefused(), Outcome.REFUSED),
    (ContentRefused(), Outcome.REFUSED),
    (NotFound(), Outcome.REFUSED),
    (VendorUnavailable(code="closed"), Outcome.REFUSED),
    # The vendor said that it did not act.
    (RateLimited(), Outcome.NOT_SENT),
    (SessionExpired(), Outcome.NOT_SENT),
    (VendorUnavailable(status=404), Outcome.NOT_SENT),
    # The vendor's answer leaves it open.
    (VendorError(code="999", maybe_taken=True), Outcome.UNKNOWN),
    (VendorUnavailable(status=502, maybe_taken=True), Outcome.UNKNOWN),
    (RateLimited(maybe_taken=True), Outcome.UNKNOWN),
    (SessionExpired(maybe_taken=True), Outcome.UNKNOWN),
    # No request of a send should end in these; were one to, nobody would know.
    (SmsError("whatever else"), Outcome.UNKNOWN),
    (ConfigurationError("an option"), Outcome.UNKNOWN),
    (InvalidMessage("text", "is empty"), Outcome.UNKNOWN),
    (Unsupported("tiny", "media"), Outcome.UNKNOWN),
    (CallbackRefused("whose?"), Outcome.UNKNOWN),
    (SendError("?"), Outcome.UNKNOWN),
    (NotSent("?"), Outcome.UNKNOWN),
    (PartiallySent("?"), Outcome.UNKNOWN),
    (OutcomeUnknown("?"), Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("error", "outcome"), AFTER, ids=str)
def test_where_a_failure_happened_decides(error: SmsError, outcome: Outcome) -> None:
    assert outcome_after(error) is outcome


def test_every_error_means_something_for_a_send() -> None:
    kinds = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SmsError)}
    assert {type(error) for error, _ in AFTER} == kinds


def test_a_vendor_s_own_error_class_refuses_too() -> None:
    class QuotaReached(InsufficientCredit):
        """A third party's."""

    assert outcome_after(QuotaReached()) is Outcome.REFUSED
    assert outcome_after(QuotaReached(maybe_taken=True)) is Outcome.UNKNOWN


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


# What can be done about an unknown outcome


HTTP_ERROR = "1 of 1 may have been sent: HTTP 502 instead of an answer: 502; "
PERSON = "do not send again before you know"


def says(info: ProviderInfo, *, media: Media | None = None) -> str:
    """What the error of a send says whose answer was a gateway's."""
    with bind(FakeTransport(Vendor(send=[502])), Tiny(info)) as sms, pytest.raises(OutcomeUnknown) as caught:
        sms.send("x", to="0900000001", media=media)
    return str(caught.value)


def tiny(*capabilities: Capability, **more: Any) -> ProviderInfo:
    return attrs.evolve(TINY, capabilities={Capability.SEND, Capability.MMS, *capabilities}, **more)


REPLAY = Replay(timedelta(hours=12), "duplicate")
PICTURE = Media(b"\xff\xd8\xff", "jpg")


@pytest.mark.parametrize(
    ("info", "media", "words"),
    [
        (tiny(Capability.SETTLE), None, "settle() asks the vendor"),
        (tiny(Capability.SETTLE, Capability.REPORTS, replay=REPLAY), None, "settle() asks the vendor"),
        (
            tiny(replay=REPLAY),
            None,
            "settle(replay=True) asks again under the same key, which the vendor knows for 12 hours",
        ),
        # Vendors remember texts alone.
        (
            tiny(Capability.SETTLE, replay=REPLAY),
            PICTURE,
            "settle(replay=True) asks again under the same key, which the vendor knows for 12 hours",
        ),
        (
            tiny(Capability.SETTLE),
            PICTURE,
            f"Tiny cannot be asked: a delivery report may tell, or its web page; {PERSON}",
        ),
        # Reports can be asked for by batch alone, and no answer named one.
        (
            tiny(Capability.REPORTS),
            None,
            f"Tiny cannot be asked: a delivery report may tell, or its web page; {PERSON}",
        ),
        (tiny(hints={Capability.SETTLE: "Tiny's page lists it"}), None, f"Tiny's page lists it; {PERSON}"),
    ],
)
def test_an_unknown_outcome_says_what_can_be_done(info: ProviderInfo, media: Media | None, words: str) -> None:
    assert says(info, media=media) == HTTP_ERROR + words


class Forgetful(Tiny):
    """Names the batch, and nobody in it."""

    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        result = super().sms_parse_response(account, operation, response)
        return attrs.evolve(result, outcomes=()) if isinstance(result, SendResult) else result


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (tiny(Capability.REPORTS, Capability.SETTLE), "settle() asks the vendor for the reports"),
        (tiny(Capability.SETTLE), "settle() asks the vendor"),
    ],
)
def test_of_a_batch_that_was_named_the_reports_can_be_asked_for(info: ProviderInfo, words: str) -> None:
    with bind(FakeTransport(Vendor(send=["OK b1"])), Forgetful(info)) as sms, pytest.raises(OutcomeUnknown) as caught:
        sms.send("x", to="0900000001")
    assert str(caught.value).endswith(f"the provider gave no outcome for this recipient; {words}")


@pytest.mark.parametrize(
    "info",
    [tiny(Capability.SETTLE), tiny(replay=REPLAY), tiny(Capability.REPORTS)],
    ids=["settle", "replay", "neither"],
)
def test_what_can_be_done_is_what_settle_does(info: ProviderInfo) -> None:
    """The error promises `settle()` only where that asks something."""
    network = FakeTransport(Vendor(send=[502, "OK b1"], find_sent=["OK +886900000001=b1"]))
    with bind(network, Tiny(info)) as sms:
        with pytest.raises(OutcomeUnknown) as caught:
            sms.send("x", to="0900000001")
        before = len(network.requests)
        settled = sms.settle(caught.value, replay="replay=True" in str(caught.value))
    promised = "settle(" in str(caught.value)
    assert (len(network.requests) > before) is promised
    assert (settled.outcomes[0].outcome is Outcome.ACCEPTED) is promised
    assert bool(settled.notes) is not promised
