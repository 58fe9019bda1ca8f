"""Which ``encoding`` carries a text, and how much of it fits (chapter 1, the table and notes 1 to 5)."""

from __future__ import annotations

from attrs import frozen

from sms_core.text import Encoding, count_segments, encoding_of, utf16_length

SINGLE = {"ASCII": 160, "BIG5": 70, "UCS2": 70}
"""What one segment holds. The vendor cuts off the rest in silence (note 1)."""


@frozen
class Fit:
    """The plain encoding of a text, its length there, and whether that is one segment."""

    encoding: str
    units: int

    @property
    def single(self) -> bool:
        """Whether the plain encoding carries the whole text."""
        return self.units <= SINGLE[self.encoding]

    @property
    def long(self) -> str:
        """The encoding of the long form."""
        return f"L{self.encoding}"


def fit_of(text: str) -> Fit:
    """The smallest encoding that holds the whole text.

    ASCII is what both ASCII and the handset's alphabet have, counted in septets: an operator may cut a text of 160
    characters whose brackets take two septets each, and has no septet for a backtick. Big5 is the standard without
    Microsoft's and other additions. Both are on the safe side: what is left goes as BIG5 or UCS2.
    """
    if text.isascii() and encoding_of(text) is Encoding.GSM7:
        return Fit("ASCII", count_segments(text).units)
    try:
        text.encode("big5")
    except UnicodeEncodeError:
        return Fit("UCS2", utf16_length(text))
    return Fit("BIG5", utf16_length(text))


def split(text: str) -> tuple[str, ...]:
    """The text as numbered messages of one segment each, ``(1/3) …``; nothing is left out, nothing is cut in two.

    Raises `ValueError` if it takes more than 99.
    """
    fit = fit_of(text)
    for digits in (1, 2):
        room = SINGLE[fit.encoding] - len(f"({'9' * digits}/{'9' * digits}) ")
        pieces = _pieces(text, room, fit.encoding)
        if len(str(len(pieces))) <= digits:
            return tuple([f"({place}/{len(pieces)}) {piece}" for place, piece in enumerate(pieces, 1)])
    raise ValueError("takes more than 99 messages")


def _pieces(text: str, room: int, encoding: str) -> list[str]:
    pieces = []
    start = filled = 0
    for position, character in enumerate(text):
        width = count_segments(character).units if encoding == "ASCII" else utf16_length(character)
        if filled + width > room:
            pieces.append(text[start:position])
            start, filled = position, 0
        filled += width
    return [*pieces, text[start:]]
