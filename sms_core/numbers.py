"""Telephone numbers: E.164 inside; what people write is read where it can mean one number only.

Shapes are checked; of numbering plans only Taiwan's is known.
"""

from __future__ import annotations

import re
import unicodedata

TAIWAN = "+886"

LONGEST = 100
"""Characters; more are no number, however many of them separate."""

_TAIWAN_MOBILE = re.compile(r"(?:\+?8860?|0)(9\d{8})", re.ASCII)
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

_SHEET_TEXT = re.compile(r'=\s*"([^"]*)"')
"""A cell as a formula, so that a spreadsheet keeps its zeros."""
_APOSTROPHES = ("'", "\u2018", "\u2019")
"""What marks a cell as text in a spreadsheet."""
_SHEET_ROUNDED = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.ASCII | re.IGNORECASE)
_SHEET_DECIMAL = re.compile(r"\+?\d+\.0+", re.ASCII)

_SEPARATORS = re.compile(r"[ .()\u2212-]+")
_SEPARATING = ("Zs", "Pd")
_FORMAT = "Cf"
_TRUNK_ZERO = re.compile(r"(?<=.)\(0\)")
"""``+886 (0)900…``: the 0 that is dialled within the country only."""
_SEVERAL = re.compile(r"[,;/|、]")
# The ignorable characters and the blanks that Unicode doesn't count among the format characters or the spaces.
_PRINTABLE_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0") | {
    chr(point) for point in range(0xFE00, 0xFE10)
}

_CARRIERS = ("002", "005", "006", "007", "009", "019")
"""What Taiwan's carriers have in front of a country code (libphonenumber's metadata of TW)."""
_DOMESTIC = len("0912345678")
_RUSSIAN = len("9161234567")
"""Digits after +7, all of them in Russia and Kazakhstan."""


def to_e164(number: str) -> str:
    """``0900-000-001``, ``(0900)000001``, ``8869…`` and ``002-886-900-000-001`` all become ``+886900000001``.

    Full-width digits are read, and separators, invisible format characters and a spreadsheet's marks for text
    (``'0900…``, ``="0900…"``) are left out. Numbers abroad have a ``+``, ``00`` or the prefix of a carrier of Taiwan.

    Raises `ValueError`, in words that do not repeat the number.
    """
    if taiwan := _TAIWAN_MOBILE.fullmatch(number):  # most are written so, and the rest takes time
        return TAIWAN + taiwan[1]
    stripped = number.strip()
    if len(stripped) > LONGEST:
        raise ValueError("is too long for a telephone number")
    text = _visible(stripped)
    if _SHEET_ROUNDED.fullmatch(text):
        raise ValueError("was rounded by a spreadsheet (as 9.00E+08 is): its digits are lost, write it again")
    if _SHEET_DECIMAL.fullmatch(text):
        raise ValueError("ends with .0: a spreadsheet took it for a decimal number")
    if text.endswith(")") and text.count("(") == 1 and not text.startswith("("):
        raise ValueError("ends with something in parentheses, which is no part of a number")
    bare = _TRUNK_ZERO.sub("-", text)
    try:
        e164 = _judge(_SEPARATORS.sub("-", bare).strip("-"))
    except ValueError:
        if character := _invisible(stripped):
            raise ValueError(f"holds the invisible character {character}") from None
        raise
    if bare != text and not is_taiwan(e164):
        raise ValueError("has a (0), which is not dialled from abroad: leave it out")
    return e164


def _visible(text: str) -> str:
    """The text in plain characters (NFKC), without format characters and without a spreadsheet's marks for text."""
    kept = []
    for character in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(character)
        if category in _SEPARATING:
            kept.append("-")
        elif category != _FORMAT:
            kept.append(character)
    visible = "".join(kept).strip("-")
    if formula := _SHEET_TEXT.fullmatch(visible):
        visible = formula[1].strip("-")
    if visible.startswith(_APOSTROPHES):
        visible = visible[1:].strip("-")
    return visible


