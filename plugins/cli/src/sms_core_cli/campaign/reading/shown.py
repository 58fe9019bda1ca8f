"""Numbers and dates as a spreadsheet shows them: number formats of Office Open XML (ECMA-376 part 1, 18.8.30 and 18.8.31).

Colours, fillers and fractions of a format are left out: they change how a value looks, not what it says.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

Value = str | int | float | bool | datetime | date | time | timedelta | None

LOCAL_FORMATS = {
    "mm-dd-yy": "yyyy/m/d",
    "m/d/yy h:mm": "yyyy/m/d h:mm",
    "d-mmm-yy": "yyyy/m/d",
    "m/d/yyyy": "yyyy/m/d",
    "m/d/yyyy h:mm": "yyyy/m/d h:mm",
}
"""Formats that stand for "as the machine's language writes it", or that part day and month as nobody in Taiwan does."""

_TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)" | \\(?P<escaped>.) | [_*](?P<filler>.) | \[(?P<brackets>[^\]]*)\]
    | (?P<half>am/pm|a/p|上午/下午) | (?P<general>general)
    | (?P<exponent>e[+-]0+) | (?P<date>y+|m+|d+|h+|s+|e+|g+|b+|aaaa?)
    | (?P<fraction>[0#?]+/[0-9#?]+) | (?P<digits>[0#?.,]*[0#?][0#?.,]*) | (?P<percent>%) | (?P<text>@) | (?P<other>.)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_WEEKDAYS = "一二三四五六日"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENCY = re.compile(r"\$([^-]*)(?:-.*)?", re.DOTALL)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)", re.ASCII)
_COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_REPUBLIC = 1911
_NOON = 12
_EXACT = 10**15
"""A spreadsheet keeps fifteen digits; a number that has more is no number that a person wrote."""
_GENERAL_DIGITS = 10
"""Significant digits that fit into the eleven characters of a cell without a format."""

_PLAIN = {"general", "exponent", "fraction", "text"}
"""Formats with one of these show the number as it is: an exponent would round digits away that the cell has."""

Token = tuple[str, str]
"""What kind of thing a piece of a format is, and what it says."""


def shown(value: Value, number_format: str) -> str:
    """A cell's value as its format shows it. An integer keeps all its digits, also where a cell is too narrow for them."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case str():
            return value
        case timedelta():
            seconds = round(value.total_seconds())
            return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        case datetime() | date() | time():
            return _moment(value, number_format)
        case _:
            return _number(value, number_format)


@lru_cache(maxsize=512)
def _sections(number_format: str) -> tuple[tuple[Token, ...], ...]:
    """The parts of a format, for positive, negative and zero, and for texts."""
    sections: list[list[Token]] = [[]]
    for found in _TOKEN.finditer(number_format):
        kind = found.lastgroup or "other"
        text = found[kind]
        if kind == "other" and text == ";":
            sections.append([])
        elif kind == "brackets":
            if money := _CURRENCY.fullmatch(text):
                sections[-1].append(("quoted", money[1]))
            elif text.lower() in ("h", "hh", "m", "mm", "s", "ss"):
                sections[-1].append(("date", text))
            elif _CONDITION.fullmatch(text):
                sections[-1].append(("condition", text))
        else:
            sections[-1].append((kind, text))
    return tuple(tuple(section) for section in sections)


def _number(value: float, number_format: str) -> str:
    section, number = _section(_sections(number_format), Decimal(repr(value)))
    kinds = [kind for kind, _ in section]
    if not section or not _PLAIN.isdisjoint(kinds) or abs(number) >= _EXACT:
        return _general(value)
    pattern = "".join(text for kind, text in section if kind == "digits")
    if not pattern:
        return "".join(_literal(token) for token in section)
    number *= Decimal(100) ** kinds.count("percent")
    return _filled(section, number, pattern)


def _section(sections: Sequence[tuple[Token, ...]], number: Decimal) -> tuple[tuple[Token, ...], Decimal]:
    """The part of a format that is for this number, and the number as that part shows it: without a sign it has itself."""
    conditions = [next((text for kind, text in section if kind == "condition"), "") for section in sections]
    if any(conditions):
        for section, condition in zip(sections, conditions, strict=True):
            if _is_met(condition, number):
                return section, number
        return sections[-1], number
    if number < 0 and len(sections) > 1:
        return sections[1], -number
    if not number and len(sections) > 2:  # noqa: PLR2004 - positive, negative, zero
        return sections[2], number
    return sections[0], number


def _is_met(condition: str, number: Decimal) -> bool:
    """Whether a part with this condition is for the number; one without is for all that no part before it took."""
    if not condition:
        return True
    found = _CONDITION.fullmatch(condition)
    return found is not None and _COMPARISONS[found[1]](number, Decimal(found[2]))


def _general(value: float) -> str:
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    return f"{value:.{_GENERAL_DIGITS}g}"


