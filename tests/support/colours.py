"""What is async, driven from code that is not: a loop runs in a thread of its own, and the same tests go for both colours."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from sms_core._engine.transports.aio import AsyncioTransport
from sms_core.http import Request, Response

T = TypeVar("T")
PATIENCE = 60.0
_loops: dict[int, asyncio.AbstractEventLoop] = {}
_lock = threading.Lock()


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it in this process's loop. An interruption of the thread that waits cancels it."""
    waiting = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return waiting.result(PATIENCE)
    except BaseException:
        waiting.cancel()
        raise


def _loop() -> asyncio.AbstractEventLoop:
    pid = os.getpid()
    if pid not in _loops:  # what a fork leaves locked is locked for ever, so a child asks for no lock it may have found
        with _lock:
            if pid not in _loops:
                loop = asyncio.new_event_loop()
                threading.Thread(target=loop.run_forever, daemon=True).start()
                _loops[pid] = loop
    return _loops[pid]


class BlockingTransport:
    """An `AsyncioTransport` as a `Transport`."""

    def __init__(self, **settings: Any) -> None:
        self._transport = AsyncioTransport(**settings)

    def send(self, request: Request) -> Response:
        return in_loop(self._transport.asend(request))

    def close(self) -> None:
        in_loop(self._transport.aclose())
