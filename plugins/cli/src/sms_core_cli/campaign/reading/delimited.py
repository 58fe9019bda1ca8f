"""Rows of cells parted by a character, as spreadsheets write them (RFC 4180, and what Excel makes of it)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from sms_core.errors import InvalidMessage

DELIMITERS = ",;\t|"
LARGEST_CELL = 1024 * 1024
"""Characters; more in one cell means a quote that nobody closed."""

Line = tuple[int, list[str]]
"""A row's number, as a spreadsheet counts, and its cells."""

_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?\1*\s*', re.IGNORECASE | re.DOTALL)
"""Excel's own first line, which names the delimiter and is no row."""
_PADDING = str.maketrans("", "", "\0\x1a")
"""What old systems fill a file up with, and Ctrl-Z, with which they end it."""


def separator_of(first_line: str) -> str | None:
    """The delimiter that a first line ``sep=;`` names; None where it is a row."""
    found = _SEPARATOR_LINE.fullmatch(first_line)
    return found[1] if found else None


def read_lines(stream: TextIO, delimiter: str) -> Iterator[Line]:
    """Each row with its number; a quoted line break does not count as another row, an empty line does.

    Raises `InvalidMessage`, which names the row and, where it can, the cell, for quotes that do not fit.
    """
    record: list[str] = []
    previous = csv.field_size_limit(LARGEST_CELL)
    number = 0
    try:
        for cells in csv.reader(_clean(stream, record), delimiter=delimiter, strict=True):
            number += 1
            record.clear()
            if cells:
                yield number, cells
    except csv.Error as error:
        raise InvalidMessage(f"row {number + 1}", _why_no_row("".join(record), delimiter, error)) from None
    finally:
        csv.field_size_limit(previous)


def _clean(stream: TextIO, record: list[str]) -> Iterator[str]:
    """The lines without padding; ``record`` collects those of the row that is being read."""
    for line in stream:
        cleaned = line
        if "\0" in line or "\x1a" in line:
            cleaned = line.translate(_PADDING)
        if cleaned:
            record.append(cleaned)
            yield cleaned


def _why_no_row(record: str, delimiter: str, error: csv.Error) -> str:
    place = _cell_with_quote(record, delimiter)
    if place is None:
        return f"is not CSV, perhaps for a quote that is not closed: {error}"
    return (
        f"is not CSV: its cell {place} "
        'has something behind its closing quote: write a quote within a cell twice, as in """Ann"" Lee"'
    )


def _cell_with_quote(record: str, delimiter: str) -> int | None:
    """The number of the cell in which something follows a closing quote; None if there is none."""
    cell, is_quoted, is_start = 1, False, True
    characters = iter(enumerate(record))
    for place, character in characters:
        if is_quoted:
            following = record[place + 1 : place + 2]
            if character != '"':
                continue
            if following == '"':
                next(characters)
            elif following and following not in f"{delimiter}\r\n":
                return cell
            else:
                is_quoted = False
        elif character == '"' and is_start:
            is_quoted, is_start = True, False
        elif character == delimiter:
            cell, is_start = cell + 1, True
        else:
            is_start = False
    return None


def delimiter_of(first_line: str) -> str:
    """The delimiter that a line has most of."""
    return max(DELIMITERS, key=first_line.count)


def first_lines(lines: Iterable[Line], count: int) -> list[Line]:
    """The first rows, as far as they can be read."""
    found: list[Line] = []
    try:
        for line in lines:
            if line[0] > count:
                break
            found.append(line)
    except InvalidMessage:
        pass  # whoever reads the whole file says what is wrong with it
    return found