def _filled(section: Sequence[Token], number: Decimal, pattern: str) -> str:
    """The digits in their places; what stands between two groups of places stands between the digits."""
    whole_pattern, _, decimals_pattern = pattern.partition(".")
    scale = len(whole_pattern) - len(whole_pattern.rstrip(","))
    number = number.scaleb(-3 * scale)
    decimals = sum(character in "0#?" for character in decimals_pattern)
    with localcontext(prec=len(pattern) + len(str(_EXACT))):
        rounded = abs(number).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    least = decimals_pattern.count("0")
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    # Places behind the first 0 show a digit too: 0###-###-### is what Excel calls a mobile number.
    places = "".join(character for character in whole_pattern if character in "0#?")
    whole = whole.lstrip("0").zfill(len(places[places.find("0") :]) if "0" in places else 0)
    is_grouped = "," in whole_pattern.rstrip(",")
    pieces: list[str] = []
    left, decimals_done = whole, False
    # From the last place to the first, so that surplus digits stand in front.
    tokens = list(section)
    for index in range(len(tokens) - 1, -1, -1):
        kind, text = tokens[index]
        if kind != "digits":
            pieces.append(_literal((kind, text)))
            continue
        own_whole, dot, own_decimals = text.partition(".")
        if dot or (own_decimals and not decimals_done):
            pieces.append(f".{fraction}" if fraction or least else "")
            decimals_done = True
        count = sum(character in "0#?" for character in own_whole)
        is_first = not any(earlier == "digits" for earlier, _ in tokens[:index])
        taken = left if is_first else left[max(0, len(left) - count) :] if count else ""
        left = left[: len(left) - len(taken)]
        pieces.append(f"{int(taken):,}".zfill(len(taken)) if is_grouped and taken else taken)
    sign = "-" if number < 0 else ""
    return sign + "".join(reversed(pieces))


def _literal(token: Token) -> str:
    kind, text = token
    if kind == "filler":
        return ""
    return text if kind in ("quoted", "escaped", "other", "percent") else ""


def _moment(value: datetime | date | time, number_format: str) -> str:
    section = _sections(LOCAL_FORMATS.get(number_format.lower(), number_format))[0]
    if not any(kind == "date" for kind, _ in section):
        section = _sections("yyyy/m/d h:mm" if isinstance(value, datetime) else "yyyy/m/d")[0]
    has_half = any(kind == "half" for kind, _ in section)
    pieces = []
    before = ""
    for index, (kind, text) in enumerate(section):
        if kind == "half":
            is_chinese = "上午" in text
            is_late = getattr(value, "hour", 0) >= _NOON
            pieces.append(("下午" if is_late else "上午") if is_chinese else ("PM" if is_late else "AM"))
        elif kind == "date":
            following = next((later for kind_, later in section[index + 1 :] if kind_ == "date"), "")
            is_minute = text[0] in "mM" and (before[:1] in ("h", "H") or following[:1] in ("s", "S"))
            pieces.append(_part(value, "minute" if is_minute else text.lower(), len(text), has_half=has_half))
            before = text
        else:
            pieces.append(_literal((kind, text)))
    return "".join(pieces).strip()


def _part(value: datetime | date | time, code: str, width: int, *, has_half: bool) -> str:
    if code == "minute":
        return f"{getattr(value, 'minute', 0):0{min(width, 2)}}"
    if code[0] in "hs":
        number = getattr(value, {"h": "hour", "s": "second"}[code[0]], 0)
        if code[0] == "h" and has_half:
            number = number % _NOON or _NOON
        return f"{number:0{min(width, 2)}}"
    if isinstance(value, time):
        return ""
    write = _DAY_PARTS.get((code[0], min(width, 4)), _DAY_PARTS.get((code[0], 0)))
    return write(value) if write else ""


_DAY_PARTS: dict[tuple[str, int], Callable[[date], str]] = {
    ("y", 0): lambda day: f"{day.year:04}",
    ("y", 1): lambda day: f"{day.year % 100:02}",
    ("y", 2): lambda day: f"{day.year % 100:02}",
    ("e", 0): lambda day: str(day.year - _REPUBLIC),
    ("g", 0): lambda _: "民國",
    ("m", 0): lambda day: _MONTHS[day.month - 1],
    ("m", 1): lambda day: f"{day.month}",
    ("m", 2): lambda day: f"{day.month:02}",
    ("d", 1): lambda day: f"{day.day}",
    ("d", 2): lambda day: f"{day.day:02}",
    ("d", 3): lambda day: f"週{_WEEKDAYS[day.weekday()]}",
    ("d", 4): lambda day: f"星期{_WEEKDAYS[day.weekday()]}",
    ("a", 3): lambda day: f"週{_WEEKDAYS[day.weekday()]}",
    ("a", 4): lambda day: f"星期{_WEEKDAYS[day.weekday()]}",
}
"""What a letter, so many times, shows of a day; 0 where that makes no difference."""
