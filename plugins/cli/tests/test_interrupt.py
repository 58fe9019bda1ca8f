"""Ctrl-C in a campaign: a real process, real signals, a real server that takes its time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from plugins.cli.tests.running import AT_ONCE, ROWS, campaign, exported, has_accepted, results, texts, work, write_table
from sms_core_sandbox import Sandbox
from tests.support.children import child
from tests.support.forks import in_children


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_table(tmp_path)


def test_the_first_one_awaits_what_is_under_way_and_the_rest_can_be_resumed(file: Path) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        box.faults.add("slow", match="Send", times=None, seconds=0.3)
        with campaign(file, dsn) as running:
            has_accepted(box.exchange, 3)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=90)
        rows = results(file)
        assert running.returncode == 5
        assert "Stopping" in err
        assert f"Interrupted: {len(box.exchange.accepted)} rows accepted" in err
        assert len(rows) == ROWS
        assert texts(rows, "accepted") == {message.text for message in box.exchange.accepted}
        assert texts(rows, "not_sent")
        assert not texts(rows, "unknown")

        box.faults.clear()
        assert in_children(1, work(file, dsn)) == [0]
        assert sorted(message.text for message in box.exchange.accepted) == sorted(row["text"] for row in results(file))


def test_the_second_one_ends_at_once_and_what_is_under_way_is_unknown(
    sms: Sms, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox() as box:
        box.faults.add("slow", match="Send", times=None, seconds=25)
        with campaign(file, box.dsn("every8d", batch_size=1)) as running:
            has_accepted(box.exchange, AT_ONCE)
            running.send_signal(signal.SIGINT)
            assert running.stderr is not None
            while "Stopping" not in running.stderr.readline():
                pass
            started = time.monotonic()
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=20)
            assert time.monotonic() - started < 15
        assert running.returncode == 4
        assert "Ended at once. See how far it is: sms campaign status people.csv\n" in err
        done = sms("campaign", "status", "people.csv", dsn=None)
        assert (done.code, f"Unknown: {AT_ONCE} rows" in done.err) == (0, True)
        box.faults.clear()
        done = sms("campaign", "settle", "people.csv", dsn=box.dsn("every8d"))
        assert (done.code, f"The vendor could not tell of {AT_ONCE} rows: ask again later" in done.err) == (4, True)
        assert caplog.messages == []  # which a person would see between the lines, in English
        rows = exported(file)
        assert len(rows) == ROWS
        assert {message.text for message in box.exchange.accepted} <= texts(rows, "unknown")
        assert texts(rows, "not_sent")


def test_even_a_killed_process_leaves_no_lie(file: Path) -> None:
    with Sandbox() as box:
        box.faults.add("slow", match="Send", times=None, seconds=0.2)
        with campaign(file, box.dsn("every8d", batch_size=1)) as running:
            has_accepted(box.exchange, 4)
            running.kill()
            running.communicate(timeout=20)
        rows = exported(file)
        assert len(rows) == ROWS
        assert {message.text for message in box.exchange.accepted} <= texts(rows, "unknown", "accepted")
        unknown = [row for row in rows if row["outcome"] == "unknown"]
        assert len(unknown) <= AT_ONCE
        assert all(row["error"].startswith("may have been handed to the vendor") for row in unknown)


def test_ctrl_c_in_a_send_says_that_the_outcome_is_unknown(tmp_path: Path) -> None:
    with Sandbox() as box:
        box.faults.add("slow", match="Send", seconds=5)
        command = [sys.executable, "-m", "sms_core_cli", "send", "x", "--to", "0900000001", "--dsn", box.dsn("every8d")]
        with child(command, stderr=subprocess.PIPE) as running:
            has_accepted(box.exchange, 1)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=20)
    assert running.returncode == 4
    assert "may have taken" in err
