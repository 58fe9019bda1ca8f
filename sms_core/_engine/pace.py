"""How soon texts may follow one another."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable


class Pace:
    """At most so many texts a second, evenly spaced: time that was not used is lost, so no burst follows a pause.

    A text is one text to one number, so a message to ten counts as ten, and what follows it waits ten times as long.
    Threads may share it.
    """

    def __init__(self, per_second: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        """``per_second`` is None where anything may go at once. Raises `ValueError`."""
        if per_second is not None and not 0 < per_second < math.inf:
            raise ValueError("max_per_second must be greater than 0")
        self._per_second = per_second
        self._clock = clock
        self._free_at = -math.inf
        self._lock = threading.Lock()

    def most_of(self, texts: int) -> int:
        """How many of so many may go in one request: a second's worth, for more would be a burst."""
        return texts if self._per_second is None else min(texts, max(1, int(self._per_second)))

    def reserve(self, texts: int) -> float:
        """Seconds until so many may go, 0 if they may at once. They count from now on."""
        if self._per_second is None:
            return 0.0
        with self._lock:
            now = self._clock()
            begins = max(now, self._free_at)
            # From where they should begin, so that a sleep that takes too long slows nothing down for good.
            self._free_at = begins + texts / self._per_second
        return begins - now
