"""An HTTP server on a real socket that misbehaves exactly as its script says.

A *script* is what happens on one connection: a sequence of actions, run in turn, after which the connection is
closed. The server's first connection gets the first script, and so on; the last script serves all further ones::

    with ScriptedServer([close_after_reading], [answer(b"1"), answer(b"2")]) as server:
        ...  # the first connection reads a request and hangs up, the next answers two requests
        server.requests, server.connections
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from attrs import field, frozen

PATIENCE = 20.0
"""Seconds after which a server's thread gives up, so that a failing test ends."""


@frozen
class Received:
    """One request as it came in. ``headers`` have lower-case names."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Connection:
    """What an action may do with its connection."""

    def __init__(self, server: ScriptedServer, raw: socket.socket) -> None:
        self.server = server
        self.raw = raw
        self._buffer = b""

    def read_request(self) -> Received | None:
        """The next whole request; None where the client hung up first."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._fill():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        received = Received(method, target, headers, body)
        self.server.note(received)
        return received

    def _fill(self) -> bool:
        chunk = self.raw.recv(65536)
        self._buffer += chunk
        return bool(chunk)


Action = Callable[[Connection], object]
Script = Sequence[Action]


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(body: bytes = b"ok", status: int = 200, headers: Mapping[str, str] | None = None) -> Action:
    """Read a request and answer it whole."""
    return raw_answer(_head(status, {"Content-Length": str(len(body)), **(headers or {})}) + body)


def raw_answer(data: bytes) -> Action:
    """Read a request and send these very bytes."""

    def act(connection: Connection) -> None:
        if connection.read_request() is not None:
            connection.raw.sendall(data)

    return act


def half_answer(body: bytes, missing: int = 10) -> Action:
    """Read a request and answer with a body that is shorter than its announced length."""
    return raw_answer(_head(200, {"Content-Length": str(len(body) + missing)}) + body)


def half_chunked(body: bytes) -> Action:
    """Read a request and answer with chunks of which the last never comes."""
    return raw_answer(_head(200, {"Transfer-Encoding": "chunked"}) + b"%x\r\n%s\r\n" % (len(body), body))


def oversize(size: int) -> Action:
    """Read a request and answer with ``size`` bytes of unannounced length."""

    def act(connection: Connection) -> None:
        if connection.read_request() is not None:
            connection.raw.sendall(_head(200, {"Connection": "close"}))
            connection.raw.sendall(b"x" * size)

    return act


def drip(data: bytes, pause: float = 0.02) -> Action:
    """Read a request and answer with these bytes over and over, one after each pause (seconds)."""

    def act(connection: Connection) -> None:
        connection.read_request()
        for byte in itertools.cycle(data):
            connection.raw.sendall(bytes([byte]))
            if connection.server.stopping.wait(pause):
                return

    return act


def redirect(location: str, status: int = 302) -> Action:
    """Read a request and point elsewhere."""
    return answer(b"", status, {"Location": location})


def say(data: bytes) -> Action:
    """Send these bytes without reading anything."""
    return lambda connection: connection.raw.sendall(data)


def wait_for_hang_up(connection: Connection) -> None:
    """Read until the client closes."""
    while connection.raw.recv(65536):
        pass


def close_after_reading(connection: Connection) -> None:
    """Read a whole request and hang up."""
    connection.read_request()
    reset(connection)


def reset(connection: Connection) -> None:
    """Hang up at once, with a reset, as a crashed process does."""
    connection.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.raw.close()


def stall(connection: Connection) -> None:
    """Read a request and stay silent until the server stops."""
    connection.read_request()
    connection.server.stopping.wait(PATIENCE)


class ScriptedServer:
    """The server; use it in a ``with`` block. ``url`` has no slash at its end."""

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._scripts = scripts or ([],)
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stopping.set()
        # A thread in accept() or recv() is woken by a shutdown, not by a close.
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    def note(self, received: Received) -> None:
        """Keep a request."""
        with self._changed:
            self.requests.append(received)
            self._changed.notify_all()

    def wait_for_requests(self, count: int) -> None:
        """Return when so many requests have come in. Raises `TimeoutError`."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while len(self.requests) < count:
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"only {len(self.requests)} of {count} requests came")

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(PATIENCE)
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            self._open.append(raw)
            self._start(self._run, raw, script)

    def _run(self, raw: socket.socket, script: Script) -> None:
        # A client that hangs up, or a stop, ends a script early: that is what a test may be about.
        with raw, contextlib.suppress(OSError):
            connection = Connection(self, raw)
            for act in script:
                act(connection)
