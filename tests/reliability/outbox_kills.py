"""Workers of an outbox that are killed at any moment, while others go on.

Nothing is sent twice, nothing is lost, no row lies, and nothing stays unknown that the vendor can tell.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from attrs import define, field

from sms_core import Client, Message, SocketTransport
from sms_core_outbox import Outbox, Put, State
from tests.support.forks import fork
from tests.support.tiny import bind

# The vendor on a real socket is one of the outbox's own tests.
sys.path.append(str(Path(__file__).parents[2] / "plugins" / "outbox" / "tests"))

from oracle import Oracle

HASH_KEY = "a key of the tests alone"
ROWS = 24
WORKERS = 3
LONGEST = 0.25
"""Seconds after which a worker is killed at the latest: about what it takes for all of it."""


@define
class Figures:
    """What the rounds came to; what is wrong is told in words."""

    seed: int
    rounds: int = 0
    kills: int = 0
    rows: int = 0
    unknown: int = 0
    wrong: list[str] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether each row is as the vendor took it."""
        return not self.wrong

    def __str__(self) -> str:
        rows = [
            f"kills     {self.kills:,} of outbox workers in {self.rounds:,} rounds (seed {self.seed})",
            f"rows      {self.rows:,}, unknown until they were settled {self.unknown:,}",
            f"wrong     {len(self.wrong):,}",
        ]
        rows.extend(f"          {words}" for words in self.wrong[:20])
        return "\n".join(rows)


def run(kills: int, seed: int) -> Figures:
    """Rounds until so many workers were killed. Each has a database of its own."""
    chance = random.Random(seed)
    figures = Figures(seed)
    while figures.kills < kills:
        with tempfile.TemporaryDirectory() as folder, Oracle() as oracle:
            _round(f"sqlite:///{folder}/sms.db", oracle, chance, figures)
        figures.rounds += 1
    return figures


def _round(url: str, oracle: Oracle, chance: random.Random, figures: Figures) -> None:
    accounts = {"main": _client(oracle.listen())}
    with Outbox(url, accounts=accounts, hash_key=HASH_KEY, concurrency=2) as outbox:
        outbox.create()
        outbox.put_many(Put(Message(f"text {n}", f"+88690{n:07}"), f"k{n}") for n in range(ROWS))
        figures.kills += _kill_some(url, oracle, chance)
        outbox.drain()
        figures.unknown += len(outbox.unknown())
        _make_old(url)
        outbox.settle()
        outbox.drain()
        _judge(figures, outbox, oracle)


def _client(port: int) -> Client:
    return bind(SocketTransport(), clock=lambda: datetime.now(UTC), base_url=f"http://127.0.0.1:{port}")


def _kill_some(url: str, oracle: Oracle, chance: random.Random) -> int:
    """Let workers drain, and kill each after a while that chance decides. Gives how many were not over by then."""
    children = [fork(_drain(url, oracle.listen()), number) for number in range(WORKERS)]
    begun = time.monotonic()
    killed = 0
    for moment, (pid, out) in zip(sorted(chance.uniform(0, LONGEST) for _ in children), children, strict=True):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        os.kill(pid, signal.SIGKILL)  # it is a child that nobody has waited for, so the id is still its own
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        os.close(out)
    return killed


def _drain(url: str, port: int) -> Callable[[int], object]:
    def work(_: int) -> Any:
        with Outbox(url, accounts={"main": _client(port)}, hash_key=HASH_KEY, concurrency=2) as outbox:
            return outbox.drain().claimed

    return work


def _make_old(url: str) -> None:
    """As if an hour had passed: a vendor's not knowing counts only then."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET claimed_at = claimed_at - 3600000000")
    engine.dispose()


def _judge(figures: Figures, outbox: Outbox, oracle: Oracle) -> None:
    rows = outbox.find()
    figures.rows += len(rows)
    counts = oracle.counts
    batches = {(number, text): batch for number, text, batch in oracle.taken}
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
