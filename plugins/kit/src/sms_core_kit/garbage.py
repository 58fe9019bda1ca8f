"""What no vendor sends: answers and pushes cut, shuffled, misshapen or meaningless. The same pieces in each run.

The pieces come from a table of awkward values and a generator of a fixed seed; each says how it was made, so that a
failure can be read and made again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote_plus

from attrs import frozen

AWKWARD_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1.5",
    "1e400",
    "NaN",
    "-Infinity",
    "９９",
    "٣",
    "9" * 400,
    "null",
    "None",
    "\0",
    "\ufffd",
    "😀",
    "字" * 40,
    "<b>",
    "]]>",
    "&#0;",
    "%zz",
    "a=b&c",
    "|,;\t",
    "\r\n\r\n",
    "00000000000000",
    "99991231235959",
    "9999-12-31T23:59:59+00:00",
)
"""What may stand where a number, a time, a code or a name is expected."""

AWKWARD_JSON: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    float("inf"),
    float("nan"),
    "",
    "x",
    "NaN",
    "1e400",
    "9" * 400,
    "\ufffd",
    [],
    [None],
    [[]],
    {},
    {"": None},
)
"""What JSON may have where anything else is expected."""

PIECE_LENGTH = 7
MOST_PIECES = 20


def seeded(number: int) -> random.Random:
    """A generator that gives the same in each run."""
    return random.Random(number)  # noqa: S311 - for tests


@frozen
class Garbage:
    """One piece: ``how`` it was made, in words, and its bytes."""

    how: str
    body: bytes


def meaningless(count: int) -> Iterator[Garbage]:
    """What begins as no vendor's answer does."""
    for number in range(count):
        yield _meaningless(seeded(number))


def mangled(bodies: Sequence[bytes], count: int) -> Iterator[Garbage]:
    """Real answers mangled in each way in turn, what has their names and other values, and what means nothing."""
    names = _json_names(bodies)
    ways: list[Callable[[random.Random, bytes], Garbage]] = [_cut, _shuffled, _doubled, _recoded, _replaced, _replaced]
    ways.append(lambda chance, _: _meaningless(chance))
    if names:
        ways += [lambda chance, _: _misshapen(chance, names)] * 3
    for number in range(count):
        chance = seeded(number)
        yield ways[number % len(ways)](chance, chance.choice(bodies))


def shuffled_fields(fields: Sequence[str], count: int) -> Iterator[list[str]]:
    """Fields of a form (``name=value``) missing, doubled, in another order, with awkward values or none at all."""
    for number in range(count):
        chance = seeded(number)
        yield [_field(chance, fields) for _ in range(chance.randrange(9))]


def _field(chance: random.Random, fields: Sequence[str]) -> str:
    field, awkward = chance.choice(fields), chance.choice(AWKWARD_TEXTS)
    name, _, _ = field.partition("=")
    return chance.choice([field, awkward, f"{name}={quote_plus(awkward)}"])


def _meaningless(chance: random.Random) -> Garbage:
    if chance.randrange(2):
        body = chance.randbytes(chance.randrange(60))
    else:
        body = "".join(chance.choices(AWKWARD_TEXTS, k=chance.randrange(4))).encode()
    return Garbage("what means nothing", b"~" + body)


def _cut(chance: random.Random, body: bytes) -> Garbage:
    start, end = sorted(chance.randint(0, len(body)) for _ in range(2))
    return Garbage(f"bytes {start} to {end} of {_short(body)}", body[start:end])


def _shuffled(chance: random.Random, body: bytes) -> Garbage:
    pieces = [body[start : start + PIECE_LENGTH] for start in range(0, len(body), PIECE_LENGTH)][:MOST_PIECES]
    chance.shuffle(pieces)
    return Garbage(f"{_short(body)}, shuffled", b"".join(pieces))


def _doubled(chance: random.Random, body: bytes) -> Garbage:
    again = body[: chance.randint(0, len(body))]
    return Garbage(f"{_short(body)}, and {len(again)} bytes of it again", body + again)


def _recoded(chance: random.Random, body: bytes) -> Garbage:
    charset = chance.choice(["utf-16", "cp950"])
    recoded = body.decode("utf-8", "replace").encode(charset, "replace")
    return Garbage(f"{_short(body)}, in {charset}", recoded)


def _replaced(chance: random.Random, body: bytes) -> Garbage:
    """One word of the answer is something else."""
    words = list(re.finditer(rb"[\w.-]+", body))
    if not words:
        return Garbage("an answer without a word", body)
    word = chance.choice(words)
    instead = chance.choice(AWKWARD_TEXTS).encode()
    how = f"{_short(body)}, with {instead!r} in the place of {word[0]!r} at byte {word.start()}"
    return Garbage(how, body[: word.start()] + instead + body[word.end() :])


def _misshapen(chance: random.Random, names: Sequence[str]) -> Garbage:
    """JSON with the names that the vendor's has and values of any kind."""
    body = json.dumps(_table(chance, names, depth=2)).encode()
    return Garbage(f"JSON {_short(body)}", body)


def _table(chance: random.Random, names: Sequence[str], depth: int) -> dict[str, Any]:
    chosen = chance.sample(names, chance.randint(0, len(names)))
    return {name: _value(chance, names, depth) for name in chosen}


def _value(chance: random.Random, names: Sequence[str], depth: int) -> Any:
    shape = chance.randrange(4) if depth else 0
    if shape == 1:
        return _table(chance, names, depth - 1)
    if shape == 2:  # noqa: PLR2004 - the third shape
        return [_value(chance, names, depth - 1) for _ in range(chance.randint(0, 2))]
    return chance.choice(AWKWARD_JSON)


def _json_names(bodies: Sequence[bytes]) -> list[str]:
    """The names in the vendor's JSON; none where it has no JSON."""
    return sorted({name.decode() for body in bodies for name in re.findall(rb'"(\w+)"\s*:', body)})


def _short(body: bytes) -> str:
    return repr(body if len(body) <= 200 else body[:200] + b"...")  # noqa: PLR2004 - a line or two
