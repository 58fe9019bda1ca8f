"""Numbers that a spreadsheet took for counts: ``0900000001`` became ``900000001``, and got its 0 back."""

from __future__ import annotations

import attrs

from sms_core.numbers import lacks_zero
from sms_core_cli.campaign.table import Row, Table

EXAMPLES = 3
"""How many of the numbers a note shows."""


def mend_numbers(table: Table) -> Table:
    """The table with the 0 in front of each number that lacks it, and a note that shows how many and three of them.

    The rows' cells stay as they came.
    """
    mended = _mended(table)
    if not mended:
        return attrs.evolve(table, notes=(*table.notes, "no number lacks its leading 0"))
    rows = tuple(_with_number(row, mended.get(place, "")) for place, row in enumerate(table.rows))
    shown = [f"{table.rows[place].values['number']} to {mended[place]}" for place in list(mended)[:EXAMPLES]]
    note = f"numbers that lacked their leading 0 and got it: {len(mended)}, such as {', '.join(shown)}"
    return attrs.evolve(table, rows=rows, notes=(*table.notes, note))


def mention_mending(table: Table) -> Table:
    """The table as it is, with a note where `mend_numbers` could help."""
    mended = _mended(table)
    if not mended:
        return table
    first = table.rows[min(mended)].number
    note = f"numbers that lack their leading 0: {len(mended)}, the first in row {first}; --mend-numbers puts it back"
    return attrs.evolve(table, notes=(*table.notes, note))


def _mended(table: Table) -> dict[int, str]:
    """The numbers that lack their leading 0, with it, by their places in the table."""
    mended = {}
    for place, row in enumerate(table.rows):
        number = _with_zero(row.values.get("number", ""))
        if number:
            mended[place] = number
    return mended


def _with_zero(number: str) -> str:
    """The number with its leading 0; "" for one that has it, or that lacks more."""
    digits = number.removesuffix(".0")  # as pandas writes a column of counts with gaps in it
    return f"0{digits}" if lacks_zero(digits) else ""


def _with_number(row: Row, number: str) -> Row:
    if not number:
        return row
    return attrs.evolve(row, values={**row.values, "number": number})
