"""smsgo's answers in text, JSON and XML as rows of fields, whichever was asked for."""

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
ROOTS = frozenset({"result", "results"})
"""What every answer in JSON or XML is in, even one without rows."""
DEEPEST = 8

_LINES = re.compile(r"[\r\n]+")
_PAIR = re.compile(r"\s*([A-Za-z]\w*)\s*=(.*)", re.ASCII | re.DOTALL)
_WORDS = re.compile(r"[^\s|,()]+")
_STRAY_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])', re.DOTALL)


def read(text: str, *, bare_lines: bool = True) -> list[dict[str, str]]:
    """The rows of an answer, in their order. Raises `MalformedResponse` for what has none of the three forms.

    ``bare_lines`` says whether lines without names, as the queries have them, can be part of this answer.
    """
    if text.startswith(("{", "[", "<")):
        value = parse_xml(text) if text.startswith("<") else _json(text)
        rows = [*_rows(value, 0)]
        if not rows and not (isinstance(value, Mapping) and ROOTS & {str(name).lower() for name in value}):
            raise MalformedResponse("neither result nor results")  # a proxy's page, for one
        return rows
    rows = _text_rows(text, bare_lines=bare_lines)
    if not rows:
        raise MalformedResponse("empty")
    return rows


def _json(text: str) -> Any:
    """The vendor's own sample has a comma after the last element of a list."""
    try:
        return json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_STRAY_COMMA.sub(lambda found: found[1] or "", text), parse_float=str)
    except (ValueError, RecursionError) as error:
        raise MalformedResponse("not JSON") from error


def _rows(value: Any, depth: int) -> Iterator[dict[str, str]]:
    """Every object that holds a value and not only objects: ``result``, or each of the list in ``results``."""
    if depth > DEEPEST:
        raise MalformedResponse("nested deeper than any answer")
    if isinstance(value, Mapping):
        fields = {str(name).lower(): one for name, one in value.items() if isinstance(one, str | int | None)}
        if any(name in fields for name in (*ROW_COLUMNS, *SYNONYMS, "point")):
            yield {SYNONYMS.get(name, name): "" if one is None else str(one).strip() for name, one in fields.items()}
        value = [*value.values()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _rows(one, depth + 1)


def _text_rows(text: str, *, bare_lines: bool) -> list[dict[str, str]]:
    """``name=value`` lines are one row together; each other line is a row of its own."""
    together: dict[str, str] = {}
    rows = []
    for line in filter(str.strip, _LINES.split(text)):
        if pair := _PAIR.fullmatch(line):
            if pair[1].lower() in together:
                raise MalformedResponse(f"{pair[1].lower()} twice")
            together[pair[1].lower()] = pair[2].strip()
        elif not bare_lines:
            raise MalformedResponse("a line that is not name=value")
        else:
            values = [one.strip() for one in line.split("|")] if "|" in line else _WORDS.findall(line)
            rows.append(dict(zip(ROW_COLUMNS, values, strict=False)))
    return [together, *rows] if together else rows
