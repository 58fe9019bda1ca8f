"""Child processes that a test stops by a signal."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a command that Ctrl-C reaches; it is killed at the end, if it still runs then.

    ``options`` are those of `subprocess.Popen`. The main thread alone can start one.
    """
    with _popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def _popen(command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """Start the command with SIGINT's default handling.

    A script starts what runs in its background with SIGINT ignored, and an ignored signal stays so in every child.
    One that has a handler starts in a child with the default handling (POSIX, `execve`); so it has one meanwhile.
    """
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, encoding="utf-8", **options)
    finally:
        signal.signal(signal.SIGINT, inherited)
