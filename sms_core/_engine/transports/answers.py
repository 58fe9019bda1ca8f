"""An answer out of the bytes that come in (RFC 9112): strict about where it ends, for the next one begins there.

`http.client` is not: it takes a head or a chunk that breaks off for a whole one, an interim answer other than 100 for the
final one, and cuts what a chunk has too much.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Callable, Generator, Mapping
from http import HTTPStatus
from typing import TypeVar

from attrs import frozen

from sms_core.errors import MalformedResponse
from sms_core.http import LowerNames, Response

LARGEST_ANSWER = 16 * 1024 * 1024
"""Bytes. A page of 1,000 reports is a few hundred kilobytes; a larger answer than this is refused."""
LONGEST_LINE = 64 * 1024
"""Bytes of a line of a head."""
MOST_LINES = 100
"""Lines of a head, and of what may follow chunks."""

_STATUS_LINE = re.compile(rb"HTTP/1\.(\d)[ \t]+([1-9]\d\d)(?:[ \t].*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_NEVER_A_BODY = frozenset({204, 304})
"""Statuses without a body (RFC 9110, 15.3.5 and 15.4.5)."""


T = TypeVar("T")

Reading = Generator[None, bytes, T]
"""What reads a ``T``. It yields where it needs more bytes and is sent those that came; none at the connection's end."""


class BadAnswer(Exception):
    """What came is no whole answer. The text says why, and quotes nothing of it."""


def read(reading: Reading[T], receive: Callable[[], bytes]) -> T:
    """What a reading comes to, over a connection that blocks. Raises what either of them raises."""
    try:
        next(reading)
        while True:
            reading.send(receive())
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


