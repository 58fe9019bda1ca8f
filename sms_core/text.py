"""How many segments a text takes on the air: GSM 03.38's 7-bit alphabet where it fits, UCS-2 elsewhere.

Source: 3GPP TS 23.038 §6.2.1 (default alphabet and extension table), TS 23.040 §9.2.3.24.1 (concatenation).
"""

from __future__ import annotations

import enum
import re

from attrs import frozen

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = _BASIC | _EXTENSION
_ESCAPED = re.compile(f"[{re.escape(''.join(_EXTENSION))}]")
LAST_OF_THE_BASIC_PLANE = 0xFFFF
"""Characters beyond it, emoji above all, take two UTF-16 code units."""


class Encoding(enum.Enum):
    """The alphabet of a text: ``single`` units fit one segment, ``joined`` one of several."""

    GSM7 = ("GSM 03.38", 160, 153)
    UCS2 = ("UCS-2", 70, 67)

    def __init__(self, title: str, single: int, joined: int) -> None:
        self.title = title
        self.single = single
        self.joined = joined


@frozen
class Segments:
    """A counted text. ``units`` are septets (GSM 03.38) or UTF-16 code units (UCS-2)."""

    encoding: Encoding
    units: int
    count: int


def encoding_of(text: str) -> Encoding:
    """The smallest alphabet that holds the whole text."""
    return Encoding.GSM7 if _GSM7.issuperset(text) else Encoding.UCS2


def count_segments(text: str) -> Segments:
    """Count a text as a handset gets it. An empty text takes one segment."""
    encoding = encoding_of(text)
    units = utf16_length(text)
    if encoding is Encoding.GSM7:
        units = len(text) + len(_ESCAPED.findall(text))
    if units <= encoding.single:
        return Segments(encoding, units, 1)
    if units == len(text):
        return Segments(encoding, units, -(-units // encoding.joined))
    return Segments(encoding, units, _pack(text, encoding))


def split_segments(text: str) -> list[str]:
    """The text as its segments carry it; `count_segments` counts as many."""
    encoding = encoding_of(text)
    if count_segments(text).count == 1:
        return [text]
    segments = [""]
    filled = 0
    for character in text:
        width = _width(character, encoding)
        if filled + width > encoding.joined:
            segments.append("")
            filled = 0
        segments[-1] += character
        filled += width
    return segments


def _pack(text: str, encoding: Encoding) -> int:
    """The segments of a text with characters of two units: none of them is cut, so a unit may stay empty."""
    count = 1
    filled = 0
    for character in text:
        width = _width(character, encoding)
        if filled + width > encoding.joined:
            count += 1
            filled = 0
        filled += width
    return count


def _width(character: str, encoding: Encoding) -> int:
    """The units of a character: an escape sequence (GSM 03.38) and a surrogate pair (UCS-2) take two."""
    if encoding is Encoding.GSM7:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > LAST_OF_THE_BASIC_PLANE else 1


def utf16_length(text: str) -> int:
    """The number of UTF-16 code units, which is what vendors count as characters."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
