"""Taipei's time, in which Taiwan's vendors speak without naming it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from sms_core.moments import is_tellable

# Taiwan has kept UTC+8 without daylight saving since 1979; a fixed offset needs no tzdata on the machine.
TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")

_PADDED = re.compile(r"[12]\d{3}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d", re.ASCII)
_RUN_OF_DIGITS = re.compile(r"[12]\d{13}", re.ASCII)
# Nearly all times look like these two, and thousands come in one page. Each of their years can be told in every zone.
_SEPARATED = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?", re.ASCII)
_RUN_TOGETHER = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})(\d{2}):(\d{2}):(\d{2})", re.ASCII)
_ISO = re.compile(r"\d{4}-?\d\d-?\d\d(?:[ T]|\Z)", re.ASCII)
"""How a time begins that Python may read: it would take any character between date and time, a digit too."""
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?", re.ASCII)


def parse_time(text: str) -> datetime | None:
    """A vendor's local time as an aware datetime; None for an empty value.

    Reads ``2021/12/16 16:09:06``, ``2010/3/20 03:27:50``, ``2021-12-16 16:09:06``, ``2021/06/0114:27:55`` and
    ``20090210120000``, stripped. Raises `ValueError`, also for the first and the last year of the calendar.
    """
    if len(text) == len("2026/01/02 03:04:05") and _PADDED.fullmatch(text):
        return _in_taipei(datetime.fromisoformat(text.replace("/", "-")))
    if not text:
        return None
    if len(text) == len("20260102030405") and _RUN_OF_DIGITS.fullmatch(text):
        return _in_taipei(datetime.fromisoformat(f"{text[:8]}T{text[8:]}"))
    stripped = text.strip()
    if not stripped:
        return None
    moment = _parse_other(stripped)
    if not is_tellable(moment):
        raise ValueError("not a time: it cannot be told in every zone")
    if moment.tzinfo is None:
        return _in_taipei(moment)
    return moment.astimezone(TAIPEI)


def _in_taipei(naive: datetime) -> datetime:
    return datetime.combine(naive, naive.time(), TAIPEI)  # which takes a quarter of the time of replace()


def time_or_none(text: str) -> datetime | None:
    """The same for what may not get an event lost: None too for what cannot be read."""
    try:
        return parse_time(text)
    except ValueError:
        return None


def _parse_other(text: str) -> datetime:
    if len(text) == len("20260102030405") and text.isdigit():  # which Python reads with a T in it
        text = f"{text[:8]}T{text[8:]}"
    dashed = text.replace("/", "-")
    if not _ISO.match(dashed):
        return _parse_by_patterns(text)
    try:
        return datetime.fromisoformat(dashed)
    except ValueError:
        return _parse_by_patterns(text)


def _parse_by_patterns(text: str) -> datetime:
    for form in (_COMPACT, _SEPARATED, _RUN_TOGETHER):
        found = form.fullmatch(text)
        if found is not None:
            year, month, day, hour, minute, second = (int(group or 0) for group in found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=TAIPEI)
    raise ValueError("not a time")


def format_time(moment: datetime) -> str:
    """An aware datetime as ``yyyyMMddHHmmss`` of Taipei."""
    return moment.astimezone(TAIPEI).strftime("%Y%m%d%H%M%S")
