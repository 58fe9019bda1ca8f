"""Contestants side by side: in each round every one does the same work, in another order."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from attrs import field, frozen

ROOT = Path(__file__).parents[2]


@frozen
class Samples:
    """Of each round, the seconds that passed and those of the contestant's processor."""

    seconds: list[float] = field(factory=list)
    cpu: list[float] = field(factory=list)


class _Worker:
    def __init__(self, module: str, factory: str, port: int, in_flight: int) -> None:
        command = [sys.executable, "-m", "tests.bench.worker", module, factory, str(port), str(in_flight)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.samples = Samples()

    def run(self, count: int) -> dict[str, float]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        sample: dict[str, float] = json.loads(self._process.stdout.readline())
        return sample

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def side_by_side(
    factories: Sequence[str],
    *,
    count: int,
    rounds: int,
    port: int = 0,
    in_flight: int = 1,
    module: str = "tests.bench.contestants",
) -> dict[str, Samples]:
    """What each took for ``count`` jobs, round by round; a round to warm up is left out."""
    order = random.Random(1)
    with ExitStack() as stack:
        workers: dict[str, _Worker] = {}
        for factory in factories:
            workers[factory] = _Worker(module, factory, port, in_flight)
            stack.callback(workers[factory].close)
        for worker in workers.values():
            worker.run(max(count // 4, in_flight))
        for _ in range(rounds):
            for worker in order.sample([*workers.values()], len(workers)):
                sample = worker.run(count)
                worker.samples.seconds.append(sample["seconds"])
                worker.samples.cpu.append(sample["cpu"])
    return {name: worker.samples for name, worker in workers.items()}
