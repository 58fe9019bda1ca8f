"""What a vendor's key promises: the same request again is the same request, and only an acceptance decides."""

from __future__ import annotations

import attrs

from sms_core.errors import AuthenticationFailed
from sms_core.http import Response
from sms_core.model import Outcome
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.findings import Findings, assert_nothing
from sms_core_kit.compare import request_differences
from sms_core_kit.plays import Played
from sms_core_kit.recordings import Arguments, Recording
from sms_core_kit.subject import Answer
from sms_core_kit.wires import FAILURES


class ReplayChecks(Checks):
    """`ProviderInfo.replay` against what the provider does."""

    def test_a_replay_makes_the_same_request(self) -> None:
        """What is asked again is the first request, byte for byte but for time and nonce; without a key nothing is."""
        subject, base = self.subject, self.subject.base
        before = len(subject.preamble(base))
        played = self._replayed(base, base.answers()[-1], same_nonce=True)
        first, *later = played.requests[before:]
        if subject.info.replay is None:
            assert first not in later, "replay is not claimed, and the send was asked again"
            return
        found = request_differences([first], later[-1:])
        if found:
            assert_nothing(["a replay is another request:", *found])
        assert {row.outcome for row in played.rows} == {Outcome.ACCEPTED}

    def test_a_duplicate_counts_as_accepted(self) -> None:
        """A recording has the mark of what the vendor had already; to a replay, that answer accepts every recipient."""
        replay = self.subject.info.replay
        if replay is None:
            return  # what a replay does then is checked above
        sends = [recording for recording in self.subject.book.recordings if recording.operation == "send"]
        duplicates = [recording for recording in sends if recording.succeeds and _has(recording, replay.mark)]
        assert duplicates, f"replay is claimed, and no recorded send is answered with {replay.mark!r}: add one"
        for recording in duplicates:
            played = self._replayed(recording, recording.answers()[-1])
            outcomes = {row.outcome for row in played.rows}
            assert outcomes == {Outcome.ACCEPTED}, f"{recording}: a duplicate is not accepted"

    def test_a_refused_replay_decides_nothing(self) -> None:
        """The first request may have been taken before whatever refuses this one: every outcome stays unknown."""
        if self.subject.info.replay is None:
            return
        findings = Findings()
        for recording in self.subject.book.recordings:
            if recording.operation == "send" and _refuses_all(self.subject.played(recording)):
                with findings.of(str(recording)):
                    self._stays_open(recording)
        findings.tell()

    def _stays_open(self, refusal: Recording) -> None:
        played = self._replayed(refusal, refusal.answers()[-1])
        assert isinstance(played.error, AuthenticationFailed | None), f"settle() raised {played.error!r}"
        decided = {row.outcome for row in played.rows} - {Outcome.UNKNOWN}
        assert not decided, f"a recipient is {', '.join(sorted(outcome.name for outcome in decided))}"

    def _replayed(self, recording: Recording, answer: Answer, *, same_nonce: bool = False) -> Played:
        """The recorded send, cut off, and settled by a replay that gets this answer."""
        asked = attrs.evolve(recording, operation="settle", arguments=Arguments(replay=True))
        cut = [*self.subject.preamble(recording), FAILURES["after"]]
        return self.subject.play(asked, cut, answer, same_nonce=same_nonce)


def _has(recording: Recording, mark: str) -> bool:
    answer = recording.answers()[-1] if recording.wire else None
    return isinstance(answer, Response) and mark.encode() in answer.body


def _refuses_all(played: Played) -> bool:
    return bool(played.rows) and all(row.outcome is Outcome.REFUSED for row in played.rows)
