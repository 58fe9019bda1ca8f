"""The three forms of an answer: text, JSON and XML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from attrs import frozen
from starlette.responses import Response

from sms_core_sandbox.calls import Refusal

_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)


@frozen
class Answer:
    """Rows of fields. ``lines`` is how text shows a row that has no ``name=value``; ``listed`` means ``results``.

    ``as_number`` are the fields that JSON has as numbers.
    """

    rows: tuple[Mapping[str, str], ...]
    listed: bool = False
    lines: tuple[str, ...] | None = None
    as_number: tuple[str, ...] = ("msgid", "point")

    def response(self, rtype: str) -> Response:
        """In the form that was asked for. The ``.asp`` pages call everything ``text/html``."""
        match rtype.upper():
            case "JSON":
                return Response(self._json(), media_type="text/html" if self.listed else "application/json")
            case "XML":
                return Response(self._xml(), media_type="text/xml")
            case _:
                return Response(self._text(), media_type="text/html" if self.listed else "text/plain")

    def _text(self) -> str:
        if self.lines is not None:
            return "\r\n".join(self.lines)
        fields = [f"{name}={value}" for row in self.rows for name, value in row.items()]
        return "\r\n".join(fields) + "\r\n"

    def _json(self) -> str:
        if not self.listed:
            (row,) = self.rows
            result = {name: self._value(name, value) for name, value in row.items()}
            return json.dumps({"result": result}, ensure_ascii=False)
        # JSON 範例, 發送狀態查詢: the list ends with a comma.
        rows = "".join(f"{json.dumps(row, ensure_ascii=False)}," for row in self.rows)
        return f'{{"results":{{"result":[{rows}]}}}}'

    def _value(self, name: str, value: str) -> Any:
        is_number = name in self.as_number and _INTEGER.fullmatch(value) is not None
        return int(value) if is_number else value

    def _xml(self) -> str:
        """Undocumented; the names are those of JSON."""
        rows = ""
        for row in self.rows:
            fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items())
            rows += f"<result>{fields}</result>"
        if self.listed:
            rows = f"<results>{rows}</results>"
        return f'<?xml version="1.0" encoding="UTF-8"?>{rows}'


def refused(refusal: Refusal) -> Answer:
    """How the vendor says no, to whatever was asked (table 1)."""
    return Answer(({"msgid": "-1", "statuscode": refusal.code, "statusstr": refusal.words, "point": "0"},))
