"""A vendor that many processes share: what it took is a file's lines. This file's folder tells a send when to go on."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen
from outbox_vendor import HASH_KEY, Vendor

from sms_core.http import Request, Response
from sms_core_outbox import Alarm, Outbox
from tests.support.children import child
from tests.support.tiny import fields_of

PATIENCE = 60
_numbers = itertools.count()


def say(word: str) -> None:
    """Tell the test, which reads the process's output."""
    assert sys.__stdout__ is not None  # Celery puts a logger in the place of sys.stdout
    sys.__stdout__.write(f"{word}\n")
    sys.__stdout__.flush()


@contextmanager
def worker(script: str, folder: Path, *arguments: object) -> Iterator[Worker]:
    """A script of this folder in a process of its own, given the outbox's folder; it is killed at the end."""
    output = folder / f"output-{next(_numbers)}"
    command = [sys.executable, str(Path(__file__).with_name(script)), str(folder), *map(str, arguments)]
    with output.open("w", encoding="utf-8") as file, child(command, stdout=file) as process:
        yield Worker(process, output)


@frozen
class Worker:
    """A process, and what it says."""

    process: subprocess.Popen[str]
    output: Path

    def wait_for(self, word: str) -> None:
        """Wait until it has said a word."""
        wait_until(lambda: self.count(word) > 0)

    def count(self, word: str) -> int:
        """How often it has said a word."""
        return self.output.read_text(encoding="utf-8").splitlines().count(word)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.process.wait(PATIENCE)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    limit = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.05)


def open_outbox(url: str, folder: Path, *, holds: bool = False) -> Outbox:
    """The outbox of a process. Where it ``holds``, each send waits for the file ``go`` before the vendor takes it."""

    def take(request: Request) -> Response:
        say("sending")
        limit = time.monotonic() + PATIENCE
        while holds and not (folder / "go").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        with (folder / "taken").open("a", encoding="utf-8") as file:
            file.writelines(f"{number}\n" for number in fields_of(request)["numbers"])
        return Response(200, body=f"OK {time.monotonic_ns()}".encode())

    class Shared(Vendor):
        def _answer(self, request: Request) -> Response:
            self.answers = [take]
            return super()._answer(request)

    def note(alarm: Alarm) -> None:
        say(f"alarm {alarm.kind}")

    options: dict[str, Any] = {"hash_key": HASH_KEY, "state": folder / "state", "on_alarm": note}
    return Outbox(url, accounts={"main": Shared().client()}, **options)


def taken(folder: Path) -> list[str]:
    """The numbers that the vendor took, in order, each as often as it did."""
    file = folder / "taken"
    return file.read_text(encoding="utf-8").split() if file.exists() else []
