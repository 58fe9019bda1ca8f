"""The table of people: CSV as spreadsheets write it, or an Excel workbook."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from attrs import Factory, field, frozen

from sms_core.errors import InvalidMessage
from sms_core.numbers import to_e164
from sms_core_cli.campaign.reading.delimited import (
    DELIMITERS,
    Line,
    delimiter_of,
    first_lines,
    read_lines,
    separator_of,
)
from sms_core_cli.campaign.reading.encodings import (
    LOST,
    TITLES,
    FoundEncoding,
    Reading,
    find_encoding,
    lost_bytes,
    without_lost,
)
from sms_core_cli.campaign.reading.headers import ALIASES, FIRST_ROWS, Columns, find_header, is_blank, read_columns
from sms_core_cli.campaign.reading.workbook import ShownMoment, is_workbook, notes_on_sheet, open_sheet

Source = Path | bytes
"""A file, or what is in it."""

_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+", re.ASCII)
"""A telephone number that a spreadsheet shows as an amount."""
_HEAD = 64
"""Bytes that tell what kind of file it is."""


@frozen
class Row:
    """One person's row. ``number`` counts as a spreadsheet does: the first row is 1.

    ``cells`` are as they came. ``values`` finds them, stripped, by header in lower case and by what the column is to
    a campaign (`ALIASES`); a cell that the row does not have is not in it. ``fault`` says why it cannot be sent to; ""
    where nothing speaks against that.
    """

    number: int
    cells: tuple[str, ...] = field(repr=lambda cells: f"<{len(cells)} cells>")
    values: Mapping[str, str] = field(repr=False)
    fault: str = ""


@frozen
class Table:
    """A whole file. ``notes`` is what its reader guessed, in words for the person whose file it is.

    ``readings`` are there if its encoding is a guess that a person has to confirm: each encoding that it may have, with a
    text of the file as it would be then, the likeliest first.
    """

    headers: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=lambda rows: f"<{len(rows)} rows>")
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    columns: Columns = field(
        default=Factory(lambda table: read_columns(table.headers), takes_self=True), kw_only=True, repr=False
    )

    def has(self, name: str) -> bool:
        """Whether a column is there, by its header or by what it is to a campaign."""
        return self.columns.find(name) is not None


@frozen
class TableFile:
    """A file of which only the beginning was read. `rows` reads the rest as often as it is called, and keeps nothing."""

    columns: Columns
    encoding: str
    notes: tuple[str, ...]
    readings: tuple[Reading, ...]
    _lines: Callable[[], Iterator[Line]] = field(repr=False)
    _row: Callable[[int, Sequence[str]], Row] = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """Each row below the header that has something in it. Raises `InvalidMessage`, which names one that is none."""
        for number, cells in self._lines():
            if not all(map(is_blank, cells)):
                yield self._row(number, cells)


def open_table(
    source: Source,
    encoding: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> TableFile:
    """Read a file's beginning: a CSV in any encoding that can be told, or ``.xlsx``.

    ``encoding`` is the file's, where a person says it; ``columns`` are headers by what they are (`ALIASES`); ``sheet`` is
    one of a workbook. Headers may be in any case; comma, semicolon, tab and ``|`` may part the cells; titles may stand
    above the header. Raises `InvalidMessage`, which names the row, for a file that cannot be read or has no column
    ``number``, `ConfigurationError` for a workbook without openpyxl, and `OSError`.
    """
    chosen = columns or {}
    for meaning in chosen:
        if meaning not in ALIASES:
            raise InvalidMessage("column", f"there is no {meaning!r}: it is one of {', '.join(ALIASES)}")
    if isinstance(source, Path) and source.exists() and not source.is_file():
        source = source.read_bytes()  # a pipe, which can be read once
    with _opened(source) as file:
        workbook = is_workbook(file.read(_HEAD))
    if workbook:
        return _open_workbook(source, chosen, sheet)
    if sheet is not None:
        raise InvalidMessage("sheet", "the file is no workbook and has no sheets")
    return _open_text(source, encoding, chosen)


def read_table(
    source: Source,
    encoding: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> Table:
    """The whole file as a `Table`; arguments and errors are those of `open_table`. One without rows is refused too."""
    opened = open_table(source, encoding, columns=columns, sheet=sheet)
    rows = tuple(opened.rows())
    if not rows:
        raise InvalidMessage("file", "holds no rows below its header")
    found = opened.columns
    return Table(found.headers, rows, opened.encoding, opened.notes, opened.readings, columns=found)


def _open_text(source: Source, encoding: str | None, chosen: Mapping[str, str]) -> TableFile:
    with _opened(source) as file:
        found = find_encoding(file, encoding)
    with _text(source, found) as stream:
        first_line = stream.readline()
    separator = separator_of(first_line)

    def lines(delimiter: str, after: int = 0) -> Iterator[Line]:
        with _text(source, found) as stream:
            if separator is not None:
                stream.readline()
            yield from _after(after, read_lines(stream, delimiter))

    header: Line | None = None
    delimiter = separator or delimiter_of(first_line)
    for candidate in separator or DELIMITERS:
        with_it = find_header(first_lines(lines(candidate), FIRST_ROWS), chosen)
        if with_it is not None and (header is None or len(with_it[1]) > len(header[1])):
            header, delimiter = with_it, candidate
    if header is None:
        raise _no_header(next(lines(delimiter), None), chosen)
    number, headers = header
    columns = read_columns(headers, chosen)
    maker = _RowMaker(columns, found.encoding, is_text=True, is_damaged=found.is_damaged)
    notes = (*filter(None, [found.note]), *_titles(number), *columns.notes)
    return TableFile(columns, found.encoding, notes, found.readings, lambda: lines(delimiter, number), maker.row)


def _open_workbook(source: Source, chosen: Mapping[str, str], sheet: str | None) -> TableFile:
    with _opened(source) as file, open_sheet(file, sheet) as (found, rows):
        first = first_lines(rows, FIRST_ROWS)
    header = find_header(first, chosen)
    if header is None:
        error = _no_header(next(iter(first), None), chosen)
        if not found.others or sheet is not None:
            raise error
        others = f"there are other sheets, which --sheet reads: {', '.join(found.others)}"
        raise InvalidMessage(error.field, f"{error.reason}; {others}")
    number, headers = header
    columns = read_columns(headers, chosen)
    with _opened(source) as file:
        hidden = notes_on_sheet(file, sheet, number)
    notes = [*_titles(number), *columns.notes, *hidden]
    if found.others and sheet is None:
        notes.insert(0, f"of several sheets {found.name!r} is read; --sheet reads another: {', '.join(found.others)}")

    def lines() -> Iterator[Line]:
        with _opened(source) as file, open_sheet(file, sheet) as (_, rows):
            yield from _after(number, rows)

    return TableFile(columns, "xlsx", tuple(notes), (), lines, _RowMaker(columns).row)


def _opened(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


@contextlib.contextmanager
def _text(source: Source, found: FoundEncoding) -> Generator[TextIO]:
    errors = LOST if found.is_damaged else "strict"
    with _opened(source) as file, io.TextIOWrapper(file, found.encoding, errors, newline="") as stream:
        yield stream


def _after(number: int, lines: Iterator[Line]) -> Iterator[Line]:
    return (line for line in lines if line[0] > number)


def _titles(header: int) -> list[str]:
    match header:
        case 1:
            return []
        case 2:
            return ["row 1 is taken for a title: row 2 names the columns"]
        case _:
            return [f"rows 1 to {header - 1} are taken for titles: row {header} names the columns"]


def _no_header(first: Line | None, chosen: Mapping[str, str]) -> InvalidMessage:
    if first is None:
        return InvalidMessage("file", "is empty: its first row names the columns, such as number,name,text")
    number, cells = first
    named = ", ".join(cell.strip() for cell in cells if not is_blank(cell))
    if "number" in chosen:
        return InvalidMessage("column", f"number={chosen['number']}: there is no such column; there are {named}")
    if not named:
        return InvalidMessage("file", "is empty: its first row names the columns, such as number,name,text")
    if len(cells) == 1 and "，" in named:
        return InvalidMessage(f"row {number}", "parts its cells by ，: replace each by a comma, or save it as .xlsx")
    if any(map(_is_number, cells)):
        return InvalidMessage(
            f"row {number}",
            "holds a number already, and no row names the columns: write one above it, such as number,name,text",
        )
    reason = f"names no column 'number' (or mobile, phone, 手機, 行動電話, 門號 and the like), only {named}"
    return InvalidMessage(f"row {number}", f"{reason}: name it with --column number=HEADER")


def _is_number(cell: str) -> bool:
    try:
        to_e164(cell)
    except ValueError:
        return False
    return True


@frozen
class _RowMaker:
    """Makes rows of cells. ``is_text`` says that commas may have parted them, ``is_damaged`` that bytes may be lost."""

    columns: Columns
    encoding: str = ""
    is_text: bool = False
    is_damaged: bool = False

    def row(self, number: int, cells: Sequence[str]) -> Row:
        kept = list(cells)
        while len(kept) > len(self.columns.headers) and is_blank(kept[-1]):
            kept.pop()
        fault = self._fault(kept)
        if self.is_damaged:
            kept = [without_lost(cell) for cell in kept]
        places = self.columns.places.items()
        values = {name: _value(name, kept[place]) for name, place in places if place < len(kept)}
        return Row(number, tuple(kept), values, fault)

    def _fault(self, cells: Sequence[str]) -> str:
        headers = self.columns.headers
        if len(cells) > len(headers):
            return f"has {len(cells)} cells and the header {len(headers)}: a comma in a text needs quotes around it"
        if self.is_text and not all(map(is_blank, cells[self.columns.width :])):
            # The rest of a text with a comma in it would be cut off without a word.
            return "has a cell in a column without a name: a comma in a text needs quotes around it"
        if self.is_damaged:
            for header, cell in zip(headers, cells, strict=False):
                if lost := lost_bytes(cell):
                    return _lost_in_words(header.strip(), lost, self.encoding)
        return ""


def _value(name: str, cell: str) -> str:
    if name == "send_at" and isinstance(cell, ShownMoment):
        return cell.exact
    text = cell.strip()
    if name == "number" and _GROUPED.fullmatch(text):
        return text.replace(",", "")
    return text


def _lost_in_words(header: str, lost: str, encoding: str) -> str:
    reason = f"{header} holds the bytes {lost}, which are no character of {TITLES.get(encoding, encoding)}"
    advice = "write that character anew and save the file as 'CSV UTF-8'"
    if encoding == "cp950":
        with contextlib.suppress(UnicodeDecodeError):
            character = bytes.fromhex(lost).decode("big5hkscs")
            advice += f"; if the file comes from Hong Kong, --encoding big5hkscs reads them as {character}"
    return f"{reason}: {advice}"
