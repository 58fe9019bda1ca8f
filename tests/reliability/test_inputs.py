"""The short form of the fuzzing of every parser; ``nox -s reliability`` has the long one."""

from __future__ import annotations

import random

import pytest

from tests.reliability import inputs
from tests.reliability.inputs_parsers import Parser, all_parsers

INPUTS = 10_000


@pytest.mark.parametrize("parser", all_parsers(), ids=str)
def test_a_parser_can_read_what_was_recorded(parser: Parser) -> None:
    """Else it would be fuzzed at its front door only."""
    assert any(_is_read(parser, example) for example in parser.examples)


def _is_read(parser: Parser, example: bytes) -> bool:
    try:
        parser.parse(example)
    except parser.errors:
        return False
    return True


def test_only_named_errors_and_no_longer_than_the_length_allows() -> None:
    seed = random.SystemRandom().randrange(2**32)
    figures = inputs.run(INPUTS, seed, processes=1)
    assert figures.inputs == figures.read + figures.refused == INPUTS, figures
    assert figures.is_clean, figures


def test_an_input_can_be_made_again() -> None:
    assert inputs.make_input(7, 11) == inputs.make_input(7, 11)
    assert inputs.make_input(7, 11).body != inputs.make_input(8, 11).body


def test_what_is_not_named_is_told_with_what_makes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(body: bytes) -> object:
        raise OverflowError("of its own")

    broken = Parser("broken", fail, (ValueError,), (b"x",))
    monkeypatch.setattr(inputs, "all_parsers", lambda: (broken,))
    figures = inputs.run(3, 5, processes=1)
    assert (figures.failed, figures.is_clean) == (3, False)
    assert "--seed 5 --only 0: broken: OverflowError: of its own" in figures.failures[0]
