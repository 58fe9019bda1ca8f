"""The result file: an export of a run, one row for each row of the table, written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import glob
import hashlib
import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import frozen

from sms_core_cli.campaign.row_results import COLUMNS
from sms_core_cli.campaign.run import Run
from sms_core_cli.campaign.run_rows import RunRow
from sms_core_cli.campaign.store import lock

KEPT = "reference"
"""The one column that a table and its results share."""
OLD = 3600.0
"""Seconds after which nobody writes a file any more."""


@frozen
class Exported:
    """Where the results are. ``kept`` is under which name a file lies that somebody else had changed, None if nobody had.

    ``instead`` is True where the file that was meant could not be replaced, as when another program has it open.
    """

    path: Path
    kept: Path | None = None
    instead: bool = False


def columns_of(headers: Sequence[str]) -> dict[str, str]:
    """The name of each result column beside a table's own; ``sms_`` in front where the table has that name."""
    taken = {header.strip().lower() for header in headers}
    return {name: name if name not in taken or name == KEPT else f"sms_{name}" for name in COLUMNS}


def is_result_file(headers: Sequence[str]) -> bool:
    """Whether a table with this header row was written by `export`."""
    return set(COLUMNS) <= {header.strip().lower() for header in headers}


def export(run: Run, path: Path, look: Callable[[RunRow], object] = lambda _: None) -> Exported:
    """Write a run's rows as CSV in UTF-8 with its mark: all columns of the file, and what became of each row.

    A reader sees the file before or the file after, never a half; nobody but its owner may read it. What another
    program has changed since the run wrote there is kept under another name. ``look`` is shown each row on the way.
    Raises `OSError`.
    """
    target = path.resolve()
    _remove_temporary(target)
    temporary, digest = _write_beside(target, run.headers, run.rows(), look)
    run.claim_results(str(target))  # before the file is there: a kill in between must not leave it nobody's
    with run.store.writing() as connection:
        lock(connection)  # of two processes that end at once, each knows what the other wrote
        kept = _keep_changed(run, target)
        try:
            _replace(temporary, target)
        except OSError:  # on Windows another program that has it open is enough
            target = _free_name(target)
            temporary.rename(target)
            return Exported(target, kept, instead=True)
        run.note_results(connection, str(target), digest)
    return Exported(path, kept)


def is_its_own(run: Run | None, path: Path) -> bool:
    """Whether a run wrote this file last, so that it may write it anew."""
    return run is not None and run.results[0] == str(path.resolve())


def _keep_changed(run: Run, target: Path) -> Path | None:
    """Put a file that somebody changed out of the way: their notes are theirs."""
    before, digest = run.results
    is_known = before == str(target) and digest != ""
    if not is_known or not target.is_file() or _digest(target) == digest:
        return None
    kept = _free_name(target)
    target.rename(kept)
    return kept


def _write_beside(
    path: Path, headers: Sequence[str], rows: Iterable[RunRow], look: Callable[[RunRow], object]
) -> tuple[Path, str]:
    """Write to a new file in the same folder. Gives its name, and the digest of its content."""
    names = columns_of(headers)
    own = [place for place, header in enumerate(headers) if header.strip().lower() != KEPT]
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    # Numbers and texts are nobody else's business.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*(headers[place] for place in own), *names.values()])
            for row in rows:
                look(row)
                cells = [row.cells[place] if place < len(row.cells) else "" for place in own]
                writer.writerow([*cells, *row.result.cells().values()])
            file.flush()
            os.fsync(file.fileno())
        return temporary, _digest(temporary)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise


def _replace(temporary: Path, path: Path) -> None:
    """Put a file that was written in another's place, also where the machine stops right afterwards. Raises `OSError`."""
    temporary.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _remove_temporary(path: Path) -> None:
    """Remove what a process that was killed while it wrote has left; what is young another process may be writing."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            if left.stat().st_mtime < time.time() - OLD:
                left.unlink()


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.{number}{path.suffix}") for number in itertools.count(2))
    return next(name for name in names if not name.exists())


def _digest(path: Path) -> str:
    """What tells one content of a file from another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
