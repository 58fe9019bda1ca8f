"""How far it is, on stderr: a bar on a terminal, lines in a file or a pipe. And what follows how many rows still wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager

from attrs import define, field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sms_core_cli.campaign import Run, Sending
from sms_core_cli.language import _
from sms_core_cli.output import console, note
from sms_core_outbox import State

LOOK = 0.2
"""Seconds between two looks at how far sending is, of which the others' processes tell nobody. A look that takes long is
taken less often."""
SHARE = 20
"""One part in so many of the time goes into looking."""
LINE = 10.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def progress_bar(
    what: str, total: int | None, *, shown: bool, every: float = LINE
) -> Generator[Callable[[int], object]]:
    """A bar on stderr, or a line ``every`` so many seconds where that is no terminal; gives what advances it."""
    out = console(stderr=True)
    if not out.is_terminal:
        lines = _Lines(what, total, every)
        yield lines.advance if shown else lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=out, disable=not shown or total == 0)
    task = bar.add_task(what, total=total)
    with bar:
        yield lambda count: bar.advance(task, count)


@define
class _Lines:
    """Tells now and then how far it is; nothing of what is done soon."""

    what: str
    total: int | None
    every: float
    done: int = 0
    said_at: float = field(factory=time.monotonic)

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.said_at < self.every:
            return
        self.said_at = now
        of_all = self.done if self.total is None else f"{self.done}/{self.total}"
        note(_("{header}: {cell}", header=self.what, cell=of_all))


def follow(run: Run, sending: Future[Sending], total: int, advance: Callable[[int], object]) -> None:
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
