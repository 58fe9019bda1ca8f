"""``{First Name}`` and ``{訂單編號}`` in a text: any header of the table may be a placeholder."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from attrs import frozen

from sms_core.errors import InvalidMessage
from sms_core.provider import template
from sms_core_cli.campaign.reading.headers import Columns
from sms_core_cli.campaign.table import Row

SHEET_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
"""What a spreadsheet shows for a formula that failed."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_FULL_WIDTH = re.compile(r"｛([^｛｝{}]+)｝")
_TOO_NARROW = re.compile(r"#{3,}")


@frozen
class RowTemplate:
    """A text with placeholders that the core takes: plain names. ``keys`` has the column of each, as in a row's values."""

    text: str
    keys: tuple[tuple[str, str], ...]

    def params(self, row: Row) -> dict[str, str]:
        """What a row fills the placeholders with. Raises `InvalidMessage` where it has nothing for one."""
        params: dict[str, str] = {}
        for name, key in self.keys:
            value = row.values.get(key, "")
            if not value:
                raise InvalidMessage("params", f"the column {key!r} is empty, and the text has a place for it")
            check_shown(key, value)
            params[name] = value
        return params


def check_shown(name: str, value: str) -> None:
    """Raises `InvalidMessage` for a cell that shows a spreadsheet's error instead of a value."""
    if not value.startswith("#"):  # hardly any cell does
        return
    if value in SHEET_ERRORS or _TOO_NARROW.fullmatch(value):
        raise InvalidMessage("row", f"{name} is {value}, which a spreadsheet shows instead of a value: mend it there")


def reader_of_texts(columns: Columns) -> Callable[[str], RowTemplate]:
    """A function that reads the rows' texts. Most rows of a table share one, which is read once.

    It raises `InvalidMessage` for a brace that is no placeholder, or that names no column.
    """

    @lru_cache(maxsize=256)
    def read(text: str) -> RowTemplate:
        keys: dict[str, str] = {}

        def plain(found: re.Match[str]) -> str:
            if found[1] is None:
                return found[0]
            key = _column(columns, found[1])
            # A header that is no plain name is called by its place, and two headers never share one.
            name = found[1] if found[1].isidentifier() else f"column_{columns.places[key] + 1}"
            keys[name] = key
            return f"{{{name}}}"

        for name in _FULL_WIDTH.findall(text):
            if columns.find(name) is not None:
                raise InvalidMessage("text", f"has full-width braces in ｛{name}｝: write {{{name}}}")
        renamed = _TOKEN.sub(plain, text)
        template.parse(renamed)
        return RowTemplate(renamed, tuple(keys.items()))

    return read


def _column(columns: Columns, name: str) -> str:
    if columns.is_repeated(name):
        raise InvalidMessage("text", f"names {{{name}}}, and several columns are called so: rename one")
    key = columns.find(name)
    if key is None:
        raise InvalidMessage("text", f"there is no column {name!r} for {{{name}}}: write {{{{{name}}}}} for braces")
    return key
