"""What a sheet does not show: hidden rows and columns, merged cells, formulas that nobody has calculated.

A program that writes a workbook without calculating leaves its formulas without values; read as they are, such cells
would be empty. Elements are those of Office Open XML (ECMA-376 part 1, 18.3.1).
"""

from __future__ import annotations

import re
from typing import IO, Any
from xml.parsers import expat

from attrs import define

from sms_core.errors import InvalidMessage

NAMESPACE_END = "}"
_TRUE = ("1", "true")
_LAST_ROW = re.compile(r"\d+$", re.ASCII)


@define
class _Seen:
    """What was seen of a sheet. Counts go with the first of what they count."""

    rows: int = 0
    first_row: str = ""
    columns: int = 0
    merged: int = 0
    first_merged: str = ""
    uncalculated: int = 0
    first_uncalculated: str = ""

    header: int = 0
    cell: str = ""
    has_formula: bool = False
    has_value: bool = False
    in_value: bool = False

    def begin(self, element: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        match element.rpartition(NAMESPACE_END)[2]:
            case "row" if attributes.get("hidden") in _TRUE and _row_of(attributes.get("r", "")) > self.header:
                self.rows += 1
                self.first_row = self.first_row or attributes.get("r", "")
            case "col" if attributes.get("hidden") in _TRUE:
                self.columns += 1
            case "c":
                self.cell, self.has_formula = attributes.get("r", ""), False
                self.has_value = attributes.get("t") == "str"  # which may be an empty text
            case "f":
                self.has_formula = True
            case "v":
                self.in_value = True
            case "mergeCell" if _row_of(attributes.get("ref", "")) > self.header:
                self.merged += 1
                self.first_merged = self.first_merged or attributes.get("ref", "")
            case _:
                pass

    def text(self, _: str) -> None:
        """Some characters."""
        self.has_value = self.has_value or self.in_value

    def end(self, element: str) -> None:
        """An element ends."""
        self.in_value = False
        if element.rpartition(NAMESPACE_END)[2] == "c" and self.has_formula and not self.has_value:
            self.uncalculated += 1
            self.first_uncalculated = self.first_uncalculated or self.cell


def notes_on(sheet: IO[bytes], header: int) -> tuple[str, ...]:
    """What there is to say of a sheet's XML below its header row.

    Raises `InvalidMessage` where formulas have no values, or it is no XML.
    """
    seen = _Seen(header=header)
    parser = expat.ParserCreate(namespace_separator=NAMESPACE_END)
    parser.StartElementHandler = seen.begin
    parser.EndElementHandler = seen.end
    parser.CharacterDataHandler = seen.text
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.ParseFile(sheet)
    except expat.ExpatError as error:
        raise InvalidMessage("file", f"is no Excel workbook that can be read ({error}): save it as .xlsx") from None
    if seen.uncalculated:
        count, cell = seen.uncalculated, seen.first_uncalculated
        reason = f"has formulas without values ({count}, the first in {cell}): open it in Excel, save it, and try again"
        raise InvalidMessage("file", reason)
    return tuple(_notes(seen))


def _row_of(reference: str) -> int:
    """The last row of a reference such as ``3``, ``B3`` or ``B2:B3``; 0 where there is none."""
    found = _LAST_ROW.search(reference)
    return int(found[0]) if found else 0


def _notes(seen: _Seen) -> list[str]:
    notes = []
    if seen.rows:
        notes.append(f"hidden rows are read too: {seen.rows}, the first is row {seen.first_row}")
    if seen.columns:
        notes.append("hidden columns are read too")
    if seen.merged:
        first = f"{seen.merged}, the first is {seen.first_merged}"
        notes.append(f"of merged cells ({first}) only the one at the top left has a value, the others are empty")
    return notes


def _refuse_entities(*_: Any) -> None:
    raise InvalidMessage("file", "is no Excel workbook that can be read (it declares entities): save it as .xlsx")
