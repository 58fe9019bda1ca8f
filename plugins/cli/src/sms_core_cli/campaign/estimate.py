"""What sending a campaign would take and cost, with texts to look at, before anything is sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import attrs
from attrs import field, frozen

from sms_core import Plan
from sms_core.client import Client
from sms_core.text import Encoding, Segments, count_segments, encoding_of

ANSWER_TIME = timedelta(seconds=1)
"""How long a request is taken to need; what vendors need in truth is shown while a campaign runs."""

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
    """What sending would take and cost. ``messages`` are rows; ``points`` is None where the vendor has no price list."""

    messages: int
    requests: int
    segments: int
    points: Decimal | None
    warnings: tuple[str, ...]
    examples: tuple[Example, ...] = ()
    reasons: tuple[SegmentCount, ...] = ()

    def duration(self, concurrency: int) -> timedelta:
        """About how long sending takes with so many requests side by side, if each takes `ANSWER_TIME`."""
        return -(-self.requests // concurrency) * ANSWER_TIME


def make_estimate(client: Client, plan: Plan | None, requests: Sequence[Plan], rows: Sequence[int]) -> Estimate:
    """Count a plan and the requests that it is split into; ``rows`` are the numbers of its recipients' rows."""
    if plan is None:
        return Estimate(0, 0, 0, Decimal(), ())
    preview = client.preview(attrs.evolve(plan, duplicates=()))  # repetitions are rows' results, no warnings
    segments: dict[int, int] = {}
    points: dict[int, Decimal | None] = {}
    for destination, recipient in zip(plan.destinations, preview.recipients, strict=True):
        position = destination.position
        segments[position] = segments.get(position, 0) + recipient.segments
        before = points.get(position, Decimal())
        points[position] = None if before is None or recipient.points is None else before + recipient.points
    return Estimate(
        messages=len(plan.rendered),
        requests=sum(len(request.sends) for request in requests),
        segments=preview.segments,
        points=preview.points,
        warnings=preview.warnings,
        examples=_examples(plan, rows, segments, points),
        reasons=_reasons(plan, segments),
    )


def _examples(
    plan: Plan, rows: Sequence[int], segments: Mapping[int, int], points: Mapping[int, Decimal | None]
) -> tuple[Example, ...]:
    texts = {destination.position: destination.text for destination in plan.rendered}
    measures: dict[str, Callable[[int], object]] = {
        "longest": lambda position: len(texts[position]),
        "dearest": lambda position: (points[position] or Decimal(), segments[position]),
    }
    reasons: dict[int, list[str]] = {next(iter(texts)): ["first"]}
    for why, measure in measures.items():
        best = max(texts, key=measure)  # type: ignore[arg-type] # numbers, or pairs of them
        reasons.setdefault(best, []).append(why)
    return tuple(
        Example(tuple(whys), rows[position], texts[position], segments[position], points[position])
        for position, whys in reasons.items()
    )


def _reasons(plan: Plan, segments: Mapping[int, int]) -> tuple[SegmentCount, ...]:
    """The segments by reason, the most segments first."""
    found: dict[str, list[int]] = {}
    has_picture = plan.message.media is not None
    for destination in plan.rendered:
        reason = "a picture" if has_picture else _reason(destination.text)
        found.setdefault(reason, []).append(segments[destination.position])
    counts = [SegmentCount(reason, len(counted), sum(counted)) for reason, counted in found.items()]
    return tuple(sorted(counts, key=lambda count: -count.segments))


def _reason(text: str) -> str:
    """Why a text takes as many segments as it does."""
    counted = count_segments(text)
    return f"{_alphabet(text, counted.encoding)}, {_length(counted)}"


def _alphabet(text: str, encoding: Encoding) -> str:
    if encoding is Encoding.GSM7:
        return "letters and signs of GSM 03.38"
    if _CHINESE.search(text):
        return "Chinese"
    # One such character makes the whole text dearer.
    odd = next(character for character in text if encoding_of(character) is not Encoding.GSM7)
    return f"{odd} (U+{ord(odd):04X} {unicodedata.name(odd, '')}), which GSM 03.38 lacks"


def _length(counted: Segments) -> str:
    encoding = counted.encoding
    if counted.count == 1:
        return f"up to {encoding.single} characters"
    return f"longer than {encoding.single} characters: {encoding.joined} in each segment"
