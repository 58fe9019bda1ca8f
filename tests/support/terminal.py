"""A terminal of a given width: a program writes to it, a person types into it, and its screen is read as text."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import termios
from types import TracebackType
from typing import Self

from rich.cells import cell_len

PATIENCE = 60.0
"""Seconds for which nothing is written before a test gives up."""
ROWS = 500
"""Of the terminal: rich cuts what it shows to the height of the screen."""

_PIECE = re.compile(r"\x1b\[(?P<arguments>[?\d;]*)(?P<control>[A-Za-z])|(?P<character>.)", re.DOTALL)


class Screen:
    """What stands on a terminal after everything that was written to it, from the first line on."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0

    @property
    def text(self) -> str:
        """The lines, without blanks at their ends."""
        return "\n".join("".join(row).rstrip() for row in self._rows) + "\n"

    def write(self, text: str) -> None:
        """Show text. Raises `AssertionError` for a control sequence that this screen does not know."""
        for piece in _PIECE.finditer(text):
            if piece["character"] is None:
                self._control(piece["control"], piece["arguments"])
            elif piece["character"] == "\n":
                self._go_to(self._row + 1)
            elif piece["character"] == "\r":
                self._column = 0
            else:
                self._put(piece["character"])

    def _control(self, control: str, arguments: str) -> None:
        match control, arguments:
            case ("m", _) | ("h" | "l", "?25"):
                pass  # colours; the cursor hidden and shown
            case "A", count:
                self._go_to(self._row - int(count or 1))
            case "K", "2":
                self._rows[self._row] = []
            case _:
                raise AssertionError(f"the screen does not know ESC [ {arguments} {control}")

    def _put(self, character: str) -> None:
        """A wide character takes two cells, of which the second is empty."""
        assert character.isprintable(), f"the screen does not know {character!r}"
        width = cell_len(character)
        if self._column + width > self._columns:
            self._go_to(self._row + 1)
            self._column = 0
        row = self._rows[self._row]
        row.extend(" " * (self._column + width - len(row)))
        row[self._column : self._column + width] = [character, *[""] * (width - 1)]
        self._column += width

    def _go_to(self, row: int) -> None:
        self._row = row
        while len(self._rows) <= row:
            self._rows.append([])


class Terminal:
    """A terminal while a ``with`` block lasts. A program that opens its ``path`` reads there what is typed here."""

    def __init__(self, columns: int) -> None:
        self._screen = Screen(columns)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._written = ""
        # The second stays open here, else the first would be at its end before a program opens it.
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        self.path = os.ttyname(self._theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._theirs)
        os.close(self._ours)

    def wait_for(self, words: str) -> None:
        """Read on until these words were written. Raises `AssertionError` where nothing comes any more."""
        while words not in self._written:
            ready, _, _ = select.select([self._ours], [], [], PATIENCE)
            assert ready, f"nothing comes after this, and {words!r} neither:\n{self.text}"
            text = self._decoder.decode(os.read(self._ours, 65536))
            self._written += text
            self._screen.write(text)
        self._written = self._written.partition(words)[2]

    def type(self, words: str) -> None:
        """Type a line."""
        os.write(self._ours, words.encode() + b"\n")

    @property
    def text(self) -> str:
        """What stands on its screen."""
        return self._screen.text
