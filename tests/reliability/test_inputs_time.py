"""No parser takes time that grows faster than its input."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator

import pytest

from tests.reliability.inputs_parsers import Parser, all_parsers
from tests.reliability.inputs_shapes import SHAPES, frames, hostile

SHORT, LONG = 3_000, 12_000
"""Bytes."""
LONG_ENOUGH = 0.01
"""Seconds for the long one; what takes less is no trouble at any length that is let in."""
BOUND = 9.0
"""How many times as long four times the input may take: 4 is linear and 16 quadratic."""
ATTEMPTS = 6
FRAMES = 4
"""Recorded examples that hostile parts stand in."""


@pytest.mark.parametrize("parser", all_parsers(), ids=str)
def test_time_grows_no_faster_than_the_input(parser: Parser) -> None:
    gc.disable()  # a collection in one of two measurements says nothing of the parser
    try:
        assert list(_too_slow(parser)) == []
    finally:
        gc.enable()


def _too_slow(parser: Parser) -> Iterator[str]:
    for frame in frames(parser.examples, FRAMES):
        for name, shape in SHAPES.items():
            ratio = _ratio(parser, hostile(shape, frame, SHORT), hostile(shape, frame, LONG))
            if ratio > BOUND:
                yield f"{name} behind {frame[0][-60:]!r}: {ratio:.0f} times as long"


def _ratio(parser: Parser, short: bytes, long: bytes) -> float:
    """How many times as long the long one takes; of several measurements the best, for noise only ever adds."""
    of_long = _seconds(parser, long)
    if of_long < LONG_ENOUGH:
        return 1.0
    of_short = _seconds(parser, short)
    for _ in range(ATTEMPTS):
        if of_long <= BOUND * of_short:
            break
        of_long = min(of_long, _seconds(parser, long))
        of_short = min(of_short, _seconds(parser, short))
    return of_long / of_short


def _seconds(parser: Parser, body: bytes) -> float:
    """Of this thread's own work, so that other processes do not count."""
    start = time.thread_time()
    with contextlib.suppress(*parser.errors):
        parser.parse(body)
    return time.thread_time() - start
