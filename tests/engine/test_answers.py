"""Answers as bytes: whole ones are read, all else is no answer, however the bytes come in."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms_core import MalformedResponse
from sms_core._engine.transports import answers
from sms_core._engine.transports.answers import LARGEST_ANSWER, Answer, BadAnswer, Stream, read_answer


def read(*pieces: bytes, method: str = "POST") -> Answer:
    waiting = iter([*(piece for piece in pieces if piece), b""])
    return answers.read(read_answer(Stream(), method), lambda: next(waiting))


def head(*lines: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""]).encode("latin-1")


def packed(data: bytes, coding: str) -> bytes:
    return head(f"Content-Length: {len(data)}", f"Content-Encoding: {coding}") + data


def without_frame(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


CLEAN = [
    head("Content-Length: 5") + b"87.00",
    head("Content-Length: 5", "Content-Length: 5") + b"87.00",
    head("Content-Length: 0"),
    head("Transfer-Encoding: chunked") + b"3\r\n87.\r\n2;x=y\r\n00\r\n0\r\n\r\n",
    head("Transfer-Encoding: Chunked") + b"5\r\n87.00\r\n0\r\nTrailer: x\r\n\r\n",
    head(status="204 No Content"),
    head("Content-Length: 5", status="304 Not Modified"),
    head("Connection: keep-alive", "Content-Length: 5", version="1.0") + b"87.00",
    head("Content-Length: 5", status="503") + b"87.00",
    packed(gzip.compress(b"87.00", mtime=0), "gzip"),
    b"HTTP/1.1 200 OK\nContent-Length:5\n\n87.00",
]
"""Whole answers after which another may follow."""


@pytest.mark.parametrize("answer", CLEAN)
def test_a_clean_answer(answer: bytes) -> None:
    found = read(answer)
    assert found.is_clean
    assert found.response.body in {b"87.00", b""}


@pytest.mark.parametrize("answer", CLEAN)
def test_no_part_of_a_clean_answer_is_an_answer(answer: bytes) -> None:
    for length in range(len(answer)):
        with pytest.raises(BadAnswer):
            read(answer[:length])


@given(st.sampled_from(CLEAN), st.lists(st.integers(0, 200)))
def test_it_does_not_matter_in_which_pieces_an_answer_comes(answer: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(answer)]
    pieces = [answer[start:end] for start, end in itertools.pairwise(places)]
    assert read(*pieces) == read(answer)


@given(st.sampled_from(CLEAN), st.binary(min_size=1))
def test_more_than_an_answer_is_no_clean_answer(answer: bytes, more: bytes) -> None:
    found = read(answer + more)
    assert (found.response, found.is_clean) == (read(answer).response, False)


@given(st.binary())
@example(b"HTTP/1.1 200\n:\n\n")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx")
def test_whatever_comes_is_an_answer_or_none(rest: bytes) -> None:
    for begin in (b"", b"HTTP/1.1 200 OK\r\n", head("Transfer-Encoding: chunked"), head("Content-Encoding: gzip")):
        with contextlib.suppress(BadAnswer, MalformedResponse):
            assert read(begin + rest).response.status >= 200


@pytest.mark.parametrize(
    "answer",
    [
        head("Connection: close", "Content-Length: 5") + b"87.00",
        head("Content-Length: 5", version="1.0") + b"87.00",
        head() + b"87.00",
        head("no header at all", "Content-Length: 5") + b"87.00",
        head("Content-Length: 9", "Transfer-Encoding: chunked") + b"5\r\n87.00\r\n0\r\n\r\n",
        head(status="103 Early Hints") + head("Content-Length: 5") + b"87.00",
        head("Link: </x>", status="103 Early Hints")
        + head(status="100 Continue")
        + head("Content-Length: 5")
        + b"87.00",
    ],
    ids=["close", "HTTP/1.0", "no length", "an odd line", "two lengths", "103", "103 and 100"],
)
def test_a_whole_answer_after_which_nothing_may_follow(answer: bytes) -> None:
    found = read(answer)
    assert (found.response.status, found.response.body, found.is_clean) == (200, b"87.00", False)


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        head(status="101 Switching Protocols"),
        head(status="100 Continue"),
        head(),
        head("Content-Length: 5", "Content-Length: 6") + b"87.000",
        head("Content-Length: -1") + b"87.00",
        head("Content-Length: 1_0") + b"0123456789",
        head("Content-Length: +5") + b"87.00",
        head("Content-Length:") + b"87.00",
        head("Transfer-Encoding: gzip, chunked") + b"5\r\n87.00\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"5\r\n87.000\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"5\r\n87.00X\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"-5\r\n87.00\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"0x5\r\n87.00\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"\r\n87.00\r\n0\r\n\r\n",
        head("X: " + "x" * 70_000),
        head(*["X: x"] * 200),
        packed(b"87.00", "gzip"),
        packed(gzip.compress(b"87.00", mtime=0)[:-1], "gzip"),
        packed(zlib.compress(b"87.00")[:-1], "deflate"),
        packed(zlib.compress(b"87.00")[:-1] + b"x", "deflate"),
    ],
)
def test_no_answer(answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(answer)


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", without_frame),
        ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])),
        ("identity", bytes),
    ],
)
def test_what_was_packed_unasked_is_unpacked(coding: str, pack: object) -> None:
    data = "簡訊".encode() * 100
    found = read(packed(pack(data), coding))  # type: ignore[operator]
    assert (found.response.body, found.is_clean) == (data, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_unpacks_to_too_much_is_refused(coding: str) -> None:
    pack = gzip.compress if coding == "gzip" else zlib.compress
    assert len(read(packed(pack(bytes(LARGEST_ANSWER)), coding)).response.body) == LARGEST_ANSWER
    with pytest.raises(MalformedResponse, match="larger than"):
        read(packed(pack(bytes(LARGEST_ANSWER + 1)), coding))


@pytest.mark.parametrize(
    "begin",
    [
        head(f"Content-Length: {LARGEST_ANSWER + 1}"),
        head("Transfer-Encoding: chunked") + b"%x\r\n" % (LARGEST_ANSWER + 1),
    ],
    ids=["length", "chunk"],
)
def test_what_says_that_it_is_too_large_is_not_even_read(begin: bytes) -> None:
    with pytest.raises(MalformedResponse, match="larger than"):
        read(begin)


def test_headers_are_lower_case_folded_lines_joined_and_repeated_ones_listed() -> None:
    found = read(head("X-Odd:  a ", "x-odd: b", "Long: one", "\t two", "Content-Length: 0"))
    assert found.response.headers == {"x-odd": "a, b", "long": "one two", "content-length": "0"}


def test_an_answer_to_head_has_no_body() -> None:
    found = read(head("Content-Length: 5"), method="HEAD")
    assert (found.response.body, found.is_clean) == (b"", True)
