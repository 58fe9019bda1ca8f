"""One request to the vendor taken apart, who sends it, and how the vendor says no."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen
from starlette.requests import Request as HttpRequest

from sms_core.testing import Exchange, LoginRefused


class Refusal(Exception):
    """The vendor says no: its code and text (tables 2-3-8, 2-4-8 …; live codes from clients in public)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code},{text}")
        self.code = code
        self.text = text


BAD_TOKEN = ("-301", "連線憑證無效或已過期。")
LOGIN_REFUSALS = {
    "user": ("-100", "無此帳號。"),
    "password": ("-101", "密碼錯誤。"),
    "blocked": ("-101", "密碼錯誤次數過多，帳號已鎖定。"),
}


@frozen
class Call:
    """One request taken apart: ``fields`` with HTTP's names in lower case, and the face that it came to."""

    exchange: Exchange
    fields: Mapping[str, Any] = field(repr=False)
    token: str = field(default="", repr=False)
    face: str = "every8d"

    def text(self, name: str) -> str:
        """A field's value as text; "" where it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def user(self) -> str:
        """Who asks, by token or by UID and PWD (2.2.3). Raises `Refusal`."""
        user = self.exchange.session_user(self.token) if self.token else None
        if user is not None:
            return user
        if self.token and not self.text("uid"):
            raise Refusal(*BAD_TOKEN)
        return self.login()

    def login(self) -> str:
        """Who asks, by UID and PWD alone. Raises `Refusal`."""
        if not self.text("uid") or not self.text("pwd"):
            raise Refusal("-300", " 帳號密碼不得為空值。")
        try:
            return self.exchange.login(self.text("uid"), self.text("pwd")).user
        except LoginRefused as error:
            raise Refusal(*LOGIN_REFUSALS[error.reason]) from error

    def number(self, name: str, default: int) -> int:
        """A field's value as a whole number; the default where it is empty. Raises `Refusal`."""
        text = self.text(name).strip()
        try:
            return int(text) if text else default
        except ValueError:
            raise Refusal("-1", "參數錯誤") from None


def read_call(exchange: Exchange, request: HttpRequest, body: bytes) -> Call:
    """Take a request apart, whichever way its fields came. Raises `Refusal`."""
    fields: dict[str, Any] = {}
    try:
        fields.update(_pairs(request.url.query))
        if body.lstrip()[:1] == b"{":
            fields.update((name.lower(), value) for name, value in json.loads(body).items())
        else:
            fields.update(_pairs(body.decode("ascii")))
    except ValueError:
        raise Refusal("-99", "發生例外錯誤") from None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return Call(exchange, fields, token.strip() if scheme.lower() == "bearer" else "")


def _pairs(encoded: str) -> Iterable[tuple[str, str]]:
    return ((name.lower(), value) for name, value in parse_qsl(encoded, keep_blank_values=True, errors="strict"))


def no_as_text(refusal: Refusal) -> str:
    """A refusal of a form endpoint (table 2-3-8)."""
    return f"{refusal.code},{refusal.text}"


def no_as_json(refusal: Refusal) -> dict[str, Any]:
    """A refusal of a JSON endpoint (table 2-4-8)."""
    return {"Result": False, "Status": refusal.code, "Msg": refusal.text}
