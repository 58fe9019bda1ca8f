"""Workers of an outbox that are killed at any moment of their work, while others go on, on SQLite and on PostgreSQL.

Nothing is sent twice, nothing is lost, no row lies, and nothing stays unknown that the vendor can tell.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Barrier

import sqlalchemy
from attrs import frozen

from sms_core import Message
from sms_core_outbox import Alarm, Outbox, Put, State
from tests.reliability.kill_figures import Figures
from tests.support.forks import fork, in_children
from tests.support.outboxes import settle_at_once, waiting
from tests.support.postgresql import postgresql_server
from tests.support.sandbox_process import SandboxProcess

HASH_KEY = "a key of the tests alone"
ROWS = 48
WORKERS = 3
PATIENCE = 60.0
SHARE = 0.3
"""Of the time in which workers that nobody kills send all rows: a worker is killed within it, and others take its place."""


@frozen
class Place:
    """A database of a round, and who takes what it sends."""

    url: str
    folder: str
    sandbox: SandboxProcess

    def open(self) -> Outbox:
        """Open it, as each process does for itself."""
        accounts = {"main": self.sandbox.dsn(batch_size=3, filter_sees_all="true")}
        return Outbox(
            self.url, accounts=accounts, hash_key=HASH_KEY, state=self.folder, concurrency=2, on_alarm=_be_quiet
        )


def _be_quiet(_: Alarm) -> None:
    """Alarms tell of rows that are unknown, which is so after many a kill; the rows themselves are judged."""


def run(kills: int, seed: int, kinds: tuple[str, ...] = ("sqlite", "postgresql")) -> Figures:
    """Rounds until so many workers were killed, on each kind of database in turn. Each has a database of its own."""
    chance = random.Random(seed)
    figures = Figures(("workers of an outbox", "rounds"), seed)
    with ExitStack() as stack:
        sandbox = stack.enter_context(SandboxProcess())
        server = stack.enter_context(postgresql_server()) if "postgresql" in kinds else ""
        longest = {kind: _time_undisturbed(kind, server, sandbox) for kind in kinds}
        while figures.kills < kills:
            kind = kinds[figures.rounds % len(kinds)]
            with _new_place(kind, server, sandbox) as place:
                _round(place, SHARE * longest[kind], chance, figures)
            figures.rounds += 1
    return figures


@contextmanager
def _new_place(kind: str, server: str, sandbox: SandboxProcess) -> Iterator[Place]:
    sandbox.reset()
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield Place(f"sqlite:///{folder}/sms.db", folder, sandbox)
            return
        engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE SCHEMA round")
            yield Place(f"{server}&options=-csearch_path%3Dround", folder, sandbox)
            connection.exec_driver_sql("DROP SCHEMA round CASCADE")
        engine.dispose()


def _put_all(outbox: Outbox) -> None:
    outbox.create()
    outbox.put_many(Put(Message(f"text {n}", f"+88690{n:07}"), f"k{n}") for n in range(ROWS))


def _time_undisturbed(kind: str, server: str, sandbox: SandboxProcess) -> float:
    """Seconds that workers take for all rows when nobody kills them."""
    with _new_place(kind, server, sandbox) as place, place.open() as outbox:
        _put_all(outbox)
        seconds: list[float] = in_children(WORKERS, _drain(place, _barrier(WORKERS)))
        return max(seconds)


def _round(place: Place, longest: float, chance: random.Random, figures: Figures) -> None:
    with place.open() as outbox:
        _put_all(outbox)
        while waiting(outbox):
            figures.kills += _kill_some(place, longest, chance)
        figures.unknown += settle_at_once(outbox)
        outbox.drain()
        _judge(figures, outbox, place.sandbox)


def _barrier(parties: int) -> Barrier:
    return multiprocessing.get_context("fork").Barrier(parties, timeout=PATIENCE)


def _drain(place: Place, barrier: Barrier) -> Callable[[int], float]:
    """The work of a worker, which begins when all have opened the outbox; gives how many seconds it took."""

    def drain(_: int) -> float:
        with place.open() as outbox:
            outbox.find(limit=1)
            barrier.wait()
            begun = time.monotonic()
            outbox.drain()
            return time.monotonic() - begun

    return drain


def _kill_some(place: Place, longest: float, chance: random.Random) -> int:
    """Let workers drain, and kill each after a while that chance decides. Gives how many were not over by then."""
    barrier = _barrier(WORKERS + 1)
    children = [fork(_drain(place, barrier), number) for number in range(WORKERS)]
    barrier.wait()
    begun = time.monotonic()
    killed = 0
    for moment, (pid, out) in zip(sorted(chance.uniform(0, longest) for _ in children), children, strict=True):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        os.kill(pid, signal.SIGKILL)  # it is a child that nobody has waited for, so the id is still its own
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
        os.close(out)
    return killed


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
