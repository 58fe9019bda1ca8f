"""Every parser fed with what nobody sends: only errors that are named for the place, and no longer than the length allows.

::

    python -m tests.reliability.inputs --inputs 1000000 --seed 7

Input number N of a seed is always the same: ``--only N`` makes it again, and shows where it fails.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from attrs import define, field, frozen

from sms_core_kit.garbage import AWKWARD_JSON, AWKWARD_TEXTS
from tests.reliability.inputs_parsers import Parser, all_parsers
from tests.reliability.inputs_shapes import SHAPES

SECONDS, SECONDS_A_BYTE = 0.03, 5e-6
"""What an input may take: a slow machine's time for the shortest one, and for each byte."""
MEASUREMENTS = 4
"""An input is too slow if it is each time."""
SHARE = 5_000
"""Inputs that a process takes at once."""
CHANGES_AT_ONCE = (1, 1, 1, 2, 2, 3, 5)
MOST_SHOWN = 20
"""Failures whose words are kept."""

VALUES = (
    "9" * 5000,
    "1E+999999999",
    "1e400",
    "-1",
    "sNaN",
    "-Infinity",
    "９９",
    "²",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31 23:59:59",
    "0001-01-01T00:00:00+14:00",
    "00010101000000",
    "2026-12-01T09:00:00+99:99",
    "Fri, 31 Dec 9999 23:59:59 -1200",
    "Mon, 01 Jan 0001 00:00:00 +9999",
    "0900\u200b000001",
    "\0",
    "",
)
"""What may stand where a number or a time is expected, and is beyond what holds one."""
PIECES = (
    *AWKWARD_TEXTS,
    *VALUES,
    "-0",
    "2026/12/01 09:00:00",
    "0900000001",
    "+886900000001       ",
    "002-27-82-123-4567",
    '="0900000001"',
    "{name}",
    "{{",
    "}",
    '{"Result":true}',
    '{"a":',
    "[[[[",
    "<SMS>",
    "</SMS>",
    "<![CDATA[",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "<?xml version='1.0' encoding='bogus'?>",
    "&amp;lt;",
    "\ufeff",
    "\u0301" * 50,
    "\ud800",
    "%E6%B8%AC",
    "%FF",
    "Ａ",
    "statuscode=0\r\n",
    "[1]\r\n",
    "\t",
    "\r",
    "\n",
    "|",
    ";",
    '"',
    "every8d://",
    "@",
    "?",
    "#",
    "/",
    "[::1]",
    ":99999",
)
"""What a grammar of any of the parsers may consist of."""

Chance = random.Random
Change = Callable[[Chance, bytes, Parser], bytes]


