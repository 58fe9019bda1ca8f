"""Row 5: what sends leave behind, and what is held while a million pass. ``python -m tests.bench.memory WORK COUNT``."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import sms_core
from sms_core.http import Request, Response
from tests.bench.figures import Figure, Target
from tests.bench.rounds import ROOT
from tests.bench.servers import COUNTS

PAGE = 1000


class Answers:
    """A transport without a network."""

    def __init__(self, answer: Callable[[Request], bytes]) -> None:
        self._answer = answer

    def send(self, request: Request) -> Response:
        """The answer."""
        return Response(200, {}, self._answer(request))

    def close(self) -> None:
        """Nothing is open."""


def connect(answer: Callable[[Request], bytes]) -> sms_core.Client:
    """A client of EVERY8D whose vendor answers so."""
    return sms_core.connect("every8d://UID:PWD@?auth=password", transport=Answers(answer))


def peak() -> float:
    """MB that this process took at most. What getrusage says holds what its parent had when it was started."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("this machine doesn't say it")


def growth(count: int) -> float:
    """KiB that so many sends leave behind."""
    with connect(lambda _: COUNTS.encode()) as sms:
        tracemalloc.start()
        for _ in range(count // 10):
            sms.send("text", to="0900000001")
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(count):
            sms.send("text", to="0900000001")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    return (after - before) / 1024


def messages(count: int) -> float:
    """MB that a process takes at most that sends so many messages from a generator."""
    with connect(lambda _: COUNTS.encode()) as sms:
        generated = (sms_core.Message(f"text {number}", "0900000001") for number in range(count))
        with sms.send_many(generated) as bulk:
            accepted = sum(sent.error is None for sent in bulk)
    assert accepted == count
    return peak()


def reports(count: int) -> float:
    """MB that a process takes at most that reads so many delivery reports."""
    row = {"MR": "", "NAME": "", "SEND_TIME": "2021-12-16 16:09:06", "COST": "1.00", "STATUS": "100"}

    def page(request: Request) -> bytes:
        first = (int(parse_qs(request.body.decode())["PNO"][0]) - 1) * PAGE
        rows = [{**row, "MOBILE": f"+8869{number:08}"} for number in range(first, min(first + PAGE, count))]
        return json.dumps({"SMS_COUNT": count, "DATA": rows}).encode()

    with connect(page) as sms:
        found = sum(1 for _ in sms.reports("batch"))
    assert found == count
    return peak()


WORK = {"growth": growth, "messages": messages, "reports": reports}


def _ask(work: str, count: int) -> float:
    command = [sys.executable, "-m", "tests.bench.memory", work, str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
    return float(done.stdout)


def memory(*, quick: bool) -> list[Figure]:
    """Each in a process of its own."""
    sends, million = (2_000, 20_000) if quick else (20_000, 1_000_000)
    return [
        Figure(5, f"growth over {sends:,} sends", _ask("growth", sends), "KiB", Target(256)),
        Figure(5, f"peak of {million:,} messages", _ask("messages", million), "MB", Target(80)),
        Figure(5, f"peak of {million:,} report rows", _ask("reports", million), "MB", Target(80)),
    ]


if __name__ == "__main__":
    print(WORK[sys.argv[1]](int(sys.argv[2])))
