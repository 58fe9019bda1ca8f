"""One file that several processes send at once, or one after another that was stopped."""

from __future__ import annotations

import os
import pty
import signal
import stat
import sys
from collections import Counter
from pathlib import Path

import pytest

from plugins.cli.tests.running import AT_ONCE, ROWS, campaign, exported, has_accepted, results, texts, work, write_table
from sms_core.testing import Exchange
from sms_core_sandbox import Sandbox
from tests.support.children import child
from tests.support.forks import in_children


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_table(tmp_path)


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