@define
class Figures:
    """What a run came to. ``failures`` are in words; ``failed`` counts all of them."""

    seed: int
    inputs: int = 0
    read: int = 0
    refused: int = 0
    failed: int = 0
    slow: int = 0
    size: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    kinds: Counter[str] = field(factory=Counter)
    failures: list[str] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed."""
        return not (self.failed or self.slow)

    def add(self, other: Figures) -> None:
        """Take the figures of a share in."""
        for name in ("inputs", "read", "refused", "failed", "slow", "size"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest = max(self.slowest, other.slowest)
        self.kinds.update(other.kinds)
        self.failures = (self.failures + other.failures)[:MOST_SHOWN]

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.kinds.most_common())
        lines = [
            f"inputs fuzzed {self.inputs:,} ({self.size / 1e6:,.0f} MB), seed {self.seed}, in {self.seconds:,.0f} s",
            f"parsers {len(all_parsers())}",
            f"read {self.read:,}, refused by name {self.refused:,} ({kinds})",
            f"unnamed errors {self.failed:,}, too slow {self.slow:,}, the slowest {self.slowest * 1000:,.1f} ms",
            *self.failures,
        ]
        return "\n".join(lines)


@frozen
class Input:
    """One input, made of its seed and number alone."""

    parser: Parser
    body: bytes = field(repr=False)


def make_input(seed: int, number: int) -> Input:
    """The input of this number."""
    chance = random.Random(f"{seed}:{number}")
    parsers = all_parsers()
    parser = parsers[number % len(parsers)]
    body = chance.choice(parser.examples)
    for _ in range(chance.choice(CHANGES_AT_ONCE)):
        body = chance.choice(CHANGES)(chance, body, parser)
    return Input(parser, body)


# Changes


def _cut(chance: Chance, body: bytes, parser: Parser) -> bytes:
    start, end = _span(chance, body)
    return chance.choice([body[start:], body[:end], body[:start] + body[end:]])


def _doubled(chance: Chance, body: bytes, parser: Parser) -> bytes:
    start, end = _span(chance, body)
    return body[:end] + body[start:end] * chance.choice([1, 1, 2, 30]) + body[end:]


def _moved(chance: Chance, body: bytes, parser: Parser) -> bytes:
    start, end = _span(chance, body)
    rest = body[:start] + body[end:]
    place = chance.randint(0, len(rest))
    return rest[:place] + body[start:end] + rest[place:]


def _spliced(chance: Chance, body: bytes, parser: Parser) -> bytes:
    other = chance.choice(parser.examples)
    return body[: chance.randint(0, len(body))] + other[chance.randint(0, len(other)) :]


def _flipped(chance: Chance, body: bytes, parser: Parser) -> bytes:
    if not body:
        return body
    place = chance.randrange(len(body))
    return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]


def _inserted(chance: Chance, body: bytes, parser: Parser) -> bytes:
    place = chance.randint(0, len(body))
    return body[:place] + _piece(chance) + body[place:]


def _replaced(chance: Chance, body: bytes, parser: Parser) -> bytes:
    """A word, which may be a name, a number or a whole value, is something else."""
    words = list(re.finditer(rb"[\w.+-]+", body))
    if not words:
        return _piece(chance)
    word = chance.choice(words)
    return body[: word.start()] + _piece(chance) + body[word.end() :]


def _overfilled(chance: Chance, body: bytes, parser: Parser) -> bytes:
    """A whole value, whatever parts it from others, is one that nothing holds."""
    values = list(re.finditer(rb"(?<=[=:|,\t>\"])[^&=\t|,\r\n\"<>]+", body))
    place = chance.choice(values).span() if values else (0, len(body))
    return body[: place[0]] + chance.choice(VALUES).encode() + body[place[1] :]


def _repeated(chance: Chance, body: bytes, parser: Parser) -> bytes:
    place = chance.randint(0, len(body))
    shape = chance.choice(list(SHAPES.values()))
    return body[:place] + shape * chance.choice([2, 20, 200, 2000]) + body[place:]


def _recoded(chance: Chance, body: bytes, parser: Parser) -> bytes:
    charset = chance.choice(["utf-16", "utf-16-be", "cp950", "utf-8-sig", "latin-1"])
    return body.decode("utf-8", "replace").encode(charset, "replace")


def _composed(chance: Chance, body: bytes, parser: Parser) -> bytes:
    """Pieces alone."""
    return b"".join(_piece(chance) for _ in range(chance.randrange(8)))


def _reshaped(chance: Chance, body: bytes, parser: Parser) -> bytes:
    """JSON in which one value is another; what is no JSON gets a piece instead."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _inserted(chance, body, parser)
    return json.dumps(_with_other(chance, value)).encode()


def _with_other(chance: Chance, value: Any) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: _with_other(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], _with_other(chance, value[place]), *value[place + 1 :]]
    return chance.choice([*AWKWARD_JSON, *PIECES[: len(AWKWARD_TEXTS)], [value], {"a": value}, 10**400, 1e300])


CHANGES: tuple[Change, ...] = (
    _cut,
    _doubled,
    _moved,
    _spliced,
    _flipped,
    _inserted,
    _inserted,
    _replaced,
    _replaced,
    _overfilled,
    _overfilled,
    _overfilled,
    _repeated,
    _recoded,
    _composed,
    _reshaped,
    _reshaped,
)


