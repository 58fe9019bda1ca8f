"""Workers of an outbox that are killed at any moment, while others go on.

Nothing is sent twice, nothing is lost, no row lies, and nothing stays unknown that the vendor can tell.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import Counter

from sms_core import Message
from sms_core_outbox import Outbox, Put, State
from tests.reliability.kill_figures import Figures
from tests.support.forks import fork
from tests.support.sandbox_process import SandboxProcess

HASH_KEY = "a key of the tests alone"
ROWS = 24
WORKERS = 3
LONGEST = 0.25
"""Seconds after which a worker is killed at the latest: about what it takes for all of it."""


def run(kills: int, seed: int) -> Figures:
    """Rounds until so many workers were killed. Each has a database of its own."""
    chance = random.Random(seed)
    figures = Figures(("workers of an outbox", "rounds"), seed)
    with SandboxProcess() as sandbox:
        while figures.kills < kills:
            sandbox.reset()
            with tempfile.TemporaryDirectory() as folder:
                _round(f"sqlite:///{folder}/sms.db", sandbox, chance, figures)
            figures.rounds += 1
    return figures


def _round(url: str, sandbox: SandboxProcess, chance: random.Random, figures: Figures) -> None:
    with _open(url, sandbox) as outbox:
        outbox.create()
        outbox.put_many(Put(Message(f"text {n}", f"+88690{n:07}"), f"k{n}") for n in range(ROWS))
        figures.kills += _kill_some(url, sandbox, chance)
        outbox.drain()
        figures.unknown += len(outbox.unknown())
        _make_old(outbox)
        outbox.settle()
        outbox.drain()
        _judge(figures, outbox, sandbox)


def _open(url: str, sandbox: SandboxProcess) -> Outbox:
    accounts = {"main": sandbox.dsn(batch_size=3, filter_sees_all="true")}
    return Outbox(url, accounts=accounts, hash_key=HASH_KEY, concurrency=2)


def _kill_some(url: str, sandbox: SandboxProcess, chance: random.Random) -> int:
    """Let workers drain, and kill each after a while that chance decides. Gives how many were not over by then."""

    def drain(_: int) -> int:
        with _open(url, sandbox) as outbox:
            return outbox.drain().claimed

    children = [fork(drain, number) for number in range(WORKERS)]
    begun = time.monotonic()
    killed = 0
    for moment, (pid, out) in zip(sorted(chance.uniform(0, LONGEST) for _ in children), children, strict=True):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        os.kill(pid, signal.SIGKILL)  # it is a child that nobody has waited for, so the id is still its own
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        os.close(out)
    return killed


def _make_old(outbox: Outbox) -> None:
    """As if an hour had passed: a vendor's not knowing counts only then."""
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET claimed_at = claimed_at - 3600000000")


def _judge(figures: Figures, outbox: Outbox, sandbox: SandboxProcess) -> None:
    rows, taken = outbox.find(), sandbox.taken()
    figures.rows += len(rows)
    counts = Counter((sent.number, sent.text) for sent in taken)
    batches = {(sent.number, sent.text): sent.batch_id for sent in taken}
    if len(rows) != ROWS:
        figures.wrong.append(f"{ROWS - len(rows)} rows are lost")
    for row in rows:
        place = (row.number, f"text {row.key[1:]}")
        if counts[place] != 1:
            figures.wrong.append(f"{row.key} was sent {counts[place]} times")
        if row.state is not State.ACCEPTED or row.is_double:
            figures.wrong.append(f"{row.key} is {row.state.value} at the end")
        if row.batch_id != batches.get(place):
            figures.wrong.append(f"{row.key} is in {row.batch_id}, and was taken in {batches.get(place)}")
