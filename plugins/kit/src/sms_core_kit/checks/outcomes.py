"""What a failure means for a message, in every phase of a send; and that no answer brings the provider down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import attrs
from hypothesis import given
from hypothesis import strategies as st

from sms_core.errors import SendError
from sms_core.http import Response
from sms_core.model import Outcome
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.capabilities import second_number
from sms_core_kit.exchanges import RecordedExchange
from sms_core_kit.subject import Answer, Played
from sms_core_kit.wires import FAILURES

HTML = {"content-type": "text/html"}
PAGE = b"<html><head><title>Gateway</title></head><body><h1>Please log in</h1></body></html>"
_OPEN = frozenset({Outcome.UNKNOWN})
_NOTHING_TAKEN = frozenset({Outcome.NOT_SENT, Outcome.UNKNOWN})
_LEFT_ALONE = frozenset({Outcome.NOT_SENT, Outcome.REFUSED})

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

CUTS = 40
"""How many prefixes of an answer are tried."""
STATUSES = st.sampled_from([200, 200, 200, 201, 302, 403, 429, 500, 502])

# Behind a beginning that no vendor's answer has.
garbage = st.binary(max_size=60).map(b"~".__add__) | st.text(max_size=60).map(lambda text: f"~{text}".encode())


@st.composite
def mangled(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """A real answer cut, doubled, shuffled, in another charset."""
    body = draw(st.sampled_from(bodies))
    if draw(st.integers(0, 3)) == 0:
        body = body.decode("utf-8", "replace").encode(draw(st.sampled_from(["utf-16", "cp950"])), "replace")
    cut = body[draw(st.integers(0, len(body))) :][: draw(st.integers(0, len(body)))]
    pieces = draw(st.permutations([cut[start : start + 7] for start in range(0, min(len(cut), 140), 7)]))
    return draw(st.sampled_from([cut, b"".join(pieces), body + cut]))


def misshapen(bodies: list[bytes]) -> st.SearchStrategy[bytes]:
    """JSON of the names that the vendor's has, with values of any kind; nothing where the vendor has none."""
    names = sorted({name.decode() for body in bodies for name in re.findall(rb'"(\w+)"\s*:', body)})
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    if not names:
        return st.nothing()
    values = st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=3),
        max_leaves=6,
    )
    return st.dictionaries(st.sampled_from(names), values).map(lambda value: json.dumps(value).encode())


