"""Ctrl-C where sends are under way: the first one asks to stop, the second one insists.

A closed terminal (SIGHUP) asks to stop too. It never insists: the kernel and the shell may each send one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from sms_core_cli.language import _
from sms_core_cli.output import console
from sms_core_cli.wrapping import wrapped

SHOW_CURSOR = "\x1b[?25h"
"""A progress bar hides the cursor, and an abrupt end would leave it so."""


@contextmanager
def interrupts(insist: Callable[[], int]) -> Generator[threading.Event, None, None]:
    """Within this block SIGINT, SIGTERM and SIGHUP set the event instead of breaking off.

    At the second SIGINT or SIGTERM ``insist()`` is called, and the process ends at once with the exit code that it
    gives: threads that wait for a vendor would hold up any other end. Outside the main thread, which alone gets
    signals, nothing changes.
    """
    stop = threading.Event()
    what_it_waits_for = _("Stopping: what is under way is still awaited. Ctrl-C again ends at once.")
    stopping = "\n".join(wrapped(what_it_waits_for, console(stderr=True).width))
    terminals = [descriptor for descriptor in (0, 1, 2) if os.isatty(descriptor)]

    def handle(_number: int, _frame: FrameType | None) -> None:
        _write("\n")  # after the ^C of a terminal
        if stop.is_set():
            code = insist()
            _write(SHOW_CURSOR if sys.stderr.isatty() else "")
            os._exit(code)
        stop.set()
        _write(f"{stopping}\n")

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in terminals:  # whatever is still to be said would fail there
            os.dup2(nowhere, descriptor)
        os.close(nowhere)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    handlers = {signal.SIGINT: handle, signal.SIGTERM: handle}
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # as under nohup
        handlers[hangup] = hang_up
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(text: str) -> None:
    """To stderr itself: the code that the signal broke into may be writing through Python's buffer."""
    with contextlib.suppress(OSError, ValueError):  # without a stderr there is nobody to tell
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
