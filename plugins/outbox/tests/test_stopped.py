"""A worker that is stopped at any point for longer than its claim may last, and goes on when others have seen to its rows.

Its process is stopped by SIGSTOP. Meanwhile another one makes its claim unknown and asks the vendor; no absence counts,
since the holder lives. Then it goes on, and its late answer counts.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from oracle import Oracle, client
from outbox_vendor import HASH_KEY

from sms_core import Message
from sms_core.clocks import BeginBefore
from sms_core_outbox import Alarm, Outbox, Put, State, ledger
from sms_core_outbox.databases import Database
from tests.support.forks import fork

ROWS = 4
CLAIM_AGE = 0.5
"""Seconds, instead of ten."""
PATIENCE = 30.0
COMMITS = ("after commit 4", "after commit 5")
"""That of the first claim, and that of its answers. Before one, SQLite's file is locked, and everybody else waits."""
OPEN_COMMITS = ("before commit 4", "before commit 5")
BYTES = ("connected", "request whole", "taken", "answer begun")
BEFORE_THE_TEST, AFTER_THE_TEST = "before it tests its claim's age", "after it has tested its claim's age"


class StoppingOracle(Oracle):
    """Stops the worker instead of killing it, and goes on itself."""

    def _pass(self, point: str, port: int) -> None:
        with self._known:
            if point != self._kill_at or self._killed:
                return
            self._killed = True
            assert self._known.wait_for(lambda: port in self._pids, PATIENCE)
            os.kill(self._pids[port], signal.SIGSTOP)


def stop() -> None:
    # Sent to the process, the signal may stop this thread a few statements later.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


@contextmanager
def stopping_at(point: str) -> Iterator[None]:
    """In the worker's own process: stop it once, at a commit or around the test of its claim's age."""
    commits = itertools.count(1)
    points = iter([point])
    write, has_passed = Database.write, BeginBefore.has_passed

    def stop_if(name: str) -> None:
        if name == point and next(points, None):
            stop()

    @contextmanager
    def counted(self: Database) -> Iterator[Any]:
        number = next(commits)
        with write(self) as connection:
            yield connection
            stop_if(f"before commit {number}")
        stop_if(f"after commit {number}")

    def tested(self: BeginBefore) -> bool:
        stop_if(BEFORE_THE_TEST)
        is_late = has_passed(self)
        stop_if(AFTER_THE_TEST)
        return is_late

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "write", counted)
        patch.setattr(BeginBefore, "has_passed", tested)
        patch.setattr(ledger, "CLAIM_AGE", CLAIM_AGE)
        yield


@contextmanager
def stopped_worker(url: str, state: Path, oracle: Oracle, point: str) -> Iterator[Callable[[], list[str]]]:
    """A worker that has stopped at the point; gives what lets it go on until its end, and tells its alarms then."""

    def work(number: int) -> object:
        with stopping_at(point):
            accounts = {"main": client(port)}
            with Outbox(
                url, accounts=accounts, hash_key=HASH_KEY, state=state, concurrency=1, on_alarm=alarms.append
            ) as outbox:
                outbox.drain()
        return [alarm.kind for alarm in alarms]

    alarms: list[Alarm] = []
    port = oracle.listen()
    pid, out = fork(work, 0)
    oracle.introduce(port, pid)
    ended = False

    def go_on() -> list[str]:
        nonlocal ended
        os.kill(pid, signal.SIGCONT)
        status = wait(pid, os.WIFEXITED)
        ended = True
        with os.fdopen(out) as said:
            assert os.WEXITSTATUS(status) == 0
            found: list[str] = json.load(said)
            return found

    try:
        wait(pid, os.WIFSTOPPED)
        yield go_on
    finally:
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def wait(pid: int, holds: Callable[[int], bool]) -> int:
    """Wait for a child's change of state; the status."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found:
            assert holds(status), f"it ended or stopped otherwise: {status}"
            return status
        time.sleep(0.01)
    raise AssertionError("the worker hangs")


def make_old(url: str) -> None:
    """Let the claims be old enough to be dead, and let the claim's age pass."""
    engine = sqlalchemy.create_engine(url)
    free = "" if engine.dialect.name == "sqlite" else "FOR UPDATE SKIP LOCKED"  # the stopped one may hold some
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE sms_outbox_row SET claimed_at = claimed_at - 3600000000"
            f" WHERE id IN (SELECT id FROM sms_outbox_row {free})"
        )
    engine.dispose()
    limit = BeginBefore.within(CLAIM_AGE)
    while not limit.has_passed():
        time.sleep(0.02)


def end_backoffs(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET ready_at = 1 WHERE state = 'ready'")
    engine.dispose()


def check(outbox: Outbox, oracle: Oracle) -> None:
    rows = outbox.find()
    assert oracle.counts == dict.fromkeys(((row.number, f"text {row.key[1:]}") for row in rows), 1)
    assert [row.state for row in rows] == [State.ACCEPTED] * ROWS
    assert {row.number: row.batch_id for row in rows} == {number: batch for number, _, batch in oracle.taken}
    assert not any(row.is_double for row in rows)


@pytest.mark.parametrize("point", [*COMMITS, BEFORE_THE_TEST, AFTER_THE_TEST, *BYTES])
def test_a_worker_is_stopped_and_goes_on(url: str, tmp_path: Path, point: str) -> None:
    stop_and_go_on(url, tmp_path, point)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("point", OPEN_COMMITS)
def test_a_worker_is_stopped_in_a_transaction(url: str, tmp_path: Path, point: str) -> None:
    stop_and_go_on(url, tmp_path, point)


def stop_and_go_on(url: str, tmp_path: Path, point: str) -> None:
    state = tmp_path / "state"
    with StoppingOracle(point) as oracle:
        accounts = {"main": client(oracle.listen())}
        with Outbox(url, accounts=accounts, hash_key=HASH_KEY, state=state, concurrency=1) as outbox:
            outbox.create()
            outbox.put_many(Put(Message(f"text {n}", f"+88690000000{n}"), f"k{n}") for n in range(1, ROWS + 1))
            with stopped_worker(url, state, oracle, point) as go_on:
                make_old(url)
                outbox.drain()
                outbox.settle()
                outbox.drain()
                taken = {number for number, _, _ in oracle.taken}
                assert all(row.number in taken for row in outbox.find(state=State.ACCEPTED))
                assert go_on() == []
            end_backoffs(url)
            outbox.drain()
            outbox.settle()
            end_backoffs(url)
            outbox.drain()
            check(outbox, oracle)


def make_ready_by_hand(url: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET state = 'ready', claim = NULL, holder = NULL")
    engine.dispose()
