"""Telephone numbers in a text: Taiwan's of every kind, and whatever has a ``+``.

``0800-123-456``, ``(02)2345-6789``, ``0912 345 678``, ``+886-2-2345-6789``, ``886-…``, ``002-886-…``, with an extension
(``#123``, ``分機123``, ``ext. 123``) or without. A number without its area code, and a short one such as 1922, cannot be
told from an order's number and is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import field, frozen

from sms_core.masking import mask
from sms_core_policy.folding import Folded, fold, half_width, seen

_SIGNIFICANT = r"(?P<significant>9\d{8}|70\d{8}|[2-8]\d{7,8})"
"""What follows the 0: mobile, VoIP, all others (numbering plan of TW, as in libphonenumber's metadata)."""
_OF_TAIWAN = re.compile(rf"0{_SIGNIFICANT}", re.ASCII)
_WITH_COUNTRY_CODE = re.compile(rf"(?:\+|00|00[25679]|019)?8860?{_SIGNIFICANT}", re.ASCII)
_ABROAD = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

_DIGITS = re.compile(r"\d+", re.ASCII)
_SEPARATORS = re.compile(r"[ ().~·‧\u2010-\u2015\u2212-]{1,3}")
_PLUS = re.compile(r"\+ ?\(?\Z")
_EXTENSION = re.compile(
    r",? ?(?P<open>\( ?)?(?:#|\*|轉接?分機|分機|轉接?|內線|按|ext(?:ension)?|x)[.:]? ?(?P<digits>\d{1,6})(?!\d)(?(open) ?\))",
    re.ASCII | re.IGNORECASE,
)
_WORD_BEFORE = re.compile(r"(?<![A-Za-z])(?:tel|phone|call|fax|mobile|cell|ph|t|m|f)?\Z", re.IGNORECASE)
"""A letter right before a number makes it an order's, unless it is one of these words."""
_LONGEST_WORD = 7
_MOST_GROUPS = 7
_SMALL_GROUP = 2
_UNGROUPED = 3
"""The first groups of a number, country code and area code, may be small. Dates and times are made of small ones."""


@frozen
class Phone:
    """A telephone number as it stands in a text, in ``text[start:end]``; ``number`` is E.164."""

    start: int
    end: int
    written: str = field(repr=mask)
    number: str = field(repr=mask)
    extension: str = ""


@frozen
class _Group:
    """A run of digits; ``joined`` says that separators alone stand between it and the one before."""

    start: int
    end: int
    digits: str
    joined: bool
    separators: str


def find_phones(text: str, besides: Sequence[tuple[int, int]] = ()) -> list[Phone]:
    """The telephone numbers of a text, in their order, but for those in ``besides``: (start, end) of URLs, sorted.

    Takes time in proportion to the text's length.
    """
    folded = fold(text, [half_width, seen])
    groups = list(_groups(folded.text))
    phones: list[Phone] = []
    position = 0
    for phone in _numbers(folded, groups):
        while position < len(besides) and besides[position][1] <= phone.start:
            position += 1
        inside = position < len(besides) and besides[position][0] < phone.end
        if not inside:
            phones.append(phone)
    return phones


def _groups(text: str) -> Iterator[_Group]:
    end = 0
    for found in _DIGITS.finditer(text):
        between = text[end : found.start()] if found.start() - end <= 3 else ""  # noqa: PLR2004 - as `_SEPARATORS`
        joined = end > 0 and _SEPARATORS.fullmatch(between) is not None
        yield _Group(found.start(), found.end(), found[0], joined, between if joined else "")
        end = found.end()


def _numbers(folded: Folded, groups: Sequence[_Group]) -> Iterator[Phone]:
    place = 0
    while place < len(groups):
        found = _number_at(folded, groups, place)
        if found is None:
            place += 1
        else:
            phone, place = found
            yield phone


def _number_at(folded: Folded, groups: Sequence[_Group], place: int) -> tuple[Phone, int] | None:
    """The longest number that begins with this group, and the group after it."""
    first = groups[place]
    before = folded.text[max(first.start - 3, 0) : first.start]
    plus = _PLUS.search(before)
    start = first.start - len(plus[0]) if plus else first.start
    if not first.joined and not _WORD_BEFORE.search(folded.text[max(start - _LONGEST_WORD, 0) : start].rstrip("(")):
        return None
    last = place + 1
    while last < min(len(groups), place + _MOST_GROUPS) and groups[last].joined:
        last += 1
    while last > place:
        parts = groups[place:last]
        number = _e164(("+" if plus else "") + "".join(part.digits for part in parts))
        if number and _is_grouped_as_a_number(parts):
            return _phone(folded, start, parts[-1].end, number), last
        last -= 1
    return None


def _e164(compact: str) -> str:
    """The number that these digits are; "" where they are none."""
    taiwan = _OF_TAIWAN.fullmatch(compact) or _WITH_COUNTRY_CODE.fullmatch(compact)
    if taiwan:
        return f"+886{taiwan['significant']}"
    return compact if _ABROAD.fullmatch(compact) else ""


def _is_grouped_as_a_number(parts: Sequence[_Group]) -> bool:
    """Not as dates and times are: ``05-06 07-08 10``. Small groups are a number's where one separator parts them all."""
    if len({part.separators for part in parts[1:]}) <= 1:
        return True
    return all(len(part.digits) > _SMALL_GROUP for part in parts[_UNGROUPED:])


def _phone(folded: Folded, start: int, end: int, number: str) -> Phone:
    opening, closing, _ = folded.text[start:end].partition(")")
    if closing and "(" not in opening and folded.text[max(start - 1, 0) : start] == "(":
        start -= 1
    extension = _EXTENSION.match(folded.text, end)
    if extension:
        end = extension.end()
    first, last = folded.places[start], folded.places[end - 1]
    return Phone(
        start=first,
        end=last + 1,
        written=folded.original[first : last + 1],
        number=number,
        extension=extension["digits"] if extension else "",
    )
