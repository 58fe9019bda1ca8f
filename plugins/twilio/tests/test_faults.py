"""Twilio under fire: every fault in every request, and what only this vendor does."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

import sms_core
from sms_core import Message, Outcome, SendResult
from sms_core.http import Response
from sms_core.testing import FakeTransport
from sms_core_kit.faults import NUMBERS, ByMethod, FaultChecks, Read, Trial, booked, personal, plain
from sms_core_sandbox import KINDS, Sandbox
from sms_core_twilio import SendOptions
from sms_core_twilio.sandbox import ACCOUNT

CREATE, FETCH = ByMethod("POST"), ByMethod("GET")


def with_picture(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers, options=SendOptions(from_="Shop", media_urls="https://example.com/a.png"))


class TestFaults(FaultChecks):
    provider = "twilio"
    sends = (plain, personal, booked, with_picture)
    reads = (
        Read(FETCH, lambda sms, result: sms.balance()),
        Read(FETCH, lambda sms, result: sms.check()),
        Read(FETCH, lambda sms, result: list(sms.reports(result))),
    )
    send_match = CREATE
    credit_after = 0
    most_recipients = 2  # each takes a request

    def check_settled(self, box: Sandbox, result: SendResult, settled: SendResult) -> None:
        """A message that was found is this recipient's, and nothing is found to be missing."""
        super().check_settled(box, result, settled)
        known = {message.batch_id: message.number for message in box.exchange.accepted}
        for before, after in zip(result.outcomes, settled.outcomes, strict=True):
            assert after == before or after.outcome is Outcome.ACCEPTED
            assert after.outcome is not Outcome.ACCEPTED or known[after.batch_id or ""] == after.number

    def check_evidence(self, trial: Trial) -> None:
        acted = KINDS[trial.fault]
        left = 0 if acted else len(trial.unknown)
        assert len(trial.left) == left, "Twilio can tell what it has, not what it has not"

    def test_too_many_requests_are_repeated_and_sent_once(self, box: Sandbox) -> None:
        box.faults.add("429", match=CREATE, times=2)
        with self.connect(box) as sms:
            assert sms.send("mark", NUMBERS[:2]).accepted == 2
        assert [message.number for message in box.exchange.accepted] == list(NUMBERS[:2])

    def test_a_suspended_account_ends_the_send_and_what_went_out_is_told(self, box: Sandbox) -> None:
        box.exchange.set_credit(ACCOUNT, Decimal("0.015"))  # two texts
        with self.connect(box) as sms, pytest.raises(sms_core.PartiallySent) as caught:
            sms.send("mark", NUMBERS[:4])
        outcomes = [row.outcome.value for row in caught.value.result.outcomes]
        assert outcomes == ["accepted", "accepted", "refused", "not_sent"]
        self.check(box, caught.value.result)

    def test_a_refused_recipient_does_not_stop_the_others(self, box: Sandbox) -> None:
        with self.connect(box) as sms, pytest.raises(sms_core.PartiallySent) as caught:
            sms.send("mark", [NUMBERS[0], "+886900000909", "+15005550004", NUMBERS[1]])
        outcomes = [row.outcome.value for row in caught.value.result.outcomes]
        assert outcomes == ["accepted", "refused", "refused", "accepted"]
        self.check(box, caught.value.result)

    def test_settling_names_no_message_that_the_caller_knows_from_elsewhere(self, box: Sandbox) -> None:
        """Sent again after a doubt: the second one is no proof of the first."""
        box.faults.add("drop_before", match=CREATE, times=1)
        with self.connect(box) as sms:
            doubtful = self.send(sms, plain("mark", NUMBERS[:1]))
            again = sms.send("mark", NUMBERS[0])
            settled = sms.settle(doubtful, known_batches=[again.batch_id or ""])
            assert [row.outcome for row in settled.outcomes] == [Outcome.UNKNOWN]

    def test_settling_names_no_message_of_earlier(self, box: Sandbox) -> None:
        with self.connect(box) as sms:
            first = sms.send("mark", NUMBERS[0])
        box.clock.advance(minutes=1)
        box.faults.add("drop_before", match=CREATE, times=1)
        with sms_core.connect(box.dsn("twilio"), clock=box.clock.now) as sms:
            doubtful = self.send(sms, plain("mark", NUMBERS[:1]))
            assert sms.settle(doubtful) == doubtful
        assert first.accepted == 1

    @pytest.mark.parametrize("status", [408, 409, 500, 504])
    def test_what_leaves_open_what_happened_is_unknown_even_in_json(self, status: int) -> None:
        body = b'{"status": %d, "code": 20500, "message": "Request Timeout"}' % status
        network = FakeTransport(lambda request: Response(status, body=body))
        dsn = "twilio://AC00000000000000000000000000000000:token@?from=%2B886900000009"
        with sms_core.connect(dsn, transport=network) as sms, pytest.raises(sms_core.OutcomeUnknown):
            sms.send("mark", NUMBERS[0])
        assert len(network.requests) == 1
