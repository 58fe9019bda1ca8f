"""Numbers that a spreadsheet took for counts: ``0900000001`` became ``900000001``, and gets its 0 back."""

from __future__ import annotations

import re
import unicodedata

import attrs
from attrs import define, field

from sms_core.numbers import LONGEST, lacks_zero, to_e164
from sms_core_cli.campaign.table import Row

_DECIMALS = re.compile(r"\.0+\Z")
_BETWEEN_DIGITS = re.compile(r"[\s().'’\"=\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060\ufeff-]+")
"""What people and spreadsheets put around digits and between them, which `to_e164` leaves out."""
EXAMPLES = 3
"""How many of the numbers a note shows."""


@define
class Mending:
    """Looks at rows as they are read. With ``mend`` it puts the 0 in front of a number that lacks it, else it counts them.

    The rows' cells stay as they came.
    """

    mend: bool = False
    _count: int = 0
    _first: int = 0
    _shown: list[str] = field(factory=list)

    def take(self, row: Row) -> Row:
        """The row to send to."""
        number = row.values.get("number", "")
        mended = _with_zero(number)
        if not mended:
            return row
        self._count += 1
        self._first = self._first or row.number
        if len(self._shown) < EXAMPLES:
            self._shown.append(f"{number} → {mended}")
        return attrs.evolve(row, values={**row.values, "number": mended}) if self.mend else row

    def number_of(self, row: Row) -> str:
        """The E.164 number that a row would have with its 0; "" for one that lacks none."""
        mended = _with_zero(row.values.get("number", ""))
        return to_e164(mended) if mended else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of the rows that went by."""
        if not self._count:
            return ("no number lacks its leading 0",) if self.mend else ()
        if self.mend:
            return (f"numbers that lacked their leading 0 and got it: {self._count}, such as {', '.join(self._shown)}",)
        where = f"{self._count}, the first in row {self._first}"
        return (f"numbers that lack their leading 0: {where}; --mend-numbers puts it back",)


def _with_zero(number: str) -> str:
    """The number with its leading 0; "" for one that has it, or that lacks more."""
    if number.startswith(("0", "+", "8")):  # as most numbers do: no further look at them
        return ""
    if len(number) > LONGEST:  # no number, and NFKC takes time that grows with the square of some texts' length
        return ""
    whole = _DECIMALS.sub("", number)  # as pandas writes a column of counts with gaps in it
    digits = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", whole))
    return f"0{digits}" if lacks_zero(digits) else ""
