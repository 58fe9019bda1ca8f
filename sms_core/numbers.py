"""Telephone numbers: E.164 inside, Taiwan's own form accepted.

Shapes are checked; of numbering plans only Taiwan's is known.
"""

from __future__ import annotations

import re

_SEPARATORS = str.maketrans("", "", " -\u00a0")
_TAIWAN_MOBILE = re.compile(r"09\d{8}", re.ASCII)
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_E164_TAIWAN_MOBILE = re.compile(r"\+8869\d{8}", re.ASCII)
_VENDOR_TAIWAN = re.compile(r"(?:\+?8860?|0)(9\d{8})", re.ASCII)
TAIWAN = "+886"


def to_e164(number: str) -> str:
    """``0900-000-001``, ``+886 900 000 001`` and ``00886900000001`` all become ``+886900000001``.

    Raises `ValueError`, in words that do not repeat the number.
    """
    compact = number.strip().translate(_SEPARATORS)
    if _TAIWAN_MOBILE.fullmatch(compact):
        return TAIWAN + compact[1:]
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    if compact.startswith(TAIWAN):
        if not _E164_TAIWAN_MOBILE.fullmatch(compact):
            raise ValueError("is not a mobile number of Taiwan: +886 is followed by 9 and eight more digits, no 0")
        return compact
    if _E164.fullmatch(compact):
        return compact
    raise ValueError(_hint(compact))


def _hint(compact: str) -> str:
    if not compact:
        return "is empty"
    if any(separator in compact for separator in ",;/|"):
        return "holds several numbers: give each its own place in a list"
    if compact.isascii() and compact.isdigit():
        if len(compact) == 9 and compact[0] == "9":  # noqa: PLR2004 - 0912345678 as a spreadsheet keeps it
            return "lacks its leading 0: a spreadsheet may have dropped it"
        if compact[0] != "0":
            return "has no country code that can be told: write + in front of it"
        return "is not a mobile number of Taiwan: 09 and eight more digits"
    return "is not a telephone number: 09… of Taiwan, or + and 7 to 15 digits"


def is_taiwan(e164: str) -> bool:
    """Whether the E.164 number is one of Taiwan's."""
    return e164.startswith(TAIWAN)


def from_vendor(number: str) -> str:
    """E.164 from whatever form a vendor uses: padded, ``09…``, ``8869…``, ``88609…``, a ``+`` that became a blank.

    A form that cannot be read comes back as it was, stripped: a report is never lost for its number.
    """
    stripped = number.strip()
    if taiwan := _VENDOR_TAIWAN.fullmatch(stripped):
        return TAIWAN + taiwan[1]
    try:
        return to_e164(stripped)
    except ValueError:
        return stripped
