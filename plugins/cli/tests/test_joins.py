"""One file that several processes send at once, or one after another that was stopped."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pty
import select
import signal
import sqlite3
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugins.cli.tests.running import AT_ONCE, ROWS, campaign, exported, has_accepted, results, texts, work, write_table
from sms_core.testing import Exchange
from sms_core_cli.campaign import Store, begin_run, place_of
from sms_core_sandbox import Sandbox
from tests.support.children import child
from tests.support.forks import fork, in_children

PATIENCE = 60.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_table(tmp_path)


@contextlib.contextmanager
def forked(work: Callable[[int], object]) -> Iterator[tuple[int, int]]:
    """A child that is killed at the end: its pid, and where its result comes out."""
    pid, out = fork(work, 0)
    try:
        yield pid, out
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(out)


def result_of(out: int) -> object:
    """What a child that was forked gave, once it has ended."""
    ready, _, _ = select.select([out], [], [], PATIENCE)
    assert ready, "it hangs"
    return json.loads(os.read(out, 65536))


def opened_by_a_reader(pipe: Path) -> int:
    """The end of a named pipe into which is written, from when somebody waits at the other."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert error.errno == errno.ENXIO, error
            assert time.monotonic() < deadline, "nobody reads it"
            time.sleep(0.01)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} has not come"
        time.sleep(0.01)


def times_sent(exchange: Exchange) -> set[int]:
    return set(Counter(message.text for message in exchange.accepted).values())


@pytest.mark.parametrize("count", [2, 5, 10])
def test_processes_that_start_at_once_send_each_row_once(file: Path, count: int) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        codes = in_children(count, work(file, dsn))
        assert codes == [0] * count
        assert times_sent(box.exchange) == {1}
        assert len(box.exchange.accepted) == ROWS
    assert texts(results(file), "accepted") == {message.text for message in box.exchange.accepted}
    names = {path.name for path in file.parent.iterdir()}
    assert names == {"people.csv", "people.csv.sms", "people.csv.sms.outbox", "results.csv"}
    for name in ("people.csv.sms", "results.csv"):
        assert stat.S_IMODE(file.with_name(name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("number", "after"), [(signal.SIGKILL, 1), (signal.SIGKILL, 23), (signal.SIGTERM, 5), (signal.SIGHUP, 13)]
)
def test_stopped_at_some_moment_the_same_command_goes_on(file: Path, number: signal.Signals, after: int) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        box.faults.add("slow", match="Send", times=None, seconds=0.05)
        with campaign(file, dsn) as running:
            has_accepted(box.exchange, after)
            running.send_signal(number)
            running.communicate(timeout=90)
        took = {message.text for message in box.exchange.accepted}
        assert took <= texts(exported(file), "accepted", "unknown")

        box.faults.clear()
        in_children(1, work(file, dsn))
        rows = results(file)
        in_doubt = texts(rows, "unknown")
        assert len(in_doubt) <= (AT_ONCE if number is signal.SIGKILL else 0)
        assert texts(rows, "accepted") | in_doubt == {row["text"] for row in rows}
        assert len(rows) == ROWS
        assert took <= texts(rows, "accepted") | in_doubt
        assert times_sent(box.exchange) == {1}
        assert all(row["batch_id"] for row in rows if row["outcome"] == "accepted")


def test_one_that_reads_the_file_while_another_begins_and_finishes_the_run_joins_it(file: Path) -> None:
    picture, pipe = file.with_name("whole.jpg"), file.with_name("picture.jpg")
    picture.write_bytes(b"\xff\xd8\xff\xd9")
    os.mkfifo(pipe)
    with Sandbox() as box:
        campaign_with_picture = work(file, box.dsn("every8d"), options=("--subject", "s", "--media", pipe.name))
        with forked(campaign_with_picture) as (_, out):
            into = opened_by_a_reader(pipe)  # it has looked for a run, found none, and waits for its picture
            picture.replace(pipe)
            assert in_children(1, campaign_with_picture) == [0]
            assert len(box.exchange.accepted) == ROWS
            os.write(into, pipe.read_bytes())
            os.close(into)
            assert result_of(out) == 0
        assert len(box.exchange.accepted) == ROWS
    assert len(texts(results(file), "accepted")) == ROWS


WITHOUT_END = """
CREATE TRIGGER noting_takes_for_ever BEFORE UPDATE OF results_digest ON sms_campaign_run WHEN new.results_digest != ''
BEGIN
    SELECT count(*) FROM (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT n FROM n);
END
"""
"""Holds up whoever notes what the result file holds, which is there by then."""


def test_one_that_was_killed_between_writing_the_result_file_and_noting_it_has_it_after_all(file: Path) -> None:
    database = file.with_name("people.csv.sms")
    with Store(place_of(file), "") as store:
        begin_run(store)
    with Sandbox() as box:
        worker = work(file, box.dsn("every8d"))
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute(WITHOUT_END)
        with forked(worker) as (pid, _):
            wait_for(file.with_name("results.csv"))
            os.kill(pid, signal.SIGKILL)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            assert connection.execute("SELECT results_digest FROM sms_campaign_run").fetchall() == [("",)]
            connection.execute("DROP TRIGGER noting_takes_for_ever")
        assert in_children(1, worker) == [0]
        assert len(box.exchange.accepted) == ROWS
    assert len(texts(results(file), "accepted")) == ROWS


AS_A_TERMINALS_OWN = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored, as nohup does
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_terminal_that_is_closed_stops_it_as_a_signal_does(file: Path) -> None:
    ours, theirs = pty.openpty()
    command = ["-m", "sms_core_cli", "campaign", file.name, "--yes", "--concurrency", "2"]
    with Sandbox() as box:
        box.faults.add("slow", match="Send", times=None, seconds=0.3)
        environment = {**os.environ, "SMS_DSN": box.dsn("every8d", batch_size=1)}
        with child(
            [sys.executable, "-c", AS_A_TERMINALS_OWN, *command],
            cwd=file.parent,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as running:
            os.close(theirs)
            has_accepted(box.exchange, 3)
            os.close(ours)
            assert running.wait(30) == 5
        rows = results(file)
        assert texts(rows, "accepted") == {message.text for message in box.exchange.accepted}
    assert texts(rows, "not_sent")
    assert not texts(rows, "unknown")
