"""The end of a sandbox, for whoever waits in its event loop: it is waited for nothing then."""

from __future__ import annotations

import asyncio
import contextlib


class Ending:
    """Says when it is time to go. Waiting belongs to one event loop, `come` to any thread."""

    def __init__(self) -> None:
        self.has_come = False
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def come(self) -> None:
        """It is time."""
        self.has_come = True
        for loop, event in tuple(self._waiting):
            with contextlib.suppress(RuntimeError):  # that loop has ended by itself meanwhile
                loop.call_soon_threadsafe(event.set)

    async def sleep(self, seconds: float) -> bool:
        """Wait so many seconds (then True), or until the end (then False)."""
        event = asyncio.Event()
        waiting = (asyncio.get_running_loop(), event)
        self._waiting.add(waiting)
        try:
            if not self.has_come:
                await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return True
        finally:
            self._waiting.discard(waiting)
        return False
