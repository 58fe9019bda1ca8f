"""The files of one run: the result file, the journal beside it, and the lock that keeps other runs away from both."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from sms_core.errors import ConfigurationError
from sms_core_cli.campaign.file_lock import FileLock
from sms_core_cli.campaign.journal import Journal
from sms_core_cli.campaign.result_file import read_results, replace_file, write_beside
from sms_core_cli.campaign.row_results import RowResult
from sms_core_cli.campaign.table import Table

NOTHING = b""
"""The digest of a file that is not there."""


class RunFiles:
    """What a run reads and writes, as a context manager that has it for itself.

    ``path`` is where the results are. That changes if somebody else wrote there meanwhile, or it cannot be replaced:
    this run's results go to a file of their own then. All that writes raises `OSError` too.
    """

    def __init__(self, path: Path, *, resume: Path | None = None) -> None:
        """``resume`` is the result file of an earlier run to go on with; it may be the same."""
        self.path = path
        self._home = path
        self._resume = resume
        self._journal = Journal(path.resolve())
        self._ours = {NOTHING}
        self._locks = ExitStack()
        self._table: Table | None = None

    def __enter__(self) -> Self:
        """Take the locks. Raises `ConfigurationError` if another process has one, naming it."""
        paths = dict.fromkeys(path.resolve() for path in (self.path, self._resume) if path is not None)
        with ExitStack() as locks:
            for path in paths:
                locks.enter_context(FileLock(path))
                _remove_temporary(path)
            self._locks = locks.pop_all()
        self._ours.add(_digest(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        self._locks.close()

    def begin(self, table: Table, results: Sequence[RowResult]) -> None:
        """Write the result file for the first time, and begin the journal. Raises `ConfigurationError`."""
        self._table = table
        if _digest(self.path) not in self._ours:
            raise ConfigurationError(f"{self.path} has changed since it was read; nothing was sent")
        temporary = write_beside(self.path.resolve(), table, results)
        self._ours.add(_digest(temporary))
        replace_file(temporary, self.path.resolve())
        # The file says all that an earlier journal did.
        self._journal.begin()
        if self._resume is not None and self._resume.resolve() != self.path.resolve():
            # Before anything is sent: resumed once more, the earlier file would send the same rows again.
            Journal(self._resume.resolve()).hand_over(self.path.resolve())

    def keep(self, rows: Mapping[int, RowResult]) -> None:
        """Keep the results of some rows, by their places, until the next `write`."""
        self._journal.add(rows)

    def write(self, results: Sequence[RowResult]) -> None:
        """Write the result file. Raises `ConfigurationError` if that had to be another one, which it names."""
        if self._table is None:
            raise ValueError("begin() comes first")
        target = self.path.resolve()
        temporary = write_beside(target, self._table, results)
        try:
            is_ours = _digest(target) in self._ours
            self._ours.add(_digest(temporary))
            if is_ours:
                replace_file(temporary, target)
                return
            why = "was changed by somebody else"
        except OSError as error:  # on Windows another program that has it open is enough
            why = f"could not be replaced ({error.strerror})"
        self.path = _free_name(target)
        temporary.rename(self.path)
        raise ConfigurationError(f"{target} {why}; this run's results are in {self.path}")

    def finish(self, results: Sequence[RowResult]) -> None:
        """Write the result file for the last time; the journal is of no use then. Raises as `write` does."""
        self.write(results)
        if self.path == self._home:  # else it may know better than what stands there now
            self._journal.remove()


def read_earlier(content: bytes, path: Path, table: Table) -> tuple[RowResult, ...]:
    """The results of an earlier run, of this file and the journal that a killed run left. Raises `InvalidMessage`."""
    return Journal(path.resolve()).complete(read_results(content, table))


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in itertools.count(2))
    return next(name for name in names if not name.exists())


def _remove_temporary(path: Path) -> None:
    """Remove what a run that was killed while it wrote has left."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink()


def _digest(path: Path) -> bytes:
    """What tells one content of a file from another."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
    return NOTHING
