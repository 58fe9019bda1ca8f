"""What a vendor that takes an idempotency key promises (`ProviderInfo.replay`). Of others there is nothing to check."""

from __future__ import annotations

from datetime import timedelta

import attrs

from sms_core.errors import VendorError
from sms_core.model import Outcome
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.findings import Findings
from sms_core_kit.recordings import Arguments, Recording
from sms_core_kit.stage import NOW
from sms_core_kit.wires import FAILURES


class ReplayChecks(Checks):
    """A send that is asked again is taken once."""

    def test_a_replay_is_the_same_request(self) -> None:
        """The same message a minute later makes the same request: its key comes from the references alone."""
        if self.subject.info.replay is None:
            return
        base = self.subject.base
        later = attrs.evolve(base, now=(base.now or NOW) + timedelta(minutes=1))
        first = self.subject.played(base).requests[-1]
        again = self.subject.play(later).requests[-1]
        # Headers are left out, for a signature of the time may stand there.
        assert (again.method, again.url, again.body) == (first.method, first.url, first.body)

    def test_the_mark_of_a_duplicate_is_an_acceptance(self) -> None:
        """A recorded answer holds the mark, and its recipients are accepted."""
        replay = self.subject.info.replay
        if replay is None:
            return
        marked = [recording for recording in self._sends() if replay.mark in _last_body(recording)]
        accepted = [recording for recording in marked if recording.succeeds]
        assert accepted, f"no recorded send succeeds with {replay.mark!r} in its answer: record one"
        findings = Findings()
        for recording in accepted:
            with findings.of(recording.name):
                outcomes = {row.outcome for row in self.subject.played(recording).rows}
                assert outcomes == {Outcome.ACCEPTED}
        findings.tell()

    def test_a_refused_replay_leaves_the_outcome_open(self) -> None:
        """Whatever refuses the second request, the first may have been taken."""
        if self.subject.info.replay is None:
            return
        base = self.subject.base
        refused = [recording for recording in self._sends() if isinstance(self._error_of(recording), VendorError)]
        assert refused, "no recorded send is refused: record one"
        settling = attrs.evolve(base, operation="settle", arguments=Arguments(replay=True))
        findings = Findings()
        for recording in refused:
            with findings.of(recording.name):
                answers = [*self.subject.preamble(base), FAILURES["after"]]
                played = self.subject.play(settling, answers, recording.answers()[-1])
                assert len(played.requests) > len(base.wire), "nothing was asked again"
                assert {row.outcome for row in played.rows} == {Outcome.UNKNOWN}
        findings.tell()

    def _sends(self) -> list[Recording]:
        return [recording for recording in self.subject.book.recordings if recording.operation == "send"]

    def _error_of(self, recording: Recording) -> object:
        return self.subject.played(recording).error


def _last_body(recording: Recording) -> str:
    if not recording.wire or recording.wire[-1].answer.fails:
        return ""
    return recording.wire[-1].answer.content().decode("utf-8", "replace")
