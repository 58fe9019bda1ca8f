"""Lines broken for a terminal: at blanks and between Chinese characters, by the cells that characters take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60]"
_CLOSING = r"[、。，；：！？）」』】》]"
"""What no line begins with."""
_UNIT = re.compile(rf"\s+|sms [a-z].*|{_WIDE}{_CLOSING}*|(?:(?!{_WIDE})\S)+{_CLOSING}*")
"""What is not broken. A command to copy goes on to the end: the terminal wraps it, and copies it as one line."""
_COMMAND = re.compile(r"sms [a-z]")


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most so many cells, but for a command; the first keeps its indentation."""
    lines = [""]
    for unit in _units(text, width):
        if unit.isspace() or not lines[-1].strip() or cell_len(lines[-1] + unit) <= width:
            lines[-1] += unit
        else:
            lines.append(unit)
    return [line.rstrip() for line in lines]


def _units(text: str, width: int) -> Iterator[str]:
    for unit in _UNIT.findall(text):
        if cell_len(unit) <= width or _COMMAND.match(unit):
            yield unit
        else:
            yield from chop_cells(unit, width)
