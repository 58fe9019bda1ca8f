"""smsgo's answers in text, JSON and XML as rows of fields, whichever was asked for.

JSON and XML are walked, not structured into classes: the same fields come at other depths, in other cases and under
other names in each answer (JSON 範例), one row or a list of them, and XML is documented nowhere at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sms_core import MalformedResponse
from sms_core.provider import parse_xml

Row = Mapping[str, str]
"""Fields under their names in lower case, values stripped."""

ROW_COLUMNS = ("statuscode", "statusstr", "dstaddr", "msgid")
"""A line of query.asp and queryBulk.asp; the last is of queryBulk.asp alone."""
SYNONYMS = {"cellphone": "dstaddr"}
"""JSON has another name for it (JSON 範例)."""
TELLING = frozenset({*ROW_COLUMNS, *SYNONYMS, "point"})
"""An object with one of these is a row."""
ROOTS = frozenset({"result", "results"})
"""What every answer in JSON or XML is in, even one without rows."""
DEEPEST = 8

_LINES = re.compile(r"[\r\n]+")
_PAIR = re.compile(r"\s*([A-Za-z]\w*)\s*=(.*)", re.ASCII | re.DOTALL)
_WORDS = re.compile(r"[^\s|,()]+")
# Possessive, so that a long string takes no memory for ways back, and time for that memory.
_STRING_OR_STRAY_COMMA = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+"?)|,(?=\s*[\]}])', re.DOTALL)


def read(text: str, *, bare_lines: bool = True) -> list[dict[str, str]]:
    """The rows of an answer, in their order. Raises `MalformedResponse` for what has none of the three forms.

    ``bare_lines`` says whether lines without names, as the queries have them, can be part of this answer.
    """
    if text.startswith(("{", "[", "<")):
        value = parse_xml(text) if text.startswith("<") else _parse_json(text)
        rows = list(_rows(value, 0))
        if not rows and not _is_result(value):
            raise MalformedResponse("neither result nor results")  # a proxy's page, for one
    else:
        rows = _text_rows(text, bare_lines=bare_lines)
        if not rows:
            raise MalformedResponse("empty")
    return rows


def _parse_json(text: str) -> Any:
    """The vendor's own sample has a comma after the last element of a list, so such commas are left out.

    Points keep the digits they came with.
    """
    without = _STRING_OR_STRAY_COMMA.sub(lambda found: found[1] or "", text)
    try:
        return json.loads(without, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise MalformedResponse("not JSON") from error


def _is_result(value: Any) -> bool:
    return isinstance(value, Mapping) and not ROOTS.isdisjoint(str(name).lower() for name in value)


def _rows(value: Any, depth: int) -> Iterator[dict[str, str]]:
    """Every object that holds a value and not only objects: ``result``, or each of the list in ``results``."""
    if depth > DEEPEST:
        raise MalformedResponse("nested deeper than any answer")
    inner: Sequence[Any] = ()
    if isinstance(value, Mapping):
        fields = _fields(value)
        if not TELLING.isdisjoint(fields):
            yield {SYNONYMS.get(name, name): text for name, text in fields.items()}
        inner = list(value.values())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = value
    for element in inner:
        yield from _rows(element, depth + 1)


def _fields(value: Mapping[Any, Any]) -> dict[str, str]:
    """The plain values of an object, as text."""
    fields = {}
    for name, field in value.items():
        if isinstance(field, str | int | None):
            fields[str(name).lower()] = "" if field is None else str(field).strip()
    return fields


def _text_rows(text: str, *, bare_lines: bool) -> list[dict[str, str]]:
    """``name=value`` lines are one row together; each other line is a row of its own."""
    together: dict[str, str] = {}
    rows = []
    for line in filter(str.strip, _LINES.split(text)):
        pair = _PAIR.fullmatch(line)
        if pair is None:
            if not bare_lines:
                raise MalformedResponse("a line that is not name=value")
            rows.append(_bare_row(line))
            continue
        name = pair[1].lower()
        if name in together:
            raise MalformedResponse(f"{name} twice")
        together[name] = pair[2].strip()
    return [together, *rows] if together else rows


def _bare_row(line: str) -> dict[str, str]:
    values = [value.strip() for value in line.split("|")] if "|" in line else _WORDS.findall(line)
    return dict(zip(ROW_COLUMNS, values, strict=False))
