"""Ctrl-C where sends are under way: the first one asks to stop, the second one insists."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

STOPPING = "\nStopping: what is under way is still awaited. Ctrl-C again ends at once.\n"
SHOW_CURSOR = "\x1b[?25h"
"""A progress bar hides the cursor, and an abrupt end would leave it so."""


@contextmanager
def interrupts(insist: Callable[[], int]) -> Generator[threading.Event, None, None]:
    """Within this block SIGINT and SIGTERM set the event instead of breaking off.

    At the second one ``insist()`` is called, and the process ends at once with the exit code that it gives: threads
    that wait for a vendor would hold up any other end. Outside the main thread, which alone gets signals, nothing
    changes.
    """
    stop = threading.Event()

    def handle(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            code = insist()
            _write(SHOW_CURSOR if sys.stderr.isatty() else "")
            os._exit(code)
        stop.set()
        _write(STOPPING)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(text: str) -> None:
    """To stderr itself: the code that the signal broke into may be writing through Python's buffer."""
    with contextlib.suppress(OSError, ValueError):  # without a stderr there is nobody to tell
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
