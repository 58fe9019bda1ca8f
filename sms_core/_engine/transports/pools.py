"""The connections to one host that wait for their next request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from sms_core.clocks import uptime


class _Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


class Pool(Generic[C]):
    """Idle connections. Threads may share it.

    ``is_quiet`` says whether nothing came in while one was idle: its end, or bytes that answer no request. urllib3's own
    pool keeps a connection after whatever answer, knows nothing of its age, and has a lock that a child process may find
    held for ever, even when it ends.
    """

    def __init__(self, is_quiet: Callable[[C], bool]) -> None:
        self._is_quiet = is_quiet
        self._idle: deque[tuple[C, float]] = deque()  # its methods are atomic, so it needs no lock
        self._closed = False

    def take(self, longest_idle: float) -> C | None:
        """The connection that was used last, if it is quiet and was idle for so many seconds at most; else None."""
        while self._idle:
            try:
                found, since = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if uptime() - since <= longest_idle and self._is_quiet(found):
                return found
            found.close()
        return None

    def keep(self, used: C) -> None:
        """Take a connection back whose last answer was clean."""
        self._idle.append((used, uptime()))
        if self._closed:
            self.close()

    def close(self) -> None:
        """Close what is idle now, and from now on whatever comes back."""
        self._closed = True
        while self._idle:
            try:
                found, _ = self._idle.pop()
            except IndexError:
                return
            found.close()
