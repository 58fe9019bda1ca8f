"""settle(replay=True): a send whose answer was lost is asked again under its clientid, which the vendor takes once.

Over real sockets: what counts is what the vendor took, and what it was paid for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import sms_core
from sms_core import AuthenticationFailed, Client, Message, Outcome, OutcomeUnknown, Recipient, SendResult
from sms_core.provider import Replay
from sms_core.testing import Clock
from sms_core_mitake.requests import client_ids
from sms_core_sandbox import Sandbox
from tests.support.scripted_server import Action, ScriptedServer, answer, close_after_reading

NUMBERS = ["+886900000001", "+886900000002", "+886900000003"]
ONE = Message("您好", NUMBERS[0], reference="order-17")
THREE = Message("您好", NUMBERS, reference="order-17")
MESSAGES = pytest.mark.parametrize("message", [ONE, THREE], ids=["SmSend", "SmBulkSend"])
START = datetime(2026, 1, 1, tzinfo=UTC)


class Watch(Clock):
    """A clock that stands until it is told to go on."""

    moment = START

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["mitake"], clock=Watch()) as sandbox:
        yield sandbox


@pytest.fixture
def sms(box: Sandbox) -> Iterator[Client]:
    with sms_core.connect(box.dsn("mitake"), clock=box.clock.now, sleep=lambda seconds: None) as client:
        yield client


def unknown(sms: Client, message: Message) -> OutcomeUnknown:
    with pytest.raises(OutcomeUnknown) as caught:
        sms.send(message)
    return caught.value


def batches(box: Sandbox) -> list[str]:
    return [message.batch_id for message in box.exchange.accepted]


def outcomes(result: SendResult) -> list[Outcome]:
    return [row.outcome for row in result.outcomes]


@MESSAGES
@pytest.mark.parametrize("kind", ["drop_after", "502", "half", "half_text", "garbage"])
def test_what_was_taken_is_told_by_its_first_batch_and_not_billed_twice(
    box: Sandbox, sms: Client, kind: str, message: Message
) -> None:
    credit = sms.balance().credit
    box.faults.add(kind, match="Send")
    error = unknown(sms, message)
    settled = sms.settle(error, replay=True)
    assert outcomes(settled) == [Outcome.ACCEPTED] * len(message.to)
    assert [row.batch_id for row in settled.outcomes] == batches(box)
    assert len(box.exchange.accepted) == len(message.to)
    assert sms.balance().credit == credit - len(message.to)


@MESSAGES
def test_what_never_arrived_is_sent_now(box: Sandbox, sms: Client, message: Message) -> None:
    box.faults.add("drop_before", match="Send")
    settled = sms.settle(unknown(sms, message), replay=True)
    assert outcomes(settled) == [Outcome.ACCEPTED] * len(message.to)
    assert [row.batch_id for row in settled.outcomes] == batches(box)


def test_it_has_to_be_asked_for(box: Sandbox, sms: Client) -> None:
    """A replay is a send. Without it there is nothing to ask, and a note says what there is."""
    box.faults.add("drop_before", match="Send")
    error = unknown(sms, ONE)
    assert "settle(replay=True) asks again under the same key, which the vendor knows for 12 hours" in str(error)
    settled = sms.settle(error)
    assert outcomes(settled) == [Outcome.UNKNOWN]
    assert "settle(replay=True)" in settled.notes[0]
    assert not box.exchange.accepted


def test_only_what_is_unknown_is_asked_again(box: Sandbox) -> None:
    with sms_core.connect(box.dsn("mitake", batch_size=2), clock=box.clock.now) as sms:
        numbers = [*NUMBERS, "+886900000004"]
        answers = iter([None, "drop_after"])
        box.faults.choose = lambda request: next(answers, None)
        error = unknown(sms, Message("您好", numbers))
        box.faults.choose = None
        known = [row for row in error.result.outcomes if row.outcome is Outcome.ACCEPTED]
        settled = sms.settle(error, replay=True)
    assert outcomes(settled) == [Outcome.ACCEPTED] * 4
    assert [row for row in settled.outcomes if row in known] == known
    assert sorted(message.number for message in box.exchange.accepted) == numbers


def test_recipients_with_a_text_and_a_reference_of_their_own(box: Sandbox, sms: Client) -> None:
    to = [Recipient(number, text=f"您好 {number}", reference=f"mine-{number}") for number in NUMBERS]
    box.faults.add("drop_after", match="Send")
    settled = sms.settle(unknown(sms, Message("", to)), replay=True)
    assert [row.batch_id for row in settled.outcomes] == batches(box)
    assert len(box.exchange.accepted) == 3


def test_settled_once_there_is_nothing_left_to_ask(box: Sandbox, sms: Client) -> None:
    box.faults.add("drop_after", match="Send")
    settled = sms.settle(unknown(sms, ONE), replay=True)
    box.faults.add("502", match="Send")
    assert sms.settle(settled, replay=True) == settled
    assert len(box.faults.applied) == 1


def test_too_few_points_for_the_rest_leave_it_unknown(box: Sandbox, sms: Client) -> None:
    """The vendor refuses the second request; of the first that says nothing."""
    box.faults.add("drop_before", match="Send")
    error = unknown(sms, ONE)
    box.exchange.set_credit("sandbox", 0)
    settled = sms.settle(error, replay=True)
    assert outcomes(settled) == [Outcome.UNKNOWN]
    assert "asked again, and still unknown for some" in settled.notes[0]


@pytest.mark.parametrize("hours", [11.9, 12, 13])
def test_after_the_window_nothing_is_asked(box: Sandbox, sms: Client, hours: float) -> None:
    """Ten minutes before its end already: the vendor would take what it has forgotten for a new message."""
    assert isinstance(box.clock, Watch)
    box.faults.add("drop_after", match="Send")
    error = unknown(sms, ONE)
    box.clock.moment = START + timedelta(hours=hours)
    settled = sms.settle(error, replay=True)
    assert outcomes(settled) == [Outcome.UNKNOWN]
    assert settled.notes[0].startswith("too late to ask again: Mitake")
    assert settled.notes[0].endswith("knows a key for 12 hours")
    assert len(box.exchange.accepted) == 1


def test_just_before_the_end_of_the_window_it_is_asked(box: Sandbox, sms: Client) -> None:
    assert isinstance(box.clock, Watch)
    box.faults.add("drop_after", match="Send")
    error = unknown(sms, ONE)
    box.clock.moment = START + timedelta(hours=11, minutes=49)
    assert outcomes(sms.settle(error, replay=True)) == [Outcome.ACCEPTED]
    assert len(box.exchange.accepted) == 1


# What the vendor may say to the second request


def scripted(server: ScriptedServer) -> Client:
    dsn = sms_core.dsn.build("mitake", "user", "password", f"127.0.0.1:{server.port}", scheme="http", retries=0)
    return sms_core.connect(dsn)


@pytest.mark.parametrize(
    "second",
    [
        answer(b"statuscode=k\r\nError=\r\n"),
        answer(b"statuscode=a\r\nError=\r\n"),
        answer(b"statuscode=s\r\nError=\r\n"),
        answer(b"statuscode=*\r\nError=\r\n"),
        answer(b"statuscode=Q\r\nError=\r\n"),
        answer(b"", status=429),
        answer(b"<html>", status=502),
        close_after_reading,
    ],
    ids=["k", "a", "s", "*", "a code that no table has", "429", "502", "no answer"],
)
def test_a_refusal_of_the_second_request_decides_nothing(second: Action) -> None:
    with ScriptedServer([close_after_reading], [second]) as server, scripted(server) as sms:
        error = unknown(sms, ONE)
        settled = sms.settle(error, replay=True)
        first, again = server.requests
    assert outcomes(settled) == [Outcome.UNKNOWN]
    assert "asked again, and still unknown for some" in settled.notes[0]
    assert (first.target, first.body) == (again.target, again.body), "it is the same request"


def test_credentials_that_are_refused_meanwhile_are_said() -> None:
    with ScriptedServer([close_after_reading], [answer(b"statuscode=e\r\n")]) as server, scripted(server) as sms:
        error = unknown(sms, ONE)
        with pytest.raises(AuthenticationFailed):
            sms.settle(error, replay=True)


def test_the_duplicate_mark_is_an_acceptance_of_the_first() -> None:
    mark = "Duplicate=Y"
    with sms_core.connect("mitake://user:password@") as sms:
        assert sms.info.replay == Replay(window=timedelta(hours=12), mark=mark)
        (clientid,) = client_ids(sms.plan(ONE).sends[0])
    duplicate = f"[{clientid}]\r\nmsgid=0313887539\r\nstatuscode=1\r\nsmsPoint=1\r\n{mark}\r\nAccountPoint=98\r\n"
    with ScriptedServer([close_after_reading], [answer(duplicate.encode())]) as server, scripted(server) as sms:
        settled = sms.settle(unknown(sms, ONE), replay=True)
    assert [(row.outcome, row.batch_id) for row in settled.outcomes] == [(Outcome.ACCEPTED, "0313887539")]
    assert settled.accepted == 1


@MESSAGES
def test_what_went_in_a_group_is_asked_again_under_the_key_under_which_it_went(
    box: Sandbox, sms: Client, message: Message
) -> None:
    """A request of several messages; each is settled by itself, and the vendor takes none twice."""
    other = Message("您好", "0900000009", reference="order-18")
    box.faults.add("drop_after", match="Send")
    errors = [sent.error for sent in sms.send_many([message, other], group=True)]
    took = len(box.exchange.accepted)
    assert took == len(message.to) + 1
    for error in errors:
        assert isinstance(error, OutcomeUnknown)
        settled = sms.settle(error, replay=True)
        assert set(outcomes(settled)) == {Outcome.ACCEPTED}
    assert len(box.exchange.accepted) == took
