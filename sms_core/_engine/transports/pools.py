"""The connections to one host: a place for each that is in use, and those that wait for their next request."""

from __future__ import annotations

import socket
import ssl
import threading
import weakref
from collections import deque

from urllib3.util import wait_for_read

from sms_core._engine.transports.sockets import Socket
from sms_core.clocks import uptime


class Pool:
    """At most ``size`` connections are in use: hold ``places`` while you have one. Threads may share it.

    urllib3's own pool keeps a connection after whatever answer, knows nothing of its age, and has a lock that a child
    process may find held for ever, even when it ends.
    """

    def __init__(self, size: int) -> None:
        self.places = threading.Semaphore(size)
        self._idle: deque[tuple[Socket, float]] = deque()  # its methods are atomic, so it needs no lock
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)

    def take(self, longest_idle: float) -> Socket | None:
        """The connection that was used last, if it is quiet and was idle for so many seconds at most; else None."""
        while self._idle:
            try:
                found, since = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if uptime() - since <= longest_idle and _is_quiet(found):
                return found
            found.close()
        return None

    def keep(self, used: Socket) -> None:
        """Take a connection back whose last answer was clean."""
        self._idle.append((used, uptime()))
        if self._closed:
            self.close()

    def close(self) -> None:
        """Close what is idle now, and from now on whatever comes back."""
        self._closed = True
        _close_all(self._idle)


def _is_quiet(found: Socket) -> bool:
    """Whether nothing came in while it was idle: the end of the connection, or bytes that answer no request."""
    if not isinstance(found, socket.socket):
        return False  # what TLS within TLS has read ahead is not to be seen
    if isinstance(found, ssl.SSLSocket) and found.pending():
        return False
    return not wait_for_read(found, 0.0)


def _close_all(idle: deque[tuple[Socket, float]]) -> None:
    while idle:
        try:
            found, _ = idle.pop()
        except IndexError:
            return
        found.close()
