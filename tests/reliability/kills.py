"""Campaigns that several processes send at once, each of which is stopped at some moment or at some write, and joined.

Nothing is sent twice, nothing is lost, no row lies, and no more is unknown than was in flight.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy

from plugins.cli.tests.running import AT_ONCE, exported, work, write_table
from sms_core.testing import Exchange
from sms_core_sandbox import Sandbox
from tests.reliability.kill_figures import Figures
from tests.support.forks import fork, in_children

STOPS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
ROWS = 16
PROCESSES = 3
LONGEST = 0.6
"""Seconds after which a process is stopped at the latest: about what it takes for all of it."""
WRITES = 40
"""Statements that change something, about as many as a process makes."""
PATIENCE = 60.0


def run(kills: int, seed: int) -> Figures:
    """Campaigns until so many processes were stopped. Each has a file of its own, and ends with two that are not."""
    chance = random.Random(seed)
    figures = Figures(("processes", "campaigns"), seed)
    while figures.kills < kills:
        with tempfile.TemporaryDirectory() as folder, Sandbox() as box:
            file = write_table(Path(folder), ROWS)
            box.faults.add("slow", match="Send", times=None, seconds=0.02)
            dsn = box.dsn("every8d", batch_size=1)
            hard = _stop_some(file, dsn, chance, figures)
            in_children(2, work(file, dsn), patience=PATIENCE)
            _judge(figures, file, box.exchange, hard)
        figures.rounds += 1
    return figures


def _stop_some(file: Path, dsn: str, chance: random.Random, figures: Figures) -> int:
    """Let processes send, and stop each. Gives how many were killed, which leaves rows unknown."""
    stops = [chance.choice(STOPS) for _ in range(PROCESSES)]
    at_writes = [chance.randint(1, WRITES) if chance.random() < 0.5 else 0 for _ in range(PROCESSES)]
    begun = time.monotonic()
    children = [
        fork(work(file, dsn, _at_write(stop, count)), number)
        for number, (stop, count) in enumerate(zip(stops, at_writes, strict=True))
    ]
    moments = sorted(chance.uniform(0, LONGEST) for _ in children)
    hard = 0
    for (pid, out), stop, at_write, moment in zip(children, stops, at_writes, moments, strict=True):
        if not at_write:
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            os.kill(pid, stop)  # it is a child that nobody has waited for, so the id is still its own
        status = _wait(pid)
        os.close(out)
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        hard += was_killed
        figures.kills += was_killed or stop is not signal.SIGKILL
    return hard


def _wait(pid: int) -> int:
    """Wait for a child, which is killed where it hangs. Gives its status."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("a process did not end after it was told to")


def _at_write(stop: signal.Signals, count: int) -> Callable[[int], object]:
    """Let a process stop itself before its n-th statement that changes something; 0 lets it be."""

    def prepare(_: int) -> None:
        left = [count]

        def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith(("INSERT", "UPDATE", "COMMIT", "RELEASE")):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), stop)

        if count:
            sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", look)

    return prepare


def _judge(figures: Figures, file: Path, exchange: Exchange, hard: int) -> None:
    taken = Counter(message.text for message in exchange.accepted)
    batches = {message.text: message.batch_id for message in exchange.accepted}
    rows = exported(file)
    unknown = [row for row in rows if row["outcome"] == "unknown"]
    figures.rows += len(rows)
    figures.unknown += len(unknown)
    figures.wrong += [f"sent {count} times: {text}" for text, count in taken.items() if count > 1]
    if len(rows) != ROWS:
        figures.wrong.append(f"{ROWS - len(rows)} rows are lost")
    if len(unknown) > hard * AT_ONCE:
        figures.wrong.append(f"{len(unknown)} rows are unknown after {hard} kills")
    for row in rows:
        text, outcome = row["text"], row["outcome"]
        if outcome == "accepted" and batches.get(text) != row["batch_id"]:
            figures.wrong.append(f"accepted in {row['batch_id']}, but taken in {batches.get(text)}: {text}")
        if outcome not in {"accepted", "unknown"}:
            figures.wrong.append(f"{outcome} at the end, and taken {taken[text]} times: {text}")
