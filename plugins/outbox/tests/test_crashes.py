"""Every point at which a worker can die: its process is killed there, and what it left is cleared up by another one.

Nothing is sent twice, nothing is lost, no row lies, and nothing stays unknown that the vendor can tell.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from oracle import BYTES, Oracle
from outbox_vendor import HASH_KEY

from sms_core import Client, Message, SocketTransport
from sms_core.clocks import BeginBefore
from sms_core_outbox import Outbox, Put, State
from sms_core_outbox.databases import Database
from tests.support.forks import fork
from tests.support.tiny import bind

ROWS = 4
COMMITS = range(1, 8)
"""Of a pass: two of the sweep, that of the worker's name, and a claim and its answers for each of two requests."""
MAY_NOT_BE_REACHED = {f"{side} commit {number}" for side in ("before", "after") for number in (4, 5, 6, 7)}
MAY_NOT_BE_REACHED.add("before the first byte")
"""Where others are faster, there is nothing left to commit."""
PATIENCE = 60.0
POINTS = [
    *(f"{side} commit {number}" for number in COMMITS for side in ("before", "after")),
    "before the first byte",
    *BYTES,
]


def client(port: int) -> Client:
    return bind(SocketTransport(), clock=lambda: datetime.now(UTC), base_url=f"http://127.0.0.1:{port}")


def drain_and_die(url: str, state: Path, port: int, point: str) -> Callable[[int], object]:
    """What a worker's process does: a pass, in the middle of which it kills itself, where the point is one of its own."""

    def work(number: int) -> object:
        with dying_at(point if number == 0 else ""):
            outbox = Outbox(url, accounts={"main": client(port)}, hash_key=HASH_KEY, state=state, concurrency=1)
            outbox.drain()
        return None

    return work


@contextmanager
def dying_at(point: str) -> Iterator[None]:
    """In the worker's own process: end it at a commit, or directly before a request's first byte."""
    commits = itertools.count(1)
    write = Database.write
    has_passed = BeginBefore.has_passed

    @contextmanager
    def counted(self: Database) -> Iterator[Any]:
        number = next(commits)
        with write(self) as connection:
            yield connection
            if point == f"before commit {number}":
                die()
        if point == f"after commit {number}":
            die()

    def late(self: BeginBefore) -> bool:
        if point == "before the first byte":
            die()
        return has_passed(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "write", counted)
        patch.setattr(BeginBefore, "has_passed", late)
        yield


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


ONE_OF_EACH_CLASS = ["after commit 3", "before commit 4", "before the first byte", "taken", "before commit 5"]
"""Before a claim, in it, between it and the vendor, at the vendor, and before its answer is stored."""


@pytest.mark.parametrize(
    ("point", "workers"), [*((point, 1) for point in POINTS), *((point, 3) for point in ONE_OF_EACH_CLASS)]
)
def test_a_worker_dies(url: str, tmp_path: Path, point: str, workers: int) -> None:
    state = tmp_path / "state"
    with Oracle(point) as oracle:
        port = oracle.listen()
        with Outbox(url, accounts={"main": client(port)}, hash_key=HASH_KEY, state=state, concurrency=1) as outbox:
            outbox.create()
            outbox.put_many(Put(Message(f"text {n}", f"+88690000000{n}"), f"k{n}") for n in range(1, ROWS + 1))
            run_workers(url, state, oracle, point, workers)
            clear_up(outbox)
            check(outbox, oracle)


def run_workers(url: str, state: Path, oracle: Oracle, point: str, count: int) -> None:
    """Run them until each has ended; at most one of them is killed, by itself or by the oracle."""
    children = []
    for number in range(count):
        port = oracle.listen()
        children.append(fork(drain_and_die(url, state, port, point), number))
        oracle.introduce(port, children[-1][0])
    killed = sum(was_killed(pid) for pid, _ in children)
    for _, out in children:
        with os.fdopen(out) as said:
            assert said.read() in ("", "null")
    assert killed == 1 or point in MAY_NOT_BE_REACHED


def was_killed(pid: int) -> bool:
    """Wait for a process."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # the oracle has waited for it
            return True
        if ended:
            return os.WIFSIGNALED(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError("a worker hangs")
        time.sleep(0.01)


def clear_up(outbox: Outbox) -> None:
    """What the next worker on the machine does, and a settling after the time that a dead claim takes."""
    outbox.drain()
    assert State.SENDING not in {row.state for row in outbox.find()}
    with outbox._database.write() as connection:
        hour = 3_600_000_000
        connection.exec_driver_sql(f"UPDATE sms_outbox_row SET claimed_at = claimed_at - {hour}")
    outbox.settle()
    outbox.drain()


def check(outbox: Outbox, oracle: Oracle) -> None:
    rows = outbox.find()
    assert oracle.counts == dict.fromkeys(((row.number, f"text {row.key[1:]}") for row in rows), 1)
    assert [row.state for row in rows] == [State.ACCEPTED] * ROWS
    batch_of = {number: batch for number, _, batch in oracle.taken}
    assert {row.number: row.batch_id for row in rows} == batch_of
    assert not any(row.is_double for row in rows)