class Stream:
    """The bytes of one answer that have come and were not read."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    @property
    def has_surplus(self) -> bool:
        """Whether more has come than was read."""
        return bool(self._waiting)

    def line(self) -> Reading[bytes]:
        """The next line without its end. Raises `EOFError` where it has none."""
        searched = 0
        while (end := self._waiting.find(b"\n", searched)) < 0:
            searched = len(self._waiting)
            if searched > LONGEST_LINE:
                raise BadAnswer("a line of its head is too long")
            yield from self._fill()
        return self._take(end + 1)[:-1].removesuffix(b"\r")

    def exactly(self, count: int) -> Reading[bytes]:
        """So many bytes. Raises `EOFError` where there are fewer."""
        while len(self._waiting) < count:
            yield from self._fill()
        return self._take(count)

    def rest(self, most: int) -> Reading[bytes]:
        """What comes until the connection ends, or a little more than ``most`` bytes of it."""
        while len(self._waiting) <= most:
            try:
                yield from self._fill()
            except EOFError:
                break
        return self._take(len(self._waiting))

    def _fill(self) -> Reading[None]:
        received = yield
        if not received:
            raise EOFError
        self._waiting += received

    def _take(self, count: int) -> bytes:
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken


@frozen
class Head:
    """The status line and the headers. ``keeps_alive`` is True where the connection may carry another request."""

    status: int
    headers: Mapping[str, str]
    keeps_alive: bool


@frozen
class Answer:
    """A whole answer. ``is_clean`` is True where it surely ends where we think it does, and another may follow."""

    response: Response
    is_clean: bool


def read_answer(stream: Stream, method: str) -> Reading[Answer]:
    """The final answer to a request. Raises `BadAnswer`, or `MalformedResponse` for one that is too large."""
    is_clean = True
    head = yield from read_head(stream)
    while head.status < HTTPStatus.OK:
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            raise BadAnswer("it changes to another protocol, which nobody asked for")
        # An interim answer (RFC 9110, 15.2). Nobody asked for one, so what else this peer does is not relied on.
        is_clean = False
        head = yield from read_head(stream)
    try:
        body, framed = yield from _read_body(stream, head, method)
    except EOFError:
        raise BadAnswer("it ends within its body") from None
    content = _unpack(body, head.headers.get("content-encoding", ""))
    response = Response(head.status, head.headers, content)
    return Answer(response, is_clean and framed and head.keeps_alive and not stream.has_surplus)


def read_head(stream: Stream) -> Reading[Head]:
    """A head, up to the empty line. Raises `BadAnswer`."""
    try:
        first = yield from stream.line()
    except EOFError:
        raise BadAnswer("nothing came, or part of a line") from None
    found = _STATUS_LINE.fullmatch(first)
    if found is None:
        raise BadAnswer("it is no HTTP")
    try:
        lines = yield from _read_lines(stream)
    except EOFError:
        raise BadAnswer("it ends within its head") from None
    headers = LowerNames()
    odd = False
    for line in lines:
        name, _, value = line.partition(b":")
        if not _NAME.fullmatch(name):
            odd = True
            continue
        key, text = name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    connection = headers.get("connection", "").lower()
    keeps_alive = "close" not in connection and (found[1] != b"0" or "keep-alive" in connection)
    return Head(int(found[2]), headers, keeps_alive and not odd)


def _read_lines(stream: Stream) -> Reading[list[bytes]]:
    """Lines up to an empty one; those that were folded are whole again (RFC 9112, 5.2)."""
    lines: list[bytes] = []
    for _ in range(MOST_LINES + 1):
        line = yield from stream.line()
        if not line:
            return lines
        if line[:1] in b" \t" and lines:
            lines[-1] += b" " + line.strip()
        else:
            lines.append(line)
    raise BadAnswer("its head has too many lines")


def _read_body(stream: Stream, head: Head, method: str) -> Reading[tuple[bytes, bool]]:
    """The body, and whether the answer itself said where it ends (RFC 9112, 6.3)."""
    if method == "HEAD" or head.status in _NEVER_A_BODY:
        return b"", True
    coding = head.headers.get("transfer-encoding")
    length = head.headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked":
            raise BadAnswer("its transfer coding is not known")
        return (yield from _read_chunks(stream)), length is None  # two lengths that may differ are somebody's attack
    if length is not None:
        return (yield from stream.exactly(_within_bounds(_read_length(length)))), True
    body = yield from stream.rest(LARGEST_ANSWER)
    _within_bounds(len(body))
    if not body:
        raise BadAnswer("it says no length and has no body, so it may have been cut")
    return body, False


def _read_length(text: str) -> int:
    """A length that may be said several times, but not in two ways."""
    lengths = {part.strip() for part in text.split(",")}
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise BadAnswer("its length is none")
    return int(length)


def _read_chunks(stream: Stream) -> Reading[bytes]:
    body = io.BytesIO()  # whose repr shows nothing: an interruption may come while the next chunk is awaited
    while size := _read_chunk_size((yield from stream.line())):
        _within_bounds(body.tell() + size)
        body.write((yield from stream.exactly(size)))
        if (yield from stream.line()):
            raise BadAnswer("a chunk is longer than it says")
    yield from _read_lines(stream)
    return body.getvalue()


def _read_chunk_size(line: bytes) -> int:
    size = line.partition(b";")[0].strip()
    if not _CHUNK_SIZE.fullmatch(size):
        raise BadAnswer("a chunk has no size")
    return int(size, 16)


def _within_bounds(size: int) -> int:
    if size > LARGEST_ANSWER:
        raise MalformedResponse(f"the answer is larger than {LARGEST_ANSWER} bytes")
    return size


def _unpack(body: bytes, codings: str) -> bytes:
    """The body without its content codings. We ask for none; some servers pack all the same."""
    for coding in reversed(codings.lower().split(",")):
        match coding.strip():
            case "gzip" | "x-gzip":
                body = _gunzip(body)
            case "deflate":
                body = _inflate(body)
            case _:
                pass  # "identity", or one that we cannot undo: as it came
    return body


def _gunzip(body: bytes) -> bytes:
    try:
        plain = gzip.GzipFile(fileobj=io.BytesIO(body)).read(LARGEST_ANSWER + 1)
    except (OSError, EOFError, zlib.error):
        raise BadAnswer("its packed body is damaged or breaks off") from None
    _within_bounds(len(plain))
    return plain


def _inflate(body: bytes) -> bytes:
    """What "deflate" packed; some servers leave its frame (RFC 1950, 2.2) away."""
    framed = body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0
    inflater = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, LARGEST_ANSWER + 1)
    except zlib.error:
        raise BadAnswer("its packed body is damaged") from None
    _within_bounds(len(plain))
    if body and not inflater.eof:
        raise BadAnswer("its packed body breaks off")
    return plain
