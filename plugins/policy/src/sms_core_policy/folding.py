"""A text in plain characters that remembers where each of them stood, so that what is found can be shown as written."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources

from attrs import frozen

Fold = Callable[[str], str]
"""What a character becomes: none, one or several."""


@frozen
class Folded:
    """``text`` is what the original became; ``places[i]`` is where its character ``i`` stood."""

    original: str
    text: str
    places: tuple[int, ...]

    def as_written(self, start: int, end: int) -> str:
        """What stands in the original where the folded text has ``text[start:end]``."""
        return self.original[self.places[start] : self.places[end - 1] + 1]


def fold(text: str, folds: Iterable[Fold]) -> Folded:
    """The text with each character folded by each of these, in order."""
    steps = tuple(folds)
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        becomes = character
        for step in steps:
            becomes = "".join(map(step, becomes))
        folded.append(becomes)
        places.extend([place] * len(becomes))
    return Folded(text, "".join(folded), tuple(places))


def half_width(character: str) -> str:
    """``Ａ`` becomes ``A`` (NFKC)."""
    return character if character.isascii() else unicodedata.normalize("NFKC", character)


def lower_case(character: str) -> str:
    """``A`` becomes ``a``."""
    return character.casefold()


def seen(character: str) -> str:
    """Characters that nobody sees become nothing, such as a zero-width blank."""
    return "" if unicodedata.category(character) == "Cf" else character


def without_blanks(character: str) -> str:
    """Blanks become nothing, and so do characters that nobody sees."""
    return "" if character.isspace() else seen(character)


def simplified(character: str) -> str:
    """``資`` becomes ``资``. Many to one, so that no choice has to be made between ``發`` and ``髮``."""
    return character if character.isascii() else _simplified_characters().get(character, character)


@cache
def _simplified_characters() -> dict[str, str]:
    """The characters of Big5 that mainland China writes otherwise: a line of them, and below it what they become.

    Made from TSCharacters.txt of OpenCC (https://github.com/BYVoid/OpenCC, Apache License 2.0).
    """
    lines = (
        resources.files("sms_core_policy")
        .joinpath("simplified_characters.txt")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    table: dict[str, str] = {}
    for traditional, plain in zip(lines[::2], lines[1::2], strict=True):
        table.update(zip(traditional, plain, strict=True))
    return table
