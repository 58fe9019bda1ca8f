"""What a benchmark finds: figures, each beside its target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from attrs import frozen


@frozen
class Target:
    """What a figure should be: at most this, or at least."""

    value: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.value:g}"

    def met_by(self, value: float) -> bool:
        """Whether a figure is as it should be."""
        return value >= self.value if self.at_least else value <= self.value


@frozen
class Figure:
    """One number of the report. ``row`` is the number of the work in `tests.bench.__main__`."""

    row: int
    name: str
    value: float
    unit: str
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """``pass`` or ``fail``; nothing where there is no target."""
        if self.target is None:
            return ""
        return "pass" if self.target.met_by(self.value) else "fail"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round: what slows the machine down slows both sides of a round."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
