"""Local servers that answer like the vendors, in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import resource
import socket
import threading
from collections.abc import Callable, Generator

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
FULL = 500
"""Recipients of a full request of EVERY8D."""


def _counts(recipients: int) -> str:
    return f"87.00,{recipients},{recipients}.0,0,{BATCH}"


COUNTS = _counts(1)


def _soap(operation: str, result: str) -> str:
    answer = f'<{operation}Response xmlns="http://tempuri.org/"><{operation}Result>{result}</{operation}Result>'
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soap:Body>{answer}</{operation}Response></soap:Body></soap:Envelope>"
    )


SESSION = "&lt;SMS&gt;&lt;GET_CONNECTION&gt;&lt;CODE&gt;0&lt;/CODE&gt;&lt;SESSION_KEY&gt;5c1d&lt;/SESSION_KEY&gt;&lt;/GET_CONNECTION&gt;&lt;/SMS&gt;"
TWILIO = {
    "sid": f"SM{'0' * 32}",
    "account_sid": f"AC{'0' * 32}",
    "status": "queued",
    "body": "text",
    "to": "+886900000001",
}
VONAGE = {
    "message-count": "1",
    "messages": [
        {
            "to": "886900000001",
            "message-id": "1",
            "status": "0",
            "remaining-balance": "3",
            "message-price": "1",
            "network": "46692",
        }
    ],
}


def _answer(content_type: str, text: str, status: str = "200 OK") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    b"/API21/HTTP/": _answer("text/plain; charset=utf-8", COUNTS),
    b"getConnection": _answer("text/xml; charset=utf-8", _soap("getConnection", SESSION)),
    b"/API21/SOAP/": _answer("text/xml; charset=utf-8", _soap("sendSMS", COUNTS)),
    b"/2010-04-01/": _answer("application/json", json.dumps(TWILIO), "201 Created"),
    b"/sms/json": _answer("application/json", json.dumps(VONAGE)),
    b"": _answer("text/plain", "OK"),
}
"""What is answered to a request whose head holds this; the first that fits."""


_FULL_ANSWER = _answer("text/plain; charset=utf-8", _counts(FULL))
_BATCH = BATCH.encode()
_serial = itertools.count()


def _requests(received: bytes) -> tuple[list[bytes], bytes]:
    """The heads of the whole requests, and what came of the next one."""
    heads: list[bytes] = []
    while True:
        head, found, rest = received.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"\r\ncontent-length:")
        size = int(length.partition(b"\r\n")[0] or 0)
        if not found or len(rest) < size:
            return heads, received
        heads.append(head)
        received = rest[size:]


def _answer_to(head: bytes) -> bytes:
    return _as_own_batch(next(answer for part, answer in ANSWERS.items() if part in head))


def _answer_to_full(_: bytes) -> bytes:
    return _as_own_batch(_FULL_ANSWER)


def _as_own_batch(answer: bytes) -> bytes:
    """The answer with a batch id that no other one has, as vendors give them."""
    return answer.replace(_BATCH, b"%s%012d" % (_BATCH[:-12], next(_serial)))


def _serve_one(connection: socket.socket, answer: Callable[[bytes], bytes]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while chunk := connection.recv(65536):
        heads, received = _requests(received + chunk)
        for head in heads:
            connection.sendall(answer(head))


def at_once(listener: socket.socket, delay: float) -> None:
    """A thread for each connection, which adds least to the time of one request."""
    assert not delay
    _serve_all(listener, _answer_to)


def to_full_requests(listener: socket.socket, delay: float) -> None:
    """The same, to requests that are full."""
    assert not delay
    _serve_all(listener, _answer_to_full)


def _serve_all(listener: socket.socket, answer: Callable[[bytes], bytes]) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve_one, args=(connection, answer), daemon=True).start()


class _Delayed(asyncio.Protocol):
    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        heads, self._received = _requests(self._received + data)
        for head in heads:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, _answer_to(head))


def after_a_while(listener: socket.socket, delay: float) -> None:
    """An event loop, which holds a thousand requests at a time."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Delayed(delay), sock=listener, backlog=1024)
        await server.serve_forever()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    asyncio.run(run())


@contextlib.contextmanager
def served(*, delay: float = 0.0, full: bool = False) -> Generator[int, None, None]:
    """The port of a server that waits so many seconds before each answer; ``full`` is for requests of `FULL` recipients."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        run = after_a_while if delay else at_once
        if full:
            run = to_full_requests
        server = multiprocessing.get_context("fork").Process(target=run, args=(listener, delay), daemon=True)
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.kill()
            server.join()
