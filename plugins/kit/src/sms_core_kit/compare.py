"""What a file says against what came: only the fields that it names, each difference in words."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import ndiff
from itertools import zip_longest
from typing import Any

import attrs

from sms_core.errors import SendError, SmsError
from sms_core.http import Request
from sms_core.model import InboundMessage, RecipientOutcome


def differences(expected: Any, found: Any, where: str) -> list[str]:
    """Where the two differ, each difference a line; empty if they do not.

    A table is compared with a value's fields, or with a mapping's items; a list with a sequence of the same length.
    Text stands for itself, an enum's value, a `Decimal`, the name of an error's class, or an outcome; ``none`` for what
    is not there.
    """
    return list(_differences(expected, found, where))


def _differences(expected: Any, found: Any, where: str) -> Iterator[str]:
    match expected:
        case {"type": _} if isinstance(found, SmsError):
            yield from error_differences(expected, found, where)
        case dict():
            yield from _of_fields(expected, found, where)
        case list() if isinstance(found, Sequence) and not isinstance(found, str):
            if len(expected) != len(found):
                yield f"{where}: recorded {len(expected)} of them, got {len(found)}: {found!r}"
            for position, (wanted, value) in enumerate(zip(expected, found, strict=False)):
                yield from _differences(wanted, value, f"{where}[{position}]")
        case _:
            if not _same(expected, found):
                yield f"{where}: recorded {expected!r}, got {found!r}"


def _of_fields(expected: Mapping[str, Any], found: Any, where: str) -> Iterator[str]:
    for name, value in expected.items():
        place = f"{where}.{name}"
        if isinstance(found, Mapping):
            if name in found:
                yield from _differences(value, found[name], place)
            else:
                yield f"{place}: recorded {value!r}, got nothing of this name"
        elif name == "kind" and attrs.has(type(found)):
            kind = "inbound" if isinstance(found, InboundMessage) else "report"
            yield from _differences(value, kind, place)
        elif hasattr(found, name) and not name.startswith("_"):
            yield from _differences(value, getattr(found, name), place)
        else:
            yield f"{place}: {_kind_of(found)} has no field of this name"


def _kind_of(value: Any) -> str:
    return f"a {type(value).__name__}" if value is not None else "nothing"


def _same(expected: Any, found: Any) -> bool:
    match found:
        case RecipientOutcome():
            return bool(expected == found.outcome.value)
        case SmsError():
            return bool(expected == type(found).__name__)
        case enum.Enum():
            return bool(expected == found.value)
        case Decimal():
            return _decimal(expected) == found
        case timedelta():
            return bool(expected == found.total_seconds())
        case datetime():
            return isinstance(expected, datetime) and found.utcoffset() is not None and expected == found
        case None:
            return expected is None or bool(expected == "none")  # TOML has no word for it
        case _:
            return bool(expected == found)


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def error_differences(expected: Mapping[str, Any], error: BaseException | None, where: str) -> list[str]:
    """The same for an error: its ``type`` exactly, the ``outcomes`` of its result, words of its ``message``."""
    if type(error).__name__ != expected["type"]:
        came = "no error" if error is None else f"{type(error).__name__} ({error})"
        return [f"{where}.type: recorded {expected['type']}, got {came}"]
    found: list[str] = []
    for name, value in expected.items():
        match name:
            case "type":
                pass
            case "message":
                found += [] if value in str(error) else [f"{where}.message: {value!r} is not in {str(error)!r}"]
            case "outcomes" if isinstance(error, SendError):
                found += differences(value, error.result.outcomes, f"{where}.outcomes")
            case _:
                found += _of_fields({name: value}, error, where)
    return found


def request_differences(recorded: Sequence[Request], made: Sequence[Request]) -> list[str]:
    """Where the requests differ: lines of the recorded request behind ``-``, of the request made behind ``+``."""
    found: list[str] = []
    for number, (wanted, request) in enumerate(zip_longest(recorded, made), 1):
        if wanted is None:
            found.append(f"request {number} was made and not recorded: {request}")
        elif request is None:
            found.append(f"request {number} was not made: {wanted}")
        elif wanted != request:
            found.append(f"request {number} of {len(recorded)} is another one (- recorded, + made):")
            found += [line.rstrip("\n") for line in ndiff(lines_of(wanted), lines_of(request))]
    return found


def lines_of(request: Request) -> list[str]:
    """A request as lines, for a failure that can be read: each parameter on its own, bytes that are no UTF-8 escaped."""
    address, mark, query = request.url.partition("?")
    body = request.body.decode("utf-8", "backslashreplace")
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return [
        f"{request.method} {address}",
        *(f"  {mark}{parameter}" for parameter in query.split("&") if mark),
        *(f"{name}: {value}" for name, value in sorted(request.headers.items())),
        "",
        *(body.split("&") if is_form else body.split("\n")),
    ]
