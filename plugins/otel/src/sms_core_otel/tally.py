"""Counts of what became of a send: messages and segments by outcome, and points."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from sms_core.middleware import Trace
from sms_core.model import Outcome
from sms_core.provider import Send
from sms_core.text import count_segments


@frozen
class Tally:
    """The counts of one operation. They are empty after an operation that is no send, and after a caller's error.

    ``points`` is what the vendor says that it took, None where it does not say.
    """

    messages: Counter[Outcome] = field(factory=Counter)
    segments: Counter[Outcome] = field(factory=Counter)
    points: float | None = None


def tally_of(trace: Trace) -> Tally:
    """Count an operation that has ended."""
    result = trace.send_result
    if not isinstance(trace.operation, Send) or result is None:
        return Tally()
    tally = Tally(points=_finite(result.cost))
    segments = _segments(trace.operation)
    for row in result.outcomes:
        tally.messages[row.outcome] += 1
        tally.segments[row.outcome] += segments.get(row.reference, 0)
    return tally


def _segments(operation: Send) -> Mapping[str, int]:
    """The segments of each destination, by its reference, as a preview counts them; an MMS is one."""
    if operation.message.media is not None:
        return {destination.reference: 1 for destination in operation.destinations}
    texts = {destination.text for destination in operation.destinations}
    counts = {text: count_segments(text).count for text in texts}  # most messages have one text for all
    return {destination.reference: counts[destination.text] for destination in operation.destinations}


def _finite(points: Decimal | None) -> float | None:
    return float(points) if points is not None and math.isfinite(points) else None
