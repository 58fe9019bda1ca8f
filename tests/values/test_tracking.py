from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import FrameType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sms_core
from sms_core import (
    DeliveryReport,
    DeliveryStatus,
    InboundMessage,
    InsufficientCredit,
    Message,
    Outcome,
    OutcomeUnknown,
    Recipient,
    RecipientOutcome,
    SendResult,
    TransportError,
    VendorError,
)
from sms_core.serialize import from_json, to_json
from sms_core.testing import memory_exchange
from sms_core.tracking import (
    OUTCOME_ORDER_AMONG_ATTEMPTS,
    OUTCOME_ORDER_WITHIN_ATTEMPT,
    STATUS_ORDER,
    Fact,
    Key,
    MessageState,
    Tracker,
    fold,
    numbers_in,
)
from sms_core_sandbox import Sandbox

A, B = "+886900000001", "+886900000002"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ACCEPTED, REFUSED, UNKNOWN, NOT_SENT = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT
DELIVERED, SENT, EXPIRED = DeliveryStatus.DELIVERED, DeliveryStatus.SENT, DeliveryStatus.EXPIRED
NO_CREDIT = DeliveryStatus.NO_CREDIT


def row(outcome: Outcome, reference: str = "r1", batch: str | None = None, number: str = A) -> RecipientOutcome:
    error = None if outcome is ACCEPTED else VendorError(f"no, not {number}", code="-9")
    return RecipientOutcome(number, outcome, batch, reference, error)


def result(*rows: RecipientOutcome, at: datetime = NOON) -> SendResult:
    return SendResult(rows, sent_at=at)


def report(
    status: DeliveryStatus, batch: str = "b1", reference: str = "", number: str = A, **fields: Any
) -> DeliveryReport:
    return DeliveryReport(number, status, batch, reference, **fields)


def reply(text: str = "好", batch: str = "b1", number: str = A, **fields: Any) -> InboundMessage:
    return InboundMessage(number, text, batch, **fields)


def only(*facts: Iterable[Fact]) -> MessageState:
    (state,) = fold(*facts).values()
    return state


def refolded(facts: Sequence[Fact]) -> dict[Key, MessageState]:
    """As an application does it: fact by fact, with the rows of its numbers."""
    rows: dict[Key, MessageState] = {}
    for fact in facts:
        loaded = {key: state for key, state in rows.items() if key.number in numbers_in([fact])}
        kept = {key: state for key, state in rows.items() if key not in loaded}
        rows = {**kept, **fold(loaded.values(), [fact])}
    return rows


# The tables.


def test_the_tables_rank_everything_once() -> None:
    assert sorted(STATUS_ORDER, key=str) == sorted(DeliveryStatus, key=str)
    assert set(OUTCOME_ORDER_WITHIN_ATTEMPT) == set(OUTCOME_ORDER_AMONG_ATTEMPTS) == set(Outcome)
    assert len(OUTCOME_ORDER_WITHIN_ATTEMPT) == len(OUTCOME_ORDER_AMONG_ATTEMPTS) == len(Outcome)


def test_final_statuses_come_after_all_others() -> None:
    finality = [status.is_final for status in STATUS_ORDER]
    assert finality == sorted(finality)
    assert STATUS_ORDER[finality.index(True)] is DeliveryStatus.FAILED
    assert STATUS_ORDER[-1] is DELIVERED


@pytest.mark.parametrize("lower", range(len(STATUS_ORDER) - 1))
def test_the_later_status_in_the_order_counts_whichever_comes_first(lower: int) -> None:
    early, late = report(STATUS_ORDER[lower], done_at=NOON + MINUTE), report(STATUS_ORDER[lower + 1], done_at=NOON)
    assert only([early, late]).status is STATUS_ORDER[lower + 1]
    assert only([late, early]).status is STATUS_ORDER[lower + 1]


def test_of_two_reports_with_one_status_the_later_counts() -> None:
    early, late = report(EXPIRED, done_at=NOON, vendor_code="1"), report(EXPIRED, done_at=NOON + MINUTE)
    state = only([late, early])
    assert state.done_at == NOON + MINUTE
    assert state.vendor_code == ""
    assert state.reports == (late, early)


# What is read off a state.


