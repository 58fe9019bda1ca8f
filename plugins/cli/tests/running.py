"""`sms campaign` in processes of their own: started, or forked from this one, which takes no time."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sms_core.testing import Exchange
from sms_core_cli import campaign_runs as _campaign_runs  # noqa: F401 - imported before a fork, in which no import is safe
from sms_core_cli.app import app
from tests.support.children import child

ROWS = 40
AT_ONCE = 2
"""Requests that a process has in flight, each with one row: what a kill may leave unknown."""


def write_table(folder: Path, rows: int = ROWS) -> Path:
    """A table of so many people, each with a text that nobody else gets."""
    path = folder / "people.csv"
    lines = "".join(f"0900001{number:03},第{number}號\n" for number in range(rows))
    path.write_text(f"number,text\n{lines}", encoding="utf-8")
    return path


@contextmanager
def campaign(file: Path, dsn: str, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Two requests side by side. ``options`` are those of `subprocess.Popen`."""
    command = [sys.executable, "-m", "sms_core_cli", "campaign", file.name, *_options(*arguments)]
    environment = {**os.environ, "SMS_DSN": dsn, "PYTHONIOENCODING": "utf-8"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with child(command, cwd=file.parent, env=environment, **(pipes | options)) as running:
        yield running


def _options(*arguments: str) -> list[str]:
    return ["--yes", "--concurrency", str(AT_ONCE), *arguments]


def work(
    file: Path, dsn: str, prepare: Callable[[int], object] = lambda _: None, *, options: Sequence[str] = ()
) -> Callable[[int], int]:
    """The same for `tests.support.forks`; gives the exit code. ``prepare`` is called first, in the child."""

    def run(number: int) -> int:
        os.chdir(file.parent)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        sys.stdout = sys.stderr = io.TextIOWrapper(os.fdopen(nowhere, "wb"), encoding="utf-8")
        os.environ["SMS_DSN"] = dsn
        prepare(number)
        try:
            app(["campaign", file.name, *_options(*options)], prog_name="sms")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


def results(file: Path, name: str = "results.csv") -> list[dict[str, str]]:
    """The rows of the result file."""
    with file.with_name(name).open(encoding="utf-8-sig", newline="") as found:
        return list(csv.DictReader(found))


def exported(file: Path) -> list[dict[str, str]]:
    """The rows as the run knows them now."""
    with contextlib.chdir(file.parent), contextlib.suppress(SystemExit):
        app(["campaign", "export", file.name, "--json"], prog_name="sms")
    return results(file)


def has_accepted(exchange: Exchange, count: int) -> None:
    """Wait for so many."""
    assert exchange.wait_for(lambda: len(exchange.accepted) >= count, timeout=120)


def texts(rows: list[dict[str, str]], *outcomes: str) -> set[str]:
    """The texts of the rows with these outcomes."""
    return {row["text"] for row in rows if row["outcome"] in outcomes}
