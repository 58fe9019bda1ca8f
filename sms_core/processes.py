"""What belongs to the process that made it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value of which a child process has another one: what ``for_child`` makes of its parent's at the first use.

    The process is asked for at each use, since not every server that forks in C runs `os.register_at_fork`'s functions
    (uWSGI does not unless told). No lock is needed, and so none can be held by a thread that the child does not have.
    """

    def __init__(self, value: T, for_child: Callable[[T], T]) -> None:
        self._for_child = for_child
        self._values = {os.getpid(): value}

    def get(self) -> T:
        """This process's value."""
        pid = os.getpid()
        values = self._values
        value = values.get(pid)
        if value is None:
            inherited, *_ = tuple(values.values())
            value = values.setdefault(pid, self._for_child(inherited))  # atomic: all threads of the child get the same
            self._values = {pid: value}
        return value
