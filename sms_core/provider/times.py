"""Taipei's time, in which Taiwan's vendors speak without naming it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from sms_core.moments import is_tellable

# Taiwan has kept UTC+8 without daylight saving since 1979; a fixed offset needs no tzdata on the machine.
TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")

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
    stripped = text.strip()
    if not stripped:
        return None
    if len(stripped) == len("20260102030405") and stripped.isdigit():  # which Python reads with a T in it
        stripped = f"{stripped[:8]}T{stripped[8:]}"
    dashed = stripped.replace("/", "-")
    try:  # the padded forms, by the fast way: thousands of rows come in one page
        moment = datetime.fromisoformat(dashed) if _ISO.match(dashed) else _parse_slowly(stripped)
    except ValueError:
        moment = _parse_slowly(stripped)
    if not is_tellable(moment):
        raise ValueError("not a time: it cannot be told in every zone")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=TAIPEI)
    return moment.astimezone(TAIPEI)


def time_or_none(text: str) -> datetime | None:
    """The same for what may not get an event lost: None too for what cannot be read."""
    try:
        return parse_time(text)
    except ValueError:
        return None


def _parse_slowly(text: str) -> datetime:
    for form in (_COMPACT, _SEPARATED, _RUN_TOGETHER):
        found = form.fullmatch(text)
        if found is not None:
            year, month, day, hour, minute, second = (int(group or 0) for group in found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=TAIPEI)
    raise ValueError("not a time")


def format_time(moment: datetime) -> str:
    """An aware datetime as ``yyyyMMddHHmmss`` of Taipei."""
    return moment.astimezone(TAIPEI).strftime("%Y%m%d%H%M%S")