def _piece(chance: Chance) -> bytes:
    piece = chance.choice(PIECES)
    encoded = piece.encode("utf-8", "surrogatepass")
    if chance.randrange(6):
        return encoded
    return "".join(f"%{byte:02X}" for byte in encoded[:60]).encode()


def _span(chance: Chance, body: bytes) -> tuple[int, int]:
    start = chance.randint(0, len(body))
    return start, min(len(body), start + chance.choice([1, 7, 40, len(body)]))


# A run


def run(inputs: int, seed: int, processes: int | None = None) -> Figures:
    """Feed so many inputs to the parsers, on all cores or in so many processes; one is this process itself."""
    began = time.monotonic()
    figures = Figures(seed)
    shares = [(seed, start, min(start + SHARE, inputs)) for start in range(0, inputs, SHARE)]
    processes = processes or os.cpu_count() or 1
    for share in _done(shares, processes):
        figures.add(share)
    figures.seconds = time.monotonic() - began
    return figures


def _done(shares: Sequence[tuple[int, int, int]], processes: int) -> Iterator[Figures]:
    if processes == 1:
        yield from itertools.starmap(feed, shares)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(feed, *zip(*shares, strict=True))


def feed(seed: int, start: int, stop: int) -> Figures:
    """The figures of the inputs from ``start`` to before ``stop``."""
    figures = Figures(seed)
    for number in range(start, stop):
        _feed_one(figures, number, make_input(seed, number))
    return figures


def _feed_one(figures: Figures, number: int, made: Input) -> None:
    figures.inputs += 1
    figures.size += len(made.body)
    began = time.thread_time()
    try:
        made.parser.parse(made.body)
    except made.parser.errors as error:
        figures.refused += 1
        figures.kinds[type(error).__name__] += 1
    except Exception as error:  # noqa: BLE001 - what is looked for
        figures.failed += 1
        _note(figures, number, made, "".join(traceback.format_exception_only(error)).strip())
        return
    else:
        figures.read += 1
    taken = time.thread_time() - began
    figures.slowest = max(figures.slowest, taken)
    if taken > allowed(made.body) and _is_slow(made):
        figures.slow += 1
        _note(figures, number, made, f"takes {taken:.3f} s for {len(made.body)} bytes")


def allowed(body: bytes) -> float:
    """The seconds that an input of this length may take."""
    return SECONDS + SECONDS_A_BYTE * len(body)


def _is_slow(made: Input) -> bool:
    """Whether it takes too long each time: a collection of garbage, or another process, may have been in the way once."""
    return all(_seconds(made) > allowed(made.body) for _ in range(MEASUREMENTS))


def _seconds(made: Input) -> float:
    began = time.thread_time()
    with contextlib.suppress(*made.parser.errors):
        made.parser.parse(made.body)
    return time.thread_time() - began


def _note(figures: Figures, number: int, made: Input, words: str) -> None:
    if len(figures.failures) < MOST_SHOWN:
        where = f"--seed {figures.seed} --only {number}: {made.parser}"
        figures.failures.append(f"{where}: {words[:300]}: {made.body[:200]!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. 1 where anything failed."""
    reader = argparse.ArgumentParser(prog="python -m tests.reliability.inputs", description=__doc__)
    reader.add_argument("--inputs", type=int, default=1_000_000)
    reader.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    reader.add_argument("--only", type=int, metavar="NUMBER", help="make one input again, and show what it raises")
    asked = reader.parse_args(arguments)
    _say(f"seed {asked.seed}")
    if asked.only is not None:
        made = make_input(asked.seed, asked.only)
        _say(f"{made.parser}: {made.body!r}")
        _say(repr(made.parser.parse(made.body)))
        return 0
    figures = run(asked.inputs, asked.seed)
    _say(str(figures))
    return 0 if figures.is_clean else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
