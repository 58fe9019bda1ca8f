"""What a failure means for a message, in every phase of a send; and that no answer brings the provider down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from sms_core.errors import SendError, VendorError
from sms_core.http import Response
from sms_core.model import Outcome
from sms_core_kit import garbage
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.capabilities import second_number
from sms_core_kit.checks.findings import Findings
from sms_core_kit.plays import Played
from sms_core_kit.recordings import Recording
from sms_core_kit.subject import Answer, Subject
from sms_core_kit.wires import FAILURES

HTML = {"content-type": "text/html"}
PAGE = b"<html><head><title>Gateway</title></head><body><h1>Please log in</h1></body></html>"
_OPEN = frozenset({Outcome.UNKNOWN})
_NOTHING_TAKEN = frozenset({Outcome.NOT_SENT, Outcome.UNKNOWN})
_LEFT_ALONE = frozenset({Outcome.NOT_SENT, Outcome.REFUSED})
_ACCEPTED_OR_OPEN = frozenset({Outcome.ACCEPTED, Outcome.UNKNOWN})

PHASES: Mapping[str, tuple[Answer, frozenset[Outcome]]] = {
    "no byte left": (FAILURES["before"], frozenset({Outcome.NOT_SENT})),
    "cut off": (FAILURES["after"], _OPEN),
    "timed out": (FAILURES["silent"], _OPEN),
    "empty answer": (Response(200), _OPEN),
    "page of a proxy": (Response(200, HTML, PAGE), _OPEN),
    "redirect": (Response(302, {"location": "https://elsewhere.invalid/"}), _OPEN),
    "HTTP 500": (Response(500, HTML, PAGE), _OPEN),
    "HTTP 502": (Response(502, HTML, PAGE), _OPEN),
    "HTTP 503": (Response(503, HTML, PAGE), _OPEN),
    "HTTP 504": (Response(504, HTML, PAGE), _OPEN),
    "HTTP 403": (Response(403, HTML, PAGE), _NOTHING_TAKEN | {Outcome.REFUSED}),
    "HTTP 429": (Response(429, HTML, PAGE), _NOTHING_TAKEN),
}
"""By phase: what comes instead of the answer to a send, and what may be said of its recipients then."""

UNHEARD_OF = "98765"
"""A code that no vendor has; one that is negative keeps its sign."""
CUTS = 40
"""How many prefixes of an answer are tried."""
STATUSES = (200, 200, 200, 201, 302, 403, 429, 500, 502)
"""The statuses that garbage comes with."""


def is_taken(subject: Subject, recording: Recording) -> bool:
    """Whether it is a send of one request whose every recipient is accepted."""
    if recording.operation != "send" or not recording.succeeds or not recording.wire:
        return False
    if recording.wire[-1].answer.fails or len(recording.wire) - len(subject.preamble(recording)) != 1:
        return False
    rows = subject.played(recording).rows
    return bool(rows) and all(row.outcome is Outcome.ACCEPTED for row in rows)


class OutcomeChecks(Checks):
    """Never twice, never a lie."""

    def _broken(self, recording: Recording, answer: Answer) -> Played:
        """The recording with another last answer, and the same for whatever is asked after it."""
        return self.subject.play(recording, recording.answers()[:-1], answer)

    def a_failure_in_each_phase_has_its_outcome(self, recording: Recording) -> None:
        """Each recipient gets an outcome that is true, and what may have been taken is not sent again."""
        if not is_taken(self.subject, recording):
            return
        rows = len(self.subject.played(recording).rows)
        findings = Findings()
        for phase, (answer, allowed) in PHASES.items():
            with findings.of(phase):
                played = self._broken(recording, answer)
                outcomes = _outcomes_of_failure(played)
                assert len(outcomes) == rows, "a recipient has no outcome"
                assert set(outcomes) <= allowed, f"a recipient is {outcomes[0].name}"
                if Outcome.UNKNOWN in outcomes:
                    more = len(played.requests) - len(recording.wire)
                    assert more == 0, f"the outcome is unknown, and {more} more requests were made"
        findings.tell()

    def half_an_answer_is_no_refusal(self, recording: Recording) -> None:
        """Whoever the whole answer accepts, no beginning of it says that they were refused or not sent."""
        if not is_taken(self.subject, recording):
            return
        whole = recording.answers()[-1]
        assert isinstance(whole, Response)
        for length in range(0, len(whole.body), max(1, len(whole.body) // CUTS)):
            rows = self._broken(recording, attrs.evolve(whole, body=whole.body[:length])).rows
            outcomes = {row.outcome for row in rows}
            wrong = ", ".join(sorted(outcome.name for outcome in outcomes - _ACCEPTED_OR_OPEN))
            assert not wrong, f"after {length} of {len(whole.body)} bytes a recipient is {wrong}"

    def test_a_code_that_no_table_has_is_no_verdict(self) -> None:
        """A refused send whose code is another, that nobody documents, leaves the outcome open.

        Unless the document says that every other code refuses: ``other_codes_refuse`` is its section then, and holds.
        """
        refused = [recording for recording in self.subject.book.recordings if self._is_refused_by_another(recording)]
        names = ", ".join(map(str, refused))
        if self.other_codes_refuse:
            assert refused, f"{self.other_codes_refuse} has other codes refuse, and {UNHEARD_OF} does so nowhere"
        else:
            assert not refused, f"{UNHEARD_OF} is in no table, and refuses a recipient in the place of: {names}"

    def _is_refused_by_another(self, recording: Recording) -> bool:
        """Whether an unheard-of code in the place of the recorded one refuses a recipient."""
        answer = recording.answers()[-1] if recording.wire else None
        if recording.operation != "send" or not isinstance(answer, Response):
            return False
        codes = _refusing_codes(self.subject.played(recording))
        body = _with_another_code(answer.body, codes)
        if body == answer.body:
            return False  # no code refuses, or the body does not have it as it stands
        rows = self._broken(recording, attrs.evolve(answer, body=body)).rows
        return any(row.outcome is Outcome.REFUSED for row in rows)

    def test_a_failure_of_the_login_sends_nothing(self) -> None:
        """Whatever goes wrong before the send itself leaves every recipient not sent, and the send unasked."""
        recording = self._first_with_a_login()
        if recording is None:
            return  # nobody logs in
        findings = Findings()
        for phase, (answer, _) in PHASES.items():
            with findings.of(phase):
                played = self.subject.play(recording, (), answer)
                outcomes = set(_outcomes_of_failure(played))
                names = ", ".join(sorted(outcome.name for outcome in outcomes))
                assert outcomes <= _LEFT_ALONE, f"a recipient is {names}"
                assert recording.wire[-1].request.request() not in played.requests, "the text was sent all the same"
        findings.tell()

    def _first_with_a_login(self) -> Recording | None:
        subject = self.subject
        for recording in subject.book.recordings:
            if is_taken(subject, recording) and subject.bound(subject.address(recording.options)).logs_in:
                return recording
        return None

    def test_a_failure_leaves_other_requests_as_they_are(self) -> None:
        """Of three requests the second is cut off: the first one's recipient stays accepted, the third is not sent."""
        subject, base = self.subject, self.subject.base
        assert base.message is not None
        # With the recorded reference, where the recorded answer names it.
        reference = base.message.to[0].reference or base.message.reference
        first = attrs.evolve(base.message.to[0], reference=reference)
        second = attrs.evolve(first, number=second_number(first.number), reference="kit-2")
        third = attrs.evolve(first, number=second_number(second.number), reference="kit-3")
        alone = {**base.options, "batch_size": "1"}
        recording = attrs.evolve(base, options=alone, message=attrs.evolve(base.message, to=[first, second, third]))
        accepted = base.answers()[-1]
        played = subject.play(recording, [*subject.preamble(base), accepted, FAILURES["after"]], accepted)
        _outcomes_of_failure(played)
        assert [row.outcome.name for row in played.rows] == ["ACCEPTED", "UNKNOWN", "NOT_SENT"]

    def test_garbage_is_no_success_of_a_send(self) -> None:
        """An answer that means nothing leaves every outcome open."""
        for piece in garbage.meaningless(self.examples):
            played = self._broken(self.subject.base, Response(200, body=piece.body))
            outcomes = {row.outcome for row in played.rows}
            assert outcomes == {Outcome.UNKNOWN}, f"{piece.body!r} gave {played!r}"

    def test_no_answer_brings_an_operation_down(self, asked: Recording) -> None:
        """A result or a named error, and not the core's word that the provider failed; a row for each recipient."""
        recorded = [wire.answer.content() for recording in self.subject.book.recordings for wire in recording.wire]
        bodies = list(dict.fromkeys(recorded))
        for body in bodies:  # the answers to other questions
            self._survives(asked, garbage.Garbage("a recorded answer", body), 200)
        chance = garbage.seeded(0)
        for piece in garbage.mangled(bodies, self.examples):
            self._survives(asked, piece, chance.choice(STATUSES), at_once=chance.random() < 0.5)  # noqa: PLR2004 - half

    def _survives(self, asked: Recording, piece: garbage.Garbage, status: int, *, at_once: bool = False) -> None:
        """``at_once``: it comes in the place of every answer, a login's too."""
        answer = Response(status, body=piece.body)
        played = self.subject.play(asked, (), answer) if at_once else self._broken(asked, answer)
        rows = len(self.subject.played(asked).rows)
        assert len(played.rows) == rows, f"{piece.how}: {piece.body!r} gave {played!r}"
        failed = f"provider {self.subject.info.name!r} failed with"  # so says the core of an error that is none of ours
        for error in (played.error, *(row.error for row in played.rows)):
            assert failed not in str(error), f"{piece.how}: {piece.body!r}: {error}"


def _refusing_codes(played: Played) -> set[str]:
    """The vendor's codes by which recipients are refused."""
    errors = [row.error for row in played.rows if row.outcome is Outcome.REFUSED]
    return {error.code for error in errors if isinstance(error, VendorError) and error.code}


def _with_another_code(body: bytes, codes: Iterable[str]) -> bytes:
    """The answer with a code that nobody has heard of in the place of these, whose sign it keeps."""
    for code in codes:
        number = re.escape(code.removeprefix("-").encode())
        body = re.sub(rb"(?<![\w.])" + number + rb"(?![\w.])", UNHEARD_OF.encode(), body)
    return body


def _outcomes_of_failure(played: Played) -> list[Outcome]:
    """The outcomes of a send that has to fail."""
    assert isinstance(played.error, SendError), f"the send gave {played.value or played.error!r}"
    return [row.outcome for row in played.rows]
