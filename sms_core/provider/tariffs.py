"""What a vendor charges: its price table as a value."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import frozen

from sms_core.numbers import is_taiwan
from sms_core.text import count_segments, utf16_length


@frozen
class Tariff:
    """A vendor's own price table: a text of up to ``steps[n]`` characters costs ``n + 1`` points.

    ``mms`` pairs a size in bytes with the points of a picture up to that size. ``doubts`` are what the table
    leaves open, in words for the person who budgets with it.
    """

    steps: tuple[int, ...]
    international_factor: int = 1
    mms: tuple[tuple[int, Decimal], ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def longest(self) -> int | None:
        """The characters of the longest text that the table prices; beyond it, the points are a guess."""
        return self.steps[-1]

    def text_points(self, text: str, number: str, extra: int = 0) -> Decimal:
        """Points for a text, and ``extra`` characters that the vendor adds, to a number (E.164).

        A text beyond the last step is split by the vendor: whole steps, and what remains.
        """
        whole, rest = divmod(utf16_length(text) + extra, self.steps[-1])
        points = whole * len(self.steps)
        if rest:
            points += 1 + sum(rest > step for step in self.steps)
        if not is_taiwan(number):
            points *= self.international_factor
        return Decimal(points)

    def mms_points(self, size: int) -> Decimal | None:
        """Points for picture and text of so many bytes; None where the table ends before that."""
        for most, points in self.mms:
            if size <= most:
                return points
        return None


@frozen
class SegmentTariff:
    """A price for each segment (160/153 or 70/67 characters), by the country that an E.164 prefix stands for.

    A number of a country that is not in ``rates`` has no price.
    """

    rates: Mapping[str, int]
    doubts: tuple[str, ...] = ()

    @property
    def longest(self) -> int | None:
        """None: every length has its price."""
        return None

    def text_points(self, text: str, number: str, extra: int = 0) -> Decimal | None:
        """Points for a text, and ``extra`` characters that the vendor adds, to a number (E.164)."""
        for prefix, rate in self.rates.items():
            if number.startswith(prefix):
                return Decimal(rate * count_segments(text + " " * extra).count)
        return None

    def mms_points(self, size: int) -> Decimal | None:
        """None: this table prices texts alone."""
        del size
        return None
