"""What happened to rows since their result file was written, one line for each event: cheap to add to, and never rewritten.

A result file is as long as its table, so it is written now and then. The journal beside it gets a line before a request
is handed out, and one when its answer is known, each on the disk before anything goes on. So a process that is killed
loses no more than what was under way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sms_core.errors import InvalidMessage
from sms_core_cli.campaign.row_results import RowOutcome, RowResult

OPEN = (RowOutcome.UNKNOWN, RowOutcome.NOT_SENT)
"""Outcomes in a result file that the journal may know better."""
CONTINUED = "continued in"
"""The key of the line that names the result file of the run that went on from this one."""


class Journal:
    """The journal of a result file: ``.NAME.journal`` beside it."""

    def __init__(self, results: Path) -> None:
        self.path = results.with_name(f".{results.name}.journal")
        self._descriptor: int | None = None

    def begin(self) -> None:
        """Forget what it says. Raises `OSError`, as all that writes does."""
        self.close()
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self.path.chmod(0o600)  # also where it was there

    def add(self, rows: Mapping[int, RowResult]) -> None:
        """Note the rows' results, by their places in the table."""
        if self._descriptor is None:
            raise ValueError("begin() comes first")
        _append(self._descriptor, {str(place): result.cells() for place, result in rows.items()})

    def hand_over(self, results: Path) -> None:
        """Note that another result file goes on from this one, which must not be resumed any more: its rows are sent there."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _append(descriptor, {CONTINUED: str(results)})
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Write no more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Close it and take it from the disk, for the result file has it all."""
        self.close()
        self.path.unlink(missing_ok=True)

    def complete(self, results: Sequence[RowResult]) -> tuple[RowResult, ...]:
        """The results of its file, with what it knows better.

        Raises `InvalidMessage` for what is no journal, and where another result file goes on from this one.
        """
        completed = list(results)
        for place, noted in self._read().items():
            if place < len(completed) and _is_open(completed[place], noted):
                completed[place] = noted
        return tuple(completed)

    def _read(self) -> dict[int, RowResult]:
        """The last that it says of each row."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        # What follows the last line break was being written when the process or the machine stopped.
        lines = content.split(b"\n")[:-1]
        found: dict[int, RowResult] = {}
        try:
            for line in lines:
                noted = json.loads(line)
                if CONTINUED in noted:
                    raise InvalidMessage(
                        "resume", f"a later run went on from here: resume its results, {noted[CONTINUED]}"
                    )
                found.update({int(place): RowResult.from_cells(cells) for place, cells in noted.items()})
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidMessage("journal", f"{self.path} is damaged ({type(error).__name__})") from None
        return found


def _append(descriptor: int, noted: Mapping[str, object]) -> None:
    """Write a line, and wait until it is on the disk."""
    rest = memoryview(f"{json.dumps(noted, ensure_ascii=False)}\n".encode())
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _is_open(before: RowResult, noted: RowResult) -> bool:
    """Whether a result may be the newer word on a row. Another reference is that of another send."""
    return before.outcome in OPEN and before.reference == noted.reference