class OutcomeChecks(Checks):
    """Never twice, never a lie."""

    def _broken(self, exchange: RecordedExchange, answer: Answer) -> Played:
        """The exchange with another last answer, and the same for whatever is asked after it."""
        answers = [wire.answer.answer() for wire in exchange.wire[:-1]]
        return self.subject.play(exchange, answers, answer)

    def test_a_failure_in_each_phase_has_its_outcome(self, taken: RecordedExchange | None, phase: str) -> None:
        """Each recipient gets an outcome that is true, and what may have been taken is not sent again."""
        assert taken is not None, "no exchange sends one request with success: record one, such as in sends.toml"
        answer, allowed = PHASES[phase]
        played = self._broken(taken, answer)
        assert isinstance(played.error, SendError), f"{phase}: the send gave {played.value or played.error!r}"
        outcomes = [row.outcome for row in played.rows]
        assert len(outcomes) == len(self.subject.play(taken).rows), f"{phase}: a recipient has no outcome"
        assert set(outcomes) <= allowed, f"{phase}: a recipient is {outcomes[0].name}"
        if Outcome.UNKNOWN in outcomes:
            more = len(played.requests) - len(taken.wire)
            assert more == 0, f"{phase}: the outcome is unknown, and {more} more requests were made"

    def test_a_failure_of_the_login_sends_nothing(self, entered: RecordedExchange | None, phase: str) -> None:
        """Whatever goes wrong before the send itself leaves every recipient not sent, and the send unasked."""
        if entered is None:
            return  # nobody logs in
        answer, _ = PHASES[phase]
        played = self.subject.play(entered, (), answer)
        assert isinstance(played.error, SendError), f"{phase}: the send gave {played.value or played.error!r}"
        outcomes = {row.outcome for row in played.rows}
        assert outcomes <= _LEFT_ALONE, f"{phase}: a recipient is {', '.join(sorted(one.name for one in outcomes))}"
        assert entered.wire[-1].request.request() not in played.requests, f"{phase}: the text was sent all the same"

    def test_a_failure_leaves_other_requests_as_they_are(self) -> None:
        """Of three requests the second is cut off: the first one's recipient stays accepted, the third is not sent."""
        subject, base = self.subject, self.subject.base
        assert base.message is not None
        # With the recorded reference, where the recorded answer names it.
        reference = base.message.to[0].reference or base.message.reference
        first = attrs.evolve(base.message.to[0], reference=reference)
        second = attrs.evolve(first, number=second_number(first.number), reference="kit-2")
        third = attrs.evolve(first, number=second_number(second.number), reference="kit-3")
        to = [first, second, third]
        one_each = {**base.options, "batch_size": "1"}
        exchange = attrs.evolve(base, options=one_each, message=attrs.evolve(base.message, to=to))
        answers = [*subject.preamble(base), base.wire[-1].answer.answer(), FAILURES["after"]]
        played = subject.play(exchange, answers, base.wire[-1].answer.answer())
        assert isinstance(played.error, SendError), f"the send gave {played.value or played.error!r}"
        assert [row.outcome.name for row in played.rows] == ["ACCEPTED", "UNKNOWN", "NOT_SENT"]

    def test_half_an_answer_is_no_refusal(self, taken: RecordedExchange | None) -> None:
        """Whoever the whole answer accepts, no beginning of it says that they were refused or not sent."""
        assert taken is not None, "no exchange sends one request with success: record one, such as in sends.toml"
        whole = taken.wire[-1].answer.answer()
        assert isinstance(whole, Response)
        recorded = self.subject.play(taken).rows
        for length in range(0, len(whole.body), max(1, len(whole.body) // CUTS)):
            rows = self._broken(taken, attrs.evolve(whole, body=whole.body[:length])).rows
            for row, one in zip(rows, recorded, strict=True):
                said = f"after {length} of {len(whole.body)} bytes a recipient is {row.outcome.name}"
                assert one.outcome is not Outcome.ACCEPTED or row.outcome in _ACCEPTED_OR_OPEN, said

    def test_garbage_is_no_success_of_a_send(self) -> None:
        """An answer that means nothing leaves every outcome open."""
        base = self.subject.base

        @self.seeded()
        @given(body=garbage)
        def check(body: bytes) -> None:
            played = self._broken(base, Response(200, body=body))
            assert {row.outcome for row in played.rows} == {Outcome.UNKNOWN}, f"{body!r} gave {played!r}"

        check()

    def test_no_answer_brings_an_operation_down(self, asked: RecordedExchange) -> None:
        """A result or a named error, and not the core's word that the provider failed; a row for each recipient."""
        bodies = [wire.answer.content() for one in self.subject.book.exchanges for wire in one.wire]
        failed = f"provider {self.subject.info.name!r} failed with"  # so says the core of an error that is none of ours
        rows = len(self.subject.play(asked).rows)

        def survives(body: bytes, status: int, *, at_once: bool = False) -> None:
            answer = Response(status, body=body)
            played = self.subject.play(asked, (), answer) if at_once else self._broken(asked, answer)
            assert len(played.rows) == rows, f"{body!r} gave {played!r}"
            said = [str(error) for error in (played.error, *(row.error for row in played.rows))]
            assert not any(failed in one for one in said), f"{body!r}: {said[0]}"

        for body in dict.fromkeys(bodies):  # the answers to other questions
            survives(body, 200)

        @self.seeded()
        @given(body=mangled(bodies) | misshapen(bodies) | garbage, status=STATUSES, at_once=st.booleans())
        def check(body: bytes, status: int, at_once: bool) -> None:  # noqa: FBT001 - a strategy fills it
            survives(body, status, at_once=at_once)

        check()


_ACCEPTED_OR_OPEN = frozenset({Outcome.ACCEPTED, Outcome.UNKNOWN})
