"""A contestant in a process of its own: does its job as often as it is told, and says what that took.

``python -m tests.bench.worker MODULE FACTORY PORT IN_FLIGHT``, then a count on each line of its input.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def one_after_another(job: Callable[[], object]) -> Callable[[int], None]:
    """Do a job so often."""

    def run(count: int) -> None:
        for _ in range(count):
            job()

    return run


def in_threads(job: Callable[[], object], in_flight: int) -> Callable[[int], None]:
    """The same with so many threads at a time."""
    pool = ThreadPoolExecutor(in_flight)

    def share(count: int) -> None:
        for _ in range(count):
            job()

    def run(count: int) -> None:
        list(pool.map(share, [count // in_flight] * in_flight))

    return run


def in_tasks(make: Callable[[], Callable[[], Coroutine[Any, Any, object]]], in_flight: int) -> Callable[[int], None]:
    """The same with so many tasks of an event loop at a time. The job is made within the loop."""
    runner = asyncio.Runner()

    async def made() -> Callable[[], Coroutine[Any, Any, object]]:
        return make()

    job = runner.run(made())

    async def share(count: int) -> None:
        for _ in range(count):
            await job()

    async def all_of_them(count: int) -> None:
        await asyncio.gather(*(share(count // in_flight) for _ in range(in_flight)))

    return lambda count: runner.run(all_of_them(count))


def main(module: str, factory: str, port: str, in_flight: str) -> None:
    """Wait for counts."""
    make = getattr(importlib.import_module(module), factory)
    if factory in ("aiohttp", "every8d_async"):
        run = in_tasks(lambda: make(int(port)), int(in_flight))
    elif int(in_flight) > 1:
        run = in_threads(make(int(port)), int(in_flight))
    else:
        run = one_after_another(make(int(port)))
    for line in sys.stdin:
        started, spent = time.perf_counter(), time.process_time()
        run(int(line))
        sample = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - spent}
        print(json.dumps(sample), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
