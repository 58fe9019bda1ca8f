"""EVERY8D under fire, over HTTP and SOAP: every fault in every request, and what only this vendor does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

import sms_core
import sms_core_every8d
from sms_core import Media, Message, Outcome, OutcomeUnknown, Recipient
from sms_core_kit.faults import LATENESS, NUMBERS, FaultChecks, MakeMessage, Read, Trial, personal, plain, with_params
from sms_core_sandbox import Sandbox

FILTERED = sms_core_every8d.SendOptions(skip_duplicates=True)
PICTURE = Media(b"\x89PNG\r\n\x1a\npicture", "png")


def own_texts(text: str, numbers: Sequence[str]) -> list[Recipient]:
    return [Recipient(number, text=f"{text} {n % 2}") for n, number in enumerate(numbers)]


def valid(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers, validity=timedelta(hours=1))


def valid_personal(text: str, numbers: Sequence[str]) -> Message:
    return Message("", own_texts(text, numbers), validity=timedelta(hours=1))


def filtered(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers, options=FILTERED)


def filtered_personal(text: str, numbers: Sequence[str]) -> Message:
    return Message("", own_texts(text, numbers), options=FILTERED)


def mms(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers, subject="subject", media=PICTURE)


def personal_mms(text: str, numbers: Sequence[str]) -> Message:
    to = [Recipient(number, text=f"{text} {n}") for n, number in enumerate(numbers)]
    return Message("", to, subject="subject", media=PICTURE)


class Every8dFaults(FaultChecks):
    """What both APIs have in common. Of which sends the filter can be asked is told by `is_witnessed`."""

    send_match = "Send"
    cancel_match = "EraseBooking"

    def is_witnessed(self, make: MakeMessage) -> bool:
        """Whether the duplicate filter tells for sure whom the vendor sent this."""
        del make
        return False

    def check_evidence(self, trial: Trial) -> None:
        assert len(trial.left) <= len(trial.unknown)
        assert not any(row.batch_id for row in trial.left), "the reports were there"
        if self.is_witnessed(trial.make):
            assert not trial.left, "the evidence was there"

    def test_credit_that_runs_out_in_the_middle_is_settled_by_the_reports(self, box: Sandbox) -> None:
        box.exchange.set_credit("sandbox", 2)
        with self.connect(box) as sms:
            with pytest.raises(OutcomeUnknown, match="no credit for 2 of 4") as caught:
                sms.send("mark", NUMBERS[:4])
            assert caught.value.result.accepted == 2
            settled = sms.settle(caught.value)
        self.check(box, settled)
        assert Counter(row.outcome.value for row in settled.outcomes) == {"accepted": 2, "refused": 2}


class HttpFaults(Every8dFaults):
    """The HTTP API, whose filter of duplicates can be asked."""

    provider = "every8d"
    sends = (plain, personal, with_params, filtered, filtered_personal, mms, personal_mms)
    login_match = "ConnectionHandler"
    reads = (
        Read("GetCredit", lambda sms, result: sms.balance(), bare_number=True),
        Read("GetDeliveryStatus", lambda sms, result: list(sms.reports(result))),
        Read("GetReplyMessage", lambda sms, result: list(sms.inbound(result))),
        Read("ConnectionHandler", lambda sms, result: sms.check()),
    )

    def is_witnessed(self, make: MakeMessage) -> bool:
        return make in {filtered, filtered_personal}

    def test_a_vendor_that_acts_after_the_time_out(self, box: Sandbox) -> None:
        """Silence proves nothing while the vendor may still be at work."""
        box.faults.add("late", match="Send", times=1, seconds=LATENESS)
        with self.connect(box, "late", filter_sees_all="true") as sms:
            with pytest.raises(OutcomeUnknown) as caught:
                sms.send(filtered("mark", NUMBERS[:1]))
            assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.UNKNOWN]
            assert box.exchange.wait_for(lambda: bool(box.exchange.accepted))
            assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.ACCEPTED]

    def test_a_batch_that_the_caller_knows_is_not_taken_for_this_one(self, box: Sandbox) -> None:
        """The same text went there before; this time the request was never read."""
        with self.connect(box) as sms:
            earlier = sms.send(filtered("mark", NUMBERS[:1]))
            box.faults.add("drop_before", match="Send", times=1)
            with pytest.raises(OutcomeUnknown) as caught:
                sms.send(filtered("mark", NUMBERS[:1]))
            settled = sms.settle(caught.value, known_batches=earlier.batches)
        assert [row.outcome for row in settled.outcomes] == [Outcome.NOT_SENT]


class TestFilterOfFilteredSends(HttpFaults):
    """The filter sees the sends that went through it, which is all that the document says."""

    options = {"filter_sees_all": "false"}
    random_options = {"auth": ("token", "password")}


class TestFilterOfAllSends(HttpFaults):
    """An account whose filter is known to see plain sends too."""

    options = {"filter_sees_all": "true"}
    random_options = {"auth": ("token", "password"), "filter_sees_all": ("true", "false")}

    @classmethod
    def open_box(cls) -> Sandbox:
        return Sandbox(filter_sees_all=True)

    def is_witnessed(self, make: MakeMessage) -> bool:
        return make not in {mms, personal_mms}

    @pytest.mark.parametrize(("kind", "outcome"), [("drop_before", Outcome.NOT_SENT), ("drop_after", Outcome.ACCEPTED)])
    def test_the_same_account_over_http_settles_what_soap_left_open(
        self, box: Sandbox, kind: str, outcome: Outcome
    ) -> None:
        box.faults.add(kind, match="sendSMS", times=1)
        with sms_core.connect(box.dsn("every8d-soap")) as soap, pytest.raises(OutcomeUnknown) as caught:
            soap.send(plain("mark", NUMBERS[:2]))
        with self.connect(box) as http:
            settled = http.settle(caught.value)
        assert {row.outcome for row in settled.outcomes} == {outcome}
        self.check(box, settled)


class TestSoap(Every8dFaults):
    """The SOAP API, which has no filter to ask."""

    provider = "every8d-soap"
    sends = (plain, personal, with_params, valid, valid_personal, mms, personal_mms)
    login_match = "getConnection"
    reads = (
        Read("getCredit", lambda sms, result: sms.balance()),
        Read("getDeliveryStatus", lambda sms, result: list(sms.reports(result))),
        Read("getDeliveryStatus", lambda sms, result: list(sms.inbound(result))),
        Read("getCredit", lambda sms, result: sms.check()),
    )
    random_options = {"soap": ("1.1", "1.2")}

    @pytest.mark.parametrize(("kind", "taken"), [("drop_before", 0), ("drop_after", 1), ("late", 1)])
    def test_what_has_no_batch_stays_open_and_is_not_sent_again(self, box: Sandbox, kind: str, taken: int) -> None:
        """No filter can be asked there; and the vendor is not asked anything."""
        box.faults.add(kind, match="sendSMS", times=1, seconds=LATENESS)
        with self.connect(box, kind) as sms:
            with pytest.raises(OutcomeUnknown) as caught:
                sms.send(plain("mark", NUMBERS[:1]))
            assert box.exchange.wait_for(lambda: len(box.exchange.accepted) == taken)
            assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.UNKNOWN]
        assert len(box.exchange.accepted) == taken
