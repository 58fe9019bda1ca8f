"""What a process makes once and its threads share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Values by key, each made at its first use. A forked child makes its own: connections and locks are not shared."""

    def __init__(self) -> None:
        self._start_over()
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
            os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of this key. What ``make`` raises passes on, and the next caller tries again."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def take_all(self) -> list[T]:
        """Forget all values; gives them, to be closed."""
        with self._lock:
            made, self._made = self._made, {}
        return list(made.values())
