"""A Python that has imported what most scripts need, and runs each script in a fork of itself.

Tests of the documents start some hundred interpreters; four fifths of their time went into the same imports.

Run as a program it is that Python: each line of its input is one run in JSON, each line of its output an exit status.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

IMPORTED = (
    "sms_core.webhooks",
    "sms_core_cli.app",
    "sms_core_every8d.http.provider",
    "sms_core_outbox",
    "sms_core_policy",
    "sms_core_sandbox",
    "sms_core_kit",
    "aiohttp",
    "celery",
    "django.core.management",
    "fastapi",
    "flask",
    "opentelemetry.sdk.trace",
    "procrastinate",
    "psycopg",
    "sqlalchemy",
)
LONGEST = 60
"""Seconds that one run may take."""


class WarmPython:
    """The parent's side. One run at a time."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._out, self._err = folder / "stdout", folder / "stderr"

    def run(
        self, script: str, arguments: Sequence[str] = (), *, cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a script's file, or a module that is named like ``-m`` wants it, with the environment ``env`` alone."""
        wanted = {"script": script, "arguments": [*arguments], "cwd": str(cwd), "env": dict(env)}
        wanted |= {"stdout": str(self._out), "stderr": str(self._err)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")
        return subprocess.CompletedProcess([script, *arguments], status, out, err)


@contextlib.contextmanager
def warm_python(folder: Path) -> Iterator[WarmPython]:
    """One that keeps what its scripts print in ``folder`` until the next runs."""
    command = [sys.executable, "-W", "error", "-m", __name__]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], text=True, **pipes) as process:
        try:
            yield WarmPython(process, folder)
        finally:
            process.kill()


def serve() -> None:
    """Run each in a process of its own, which ends without taking apart what was imported here."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        process = multiprocessing.get_context("fork").Process(target=play, kwargs=json.loads(line))
        process.start()
        process.join(LONGEST)
        process.kill()
        process.join()
        sys.stdout.write(f"{process.exitcode}\n")
        sys.stdout.flush()


def play(script: str, arguments: list[str], cwd: str, env: dict[str, str], stdout: str, stderr: str) -> None:
    """Run a script as though this interpreter had begun with it."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.stdout, sys.stderr = _redirected(1, stdout), _redirected(2, stderr)
    sys.argv = [script, *arguments]
    if script.endswith(".py"):
        sys.path[0] = str(Path(script).parent)
        runpy.run_path(script, run_name="__main__")
    else:
        sys.path[0] = cwd
        runpy.run_module(script, run_name="__main__", alter_sys=True)


def _redirected(descriptor: int, path: str) -> TextIO:
    """What is written to the descriptor goes to the file, in UTF-8."""
    with Path(path).open("wb") as file:
        os.dup2(file.fileno(), descriptor)
    return open(descriptor, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    serve()
