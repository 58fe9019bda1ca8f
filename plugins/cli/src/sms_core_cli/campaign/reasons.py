"""Why rows were not accepted, gathered while rows go by."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from attrs import define, field

from sms_core_cli.campaign.row_results import RowOutcome

MOST = 1000
"""Different reasons that are kept; further ones are counted together."""
OTHERS = "other reasons, which the result file has"
_ORDER = {outcome: rank for rank, outcome in enumerate(RowOutcome)}


@define
class Reasons:
    """The numbers of rows by outcome and reason, in the order of the file."""

    _rows: dict[tuple[RowOutcome, str], array[int]] = field(factory=dict)

    def add(self, outcome: RowOutcome, reason: str, number: int) -> None:
        """Note a row. Those that repeat others share one line, for each has a reason of its own."""
        place = (outcome, "number and text" if outcome is RowOutcome.DUPLICATE else reason)
        if place not in self._rows and len(self._rows) >= MOST:
            place = (outcome, OTHERS)
        self._rows.setdefault(place, array("Q")).append(number)

    def __iter__(self) -> Iterator[tuple[RowOutcome, str, array[int]]]:
        """Each outcome, reason and numbers of rows, the most frequent reason of each outcome first."""
        ranked = sorted(self._rows.items(), key=lambda entry: (_ORDER[entry[0][0]], -len(entry[1])))
        return iter([(outcome, reason, numbers) for (outcome, reason), numbers in ranked])
