"""One request to the vendor taken apart, who sends it, and the three forms of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from attrs import field, frozen
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse

from sms_core.provider import TAIPEI
from sms_core.testing import Exchange, LoginRefused

NUMBERS_OF_A_MINUTE = 1_000_000


class Refusal(Exception):
    """The vendor says no: a code of table 1 and its words."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


@frozen
class Call:
    """One request: its fields from query and form, with lower-case names."""

    exchange: Exchange
    fields: Mapping[str, str] = field(repr=False)
    numbers: count[int] = field(repr=False)

    def text(self, name: str) -> str:
        """A field's value, stripped; "" where it is missing."""
        return self.fields.get(name, "").strip()

    def listed(self, name: str) -> list[str]:
        """The values of a field that commas part."""
        return [one.strip() for one in self.fields.get(name, "").split(",") if one.strip()]

    def user(self) -> str:
        """Who asks. Raises `Refusal`: table 1, -2."""
        try:
            return self.exchange.login(self.text("username"), self.fields.get("password", "")).user
        except LoginRefused as error:
            raise Refusal("-2", "授權錯誤") from error

    def new_msgid(self) -> str:
        """Sixteen digits: the minute in Taipei, and a number, as ``1504280910499665``."""
        return f"{self.exchange.clock.now().astimezone(TAIPEI):%y%m%d%H%M}{next(self.numbers) % NUMBERS_OF_A_MINUTE:06}"


def read_call(exchange: Exchange, request: HttpRequest, body: bytes, numbers: count[int]) -> Call:
    """Take a request apart, whichever way its fields came; what is no UTF-8 becomes U+FFFD."""
    encoded = "&".join(filter(None, (request.url.query, body.decode("ascii", "replace"))))
    pairs = parse_qsl(encoded, keep_blank_values=True, errors="replace")
    return Call(exchange, {name.lower(): value for name, value in pairs}, numbers)


@frozen
class Answer:
    """Rows of fields. ``lines`` is how text shows a row that has no ``name=value``; ``listed`` means ``results``.

    ``as_number`` are the fields that JSON has as numbers.
    """

    rows: tuple[Mapping[str, str], ...]
    listed: bool = False
    lines: tuple[str, ...] | None = None
    as_number: tuple[str, ...] = ("msgid", "point")

    def response(self, rtype: str) -> HttpResponse:
        """In the form that was asked for. The ``.asp`` pages call everything ``text/html``."""
        match rtype.upper():
            case "JSON":
                return HttpResponse(self._json(), media_type="text/html" if self.listed else "application/json")
            case "XML":
                return HttpResponse(self._xml(), media_type="text/xml")
            case _:
                return HttpResponse(self._text(), media_type="text/html" if self.listed else "text/plain")

    def _text(self) -> str:
        if self.lines is not None:
            return "\r\n".join(self.lines)
        return "\r\n".join(f"{name}={value}" for row in self.rows for name, value in row.items()) + "\r\n"

    def _json(self) -> str:
        rows = [{name: self._value(name, value) for name, value in row.items()} for row in self.rows]
        if not self.listed:
            return json.dumps({"result": rows[0]}, ensure_ascii=False)
        # JSON 範例, 發送狀態查詢: the list ends with a comma.
        return '{"results":{"result":[' + "".join(f"{json.dumps(row, ensure_ascii=False)}," for row in rows) + "]}}"

    def _value(self, name: str, value: str) -> Any:
        return int(value) if name in self.as_number and not self.listed and value.lstrip("-").isdigit() else value

    def _xml(self) -> str:
        """Undocumented; the names are those of JSON."""
        rows = "".join(
            "<result>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) + "</result>"
            for row in self.rows
        )
        return '<?xml version="1.0" encoding="UTF-8"?>' + (f"<results>{rows}</results>" if self.listed else rows)