def test_a_state_before_the_first_report() -> None:
    state = only([result(row(ACCEPTED, batch="b1"))])
    assert state.outcome is ACCEPTED
    assert state.batch_id == "b1"
    assert (state.status, state.report, state.sent_at, state.done_at, state.cost) == (None,) * 5
    assert (state.vendor_code, state.vendor_text, state.reason) == ("", "", "")


def test_what_the_report_that_counts_does_not_say_is_read_off_the_next() -> None:
    sent = report(SENT, sent_at=NOON, cost=Decimal(2), vendor_code="0")
    done = report(DELIVERED, done_at=NOON + MINUTE, vendor_code="100", vendor_text="ok")
    state = only([result(row(ACCEPTED, batch="b1")), done, sent])
    assert (state.sent_at, state.done_at, state.cost) == (NOON, NOON + MINUTE, Decimal(2))
    assert (state.vendor_code, state.vendor_text) == ("100", "ok")


def test_a_report_proves_that_the_vendor_took_the_message() -> None:
    assert only([report(EXPIRED)]).outcome is ACCEPTED
    assert only([result(row(UNKNOWN, batch="b1")), report(EXPIRED)]).outcome is ACCEPTED
    assert only([report(NO_CREDIT)]).outcome is None
    assert only([reply()]).outcome is None


def test_a_report_of_no_credit_proves_that_an_unknown_message_was_refused() -> None:
    unknown = result(row(UNKNOWN, batch="b1"))
    assert only([unknown, report(NO_CREDIT)]).outcome is REFUSED
    assert only([report(NO_CREDIT), unknown]).outcome is REFUSED
    assert only([result(row(ACCEPTED, batch="b1")), report(NO_CREDIT)]).outcome is ACCEPTED


def test_a_report_of_no_credit_for_one_attempt_leaves_the_other_unknown() -> None:
    attempts = [result(row(UNKNOWN, batch="b1")), result(row(UNKNOWN), at=NOON + MINUTE)]
    assert only(attempts, [report(NO_CREDIT)]).outcome is UNKNOWN


def test_a_report_of_no_credit_proves_it_of_the_only_unknown_attempt_without_a_batch() -> None:
    unpaid = report(NO_CREDIT, "b7", "r1", vendor_text=f"no points for {A}")
    earlier, unknown = result(row(NOT_SENT)), result(row(UNKNOWN), at=NOON + MINUTE)
    state = only([unpaid, unknown, earlier])
    assert (state.outcome, state.batch_id) == (REFUSED, "b7")
    assert state.reason.startswith("no points for")
    assert A not in state.reason
    assert only([unpaid, unknown, result(row(UNKNOWN))]).outcome is UNKNOWN  # which of the two it means is not said


def test_the_reason_is_kept_with_its_number_masked() -> None:
    state = only([result(row(REFUSED))])
    assert state.reason.startswith("no, not")
    assert A not in state.reason
    assert A not in repr(state)
    assert A not in repr(state.key)
    assert only([state, result(row(ACCEPTED, batch="b1"), at=NOON + MINUTE)]).reason == ""
    assert only([result(row(UNKNOWN, batch="b1")), report(SENT)]).reason == ""


# Attempts.


@pytest.mark.parametrize("known", [NOT_SENT, REFUSED, ACCEPTED])
def test_a_settled_result_makes_an_unknown_one_known(known: Outcome) -> None:
    batch = "b1" if known is ACCEPTED else None
    unknown, settled = result(row(UNKNOWN)), result(row(known, batch=batch))
    for facts in ([unknown, settled], [settled, unknown], [settled, unknown, settled]):
        state = only(facts)
        assert state.outcome is known
        assert state.batch_id == batch


def test_a_further_attempt_that_may_have_been_taken_is_never_taken_for_safe_to_send_again() -> None:
    first, second = result(row(NOT_SENT)), result(row(UNKNOWN), at=NOON + MINUTE)
    assert only([first, second]).outcome is only([second, first]).outcome is UNKNOWN
    settled = result(row(NOT_SENT), at=NOON + MINUTE)
    assert only([first, second, settled]).outcome is NOT_SENT


