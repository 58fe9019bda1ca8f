"""The result file: one row for each row of the table, written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from sms_core.errors import InvalidMessage
from sms_core_cli.campaign.row_results import COLUMNS, RowResult
from sms_core_cli.campaign.table import Row, Table, read_table

KEPT = "reference"
"""The one column that a table and its results share."""


def columns_of(table: Table) -> dict[str, str]:
    """The name of each result column beside this table's own; ``sms_`` in front where the table has that name."""
    taken = {header.strip().lower() for header in table.headers}
    return {name: name if name not in taken or name == KEPT else f"sms_{name}" for name in COLUMNS}


def is_result_file(table: Table) -> bool:
    """Whether this table was written by `write_results`."""
    return set(COLUMNS) <= {header.strip().lower() for header in table.headers}


def write_results(path: Path, table: Table, results: Sequence[RowResult]) -> None:
    """Write the table's columns and the rows' results beside them, in UTF-8 (with its mark where the table needs one).

    A reader sees the file before or the file after, never a half; nobody but its owner may read it. Raises `OSError`;
    where only the last step failed (another program has the file open), its text says under which name the results are.
    """
    temporary = write_beside(path, table, results)
    try:
        replace_file(temporary, path)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; the results are in {temporary}", str(path)) from error


def write_beside(path: Path, table: Table, results: Sequence[RowResult]) -> Path:
    """Write them to a new file in the same folder, and give its name. Raises `OSError`."""
    names = columns_of(table)
    own = _own(table)
    with_mark = table.encoding.lower().replace("_", "-") != "utf-8"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # Numbers and texts are nobody else's business.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8-sig" if with_mark else "utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*(table.headers[place] for place in own), *names.values()])
            for row, result in zip(table.rows, results, strict=True):
                cells = [row.cells[place] if place < len(row.cells) else "" for place in own]
                writer.writerow([*cells, *result.cells().values()])
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise
    return temporary


def replace_file(temporary: Path, path: Path) -> None:
    """Put a file that was written in another's place, also where the machine stops right afterwards. Raises `OSError`."""
    temporary.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_results(content: bytes, table: Table) -> tuple[RowResult, ...]:
    """The rows' results in a result file of this table. Raises `InvalidMessage` for one of another table."""
    names = columns_of(table)
    # The other choices are about columns that the results have under their own names.
    number = {meaning: header for meaning, header in table.columns.chosen.items() if meaning == "number"}
    written = read_table(content, columns=number)
    if not all(written.has(name) for name in names.values()):
        raise InvalidMessage("results", "are no result file of this table: a column is missing")
    if len(written.rows) != len(table.rows):
        reason = f"have {len(written.rows)} rows and the table has {len(table.rows)}: are they of another one?"
        raise InvalidMessage("results", reason)
    own = _own(table)
    results = []
    for before, after in zip(table.rows, written.rows, strict=True):
        if any(_cell(before, place) != _cell(after, there) for there, place in enumerate(own)):
            raise InvalidMessage("results", f"row {after.number} is not row {before.number} of the table")
        cells = {name: after.values.get(column, "") for name, column in names.items()}
        results.append(RowResult.from_cells(cells))
    return tuple(results)


def _own(table: Table) -> list[int]:
    """The places of the columns that a result file begins with."""
    return [place for place, header in enumerate(table.headers) if header.strip().lower() != KEPT]


def _cell(row: Row, place: int) -> str:
    return row.cells[place].strip() if place < len(row.cells) else ""
