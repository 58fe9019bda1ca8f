"""Bars on stderr, and one that follows how many rows of a run still wait."""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sms_core_cli.campaign import Run, Sending
from sms_core_cli.output import console
from sms_core_outbox import State

LOOK = 0.2
"""Seconds between two looks at how far sending is, of which the others' processes tell nobody. A look that takes long is
taken less often."""
SHARE = 20
"""One part in so many of the time goes into looking."""


@contextmanager
def progress_bar(what: str, total: int | None, *, shown: bool) -> Generator[Any]:
    """A bar on stderr; gives what advances it."""
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console(stderr=True), disable=not shown or total == 0)
    task = bar.add_task(what, total=total)
    with bar:
        yield lambda count: bar.advance(task, count)


def follow(run: Run, sending: Future[Sending], total: int, advance: Any) -> None:
    """Let a bar follow how many rows still wait, whoever sends them."""
    shown = 0
    pause = LOOK
    while True:
        done = _is_done(sending, pause)
        begun = time.monotonic()
        states = run.states()
        pause = max(LOOK, SHARE * (time.monotonic() - begun))
        gone = total - states[State.READY] - states[State.SENDING]
        if gone > shown:
            advance(gone - shown)
            shown = gone
        if done:
            return


def _is_done(sending: Future[Sending], seconds: float) -> bool:
    """Wait so long, unless it is done earlier."""
    try:
        sending.exception(timeout=seconds)
    except TimeoutError:
        return False
    return True
