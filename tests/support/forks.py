"""Children of the test's own process: they begin with a copy of all that it holds."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import selectors
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

PATIENCE = 60.0
"""Seconds after which children are killed."""

Work = Callable[[int], object]


def fork(work: Work, number: int) -> tuple[int, int]:
    """`os.fork` a child that does this work; its pid, and where its result (JSON) comes out."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        _run(work, number, out, into)
    os.close(into)
    return pid, out


def fork_by_multiprocessing(work: Work, number: int) -> tuple[int, int]:
    """The same by `multiprocessing`."""
    out, into = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=_run, args=(work, number, out, into))
    process.start()
    os.close(into)
    assert process.pid is not None
    return process.pid, out


def _run(work: Work, number: int, out: int, into: int) -> None:
    os.close(out)
    try:
        said = json.dumps(work(number))
    except BaseException:  # noqa: BLE001 - told to the test; nothing may leave the child, which is a copy of pytest
        said = json.dumps({"error": traceback.format_exc()})
    with os.fdopen(into, "w") as pipe:
        pipe.write(said)
    os._exit(0)


def in_children(
    count: int, work: Work, start: Callable[[Work, int], tuple[int, int]] = fork, patience: float = PATIENCE
) -> list[Any]:
    """Run the work in so many children at once; what each gave. Raises `AssertionError` for one that failed or hangs."""
    children = [start(work, number) for number in range(count)]
    said = dict.fromkeys((out for _, out in children), b"")
    with selectors.DefaultSelector() as selector:
        for out in said:
            selector.register(out, selectors.EVENT_READ)
        deadline = time.monotonic() + patience
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(1.0):
                chunk = os.read(key.fd, 65536)
                said[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fd)
        hanging = set(selector.get_map())
    for pid, out in children:
        if out in hanging:
            os.kill(pid, signal.SIGKILL)
        os.close(out)
        with contextlib.suppress(ChildProcessError):  # multiprocessing waits for those that ended while others started
            os.waitpid(pid, 0)
    assert not hanging, f"{len(hanging)} of {count} children hang"
    results = [json.loads(text) for text in said.values()]
    errors = [result["error"] for result in results if isinstance(result, dict) and "error" in result]
    assert not errors, errors[0]
    return results
