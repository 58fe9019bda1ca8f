"""The faults of the scripted server: what it writes for a request that it has read, and whether it took the message.

Each fault is a list of steps: bytes that are written, a `Pause`, and how it ends. Where a list says no end, the connection
stays open for the next request.
"""

from __future__ import annotations

import enum
import gzip
import zlib
from collections.abc import Callable
from typing import NamedTuple


class End(enum.Enum):
    """How a connection ends."""

    CLOSE = "close"
    RESET = "reset"


class Pause(NamedTuple):
    """Seconds in which nothing is written."""

    seconds: float


Step = bytes | Pause | End
PATIENCE = 2.0
"""Seconds until the client's read times out; its deadline is `DEADLINE`."""
DEADLINE = 3.0


class Answer(NamedTuple):
    """The answer that takes a message, in parts.

    ``other`` is the whole answer that would take another message, ``refusal`` the whole one that refuses this one.
    """

    status: int
    body: bytes
    other: bytes = b""
    refusal: bytes = b""

    def head(self, *headers: str, length: int | None = None) -> bytes:
        """A status line and headers."""
        lines = [f"HTTP/1.1 {self.status} OK", "Content-Type: text/plain; charset=utf-8", *headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()

    def whole(self, *headers: str) -> bytes:
        """Head and body, as they should be."""
        return self.head(*headers, length=len(self.body)) + self.body


def chunked(body: bytes, *, size: int = 7, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """A body in chunks of some bytes."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    written = [f"{len(piece):x}".encode() + extension + b"\r\n" + piece + b"\r\n" for piece in pieces]
    return b"".join([*written, b"0\r\n", trailer, b"\r\n"])


def _in_chunks(answer: Answer, body: bytes) -> bytes:
    return answer.head("Transfer-Encoding: chunked") + body


def _status(code: int, body: bytes = b"<html><body>no</body></html>", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} No", "Content-Type: text/html", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _drip(data: bytes) -> list[Step]:
    """Two bytes at a time, each soon enough for a read, and all together too late for the deadline."""
    steps: list[Step] = []
    for start in range(0, len(data), 2):
        steps += [data[start : start + 2], Pause(PATIENCE / 4)]
    return steps


class Fault(NamedTuple):
    """``takes`` is whether the message was taken. ``clean`` ones have to be understood. A ``slow`` one comes seldom."""

    steps: Callable[[Answer], list[Step]]
    takes: bool = True
    clean: bool = False
    slow: bool = False


_EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
_PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

FAULTS: dict[str, Fault] = {
    # As it should be, in all the ways that HTTP has for it.
    "length": Fault(lambda a: [a.whole()], clean=True),
    "head and body apart": Fault(lambda a: [a.head(length=len(a.body)), Pause(0.001), a.body], clean=True),
    "chunked": Fault(lambda a: [_in_chunks(a, chunked(a.body))], clean=True),
    "chunks with extensions and a trailer": Fault(
        lambda a: [_in_chunks(a, chunked(a.body, extension=b";a=b", trailer=b"X-Trailer: 1\r\n"))], clean=True
    ),
    "connection: close": Fault(lambda a: [a.whole("Connection: close"), End.CLOSE], clean=True),
    "gzip": Fault(
        lambda a: [a.head("Content-Encoding: gzip", length=len(gzip.compress(a.body))) + gzip.compress(a.body)],
        clean=True,
    ),
    "deflate": Fault(
        lambda a: [a.head("Content-Encoding: deflate", length=len(zlib.compress(a.body))) + zlib.compress(a.body)],
        clean=True,
    ),
    "many headers": Fault(lambda a: [a.whole(*(f"X-{number}: {number}" for number in range(60)))], clean=True),
    "100 unasked": Fault(lambda a: [_CONTINUE + a.whole()], clean=True),
    "102": Fault(lambda a: [_PROCESSING, Pause(0.001), a.whole()], clean=True),
    "103": Fault(lambda a: [_EARLY_HINTS + a.whole()], clean=True),
    "103 in two pieces": Fault(lambda a: [_EARLY_HINTS[:20], Pause(0.001), _EARLY_HINTS[20:] + a.whole()], clean=True),
    "three interim answers": Fault(lambda a: [_CONTINUE + _PROCESSING + _EARLY_HINTS + a.whole()], clean=True),
    "closed after the answer": Fault(lambda a: [a.whole(), End.CLOSE], clean=True),
    "reset soon after the answer": Fault(lambda a: [a.whole(), Pause(0.02), End.RESET], clean=True),
    "no length, closed at the end": Fault(lambda a: [a.head() + a.body, End.CLOSE]),
    "a refusal": Fault(lambda a: [a.refusal], takes=False),
    # More than the answer, at once: what comes when the next request has left can be told by nobody.
    "surplus bytes": Fault(lambda a: [a.whole() + b"surplus"]),
    "surplus line ends": Fault(lambda a: [a.whole() + b"\r\n\r\n"]),
    "a second answer at once": Fault(lambda a: [a.whole() + a.other]),
    "length one too small": Fault(lambda a: [a.head(length=len(a.body) - 1) + a.body]),
    # Less than the answer.
    "length one too large": Fault(lambda a: [a.head(length=len(a.body) + 1) + a.body, End.CLOSE]),
    "half a body": Fault(lambda a: [a.head(length=len(a.body)) + a.body[: len(a.body) // 2], End.CLOSE]),
    "half a body, reset": Fault(
        lambda a: [a.head(length=len(a.body)) + a.body[: len(a.body) // 2], Pause(0.001), End.RESET]
    ),
    "all but the last byte": Fault(lambda a: [a.whole()[:-1], End.CLOSE]),
    "half a head": Fault(lambda a: [a.whole()[:30], End.CLOSE]),
    "half a head, reset": Fault(lambda a: [a.whole()[:30], Pause(0.001), End.RESET]),
    "half a status line": Fault(lambda a: [b"HTTP/1.1 2", End.CLOSE]),
    "a head alone": Fault(lambda a: [a.head(), End.CLOSE]),
    "an interim answer alone": Fault(lambda a: [_EARLY_HINTS, End.CLOSE]),
    "nothing, closed": Fault(lambda a: [End.CLOSE]),
    "nothing, reset": Fault(lambda a: [End.RESET]),
    "an empty body": Fault(lambda a: [a.head(length=0)]),
    "204": Fault(lambda a: [b"HTTP/1.1 204 No Content\r\n\r\n"]),
    # Chunks that are wrong.
    "no last chunk": Fault(lambda a: [_in_chunks(a, chunked(a.body))[:-5], End.CLOSE]),
    "a chunk's size too large": Fault(lambda a: [_in_chunks(a, b"ffff\r\n" + a.body + b"\r\n0\r\n\r\n"), End.CLOSE]),
    "a chunk's size is no number": Fault(lambda a: [_in_chunks(a, b"xyz\r\n" + a.body + b"\r\n0\r\n\r\n")]),
    "a chunk's size below zero": Fault(lambda a: [_in_chunks(a, b"-5\r\n" + a.body + b"\r\n0\r\n\r\n")]),
    "a chunk without its end": Fault(
        lambda a: [_in_chunks(a, f"{len(a.body):x}".encode() + b"\r\n" + a.body + b"0\r\n\r\n")]
    ),
    "surplus after the last chunk": Fault(lambda a: [_in_chunks(a, chunked(a.body)) + a.other]),
    "length and chunks": Fault(lambda a: [a.head("Transfer-Encoding: chunked", length=5) + chunked(a.body)]),
    # Encodings that are wrong.
    "gzip that is none": Fault(lambda a: [a.whole("Content-Encoding: gzip")]),
    "half of a gzip": Fault(
        lambda a: [
            a.head("Content-Encoding: gzip", length=len(gzip.compress(a.body)) // 2)
            + gzip.compress(a.body)[: len(gzip.compress(a.body)) // 2]
        ]
    ),
    "gzip without its checksum": Fault(
        lambda a: [a.head("Content-Encoding: gzip", length=len(gzip.compress(a.body)) - 8) + gzip.compress(a.body)[:-8]]
    ),
    # Heads that are wrong.
    "no HTTP": Fault(lambda a: [b"220 mail.example ESMTP\r\n", End.CLOSE]),
    "a body alone": Fault(lambda a: [a.body, End.CLOSE]),
    "a length that is no number": Fault(lambda a: [a.head("Content-Length: x") + a.body, End.CLOSE]),
    "a length below zero": Fault(lambda a: [a.head("Content-Length: -1") + a.body, End.CLOSE]),
    "two lengths": Fault(lambda a: [a.head("Content-Length: 3", length=len(a.body)) + a.body]),
    "a huge length": Fault(lambda a: [a.head("Content-Length: " + "9" * 30) + a.body, End.CLOSE]),
    "a header of 100,000 bytes": Fault(lambda a: [a.whole("X-Long: " + "x" * 100_000)]),
    "200 headers": Fault(lambda a: [a.whole(*(f"X-{number}: {number}" for number in range(200)))]),
    "101": Fault(
        lambda a: [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + a.whole()]
    ),
    # Statuses that are no answer of the vendor's.
    "301": Fault(lambda a: [_status(301, b"", "Location: http://127.0.0.1:9/")], takes=False),
    "302": Fault(lambda a: [_status(302, b"", "Location: /elsewhere")]),
    "307": Fault(lambda a: [_status(307, b"", "Location: /elsewhere")]),
    "403": Fault(lambda a: [_status(403)], takes=False),
    "404": Fault(lambda a: [_status(404)], takes=False),
    "429": Fault(lambda a: [_status(429, b"", "Retry-After: 1")], takes=False),
    "500": Fault(lambda a: [_status(500)]),
    "500, nothing taken": Fault(lambda a: [_status(500)], takes=False),
    "502": Fault(lambda a: [_status(502)]),
    "503": Fault(lambda a: [_status(503)]),
    "504": Fault(lambda a: [_status(504)]),
    "a page of a proxy": Fault(lambda a: [_status(200)]),
    # Time.
    "a head that drips": Fault(lambda a: _drip(a.whole()), slow=True),
    "a body that drips": Fault(lambda a: [a.head(length=len(a.body)), *_drip(a.body)], slow=True),
    "silence": Fault(lambda a: [Pause(PATIENCE * 2), End.CLOSE], slow=True),
    "silence, nothing taken": Fault(lambda a: [Pause(PATIENCE * 2), End.CLOSE], takes=False, slow=True),
    "too late": Fault(lambda a: [Pause(PATIENCE * 1.2), a.whole()], slow=True),
    "stops in the middle": Fault(lambda a: [a.whole()[:-3], Pause(PATIENCE * 2), End.CLOSE], slow=True),
}
BEFORE_THE_REQUEST_IS_READ = ("closed at the first byte", "reset at the first byte", "closed after the head")
"""Faults of the server's own: nothing was taken, and the message is not even known."""
