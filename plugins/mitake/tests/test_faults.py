"""Mitake under fire: every fault in every request, and what only this vendor does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import sms_core
import sms_core_mitake
from sms_core import Message, Outcome
from sms_core_kit.faults import NUMBERS, FaultChecks, Read, Trial, booked, personal, plain
from sms_core_sandbox import Sandbox

OPTIONS = sms_core_mitake.SendOptions(report_url="https://example.org/sms", object_id="May")


def alone(text: str, numbers: Sequence[str]) -> Message:
    return Message(text, numbers[:1], options=OPTIONS)


def two_lines(text: str, numbers: Sequence[str]) -> Message:
    return Message(f"{text}\n第二行", numbers, options=OPTIONS)


class TestFaults(FaultChecks):
    provider = "mitake"
    sends = (plain, personal, alone, two_lines, booked)
    reads = (
        Read("SmQuery", lambda sms, result: sms.balance()),
        Read("SmQuery", lambda sms, result: sms.check()),
        Read("SmQuery", lambda sms, result: list(sms.reports(result)), about=personal, recipients=3),
    )
    cancel_match = "SmCancel"

    def check_evidence(self, trial: Trial) -> None:
        assert trial.settled.outcomes == trial.result.outcomes, "this vendor has no evidence to give"

    def test_a_replay_within_the_window_settles_what_one_fault_left_open(self, box: Sandbox) -> None:
        """The vendor takes each key once, whether the first request came to it or not."""
        for kind in ("drop_before", "drop_after"):
            box.reset()
            box.faults.add(kind, match="send", times=1)
            with self.connect(box) as sms:
                result = self.send(sms, plain("mark", NUMBERS[:3]))
                settled = sms.settle(result, replay=True)
            assert {row.outcome for row in result.outcomes} == {Outcome.UNKNOWN}
            assert {row.outcome for row in settled.outcomes} == {Outcome.ACCEPTED}
            self.check(box, settled)

    def test_points_that_run_out_in_the_middle(self, box: Sandbox) -> None:
        """Each SMS has a verdict of its own."""
        box.exchange.set_credit("sandbox", 3)
        with self.connect(box) as sms:
            with pytest.raises(sms_core.PartiallySent) as caught:
                sms.send(plain("mark", NUMBERS[:5]))
            assert sms.balance().credit == 0
        rows = caught.value.result.outcomes
        assert [row.outcome.value for row in rows] == ["accepted"] * 3 + ["refused"] * 2
        assert all(isinstance(row.error, sms_core.InsufficientCredit) for row in rows[3:])
        self.check(box, caught.value.result)

    def test_a_wrong_number_keeps_nobody_else_from_theirs(self, box: Sandbox) -> None:
        with self.connect(box) as sms, pytest.raises(sms_core.PartiallySent) as caught:
            sms.send(plain("mark", [NUMBERS[0], "+886900000909", NUMBERS[1]]))
        outcomes = [row.outcome.value for row in caught.value.result.outcomes]
        assert outcomes == ["accepted", "refused", "accepted"]
        self.check(box, caught.value.result)
