"""Connected sockets, and reading and writing that end in time."""

from __future__ import annotations

import codecs
import errno
import socket
import ssl
from collections.abc import Callable

from urllib3.util import wait_for_read
from urllib3.util.ssltransport import SSLTransport

from sms_core.clocks import uptime

# Looking up a name imports this codec at the first time, under a lock that a child may find held by a thread that it lacks.
codecs.lookup("idna")

Socket = socket.socket | SSLTransport
"""A connected socket: plain, TLS, or TLS through a proxy's TLS."""

CHUNK = 64 * 1024
"""Bytes that are written or read at a time."""
_HUNG_UP = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE})
"""What a write says when the peer has closed the connection; the last one on macOS."""


class Deadline:
    """An end to waiting, so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = uptime() + seconds

    def left(self, patience: float) -> float:
        """How many seconds the next step may take, ``patience`` at most. Raises `TimeoutError` when none is left."""
        left = self._end - uptime()
        if left <= 0:
            raise TimeoutError
        return min(left, patience)


def connect(host: str, port: int, deadline: Deadline, patience: float) -> socket.socket:
    """A new connection to the first of the host's addresses that takes one. Resolving its name knows no time limit."""
    refused: OSError | None = None
    for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            connected = socket.create_connection((str(place[0]), port), deadline.left(patience))
        except OSError as error:
            refused = error
            continue
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected
    raise refused or OSError("the host has no address")


def write(to: Socket, data: memoryview, deadline: Deadline, patience: float) -> bool:
    """Write it all. False where the peer has closed the connection meanwhile; it may have answered before that."""
    try:
        while data:
            to.settimeout(deadline.left(patience))
            data = data[to.send(bytes(data[:CHUNK])) :]
    except OSError as error:
        if error.errno in _HUNG_UP:
            return False
        raise
    return True


def reader(of: Socket, deadline: Deadline, patience: float) -> Callable[[], bytes]:
    """A function that gives what comes next, as `answers.Stream` wants it."""

    def receive() -> bytes:
        of.settimeout(deadline.left(patience))
        received = of.recv(CHUNK)
        return received if isinstance(received, bytes) else b""  # an SSLTransport has 0 for the end

    return receive


def is_quiet(found: Socket) -> bool:
    """Whether nothing has come in that was not read: the end of the connection, or bytes that answer no request."""
    if not isinstance(found, socket.socket):
        return False  # what TLS within TLS has read ahead is not to be seen
    if isinstance(found, ssl.SSLSocket) and found.pending():
        return False
    return not wait_for_read(found, 0.0)