def test_of_attempts_that_surely_failed_a_refusal_counts() -> None:
    first, second = result(row(REFUSED)), result(row(NOT_SENT), at=NOON + MINUTE)
    assert only([first, second]).outcome is REFUSED


def test_a_message_that_was_taken_twice_shows_both_batches() -> None:
    first, second = result(row(ACCEPTED, batch="b2")), result(row(ACCEPTED, batch="b1"), at=NOON + MINUTE)
    state = only([second, first, report(DELIVERED, "b1")])
    assert state.batches == ("b2", "b1")
    assert state.batch_id == "b2"
    assert state.status is DELIVERED


def test_an_error_stands_for_its_result() -> None:
    whole = result(row(UNKNOWN))
    assert fold([OutcomeUnknown("lost", whole)]) == fold([whole])
    refused = InsufficientCredit(code="-3").with_result(whole)
    assert isinstance(refused, sms_core.SendError)
    assert fold([refused]) == fold([whole])


# Whose a report is.


def test_a_report_with_a_reference_of_the_vendors_own_belongs_to_the_only_text_of_its_number() -> None:
    sent = result(row(ACCEPTED, "r1", "b1"), row(ACCEPTED, "r2", "b1", B))
    states = fold([report(DELIVERED, reference="1"), sent, report(EXPIRED, reference="2", number=B)])
    assert set(states) == {Key(A, "r1"), Key(B, "r2")}
    assert states[Key(A, "r1")].status is DELIVERED
    assert states[Key(B, "r2")].status is EXPIRED


def test_of_several_texts_to_one_number_the_reference_tells() -> None:
    sent = result(row(ACCEPTED, "r1", "b1"), row(ACCEPTED, "r2", "b1"))
    states = fold([report(DELIVERED, reference="r2"), sent, report(EXPIRED, reference="r1")])
    assert {key: state.status for key, state in states.items()} == {Key(A, "r1"): EXPIRED, Key(A, "r2"): DELIVERED}


def test_a_report_that_does_not_tell_which_of_several_texts_it_means_belongs_to_none() -> None:
    sent = result(row(ACCEPTED, "r1", "b1"), row(ACCEPTED, "r2", "b1"))
    states = fold([report(DELIVERED, reference="1"), sent])
    assert states[Key(A, "r1")].status is None
    assert states[Key(A, "r2")].status is None
    assert states[Key(A, "1", "b1")].status is DELIVERED


def test_a_report_in_another_batch_is_not_taken_for_its_likeness_of_reference() -> None:
    first, second = result(row(ACCEPTED, "1", "b1")), result(row(ACCEPTED, "2", "b2"))
    states = fold([report(DELIVERED, "b2", "1"), first, second])
    assert states[Key(A, "1")].status is None
    assert states[Key(A, "2")].status is DELIVERED


def test_a_report_with_our_reference_proves_what_became_of_an_unknown_send() -> None:
    state = only([result(row(UNKNOWN)), report(DELIVERED, "b7", "r1")])
    assert (state.outcome, state.status, state.batch_id) == (ACCEPTED, DELIVERED, "b7")
    assert only([state, result(row(ACCEPTED, batch="b7"))]).status is DELIVERED


def test_a_report_found_by_reference_goes_to_the_message_whose_batch_it_turns_out_to_be() -> None:
    lost, report_of_another = result(row(UNKNOWN, "1")), report(DELIVERED, "b7", "1")
    other = result(row(ACCEPTED, "2", "b7"), at=NOON + MINUTE)
    states = refolded([lost, report_of_another, other])
    assert states[Key(A, "1")].outcome is UNKNOWN
    assert states[Key(A, "2")].status is DELIVERED
    assert states == fold([other, report_of_another, lost])


def test_a_report_without_a_batch_finds_its_message_by_reference() -> None:
    sent, delivered = result(row(ACCEPTED, batch="b1")), report(DELIVERED, "", "r1")
    assert only([sent, delivered]).status is only([delivered, sent]).status is DELIVERED


def test_a_report_of_a_batch_that_no_result_named_yet_waits_for_it() -> None:
    first, of_another = result(row(ACCEPTED, batch="b1")), report(DELIVERED, "b2", "r1")
    states = fold([first, of_another])
    assert states[Key(A, "r1")].status is None
    assert states[Key(A, "r1", "b2")].status is DELIVERED
    assert only(states.values(), [result(row(ACCEPTED, batch="b2"), at=NOON + MINUTE)]).status is DELIVERED


