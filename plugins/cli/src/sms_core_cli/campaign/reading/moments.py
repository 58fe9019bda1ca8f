"""Points in time as people and spreadsheets write them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from sms_core.errors import InvalidMessage
from sms_core.provider import TAIPEI

FIELD = "send_at"
EXAMPLE = "2026-12-31T09:00"

_BEFORE_NOON = {12: 0, **{hour: hour for hour in range(12)}}
_AFTER_NOON = {12: 12, **{hour: hour + 12 for hour in range(12)}, **{hour: hour for hour in range(13, 24)}}
_MORNING = {hour: hour for hour in range(12)}
_NIGHT = {**{hour: hour + 12 for hour in range(5, 12)}, **{hour: hour for hour in range(17, 24)}}
_HALVES = {
    **dict.fromkeys(("am", "a.m.", "上午", "凌晨"), _BEFORE_NOON),
    **dict.fromkeys(("pm", "p.m.", "下午"), _AFTER_NOON),
    **dict.fromkeys(("早上", "清晨"), _MORNING),
    **dict.fromkeys(("晚上", "傍晚"), _NIGHT),
    "中午": {11: 11, 12: 12, 13: 13, 1: 13, 2: 14},
}
"""The hours that a word for a part of the day goes with, and what they are of 24. 晚上 12 may be of this day or the next."""
_HALF = "|".join(re.escape(word) for word in _HALVES)
_WEEKDAY = re.compile(r"\(?(?:星期|禮拜|週|周)[一二三四五六日天]\)?|\([一二三四五六日]\)")
_ZONE = re.compile(r"(?P<utc>utc|gmt|z)?\s*(?:(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?", re.ASCII)
_MOMENT = re.compile(
    r"(?:民國\s*(?P<republic>\d{2,3})|(?P<year>\d{4}|\d{3}))\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?"
    r"(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_TIME = re.compile(
    rf"[t\s,]*(?P<before>{_HALF})?\s*(?P<hour>\d{{1,2}})\s*"
    r"(?:[:時点點]\s*(?:(?P<minute>\d{1,2})|(?P<half>半))?\s*分?)(?:[:]?\s*(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?\s*秒?)?"
    rf"\s*(?P<after>{_HALF})?\s*(?P<zone>.*)",
    re.ASCII | re.DOTALL,
)
_YEAR_LAST = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{2}|\d{4})(?!\d)(.*)", re.ASCII | re.DOTALL)
_SHORT_YEAR = re.compile(r"\d{2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}(?!\d)", re.ASCII)
_COMPACT = re.compile(r"\A(20\d\d)(\d\d)(\d\d)(?:[t ]?(\d\d)(\d\d)(\d\d)?)?(?!\d)", re.ASCII)
"""A day, or a day and a time, in digits alone, as vendors' own lists have them."""
_SERIAL = re.compile(r"(\d{5})(\.\d+)?", re.ASCII)

_REPUBLIC = 1911
"""What to add to a year of the Republic of China."""
_SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a day of the calendar
"""Day 0 of a spreadsheet's calendar, as it counts from March 1900 on (ECMA-376 part 1, 18.17.4.1)."""
_SERIALS = range(36526, 73051)
"""The years 2000 to 2099; another number is something else."""
_MONTHS = 12
_LONGEST = 80


def parse_moment(text: str) -> datetime:
    """A day and a time as an aware datetime; Taipei's where no zone is named.

    ``2026-12-31T09:00``, ``2026/12/1 9:00``, ``2026年12月1日 下午2時30分``, ``115/12/1 上午 09:00`` (a year of the Republic),
    ``2026/12/1 2:30 PM``, ``2026-12-01T09:00+08:00`` and a spreadsheet's serial number such as ``46357.375``.

    Raises `InvalidMessage` of the field ``send_at``: for a day alone, and for an order of day and month that cannot
    be told.
    """
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).strip().lower()
    plain = _WEEKDAY.sub(" ", plain).strip()
    if serial := _SERIAL.fullmatch(plain):
        return _of_serial(serial)
    plain = _COMPACT.sub(_spread, plain)
    found = _MOMENT.fullmatch(plain)
    if found is None:
        raise _refused(_why_no_day(plain))
    year = int(found["republic"] or found["year"])
    if found["republic"] or len(found["year"]) < len("2026"):
        year += _REPUBLIC
    day = f"{year:04}-{int(found['month']):02}-{int(found['day']):02}"
    if not found["rest"].strip():
        raise _refused(f"is a day without a time: write {day}T09:00")
    time = _TIME.fullmatch(found["rest"])
    if time is None:
        raise _refused(_needed())
    zone = _zone(time["zone"])
    fraction = (time["fraction"] or "")[:6].ljust(6, "0")
    try:
        return datetime(
            year,
            int(found["month"]),
            int(found["day"]),
            _hour(int(time["hour"]), time["before"] or time["after"]),
            30 if time["half"] else int(time["minute"] or 0),
            int(time["second"] or 0),
            int(fraction),
            tzinfo=zone,
        )
    except ValueError:
        raise _refused(f"is no time of the calendar: write it as {EXAMPLE}") from None


def _spread(compact: re.Match[str]) -> str:
    """``202612010900`` as ``2026-12-01 09:00``."""
    year, month, day, *time = compact.groups()
    return f"{year}-{month}-{day} {':'.join(filter(None, time))}"


def _of_serial(serial: re.Match[str]) -> datetime:
    if int(serial[1]) not in _SERIALS:
        raise _refused(_needed())
    day = _SERIAL_EPOCH + timedelta(days=int(serial[1]))
    fraction = float(serial[2] or 0)
    if not fraction:
        raise _refused(f"is a spreadsheet's number of a day without a time: write {day:%Y-%m-%d}T09:00")
    # A spreadsheet keeps too few digits for more than seconds.
    return (day + timedelta(seconds=round(fraction * 86_400))).replace(tzinfo=TAIPEI)


def _hour(hour: int, half: str | None) -> int:
    """The hour of the day. Raises `InvalidMessage` for a clock that no half of a day has."""
    if half is None:
        return hour
    hours = _HALVES[half]
    if hour not in hours:
        raise _refused(f"{half} {hour}:00 may be several hours of the day, or none: write it in 24 hours")
    return hours[hour]


def _zone(text: str) -> tzinfo:
    found = _ZONE.fullmatch(text.strip())
    if found is None:
        raise _refused(_needed())
    if not found["sign"]:
        return UTC if found["utc"] else TAIPEI
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    try:
        return timezone(-offset if found["sign"] == "-" else offset)
    except ValueError:
        raise _refused("has a zone that is no zone: write +08:00, or none for Taipei's") from None


def _why_no_day(text: str) -> str:
    if other := _YEAR_LAST.match(text):
        first, second, year = other[1], other[2], other[3]
        if len(year) == len("2026"):
            orders = [(int(first), int(second)), (int(second), int(first))]
            ways = [f"{year}-{month:02}-{day:02}T09:00" for month, day in orders if month <= _MONTHS]
            return f"has an order of day and month that cannot be told: write {' or '.join(dict.fromkeys(ways or [EXAMPLE]))}"
    if _SHORT_YEAR.match(text):
        return f"has a year of two digits: write all four, such as {EXAMPLE}"
    return _needed()


def _needed() -> str:
    return f"needs a day and a time, such as {EXAMPLE}, Taipei's where no zone is named"


def _refused(reason: str) -> InvalidMessage:
    return InvalidMessage(FIELD, reason)
