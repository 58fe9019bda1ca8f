"""Every point at which a worker can die: its process is killed there, and what it left is cleared up by another one.

The sandbox, a process of its own with its own database, tells what was taken. Nothing is sent twice, nothing is lost, no
row lies, and nothing stays unknown that the vendor can tell.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from outbox_databases import new_schema
from outbox_vendor import HASH_KEY

from sms_core import Message
from sms_core.clocks import BeginBefore
from sms_core_outbox import Outbox, Put, State
from sms_core_outbox.databases import Database
from sms_core_outbox.schema import meta, metadata, worker
from tests.support import wire
from tests.support.forks import fork
from tests.support.sandbox_process import SandboxProcess
from tests.support.wire import Wire

COMMITS = {"sqlite": 8, "postgresql": 9}
"""Of a pass: that of the worker's name, two of the sweep, a claim and its answers for each of two requests, and a claim
that finds nothing. With PostgreSQL the login takes its turn by one more; with SQLite by a lock on a file."""
OWN_POINTS = [
    *(f"{side} commit {number}" for number in range(1, max(COMMITS.values()) + 1) for side in ("before", "after")),
    "before the first byte",
]
POINTS = [*OWN_POINTS, *wire.POINTS]
THIRD = -(-len(POINTS) // 3)
THREES = [POINTS[number::THIRD] for number in range(THIRD)]
"""Each point once, far apart in threes."""
PATIENCE = 60.0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@frozen
class Home:
    """An outbox that all tests of a database use, and where the workers' processes find it."""

    url: str
    state: Path
    outbox: Outbox


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxProcess
) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("outbox")
    url = f"sqlite:///{folder}/sms.db"
    if request.param == "postgresql":
        url = new_schema(request.getfixturevalue("postgresql"))
    with open_outbox(url, folder / "state", dsn(sandbox)) as outbox:
        outbox.create()
        yield Home(url, folder / "state", outbox)


def dsn(sandbox: SandboxProcess, port: int | None = None) -> str:
    return sandbox.dsn(port=port, batch_size=2, filter_sees_all="true")


def open_outbox(url: str, state: Path, dsn: str) -> Outbox:
    return Outbox(url, accounts={"main": dsn}, hash_key=HASH_KEY, state=state, concurrency=1)


def drain_and_die(home: Home, dsn: str, point: str) -> Callable[[int], object]:
    """What a worker's process does: a pass, in the middle of which it kills itself, where the point is one of its own."""

    def work(_: int) -> object:
        with dying_at(point):
            open_outbox(home.url, home.state, dsn).drain()
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


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_dies(home: Home, sandbox: SandboxProcess, point: str) -> None:
    last = COMMITS[home.outbox.engine.dialect.name]
    assert drain_by_workers_that_die(home, sandbox, [point]) == (not point.endswith(f"commit {last + 1}"))


@pytest.mark.parametrize("points", THREES, ids=" | ".join)
def test_three_workers_die(home: Home, sandbox: SandboxProcess, points: list[str]) -> None:
    """At least the one that has claimed something comes to its point."""
    assert drain_by_workers_that_die(home, sandbox, points) >= 1


def test_a_pass_has_no_other_commits(home: Home, sandbox: SandboxProcess) -> None:
    point = f"before commit {max(COMMITS.values()) + 1}"
    assert drain_by_workers_that_die(home, sandbox, [point]) == 0


def drain_by_workers_that_die(home: Home, sandbox: SandboxProcess, points: list[str]) -> int:
    """Drain an outbox by a worker for each point, clear up after them, and check all; how many were killed."""
    outbox = home.outbox
    empty(outbox)
    sandbox.reset()
    rows = 2 + 2 * len(points)
    outbox.put_many(Put(Message(f"text {n}", f"+88690000000{n}"), f"k{n}") for n in range(1, rows + 1))
    killed = run_workers(home, sandbox, points)
    clear_up(outbox)
    check(outbox, sandbox, rows)
    return killed


def empty(outbox: Outbox) -> None:
    """As if nothing had been put yet."""
    with outbox.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table not in {meta, worker}:
                connection.execute(table.delete())


def run_workers(home: Home, sandbox: SandboxProcess, points: list[str]) -> int:
    """Run them until each has ended; how many were killed, by themselves or on their wire."""
    children = []
    with ExitStack() as wires:
        for point in points:
            way = wires.enter_context(Wire(sandbox.port, point))
            children.append(fork(drain_and_die(home, dsn(sandbox, way.port), point), 0))
            way.introduce(children[-1][0])
        killed = sum(was_killed(pid) for pid, _ in children)
    for _, out in children:
        with os.fdopen(out) as said:
            assert said.read() in ("", "null")
    return killed


def was_killed(pid: int) -> bool:
    """Wait for a process."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # an oracle has waited for what it killed
            return True
        if ended:
            return os.WIFSIGNALED(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError("a worker hangs")
        time.sleep(0.005)


def clear_up(outbox: Outbox) -> None:
    """What the next worker on the machine does, and a settling after the time that a dead claim takes."""
    outbox.drain()
    assert State.SENDING not in {row.state for row in outbox.find()}
    with outbox._database.write() as connection:
        hour = 3_600_000_000
        connection.exec_driver_sql(f"UPDATE sms_outbox_row SET claimed_at = claimed_at - {hour}")
    outbox.settle()
    outbox.drain()


def check(outbox: Outbox, sandbox: SandboxProcess, count: int) -> None:
    rows, taken = outbox.find(), sandbox.taken()
    expected = dict.fromkeys(((row.number, f"text {row.key[1:]}") for row in rows), 1)
    assert Counter((sent.number, sent.text) for sent in taken) == expected
    assert [row.state for row in rows] == [State.ACCEPTED] * count
    assert {row.number: row.batch_id for row in rows} == {sent.number: sent.batch_id for sent in taken}
    assert not any(row.is_double for row in rows)
