"""One request to the vendor taken apart, who sends it, and how the vendor says no."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from attrs import field, frozen
from starlette.requests import Request as HttpRequest

from sms_core.testing import Exchange, LoginRefused

CODES = {
    "001": "參數錯誤",
    "002": "預約時間參數錯誤",
    "003": "預約時間過期",
    "004": "訊息長度過長",
    "005": "帳號密碼錯誤",
    "006": "IP 無法存取",
    "007": "收件者人數為 0",
    "008": "收件人超過 250 人",
    "009": "點數不足",
    "010": "尚未申請雙向功能",
}
"""訊息代碼 of chapters 1, 3 and 5."""


class Refusal(Exception):
    """The vendor says no, with one of its codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = CODES[code]


@frozen
class Call:
    """One request taken apart: ``fields`` from query and form."""

    exchange: Exchange
    fields: Mapping[str, str] = field(repr=False)

    def text(self, name: str) -> str:
        """A field's value; "" where it is missing."""
        return self.fields.get(name, "")

    def user(self) -> str:
        """Who asks. Raises `Refusal`."""
        if not self.text("username") or not self.text("password"):
            raise Refusal("001")
        try:
            return self.exchange.login(self.text("username"), self.text("password")).user
        except LoginRefused:
            raise Refusal("005") from None


def read_call(exchange: Exchange, request: HttpRequest, body: bytes) -> Call:
    """Take a request apart, whichever way its fields came. Raises `Refusal`."""
    try:
        encoded = "&".join(filter(None, (request.url.query, body.decode("ascii"))))
        return Call(exchange, dict(parse_qsl(encoded, keep_blank_values=True, errors="strict")))
    except ValueError:
        raise Refusal("001") from None
