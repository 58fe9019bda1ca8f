"""For authors of faces: times, numbers and texts as vendors write and count them."""

from __future__ import annotations

from datetime import datetime, tzinfo

from sms_core.moments import is_tellable
from sms_core.numbers import TAIWAN, is_taiwan
from sms_core.provider import TAIPEI
from sms_core.text import utf16_length

PART_OF_ASCII = (160, 153)
PART_OF_OTHER = (70, 67)
"""Characters that fit into a text of one part, and into each part of a longer one."""


def read_time(text: str, form: str, zone: tzinfo = TAIPEI) -> datetime:
    """A time of this zone, written exactly in this form of `datetime.strptime`. Raises `ValueError`."""
    moment = datetime.strptime(text, form).replace(tzinfo=zone)
    # strptime takes 9:5 for 09:05 too, and blanks where there are none; vendors do not.
    if moment.strftime(form) != text or not is_tellable(moment):
        raise ValueError(f"a time is written {form}")
    return moment


def write_time(moment: datetime | None, form: str, zone: tzinfo = TAIPEI) -> str:
    """A time in this zone and in this form of `datetime.strftime`; "" for none."""
    return "" if moment is None else moment.astimezone(zone).strftime(form)


def local_number(number: str) -> str:
    """An E.164 number as a customer in Taiwan writes it: ``09…``, or ``+`` and a country."""
    return f"0{number.removeprefix(TAIWAN)}" if is_taiwan(number) else number


def from_local_number(number: str) -> str:
    """The E.164 number that `local_number` made this of."""
    return f"{TAIWAN}{number[1:]}" if number.startswith("0") else number


def count_parts(text: str, *, doubled: str = "") -> int:
    """How many parts a text is sent in, each of which costs, where a vendor knows ASCII and UCS-2 alone.

    Characters in ``doubled`` take two places of an ASCII text.
    """
    if text.isascii():
        length = len(text) + sum(character in doubled for character in text)
        alone, joined = PART_OF_ASCII
    else:
        length = utf16_length(text)
        alone, joined = PART_OF_OTHER
    return 1 if length <= alone else -(-length // joined)