def test_a_message_held_back_for_an_earlier_one_does_not_take_its_report() -> None:
    earlier, held_back = result(row(ACCEPTED, "r1", "b1")), result(row(REFUSED, "r2", "b1"), at=NOON + MINUTE)
    together = result(row(ACCEPTED, "r1", "b1"), row(REFUSED, "r2", "b1"))
    assert fold([together, report(DELIVERED, reference="1")])[Key(A, "r1")].status is DELIVERED
    states = fold([earlier, held_back, report(DELIVERED, reference="1"), reply()])
    assert states[Key(A, "r1")].status is DELIVERED
    assert states[Key(A, "r2")].outcome is REFUSED
    assert (states[Key(A, "r2")].status, states[Key(A, "r2")].batches) == (None, ())


def test_two_messages_that_a_settlement_put_into_one_batch_keep_their_report() -> None:
    first, settled = result(row(ACCEPTED, "r1", "b1")), result(row(ACCEPTED, "r2", "b1"), at=NOON + MINUTE)
    delivered = report(DELIVERED, reference="1")
    states = refolded([first, delivered, settled])
    assert [state.status for state in states.values()] == [DELIVERED, DELIVERED]
    assert states == fold([settled, delivered, first])


def test_what_comes_before_its_result_waits_under_what_the_vendor_named() -> None:
    states = fold([report(DELIVERED, reference="1"), reply()])
    assert set(states) == {Key(A, "1", "b1"), Key(A, "", "b1")}
    assert not any(state.attempts for state in states.values())
    state = only(states.values(), [result(row(ACCEPTED, batch="b1"))])
    assert (state.key, state.status, state.replies) == (Key(A, "r1"), DELIVERED, (reply(),))


def test_a_reply_without_a_batch_belongs_to_its_number_alone() -> None:
    states = fold([result(row(ACCEPTED, batch="b1")), reply(batch="")])
    assert states[Key(A, "r1")].replies == ()
    assert states[Key(A)].replies == (reply(batch=""),)
    assert states[Key(A)].batch_id is None


def test_a_reply_to_a_batch_of_several_texts_belongs_to_none_of_them() -> None:
    states = fold([result(row(ACCEPTED, "r1", "b1"), row(ACCEPTED, "r2", "b1")), reply()])
    assert states[Key(A, "", "b1")].replies == (reply(),)


def test_replies_are_kept_once_each_in_the_order_of_time() -> None:
    first, second = reply("1", received_at=NOON, key="k1"), reply("2", received_at=NOON + MINUTE, key="k2")
    again = attrs.evolve(first, raw={"RT": "20260102"})
    state = only([result(row(ACCEPTED, batch="b1")), second, first, again, second])
    assert state.replies == (first, second)


def test_the_vendors_raw_fields_are_not_kept() -> None:
    state = only([report(SENT, raw={"MOBILE": A}), reply(raw={"MOBILE": A})])
    assert state.reports == (report(SENT),)
    assert state.replies == (reply(),)


def test_one_event_told_in_two_ways_is_kept_in_one_whichever_came_first() -> None:
    bare, full = report(SENT, key="k", raw={"a": "b"}), report(SENT, key="k", cost=Decimal(1), sent_at=NOON)
    assert only([bare, full]).reports == only([full, bare]).reports == (full,)


# One fact at a time.


def test_a_report_finds_a_message_that_is_expected_before_its_result() -> None:
    tracker = Tracker()
    key = tracker.expect(A, "r1")
    assert (tracker.state(key).outcome, tracker.state(key).status) == (None, None)
    early = report(DELIVERED, "b7", "r1")
    assert tracker.owners(early) == [key]
    tracker.add(early)
    assert (tracker.state(key).outcome, tracker.state(key).status) == (ACCEPTED, DELIVERED)
    tracker.add(result(row(ACCEPTED, "r2", "b7")))
    assert tracker.owners(early) == [Key(A, "r2")]  # the vendor had made up just this reference
    assert tracker.state(key).outcome is None


