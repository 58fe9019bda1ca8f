"""Ctrl-C reaches a child of a test, also where the tests run in the background of a script."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.children import child

WAITS = [sys.executable, "-c", "print('started', flush=True); input()"]


@pytest.fixture
def _in_the_background() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_in_the_background")
def test_a_child_is_stopped_by_a_signal_that_this_process_ignores() -> None:
    with child(WAITS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in err
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_child_that_is_left_running_is_killed() -> None:
    with child(WAITS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
    assert process.returncode == -signal.SIGKILL
