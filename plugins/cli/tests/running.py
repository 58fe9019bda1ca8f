"""`sms campaign` in a process of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sms_core.testing import Exchange
from tests.support.children import child

ROWS = 40
CUT_OFF = "may have been handed to the vendor"


def write_table(folder: Path) -> Path:
    """A table of `ROWS` people, each with a text that nobody else gets."""
    path = folder / "people.csv"
    rows = "".join(f"09000001{number:02},第{number}號\n" for number in range(ROWS))
    path.write_text(f"number,text\n{rows}", encoding="utf-8")
    return path


@contextmanager
def campaign(file: Path, dsn: str, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Two requests side by side. ``options`` are those of `subprocess.Popen`."""
    command = [sys.executable, "-m", "sms_core_cli", "campaign", file.name, "--yes", "--concurrency", "2", *arguments]
    environment = {**os.environ, "SMS_DSN": dsn, "PYTHONIOENCODING": "utf-8"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with child(command, cwd=file.parent, env=environment, **(pipes | options)) as running:
        yield running


def results(file: Path, name: str = "results.csv") -> list[dict[str, str]]:
    """The rows of the result file."""
    with file.with_name(name).open(encoding="utf-8", newline="") as found:
        return list(csv.DictReader(found))


def has_accepted(exchange: Exchange, count: int) -> None:
    """Wait for so many."""
    assert exchange.wait_for(lambda: len(exchange.accepted) >= count, timeout=20)


def texts(rows: list[dict[str, str]], *outcomes: str) -> set[str]:
    """The texts of the rows with these outcomes."""
    return {row["text"] for row in rows if row["outcome"] in outcomes}
