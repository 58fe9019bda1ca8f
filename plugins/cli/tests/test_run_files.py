"""The files of a campaign where several run at once, where one is killed, and where somebody else writes there."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import signal
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from plugins.cli.tests.running import ROWS, campaign, has_accepted, results, texts, write_table
from sms_core.errors import ConfigurationError, InvalidMessage
from sms_core.testing import Exchange
from sms_core_cli.campaign import RowOutcome, RowResult, RunFiles, read_earlier, read_table, write_results
from sms_core_sandbox import Sandbox
from tests.support.children import child

IN_FLIGHT = 2
TABLE = read_table(b"number,text\n0900000001,a\n0900000002,b\n0900000003,c\n")
NOT_SENT = RowResult(RowOutcome.NOT_SENT, reference="r")
ON_ITS_WAY = RowResult(RowOutcome.UNKNOWN, reference="r", error="handed out")
ACCEPTED = RowResult(RowOutcome.ACCEPTED, "b1", "r")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_table(tmp_path)


def end(running: subprocess.Popen[str], seconds: float = 30) -> str:
    _, err = running.communicate(timeout=seconds)
    return err


def times_sent(exchange: Exchange) -> set[int]:
    return set(Counter(message.text for message in exchange.accepted).values())


# Several at once


@pytest.mark.parametrize("arguments", [[], ["--resume", "results.csv"]], ids=["fresh", "resumed"])
def test_of_two_that_start_at_once_one_sends(file: Path, arguments: list[str]) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        if arguments:
            left = [RowResult(RowOutcome.NOT_SENT)] * ROWS
            write_results(file.with_name("results.csv"), read_table(file.read_bytes()), left)
        box.faults.add("slow", match="Send", times=None, seconds=0.1)
        with campaign(file, dsn, *arguments) as first, campaign(file, dsn, *arguments) as second:
            end(first)
            end(second)
        # One that starts when the other has finished has nothing to do, or finds its results.
        assert sorted([first.returncode, second.returncode]) in ([0, 2], [0, 0])
        assert times_sent(box.exchange) == {1}
        assert len(box.exchange.accepted) == ROWS


BESIDE = (
    ["--overwrite"],
    ["--resume", "results.csv"],
    ["--resume", "results.csv", "--results", "other.csv"],
    ["--resume", "results.csv", "--settle"],
)


def test_beside_one_that_runs_another_is_told_who_that_is(file: Path, sms: Sms) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        box.faults.add("slow", match="Send", times=None, seconds=1.5)
        with campaign(file, dsn) as running:
            has_accepted(box.exchange, 1)
            for arguments in BESIDE:
                done = sms("campaign", file.name, "--yes", *arguments, dsn=dsn)
                assert done.code == 2
                assert f"process {running.pid} on {os.uname().nodename} since 20" in done.err
            assert running.poll() is None
            assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.glob("*results*")} == {0o600}
            box.faults.clear()
            end(running)
        assert running.returncode == 0
        assert len(box.exchange.accepted) == ROWS
        assert times_sent(box.exchange) == {1}
        assert sorted(path.name for path in file.parent.iterdir()) == ["people.csv", "results.csv"]


# One that is stopped


STOPS = [(signal.SIGKILL, 1), (signal.SIGKILL, 23), (signal.SIGTERM, 5), (signal.SIGHUP, 13)]


@pytest.mark.parametrize(("number", "after"), STOPS)
def test_stopped_at_some_moment_it_can_be_resumed(file: Path, sms: Sms, number: signal.Signals, after: int) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        box.faults.add("slow", match="Send", times=None, seconds=0.05)
        with campaign(file, dsn) as running:
            has_accepted(box.exchange, after)
            running.send_signal(number)
            end(running)
        took = {message.text for message in box.exchange.accepted}
        assert took <= texts(results(file), "accepted", "unknown")

        box.faults.clear()
        sms("campaign", file.name, "--yes", "--resume", "results.csv", dsn=dsn)
        rows = results(file)
        in_doubt = texts(rows, "unknown")
        assert len(in_doubt) <= (IN_FLIGHT if number is signal.SIGKILL else 0)
        assert texts(rows, "accepted") | in_doubt == {row["text"] for row in rows}
        assert took <= texts(rows, "accepted") | in_doubt
        assert times_sent(box.exchange) == {1}
        assert all(row["batch_id"] for row in rows if row["outcome"] == "accepted")
        assert sorted(path.name for path in file.parent.iterdir()) == ["people.csv", "results.csv"]


def test_what_another_result_file_went_on_from_is_resumed_there_alone(file: Path, sms: Sms) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", batch_size=1)
        left = [RowResult(RowOutcome.NOT_SENT)] * ROWS
        write_results(file.with_name("results.csv"), read_table(file.read_bytes()), left)
        resume = ("campaign", file.name, "--yes", "--resume", "results.csv", "--results")
        first = sms(*resume, "second.csv", dsn=dsn)
        again = sms(*resume, "third.csv", dsn=dsn)
        assert (first.code, again.code) == (0, 2)
        assert f"a later run went on from here: resume its results, {file.with_name('second.csv')}" in again.err
        assert len(box.exchange.accepted) == ROWS
        assert times_sent(box.exchange) == {1}


def test_what_was_killed_can_be_settled_without_sending(file: Path, sms: Sms) -> None:
    with Sandbox(filter_sees_all=True) as box:
        dsn = box.dsn("every8d", batch_size=1)
        box.faults.add("slow", match="Send", times=None, seconds=0.1)
        with campaign(file, dsn) as running:
            has_accepted(box.exchange, 6)
            running.kill()
            end(running)
        box.faults.clear()
        took = {message.text for message in box.exchange.accepted}
        sms("campaign", file.name, "--resume", "results.csv", "--settle", dsn=dsn)
        rows = results(file)
        assert (
            len(box.exchange.accepted) <= len(took) + IN_FLIGHT
        )  # a killed process may have left requests in the socket
        assert took <= texts(rows, "accepted", "unknown")
        assert len(texts(rows, "unknown")) <= IN_FLIGHT
        assert len(texts(rows, "not_sent")) >= ROWS - len(took) - IN_FLIGHT


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


# What a killed run leaves


def test_the_journal_completes_its_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with RunFiles(path) as files:
        files.begin(TABLE, [NOT_SENT] * 3)
        files.keep({0: ON_ITS_WAY, 1: ON_ITS_WAY})
        files.write([ON_ITS_WAY, ON_ITS_WAY, NOT_SENT])
        files.keep({0: ACCEPTED})
        files.keep({2: ON_ITS_WAY})
    content = path.read_bytes()
    assert read_earlier(content, path, TABLE) == (ACCEPTED, ON_ITS_WAY, ON_ITS_WAY)

    journal = tmp_path / ".results.csv.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-5])  # it was being written when the power failed
    assert read_earlier(content, path, TABLE) == (ACCEPTED, ON_ITS_WAY, NOT_SENT)
    journal.write_bytes(b"\0" + whole)
    with pytest.raises(InvalidMessage, match="damaged"):
        read_earlier(content, path, TABLE)
    journal.write_bytes(whole)

    refused = RowResult(RowOutcome.REFUSED, reference="r")
    another = RowResult(RowOutcome.NOT_SENT, reference="another")
    write_results(path, TABLE, [refused, another, ON_ITS_WAY])
    assert read_earlier(path.read_bytes(), path, TABLE) == (refused, another, ON_ITS_WAY)

    with RunFiles(path) as files:
        files.begin(TABLE, [NOT_SENT] * 3)
        assert journal.read_bytes() == b""
        files.finish([ACCEPTED] * 3)
    assert [left.name for left in tmp_path.iterdir()] == ["results.csv"]


def test_what_a_kill_left_half_written_is_cleared_away(sms: Sms, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("number,text\n0900000001,a\n")
    (tmp_path / ".results.csv.12345678.tmp").touch()
    (tmp_path / ".other.csv.12345678.tmp").touch()
    (tmp_path / ".results.csv.lock").write_text("the last one was killed")
    assert sms("campaign", "good.csv", "--yes").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.csv.12345678.tmp", "good.csv", "results.csv"]


# Somebody else who writes there


def test_a_file_that_changed_since_it_was_read_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    write_results(path, TABLE, [NOT_SENT] * 3)
    with RunFiles(path, resume=path) as files:
        path.write_text("mine")
        with pytest.raises(ConfigurationError, match="has changed since it was read; nothing was sent"):
            files.begin(TABLE, [NOT_SENT] * 3)
    assert [left.read_text() for left in tmp_path.iterdir()] == ["mine"]


def test_a_run_whose_file_is_changed_keeps_its_results_in_another(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    (tmp_path / "results.2.csv").write_text("an older one")
    with RunFiles(path) as files:
        files.begin(TABLE, [NOT_SENT] * 3)
        path.write_text("mine")
        files.keep({0: ACCEPTED})
        with pytest.raises(
            ConfigurationError, match=r"was changed by somebody else; .* results are in .*results\.3\.csv"
        ):
            files.write([ON_ITS_WAY, NOT_SENT, NOT_SENT])
        files.finish([ACCEPTED, NOT_SENT, NOT_SENT])
        assert files.path == tmp_path / "results.3.csv"
    assert path.read_text() == "mine"
    assert read_earlier(files.path.read_bytes(), files.path, TABLE) == (ACCEPTED, NOT_SENT, NOT_SENT)
    # Whoever wrote there may have had an older copy: the journal knows what has been sent since.
    write_results(path, TABLE, [NOT_SENT] * 3)
    assert read_earlier(path.read_bytes(), path, TABLE) == (ACCEPTED, NOT_SENT, NOT_SENT)


def test_a_file_that_was_taken_away_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with RunFiles(path) as files:
        files.begin(TABLE, [NOT_SENT] * 3)
        path.unlink()
        files.finish([ACCEPTED] * 3)
    assert read_earlier(path.read_bytes(), path, TABLE) == (ACCEPTED,) * 3


def test_a_link_to_a_result_file_is_one_with_it(tmp_path: Path) -> None:
    path, link = tmp_path / "results.csv", tmp_path / "link.csv"
    link.symlink_to(path)
    with RunFiles(link) as files:
        with pytest.raises(ConfigurationError, match="under way"):
            RunFiles(path).__enter__()
        files.begin(TABLE, [NOT_SENT] * 3)
        files.finish([ACCEPTED] * 3)
    assert link.is_symlink()
    assert read_earlier(path.read_bytes(), path, TABLE) == (ACCEPTED,) * 3


def test_where_a_file_system_keeps_no_locks_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(ConfigurationError, match=r"keeps no locks \(No locks available\).*--results"):
        RunFiles(tmp_path / "results.csv").__enter__()
