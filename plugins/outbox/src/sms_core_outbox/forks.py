"""No process is forked in the middle of SQLite.

SQLite keeps what its connections have locked in the memory of the process, which a fork copies. A child that is forked
while another thread is in a transaction finds the database locked for ever, for the thread that would unlock it is not
in the child; one that is forked beside an idle connection believes to share a lock that is its parent's alone
(https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_). So a fork waits until no
transaction is open, and closes idle connections first.

A server that forks in C and leaves out Python's hooks has to fork before the outbox is used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from weakref import WeakMethod

from sms_core.errors import ConfigurationError

WITHIN = "this process was forked by a thread that was in a transaction of the outbox: SQLite is of no use here"


class ForkGate:
    """Transactions pass it side by side; a fork waits until they are over, and none begins meanwhile."""

    def __init__(self) -> None:
        self._is_broken = False
        self._closers: list[WeakMethod[Callable[[], object]]] = []
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._mine = threading.local()
        self._open = 0
        self._forking: int | None = None

    @contextmanager
    def passed(self) -> Generator[None, None, None]:
        """Within the block nobody but this thread can fork. Raises `ConfigurationError` where this child is of no use."""
        depth = getattr(self._mine, "depth", 0)
        process = os.getpid()
        with self._changed:
            # A thread that is inside already may go deeper: the fork waits for it anyway.
            self._changed.wait_for(lambda: depth or self._forking is None)
            if self._is_broken:
                raise ConfigurationError(WITHIN)
            self._open += 1
            self._mine.depth = depth + 1
        try:
            yield
        finally:
            if process == os.getpid():
                with self._changed:
                    self._open -= 1
                    self._mine.depth = depth
                    self._changed.notify_all()

    def close_before_fork(self, close: WeakMethod[Callable[[], object]]) -> None:
        """Call this before each fork, as long as its object lives."""
        with self._changed:
            self._closers = [known for known in self._closers if known() is not None]
            self._closers.append(close)

    def before_fork(self) -> None:
        """Wait until no other thread is inside, and let none in."""
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._forking is None)
            self._forking = me
            self._changed.wait_for(lambda: self._open == getattr(self._mine, "depth", 0))
        for known in self._closers:
            close = known()
            if close is not None:
                close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        with self._changed:
            self._forking = None
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        """Begin anew. What the forking thread itself had open stays locked here for ever."""
        self._is_broken |= getattr(self._mine, "depth", 0) > 0
        self._begin()


gate = ForkGate()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=gate.before_fork,
        after_in_parent=gate.after_fork_in_parent,
        after_in_child=gate.after_fork_in_child,
    )