def test_what_belongs_to_nobody_waits_under_what_the_vendor_named() -> None:
    tracker = Tracker()
    tracker.add(report(DELIVERED, reference="1"))
    tracker.add(reply())
    assert tracker.owners(reply()) == [Key(A, "", "b1")]
    assert tracker.state(Key(A, "1", "b1")).status is DELIVERED
    assert tracker.state(Key(B, "r1")) == MessageState(B, "r1")
    tracker.add(result(row(ACCEPTED, batch="b1")))
    assert tracker.owners(reply()) == [Key(A, "r1")]
    assert tracker.state(Key(A, "1", "b1")).reports == ()


# What is no fact.


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(TypeError, match="RecipientOutcome tells nothing"):
        fold([row(ACCEPTED)])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="NoneType tells nothing"):
        numbers_in([None])  # type: ignore[list-item]


def test_an_outcome_without_a_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="without a reference"):
        fold([result(row(ACCEPTED, ""))])


def test_the_numbers_that_facts_tell_of() -> None:
    facts: list[Fact] = [result(row(ACCEPTED, number=A), row(ACCEPTED, "r2", number=B)), report(SENT), reply()]
    assert numbers_in(facts) == numbers_in(fold(facts).values()) == {A, B}


# The fold is a join, over whatever facts.

times = st.none() | st.integers(0, 2).map(lambda minutes: NOON + minutes * MINUTE)
references = st.sampled_from(["r1", "r2", "1"])
numbers = st.sampled_from([A, B])
keys = st.sampled_from(["", "", "k1", "k2"])
raws = st.sampled_from([{}, {"a": "b"}])
outcome_rows = st.builds(row, st.sampled_from(Outcome), references, st.sampled_from([None, "b1", "b2"]), numbers)
results = st.builds(
    lambda rows, at: SendResult(tuple(rows), sent_at=at),
    st.lists(outcome_rows, max_size=4, unique_by=lambda outcome: outcome.reference),
    times,
)
reports = st.builds(
    DeliveryReport,
    number=numbers,
    status=st.sampled_from(DeliveryStatus),
    batch_id=st.sampled_from(["", "b1", "b2"]),
    reference=st.just("") | references,
    sent_at=times,
    done_at=times,
    cost=st.none() | st.sampled_from([Decimal(1), Decimal("2.5")]),
    vendor_code=st.sampled_from(["", "100"]),
    raw=raws,
    key=keys,
)
replies = st.builds(
    InboundMessage,
    number=numbers,
    text=st.sampled_from(["好", "不"]),
    batch_id=st.sampled_from(["", "b1", "b2"]),
    received_at=times,
    raw=raws,
    key=keys,
)
facts_of_any_kind = st.lists(results | results.map(lambda result: OutcomeUnknown("lost", result)) | reports | replies)


@given(facts_of_any_kind, st.data())
def test_neither_order_nor_repetition_matters(facts: list[Fact], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(facts))
    repeated = data.draw(st.lists(st.sampled_from(facts))) if facts else []
    assert fold(repeated, shuffled) == fold(facts)


@given(facts_of_any_kind, facts_of_any_kind, facts_of_any_kind)
def test_states_can_be_folded_with_further_facts_and_with_other_states(
    some: list[Fact], others: list[Fact], more: list[Fact]
) -> None:
    whole = fold(some, others, more)
    assert fold(fold(some).values(), others, more) == whole
    assert fold(fold(some, others).values(), fold(others, more).values()) == whole
    assert fold(whole.values()) == whole


@given(facts_of_any_kind)
def test_one_fact_at_a_time_with_the_states_of_its_numbers_comes_to_the_same(facts: list[Fact]) -> None:
    assert refolded(facts) == fold(facts)


@given(facts_of_any_kind)
def test_a_tracker_knows_at_every_moment_what_folding_gives(facts: list[Fact]) -> None:
    tracker = Tracker()
    for position, fact in enumerate(facts, 1):
        tracker.add(fact)
        states = fold(facts[:position])
        assert tracker.states() == states
        assert {key: tracker.state(key) for key in states} == states


