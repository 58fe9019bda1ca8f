"""The vendor's own filter: what is sent again with the same reference, number and text is sent once in twelve hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sms_core
from sms_core import Client, Message, Outcome, OutcomeUnknown, Recipient, SendResult
from sms_core.provider import Destination, Send
from sms_core.testing import Clock
from sms_core_mitake.requests import client_ids
from sms_core_sandbox import Sandbox

NUMBERS = ["+886900000001", "+886900000002", "+886900000003"]
MESSAGE = Message("您好", NUMBERS, reference="order-17")


class Watch(Clock):
    """A clock that stands until it is told to go on."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["mitake"], clock=Watch()) as sandbox:
        yield sandbox


@pytest.fixture
def sms(box: Sandbox) -> Iterator[Client]:
    box.reset()
    with sms_core.connect(box.dsn("mitake"), clock=box.clock.now, sleep=lambda seconds: None) as client:
        yield client


def taken(box: Sandbox) -> list[str]:
    return sorted(message.number for message in box.exchange.accepted)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "502", "html200", "half", "half_text", "garbage"])
def test_after_an_unknown_outcome_the_same_message_again_reaches_everyone_once(
    box: Sandbox, sms: Client, kind: str
) -> None:
    box.faults.add(kind, match="Send")
    with pytest.raises(OutcomeUnknown) as caught:
        sms.send(MESSAGE)
    message = caught.value.result.message
    assert message is not None
    assert sms.send(message).accepted == len(NUMBERS)
    assert taken(box) == NUMBERS


def test_a_part_of_the_recipients_again_is_known_too(box: Sandbox, sms: Client) -> None:
    whole = sms.send(MESSAGE)
    for to in ([NUMBERS[2]], NUMBERS[1:], [NUMBERS[1], "0900000004"]):
        again = sms.send(attrs.evolve(MESSAGE, to=tuple(map(Recipient, to))))
        assert {row.number: row.batch_id for row in again.outcomes if row.number in NUMBERS}.items() <= {
            row.number: row.batch_id for row in whole.outcomes
        }.items()
    assert taken(box) == [*NUMBERS, "+886900000004"]


def test_what_was_not_sent_again_costs_nothing_and_is_said(sms: Client) -> None:
    first, second = sms.send(MESSAGE), sms.send(MESSAGE)
    assert (first.cost, first.notes) == (3, ())
    assert (second.cost, second.balance, second.batches) == (0, first.balance, first.batches)
    assert second.notes[0].startswith("3 of 3 had the reference")


def test_a_message_without_a_reference_is_a_new_one_each_time(box: Sandbox, sms: Client) -> None:
    for _ in range(2):
        sms.send("您好", NUMBERS[0])
    assert taken(box) == [NUMBERS[0]] * 2


@pytest.mark.parametrize(
    "other",
    [
        {"text": "再見"},
        {"to": (Recipient("0900000004"),)},
        {"reference": "order-18"},
        {"to": (Recipient("0900000001", reference="mine"),)},
    ],
)
def test_another_text_number_or_reference_is_sent(box: Sandbox, sms: Client, other: dict[str, object]) -> None:
    message = Message("您好", NUMBERS[0], reference="order-17")
    sms.send(message)
    assert sms.send(attrs.evolve(message, **other)).notes == ()
    assert len(taken(box)) == 2


def test_after_twelve_hours_it_is_sent_again(box: Sandbox, sms: Client) -> None:
    assert isinstance(box.clock, Watch)
    for ahead, count in ((timedelta(), 3), (timedelta(hours=12) - timedelta(seconds=1), 3), (timedelta(hours=12), 6)):
        box.clock.moment = Watch.moment + ahead
        sms.send(MESSAGE)
        assert len(taken(box)) == count
    box.clock.moment = Watch.moment


def test_nothing_is_sent_again_by_itself(box: Sandbox, sms: Client) -> None:
    box.faults.add("drop_before", match="Send", times=None)
    with pytest.raises(OutcomeUnknown) as caught:
        sms.send(MESSAGE)
    assert {row.outcome for row in caught.value.result.outcomes} == {Outcome.UNKNOWN}
    assert len(box.faults.applied) == 1


def test_settle_asks_about_an_answer_that_contradicts_itself(box: Sandbox, sms: Client) -> None:
    """It has a msgid, so SmQuery can tell."""
    result = sms.send(MESSAGE)
    rows = tuple(attrs.evolve(row, outcome=Outcome.UNKNOWN) for row in result.outcomes)
    doubtful: SendResult = attrs.evolve(result, outcomes=rows, accepted=0)
    assert {row.outcome for row in sms.settle(doubtful).outcomes} == {Outcome.ACCEPTED}


texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(reference=texts, own=texts, name=texts)
def test_a_clientid_is_short_and_plain(reference: str, own: str, name: str) -> None:
    message = Message("x", [Recipient(NUMBERS[0], reference=own)], reference=reference)
    ids = client_ids(Send(message, (Destination(NUMBERS[0], name, own or reference),)))
    assert all(
        len(client_id) <= 36 and client_id.isascii() and client_id.isprintable() and " " not in client_id
        for client_id in ids
    )
    assert not set(chain.from_iterable(ids)) & set("[]$=,")
