"""Tiny's server on a real socket: the one who knows what was taken, and can end a worker at any byte."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sms_core import Client, SocketTransport
from tests.support.tiny import bind

PATIENCE = 20.0


def client(port: int) -> Client:
    """A client of the oracle at this port."""
    return bind(SocketTransport(), clock=lambda: datetime.now(UTC), base_url=f"http://127.0.0.1:{port}")


class Oracle:
    """Listens while a ``with`` block lasts. Each worker has a port of its own, by which its process is known.

    ``kill_at`` names the point at which the first worker that comes to it is killed. Then the vendor goes on, as one does
    that hears nothing of a client's death.
    """

    def __init__(self, kill_at: str = "") -> None:
        self.taken: list[tuple[str, str, str]] = []
        self._kill_at = kill_at
        self._pids: dict[int, int] = {}
        self._known = threading.Condition()
        self._listeners: list[socket.socket] = []
        self._killed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for listener in self._listeners:
            listener.close()

    def listen(self) -> int:
        """A port for a worker."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)
        port: int = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
        return port

    def introduce(self, port: int, pid: int) -> None:
        """Say whose port it is."""
        with self._known:
            self._pids[port] = pid
            self._known.notify_all()

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How often each number got each text."""
        return Counter((number, text) for number, text, _ in self.taken)

    def _accept(self, listener: socket.socket, port: int) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, port), daemon=True).start()

    def _serve(self, connection: socket.socket, port: int) -> None:
        connection.settimeout(PATIENCE)
        with connection, contextlib.suppress(OSError):
            self._pass("connected", port)
            while self._answer(connection, port):
                pass

    def _pass(self, point: str, port: int) -> None:
        with self._known:
            if point != self._kill_at or self._killed:
                return
            self._killed = True
            assert self._known.wait_for(lambda: port in self._pids, PATIENCE)
            pid = self._pids[port]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def _answer(self, connection: socket.socket, port: int) -> bool:
        """Answer one request; False where there is none any more."""
        data = connection.recv(1)
        if not data:
            return False
        self._pass("request begun", port)
        while b"\r\n\r\n" not in data:
            data += _more(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += _more(connection)
        self._pass("request whole", port)
        operation = head.split(b" ")[1].decode().rpartition("/")[2]
        words = self._words(operation, json.loads(body), port)
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(words)}\r\n\r\n{words}".encode()
        connection.sendall(answer[:20])
        if operation == "send":
            self._pass("answer begun", port)
        connection.sendall(answer[20:])
        if operation == "send":
            self._pass("answered", port)
        return True

    def _words(self, operation: str, fields: Any, port: int) -> str:
        match operation:
            case "login":
                return "OK token"
            case "send":
                batch = f"b{len(self.taken)}"
                self.taken.extend(
                    (number, text, batch) for number, text in zip(fields["numbers"], fields["texts"], strict=True)
                )
                self._pass("taken", port)
                return f"OK {batch}"
            case _:
                found = [
                    f"{n}={batch}" for n, text, batch in self.taken if text == fields["text"] and n in fields["numbers"]
                ]
                return f"OK {' '.join(found)} proof"


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data
