"""What sending a campaign would take and cost, with texts to look at, before anything is sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import attrs
from attrs import define, field, frozen

from sms_core import Plan, Preview
from sms_core.client import Client
from sms_core.text import Encoding, count_segments, encoding_of

ANSWER_TIME = timedelta(seconds=1)
"""How long a request is taken to need; what vendors need in truth is shown while a campaign runs."""
THOUSANDTHS = 1000
NO_POINTS = Decimal()
MOST_WARNINGS = 20
"""Different warnings that are kept."""

_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


@frozen
class Example:
    """One row's text as it would go out. ``why`` says what makes it worth a look: ``first``, ``longest``, ``dearest``."""

    why: tuple[str, ...]
    row: int
    text: str = field(repr=False)
    segments: int
    points: Decimal | None


@frozen
class SegmentCount:
    """How many rows take how many segments in all for the same reason."""

    reason: str
    rows: int
    segments: int


@frozen
class Estimate:
    """What sending would take and cost. ``messages`` are rows; ``points`` is None where the vendor has no price list.

    ``warnings`` are what is doubtful about texts, by the vendor's document and by the client's policies: what carriers
    would block, above all.
    """

    messages: int
    requests: int
    segments: int
    points: Decimal | None
    warnings: tuple[str, ...]
    examples: tuple[Example, ...] = ()
    reasons: tuple[SegmentCount, ...] = ()

    def duration(self, concurrency: int, per_second: float | None = None) -> timedelta:
        """About how long sending takes with so many requests side by side, if each takes `ANSWER_TIME`.

        ``per_second`` is how many texts may go in a second.
        """
        by_answers = -(-self.requests // concurrency) * ANSWER_TIME
        if per_second is None:
            return by_answers
        return max(by_answers, timedelta(seconds=self.messages / per_second))


@define
class _Cost:
    """What one row takes. ``encoding`` is its text's; None where the vendor makes several of it."""

    segments: int
    points: Decimal | None
    encoding: Encoding | None


@define
class Estimator:
    """Counts plans as they are made, and keeps none."""

    messages: int = 0
    requests: int = 0
    segments: int = 0
    points: Decimal | None = field(factory=Decimal)
    _warnings: dict[str, None] = field(factory=dict)
    _examples: dict[str, Example] = field(factory=dict)
    _longest: int = -1
    _dearest: tuple[Decimal, int] = (NO_POINTS, -1)
    _reasons: dict[str, list[int]] = field(factory=dict)

    def add(self, client: Client, plan: Plan, rows: Sequence[int]) -> dict[int, Decimal | None]:
        """Count a plan. ``rows`` are the numbers of its recipients' rows, by their positions. Gives the points of each."""
        if plan.duplicates:
            plan = attrs.evolve(plan, duplicates=())  # repetitions are rows' results, no warnings
        preview = client.preview(plan)
        costs = _costs_of(plan, preview)
        self.messages += len(plan.rendered)
        self.requests += _requests(plan)
        self.segments += preview.segments
        if self.points is not None:
            self.points = None if preview.points is None else self.points + preview.points
        for warning in preview.warnings:
            if len(self._warnings) < MOST_WARNINGS:
                self._warnings[warning] = None
        has_picture = plan.message.media is not None
        for destination in plan.rendered:
            cost = costs[destination.position]
            self._look(rows[destination.position], destination.text, cost)
            reason = "a picture" if has_picture else _reason(destination.text, cost)
            count = self._reasons.setdefault(reason, [0, 0])
            count[0] += 1
            count[1] += cost.segments
        return {position: cost.points for position, cost in costs.items()}

    def _look(self, row: int, text: str, cost: _Cost) -> None:
        """Keep a text that is the first, the longest or the dearest so far."""
        if len(text) > self._longest:
            self._longest = len(text)
            self._keep("longest", row, text, cost)
        price = (cost.points or NO_POINTS, cost.segments)
        if price > self._dearest:
            self._dearest = price
            self._keep("dearest", row, text, cost)
        if "first" not in self._examples:
            self._keep("first", row, text, cost)

    def _keep(self, why: str, row: int, text: str, cost: _Cost) -> None:
        self._examples[why] = Example((why,), row, text, cost.segments, cost.points)

    def result(self) -> Estimate:
        """What was counted."""
        counts = [SegmentCount(reason, rows, segments) for reason, (rows, segments) in self._reasons.items()]
        return Estimate(
            messages=self.messages,
            requests=self.requests,
            segments=self.segments,
            points=self.points,
            warnings=tuple(self._warnings),
            examples=self._distinct_examples(),
            reasons=tuple(sorted(counts, key=lambda count: -count.segments)),
        )

    def _distinct_examples(self) -> tuple[Example, ...]:
        by_row: dict[int, Example] = {}
        for why in ("first", "longest", "dearest"):
            if why in self._examples:
                example = self._examples[why]
                before = by_row.get(example.row)
                by_row[example.row] = attrs.evolve(example, why=(*(before.why if before else ()), why))
        return tuple(by_row.values())


def _costs_of(plan: Plan, preview: Preview) -> dict[int, _Cost]:
    """What each recipient costs, by position, whatever the vendor makes of one text."""
    costs: dict[int, _Cost] = {}
    for destination, piece in zip(plan.destinations, preview.recipients, strict=True):
        before = costs.get(destination.position)
        if before is None:
            costs[destination.position] = _Cost(piece.segments, piece.points, piece.encoding)
            continue
        before.segments += piece.segments
        before.encoding = None
        if before.points is not None:
            before.points = None if piece.points is None else before.points + piece.points
    return costs


def _requests(plan: Plan) -> int:
    """How many requests the parts of `Plan.split` have in all, without making them."""
    if len(plan.destinations) == len(plan.rendered):  # no text takes several
        return len(plan.sends)
    number_of = {
        destination.reference: number for number, send in enumerate(plan.sends) for destination in send.destinations
    }
    requests_of: dict[int, list[int]] = {}
    for destination in plan.destinations:
        requests_of.setdefault(destination.position, []).append(number_of[destination.reference])
    parts = {tuple(dict.fromkeys(numbers)) for numbers in requests_of.values()}
    return sum(len(numbers) for numbers in parts)


def _reason(text: str, cost: _Cost) -> str:
    """Why a text takes as many segments as it does."""
    if cost.encoding is not None:
        return f"{_alphabet(text, cost.encoding)}, {_length(cost.encoding, cost.segments)}"
    counted = count_segments(text)  # as it would be in one piece
    return f"{_alphabet(text, counted.encoding)}, {_length(counted.encoding, counted.count)}"


def _alphabet(text: str, encoding: Encoding) -> str:
    if encoding is Encoding.GSM7:
        return "letters and signs of GSM 03.38"
    if _CHINESE.search(text):
        return "Chinese"
    # One such character makes the whole text dearer.
    odd = next(character for character in text if encoding_of(character) is not Encoding.GSM7)
    return f"{odd} (U+{ord(odd):04X} {unicodedata.name(odd, '')}), which GSM 03.38 lacks"


def _length(encoding: Encoding, segments: int) -> str:
    if segments == 1:
        return f"up to {encoding.single} characters"
    return f"longer than {encoding.single} characters: {encoding.joined} in each segment"
