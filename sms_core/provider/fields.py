"""The fields of a vendor's text answers: points and counts. What is none is told apart from what is 0."""

from __future__ import annotations

import re
from decimal import Decimal

from sms_core.errors import MalformedResponse

_POINTS = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)


def points_or_none(text: str) -> Decimal | None:
    """Points such as ``87.00``, ``4`` or ``-0.5``, blanks around them allowed; None where there are none."""
    stripped = text.strip()
    if not _POINTS.fullmatch(stripped):
        return None
    return Decimal(stripped)


def to_points(text: str) -> Decimal:
    """The same for a field that must be there. Raises `MalformedResponse`."""
    points = points_or_none(text)
    if points is None:
        raise MalformedResponse("not a number of points")
    return points


def to_count(text: str) -> int:
    """A whole number from 0; vendors write ``4.0`` too. Raises `MalformedResponse`."""
    value = to_points(text)
    if value < 0 or value != int(value):
        raise MalformedResponse("not a count")
    return int(value)
