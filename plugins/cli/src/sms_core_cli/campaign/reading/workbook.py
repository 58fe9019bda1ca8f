"""Sheets of an Excel workbook (``.xlsx``), row by row, with numbers and dates as Excel shows them."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from attrs import frozen

from sms_core.errors import ConfigurationError, InvalidMessage
from sms_core_cli.campaign.reading.delimited import Line
from sms_core_cli.campaign.reading.hidden import notes_on
from sms_core_cli.campaign.reading.shown import shown

ZIP_MARK = b"PK\x03\x04"
OTHER_MARKS = (
    (b"\xd0\xcf\x11\xe0", "is an old .xls, or has a password: save it as .xlsx without one, or as 'CSV UTF-8'"),
    (b"%PDF", "is a PDF: the table is needed that it was made of, as .xlsx or 'CSV UTF-8'"),
    (b"\x89PNG", "is a picture: the table is needed, as .xlsx or 'CSV UTF-8'"),
    (b"\xff\xd8\xff", "is a picture: the table is needed, as .xlsx or 'CSV UTF-8'"),
    (b"{\\rtf", "is a text document (RTF): save the table as .xlsx or 'CSV UTF-8'"),
    (b"\x1f\x8b", "is compressed (gzip): unpack it first"),
    (b"7z\xbc\xaf", "is compressed (7z): unpack it first"),
    (b"Rar!", "is compressed (RAR): unpack it first"),
)
"""What files begin with that people take for tables, and what to do about each."""
OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis"
"""What stands near the beginning of a zip that is an OpenDocument file (OpenDocument 1.3 part 2, 3.3)."""


class ShownMoment(str):
    """A date as a cell shows it; ``exact`` is the same in ISO's form, a day alone where its time is none."""

    __slots__ = ("exact",)
    exact: str

    @classmethod
    def of(cls, text: str, exact: str) -> ShownMoment:
        """Both in one."""
        made = cls(text)
        made.exact = exact
        return made


@frozen
class Sheet:
    """The sheet that is read, and the names of the others that have something in them."""

    name: str
    others: tuple[str, ...]


def is_workbook(head: bytes) -> bool:
    """Whether a file that begins so is a workbook. Raises `InvalidMessage` for what only looks like one to people."""
    for mark, reason in OTHER_MARKS:
        if head.startswith(mark):
            raise InvalidMessage("file", reason)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        reason = "is a web page or XML, whatever its name says: open it in Excel, and save it as .xlsx"
        raise InvalidMessage("file", reason)
    if head.startswith(ZIP_MARK) and OPEN_DOCUMENT in head:
        raise InvalidMessage("file", "is an OpenDocument file (.ods): save it as .xlsx, or as 'CSV UTF-8'")
    return head.startswith(ZIP_MARK)


@contextmanager
def open_sheet(file: BinaryIO, name: str | None) -> Generator[tuple[Sheet, Iterator[Line]]]:
    """The rows of a sheet, one after another; of the one that Excel would show first unless ``name`` says which.

    Raises `ConfigurationError` where openpyxl is not installed, `InvalidMessage` for what is no workbook or has no such
    sheet.
    """
    with _sheet_of(file, name) as (found, sheet):
        yield found, _rows(sheet)


def notes_on_sheet(file: BinaryIO, name: str | None, header: int) -> tuple[str, ...]:
    """What the same sheet does not show below its header, in words. Raises `InvalidMessage` as `notes_on` does."""
    with _sheet_of(file, name) as (_, sheet), sheet._get_source() as source:  # noqa: SLF001 - nothing else reads it once
        return notes_on(source, header)


@contextmanager
def _sheet_of(file: BinaryIO, name: str | None) -> Generator[tuple[Sheet, Any]]:
    workbook = _open(file)
    try:
        names = [sheet.title for sheet in workbook.worksheets]
        if name is not None and name not in names:
            raise InvalidMessage("sheet", f"there is no {name!r}; there are {', '.join(names)}")
        active = workbook.active if workbook.active in workbook.worksheets else workbook.worksheets[0]
        sheet = active if name is None else workbook[name]
        # What some programs write there as the sheet's size is wrong.
        sheet.reset_dimensions()
        others = tuple(other for other in names if other != sheet.title)
        yield Sheet(sheet.title, others), sheet
    finally:
        workbook.close()


def _open(file: BinaryIO) -> Any:
    try:
        import openpyxl  # noqa: PLC0415 - an extra
    except ImportError:
        reason = "to read .xlsx, install sms-core-cli[xlsx]; or save the file as 'CSV UTF-8'"
        raise ConfigurationError(reason) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about looks that it does not keep
        try:
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, SyntaxError) as error:
            reason = f"is no Excel workbook that can be read ({type(error).__name__}): save it as .xlsx"
            raise InvalidMessage("file", reason) from None
    if not workbook.worksheets:
        raise InvalidMessage("file", "is a workbook without a sheet of cells")
    return workbook


def _rows(sheet: Any) -> Iterator[Line]:
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            yield number, texts


def _text(cell: Any) -> str:
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, datetime):
        # A spreadsheet keeps times as fractions of a day, which are off by microseconds.
        value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    # A cell that nobody gave a format has none to ask for.
    text = shown(value, getattr(cell, "number_format", None) or "General")
    if isinstance(value, datetime):
        is_day = value.time() == time() and ":" not in text
        return ShownMoment.of(text, value.date().isoformat() if is_day else value.isoformat())
    if isinstance(value, date):
        return ShownMoment.of(text, value.isoformat())
    return text
