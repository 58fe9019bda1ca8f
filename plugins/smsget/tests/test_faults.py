"""SMS-Get under fire: every fault in every request, and what only this vendor does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import sms_core
import sms_core_smsget
from sms_core import Message, Outcome
from sms_core_kit.faults import NUMBERS, FaultChecks, Read, Trial, booked, personal, plain
from sms_core_sandbox import Sandbox


def two_way(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers, options=sms_core_smsget.SendOptions(two_way=True))


class TestFaults(FaultChecks):
    provider = "sms-get"
    sends = (plain, personal, two_way, booked)
    reads = (
        Read("credit", lambda sms, result: sms.balance()),
        Read("credit", lambda sms, result: sms.check()),
    )

    def check_evidence(self, trial: Trial) -> None:
        assert trial.settled.outcomes == trial.result.outcomes, "this vendor has no evidence to give"

    def test_credit_is_for_all_of_a_request_or_for_none(self, box: Sandbox) -> None:
        box.exchange.set_credit("sandbox", 5)
        with self.connect(box, batch_size="2") as sms:
            with pytest.raises(sms_core.PartiallySent) as caught:
                sms.send(two_way("mark", NUMBERS[:4]))
            assert sms.balance().credit == 1
        assert [row.outcome.value for row in caught.value.result.outcomes] == ["accepted"] * 2 + ["refused"] * 2
        self.check(box, caught.value.result)

    def test_whom_the_vendor_leaves_out_is_not_said_to_have_got_it(self, box: Sandbox) -> None:
        """The answer does not say so; the points do."""
        with self.connect(box) as sms:
            for numbers, outcome in ((NUMBERS[:2], Outcome.ACCEPTED), (["0900000909"], Outcome.REFUSED)):
                assert {row.outcome for row in self.send(sms, plain("mark", numbers)).outcomes} == {outcome}
