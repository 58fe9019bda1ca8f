"""The table of people: CSV as spreadsheets write it, in UTF-8 or Big5."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import field, frozen

from sms_core.errors import InvalidMessage
from sms_core.provider import TAIPEI

ALIASES: Mapping[str, tuple[str, ...]] = {
    "number": ("number", "phone", "mobile", "手機", "手機號碼", "門號", "電話", "電話號碼"),
    "name": ("name", "姓名", "名字"),
    "text": ("text", "message", "簡訊", "內容", "簡訊內容"),
    "reference": ("reference",),
    "send_at": ("send_at", "發送時間", "預約時間"),
    "email": ("email", "電子郵件", "信箱"),
}
"""What a campaign reads, and the headers (in lower case) of the columns where it is."""

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""What a file may begin with to say how it is encoded."""
DELIMITERS = ",;\t"
LARGEST_CELL = 1024 * 1024
"""Characters; more in one cell means a quote that nobody closed."""


@frozen
class Row:
    """One person's row. ``number`` counts as a spreadsheet does: the header is row 1.

    ``cells`` are as they came. ``values`` finds them, stripped, by header in lower case and by what the column is to
    a campaign (`ALIASES`); a cell that the row does not have is not in it.
    """

    number: int
    cells: tuple[str, ...] = field(repr=lambda cells: f"<{len(cells)} cells>")
    values: Mapping[str, str] = field(repr=False)


@frozen
class Table:
    """A whole file. ``notes`` is what its reader guessed, in words for the person whose file it is."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...] = field(repr=lambda rows: f"<{len(rows)} rows>")
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether a column is there, by its header or by what it is to a campaign."""
        return name.lower() in _places(self.headers)


def read_table(content: bytes, encoding: str | None = None) -> Table:
    """Read a CSV file: UTF-8 with or without its mark, UTF-16 with one, else Big5, unless ``encoding`` says which.

    Headers may be in any case; comma, semicolon and tab may part the cells. Lines without anything are no rows.
    Raises `InvalidMessage`, naming the row, for a file that cannot be read, has no column ``number`` or no rows.
    """
    text, found, notes = _decode(content, encoding)
    lines = list(_lines(text))
    if not lines:
        raise InvalidMessage("file", "is empty: its first row names the columns, such as number,name,text")
    headers = tuple(lines[0][1])
    places = _places(headers)
    if "number" not in places:
        named = ", ".join(header for header in headers if header)
        raise InvalidMessage("row 1", f"names no column 'number' (or {', '.join(ALIASES['number'][1:])}), only {named}")
    rows = tuple(_row(number, cells, places) for number, cells in lines[1:])
    if not rows:
        raise InvalidMessage("file", "holds no rows below its header")
    return Table(headers, rows, found, tuple(notes))


def parse_moment(text: str) -> datetime:
    """``2026-12-31 09:00``, ``2026/12/31T09:00:00`` or with a zone, as an aware datetime; Taipei's where none is named.

    Raises `InvalidMessage` of the field ``send_at``.
    """
    compact = text.strip().replace("/", "-")
    try:
        moment = datetime.fromisoformat(compact)
    except ValueError:
        moment = None
    if moment is None or ":" not in compact:
        raise InvalidMessage(
            "send_at", "needs a day and a time, such as 2026-12-31T09:00, Taipei's where no zone is named"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=TAIPEI)


def _decode(content: bytes, encoding: str | None) -> tuple[str, str, list[str]]:
    if encoding is not None:
        try:
            return content.decode(encoding), encoding, []
        except (LookupError, ValueError) as error:  # idna and NUL in a name raise other kinds of ValueError
            raise InvalidMessage("file", f"cannot be read as {encoding} ({type(error).__name__})") from None
    marked = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(marked), marked, []
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1}"
    try:
        note = f"the file is not UTF-8 ({where}), so it was read as Big5 (cp950): look at a text before you send"
        return content.decode("cp950"), "cp950", [note]
    except UnicodeDecodeError:
        reason = f"is neither UTF-8 ({where} is not) nor Big5: save it as 'CSV UTF-8', or name its encoding"
        raise InvalidMessage("file", reason) from None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number; a quoted line break does not count as another row, an empty line does."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    previous = csv.field_size_limit(LARGEST_CELL)
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            if cells:
                yield number, cells
    except csv.Error as error:
        reason = f"is not CSV, perhaps for a quote that is not closed: {error}"
        raise InvalidMessage(f"row {number + 1}", reason) from None
    finally:
        csv.field_size_limit(previous)


def _places(headers: tuple[str, ...]) -> dict[str, int]:
    """Where a column is, by header and by what it is. Raises `InvalidMessage` where that cannot be told."""
    places: dict[str, int] = {}
    for place, header in enumerate(headers):
        name = header.strip().lower()
        if name and name in places:
            raise InvalidMessage("row 1", f"names the column {header.strip()!r} twice")
        places[name] = place
    for meaning, names in ALIASES.items():
        found = [name for name in names if name in places]
        if len(found) > 1:
            raise InvalidMessage("row 1", f"has several columns for {meaning!r}: {', '.join(found)}")
        if found:
            places[meaning] = places[found[0]]
    return places


def _row(number: int, cells: list[str], places: Mapping[str, int]) -> Row:
    values = {name: cells[place].strip() for name, place in places.items() if place < len(cells)}
    return Row(number, tuple(cells), values)