def _identity(event: DeliveryReport | InboundMessage) -> tuple[object, ...]:
    """What tells an event from others: its key in its place, or all of it but what is not kept."""
    place = type(event), event.number, event.batch_id, getattr(event, "reference", "")
    return *place, event.key or repr(attrs.evolve(event, raw={}))


@given(facts_of_any_kind)
def test_nothing_that_was_told_is_lost(facts: list[Fact]) -> None:
    states = fold(facts)
    assert all(key == state.key for key, state in states.items())
    kept = {_identity(report) for state in states.values() for report in state.reports}
    kept |= {_identity(reply) for state in states.values() for reply in state.replies}
    assert kept == {_identity(fact) for fact in facts if isinstance(fact, DeliveryReport | InboundMessage)}


@given(facts_of_any_kind)
def test_a_state_survives_json_and_pickle(facts: list[Fact]) -> None:
    for state in fold(facts).values():
        assert from_json(to_json(state), MessageState) == state
        assert pickle.loads(pickle.dumps(state)) == state


# Over histories as vendors make them nothing ever goes back, and the end is the truth.


@attrs.frozen
class Sent:
    """A text as it truly went: what the library learned of it, and what the vendor tells."""

    number: str
    reference: str
    batch: str
    learned: tuple[Outcome, ...]
    statuses: tuple[DeliveryStatus, ...]
    replies: int


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Sent], list[Fact]]:
    """Batches of texts. Some vendors bring references back, some make up their own, some give none at all."""
    texts: list[Sent] = []
    facts: list[Fact] = []
    for at in range(draw(st.integers(1, 3))):
        batch = f"b{at}"
        carried = draw(st.sampled_from(["ours", "made up", "none"]))
        learned = draw(st.sampled_from([(ACCEPTED,), (UNKNOWN, ACCEPTED), (UNKNOWN,)]))
        batch_is_named = learned == (ACCEPTED,) or draw(st.booleans())
        recipients = draw(st.lists(numbers, min_size=1, max_size=3, unique=carried != "ours"))
        statuses = st.lists(st.sampled_from([status for status in STATUS_ORDER if status is not NO_CREDIT]), max_size=3)
        here = [
            Sent(number, f"r{at}-{place}", batch, learned, tuple(draw(statuses)), draw(st.integers(0, 1)))
            for place, number in enumerate(recipients)
        ]
        for outcome in learned:
            named = batch if outcome is ACCEPTED or batch_is_named else None
            rows = (row(outcome, text.reference, named, text.number) for text in here)
            facts.append(result(*rows, at=NOON + at * MINUTE))
        for place, text in enumerate(here):
            carries = {"ours": text.reference, "made up": str(place + 1), "none": ""}[carried]
            facts += [report(status, batch, carries, text.number, key=f"{text}{status}") for status in text.statuses]
            facts += [reply(f"{text.reference} {turn}", batch, text.number) for turn in range(text.replies)]
        texts += here
    return texts, draw(st.permutations(facts))


def _rank(state: MessageState | None) -> tuple[int, int, int, int]:
    if state is None:
        return -1, -1, 0, 0
    status = STATUS_ORDER.index(state.status) if state.status else -1
    outcome = OUTCOME_ORDER_WITHIN_ATTEMPT.index(state.outcome) if state.outcome else -1
    return status, outcome, len(state.reports), len(state.replies)


@given(histories())
def test_nothing_goes_back_in_whatever_order_the_facts_come(history: tuple[list[Sent], list[Fact]]) -> None:
    texts, facts = history
    states: dict[Key, MessageState] = {}
    for fact in facts:
        grown = fold(states.values(), [fact])
        for text in texts:
            key = Key(text.number, text.reference)
            before, after = _rank(states.get(key)), _rank(grown.get(key))
            assert all(old <= new for old, new in zip(before, after, strict=True))
        states = grown


@given(histories())
def test_in_the_end_every_message_has_the_status_that_the_vendor_told_of_it(
    history: tuple[list[Sent], list[Fact]],
) -> None:
    texts, facts = history
    states = fold(facts)
    named = {(key.number, batch) for key, state in states.items() if state.attempts for batch in state.batches}
    for text in texts:
        state = states[Key(text.number, text.reference)]
        highest = max(text.statuses, key=STATUS_ORDER.index, default=None)
        if (text.number, text.batch) in named:
            assert state.status is highest
            assert state.outcome is (ACCEPTED if ACCEPTED in text.learned or text.statuses else UNKNOWN)
        else:
            assert (state.status, state.outcome) == (None, UNKNOWN)


