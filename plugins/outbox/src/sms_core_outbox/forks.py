"""No process is forked in the middle of SQLite.

SQLite keeps what its connections have locked in the memory of the process, which a fork copies. A child that is forked
while another thread is in a transaction finds the database locked for ever, for the thread that would unlock it is not
in the child; one that is forked beside an idle connection believes to share a lock that is its parent's alone
(https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_). So a fork waits until no
transaction is open, and closes idle connections first.

A server that forks in C may leave out Python's hooks (uWSGI does). Its children notice by their process's number that they
are others, and begin anew; one that was forked in the middle of a transaction says that it is of no use.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from weakref import WeakMethod

from attrs import define, field

from sms_core.errors import ConfigurationError
from sms_core.processes import PerProcess

WITHIN = "this process was forked while a transaction of the outbox was open: SQLite is of no use here"


@define(eq=False)
class _Passages:
    """Who of a process is inside. ``depths`` has for each thread how deep it is."""

    is_broken: bool = False
    changed: threading.Condition = field(factory=threading.Condition)
    depths: threading.local = field(factory=threading.local)
    open: int = 0
    forking: int | None = None

    @property
    def depth(self) -> int:
        """How deep the calling thread is inside."""
        depth: int = getattr(self.depths, "value", 0)
        return depth


def _of_child(inherited: _Passages) -> _Passages:
    """What was open at the fork stays locked in the child for ever."""
    return _Passages(is_broken=inherited.is_broken or inherited.open > 0)


class ForkGate:
    """Transactions pass it side by side; a fork waits until they are over, and none begins meanwhile."""

    def __init__(self) -> None:
        self._closers: list[WeakMethod[Callable[[], object]]] = []
        self._passages = PerProcess(_Passages(), _of_child)

    @contextmanager
    def passed(self) -> Generator[None, None, None]:
        """Within the block nobody but this thread can fork. Raises `ConfigurationError` where this child is of no use."""
        here = self._passages.get()
        process = os.getpid()
        depth = here.depth
        with here.changed:
            # A thread that is inside already may go deeper: the fork waits for it anyway.
            here.changed.wait_for(lambda: depth or here.forking is None)
            if here.is_broken:
                raise ConfigurationError(WITHIN)
            here.open += 1
            here.depths.value = depth + 1
        try:
            yield
        finally:
            if process == os.getpid():
                with here.changed:
                    here.open -= 1
                    here.depths.value = depth
                    here.changed.notify_all()

    def close_before_fork(self, close: WeakMethod[Callable[[], object]]) -> None:
        """Call this before each fork, as long as its object lives."""
        with self._passages.get().changed:
            self._closers = [known for known in self._closers if known() is not None]
            self._closers.append(close)

    def before_fork(self) -> None:
        """Wait until no other thread is inside, and let none in."""
        here = self._passages.get()
        with here.changed:
            here.changed.wait_for(lambda: here.forking is None)
            here.forking = threading.get_ident()
            here.changed.wait_for(lambda: here.open == here.depth)
        for known in self._closers:
            close = known()
            if close is not None:
                close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        here = self._passages.get()
        with here.changed:
            here.forking = None
            here.changed.notify_all()


gate = ForkGate()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=gate.before_fork,
        after_in_parent=gate.after_fork_in_parent,
    )
