"""That something changed, told to whoever waits for it in the server's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from sms_core_sandbox.ending import Ending

HEARTBEAT = 15.0
"""Seconds after which a quiet stream says that it is still there."""
PAUSE = 0.4
"""Seconds between two events of a stream: a page is as quick as a person, and ten thousand messages a minute are one change at a time."""


class Live:
    """Counts the changes: ``revision`` is another number after each. `changed` belongs to any thread, the rest to a loop."""

    def __init__(self, ending: Ending) -> None:
        self.revision = 0
        self._ending = ending
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def changed(self) -> None:
        """Something changed, or the end has come."""
        self.revision += 1
        waiting, self._waiting = self._waiting, set()
        for loop, event in waiting:
            with contextlib.suppress(RuntimeError):  # that loop has ended meanwhile
                loop.call_soon_threadsafe(event.set)

    async def wait(self, revision: int, timeout: float) -> int:  # noqa: ASYNC109 - of a long poll, which its client names
        """The revision, once it is another one than this, or after so many seconds, or at the end."""
        event = asyncio.Event()
        self._waiting.add((asyncio.get_running_loop(), event))
        if self.revision == revision and not self._ending.has_come:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), timeout)
        self._waiting.discard((asyncio.get_running_loop(), event))
        return self.revision

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events: ``change`` with a revision at once and after changes, until the end."""
        revision = -1
        while not self._ending.has_come:
            told, revision = revision, await self.wait(revision, HEARTBEAT)
            is_new = revision != told
            yield f"event: change\ndata: {json.dumps(revision)}\n\n" if is_new else ": still here\n\n"
            await self._ending.sleep(PAUSE)