# Many facts.


def _calls(run: Callable[[], object]) -> int:
    count = 0

    def note(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def _one_number(texts: int) -> list[Fact]:
    sent = [result(row(ACCEPTED, f"r{turn}", f"b{turn}")) for turn in range(texts)]
    return [
        *sent,
        *(report(SENT, f"b{turn}", "1") for turn in range(texts)),
        *(reply(batch=f"b{turn}") for turn in range(texts)),
    ]


def _one_batch(texts: int) -> list[Fact]:
    sent = result(*(row(ACCEPTED, f"r{turn}", "b1") for turn in range(texts)))
    return [sent, *(report(SENT, "b1", f"r{turn}") for turn in range(texts))]


def _one_message(texts: int) -> list[Fact]:
    times = [NOON + turn * MINUTE for turn in range(texts)]
    return [result(row(ACCEPTED, batch="b1")), *(report(SENT, done_at=at) for at in times)]


@pytest.mark.parametrize("make", [_one_number, _one_batch, _one_message])
def test_twice_the_facts_are_twice_the_work(make: Callable[[int], list[Fact]]) -> None:
    few, many = make(200), make(400)
    assert _calls(lambda: fold(many)) < 2.2 * _calls(lambda: fold(few))


@pytest.mark.parametrize("make", [_one_number, _one_batch])
def test_one_state_of_many_is_as_little_work_as_one_of_few(make: Callable[[int], list[Fact]]) -> None:
    calls = []
    for texts in (20, 400):
        tracker = Tracker()
        for fact in make(texts):
            tracker.add(fact)
        assert tracker.state(Key(A, "r7")).status is SENT
        calls.append(_calls(partial(tracker.state, Key(A, "r7"))))
    assert calls[0] == calls[1]


# With clients.


def test_what_a_client_learns_comes_to_one_state_for_each_recipient() -> None:
    with sms_core.connect("memory://tracking") as sms:
        sent = sms.send(Message("您好", ["0900000001", "0900000903", "0900000908"], reference="m"))
        memory_exchange("tracking").wait_for(lambda: bool(memory_exchange("tracking").replies))
        states = fold(sms.inbound(sent), sms.reports(sent), [sent], sms.reports(sent))
    assert {key.reference: state.status for key, state in states.items()} == {
        "m-0": DELIVERED,
        "m-1": DeliveryStatus.UNDELIVERABLE,
        "m-2": DELIVERED,
    }
    assert [len(state.replies) for state in states.values()] == [0, 0, 1]


def test_every8d_numbers_the_reports_of_plain_sends_itself_and_they_are_found_all_the_same() -> None:
    with Sandbox() as box, sms_core.connect(box.dsn("every8d")) as sms:
        sent = sms.send(Message("您好", ["0900000001", "0900000903"], reference="m"))
        reported = list(sms.reports(sent))
        assert {report.reference for report in reported}.isdisjoint(row.reference for row in sent.outcomes)
        states = fold(reported, [sent])
    assert {key.reference: state.status for key, state in states.items()} == {
        "m-0": DELIVERED,
        "m-1": DeliveryStatus.UNDELIVERABLE,
    }


def test_the_reports_of_a_send_whose_answer_was_lost_prove_what_became_of_it() -> None:
    with Sandbox() as box, sms_core.connect(box.dsn("every8d", retries=0)) as sms:
        box.faults.add("drop_after", match="SendParam")
        with pytest.raises(OutcomeUnknown) as lost:
            sms.send(Message("{a}好", [Recipient("0900000001", params={"a": "您"}, reference="A17")]))
        assert isinstance(lost.value.result.outcomes[0].error, TransportError)
        state = only([lost.value])
        assert state.outcome is UNKNOWN
        batch_id = box.exchange.accepted[0].batch_id
        state = only([state], sms.reports(batch_id))
    assert (state.key.reference, state.outcome, state.status, state.batch_id) == ("A17", ACCEPTED, DELIVERED, batch_id)