def _judge(grouped: str) -> str:
    """E.164 of a number whose groups of digits are parted by ``-``. Raises `ValueError`."""
    compact = grouped.replace("-", "")
    if compact.startswith("0") and len(compact) > _DOMESTIC and _is_digits(compact):
        compact = _undialled(grouped, compact)
    if taiwan := _TAIWAN_MOBILE.fullmatch(compact):
        return TAIWAN + taiwan[1]
    if compact.startswith(TAIWAN):
        raise ValueError("is not a mobile number of Taiwan: +886 is followed by 9 and eight more digits")
    if _E164.fullmatch(compact):
        return compact
    raise ValueError(_hint(compact))


def _undialled(grouped: str, digits: str) -> str:
    """The number with ``+`` in place of a prefix that is dialled; as it is where it has none.

    ``002`` may be a carrier's prefix in Taiwan, or the ``00`` of most countries before a code such as 27. What could be
    both is refused, for one of the two is another country's number. Raises `ValueError`.
    """
    prefix, rest = digits[:3], digits[3:]
    first_group = grouped.partition("-")[0]
    if prefix == "019":
        return f"+{rest}"
    if not digits.startswith("00"):
        return digits
    if prefix not in _CARRIERS or first_group == "00":
        return f"+{digits[2:]}"
    if rest.startswith("0"):  # no country code does, so it is 00 and a code such as 20
        return f"+{digits[2:]}"
    is_carriers = first_group == prefix  # no country has the code 2, 5, 6 or 9: nobody parts it so after 00
    if prefix == "007":
        is_carriers = len(rest) != _RUSSIAN
    if is_carriers or _TAIWAN_MOBILE.fullmatch(rest):
        return f"+{rest}"
    raise ValueError(f"begins with {prefix}, which may be a carrier's prefix or 00 and a country code: write + instead")


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _hint(compact: str) -> str:
    if not compact:
        return "is empty"
    if _SEVERAL.search(compact):
        return "holds several numbers: give each its own place in a list"
    if _is_digits(compact):
        if lacks_zero(compact):
            return "lacks its leading 0: a spreadsheet may have dropped it"
        if compact[0] != "0":
            return "has no country code that can be told: write + in front of it"
        return "is not a mobile number of Taiwan: 09 and eight more digits"
    return "is not a telephone number: 09… of Taiwan, or + and 7 to 15 digits"


def _invisible(text: str) -> str:
    """The first character that nobody sees and that is not left out, by code point and name; "" where there is none."""
    for character in text:
        if character.isprintable() and character not in _PRINTABLE_INVISIBLE:
            continue
        if unicodedata.category(character) not in (*_SEPARATING, _FORMAT):
            return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character')})"
    return ""


def lacks_zero(number: str) -> bool:
    """Whether this is ``09…`` of Taiwan without its 0, as a spreadsheet keeps it that took it for a count."""
    return len(number) == _DOMESTIC - 1 and number.startswith("9") and _is_digits(number)


def is_taiwan(e164: str) -> bool:
    """Whether the E.164 number is one of Taiwan's."""
    return e164.startswith(TAIWAN)


_AS_IT_IS = re.compile(r"\+(?!8860)[1-9]\d{6,14}", re.ASCII)
"""E.164 already, and without Taiwan's 0 in it."""
_VENDORS_SEPARATORS = str.maketrans(" \u00a0", "--")


def from_vendor(number: str) -> str:
    """E.164 from whatever form a vendor uses: padded, ``09…``, ``8869…``, ``88609…``, a ``+`` that became a blank.

    A form that cannot be read comes back as it was, stripped: a report is never lost for its number.
    """
    if _AS_IT_IS.fullmatch(number):  # thousands of rows come in one page
        return number
    stripped = number.strip()
    try:
        return _judge(stripped.translate(_VENDORS_SEPARATORS))
    except ValueError:
        return stripped
