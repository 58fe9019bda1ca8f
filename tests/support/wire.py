"""The way between workers and their vendor, which can end a worker at each class of bytes of an exchange.

Bytes are passed on one class after another. What a worker has written and its wire has not passed on never reached the
vendor, as where the worker had died before it wrote them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE = 20.0
LOGIN = b"ConnectionHandler.ashx"
END_OF_HEAD = b"\r\n\r\n"
CONNECTED = "connected"
REQUEST = ("first byte", "head", "half of the body", "request")
TAKEN = "taken"
ANSWER = ("answer's first byte", "answer's head", "half of the answer's body", "answer")
EXCHANGE = (*REQUEST, TAKEN, *ANSWER)
"""The classes of bytes of an exchange in their order; ``taken`` is when the vendor has answered and nobody has heard it."""
POINTS = (
    CONNECTED,
    *(f"login: {name}" for name in (REQUEST[-1], TAKEN, ANSWER[-1])),
    *(f"send: {name}" for name in EXCHANGE),
)
"""Where a worker can be killed. A login takes nothing, so of its bytes the last ones are enough."""


class Wire:
    """A worker's own way to a port of this machine, while a ``with`` block lasts.

    The worker is killed at the point ``kill_at``. The vendor goes on, as one does that hears nothing of a client's death.
    """

    def __init__(self, vendor: int, kill_at: str = "") -> None:
        self._vendor = vendor
        self._kill_at = kill_at
        self._pid = 0
        self._known = threading.Event()
        self._coming = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which ends the thread's `accept`
        self._listener.close()
        for thread in self._threads:  # what has reached the vendor comes to its end
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def introduce(self, pid: int) -> None:
        """Say whose it is."""
        self._pid = pid
        self._known.set()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, worker: socket.socket) -> None:
        worker.settimeout(PATIENCE)
        with worker, contextlib.suppress(OSError):  # the other end of a connection may have been killed
            self._come_to(CONNECTED)
            with socket.create_connection(("127.0.0.1", self._vendor), PATIENCE) as vendor:
                while request := _message(worker):
                    operation = "login" if LOGIN in request.partition(b"\r\n")[0] else "send"
                    if not self._pass(request, REQUEST, operation, vendor):
                        return
                    answer = _message(vendor)
                    self._come_to(f"{operation}: {TAKEN}")
                    self._pass(answer, ANSWER, operation, worker)

    def _pass(self, message: bytes, names: tuple[str, ...], operation: str, to: socket.socket) -> bool:
        """Pass a message on until the worker is killed; whether it has arrived whole."""
        for name, part in zip(names, _parts(message), strict=True):
            to.sendall(part)
            if self._come_to(f"{operation}: {name}"):
                return name == names[-1]
        return True

    def _come_to(self, point: str) -> bool:
        """Whether the worker was killed here."""
        with self._coming:
            if point != self._kill_at:
                return False
            self._kill_at = ""
        assert self._known.wait(PATIENCE)
        os.kill(self._pid, signal.SIGKILL)
        os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)  # whoever started it waits for it again
        return True


def _message(connection: socket.socket) -> bytes:
    """A request or an answer; nothing where the other end has closed instead."""
    data = b""
    while (head := data.find(END_OF_HEAD)) < 0 or len(data) < head + len(END_OF_HEAD) + _length(data[:head]):
        received = connection.recv(65536)
        if not received:
            return b""
        data += received
    return data


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def _parts(message: bytes) -> list[bytes]:
    """One for each class of bytes."""
    body = message.index(END_OF_HEAD) + len(END_OF_HEAD)
    ends = [0, 1, body, (body + len(message)) // 2, len(message)]
    return [message[begin:end] for begin, end in itertools.pairwise(ends)]
