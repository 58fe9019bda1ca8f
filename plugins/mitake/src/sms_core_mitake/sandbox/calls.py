"""One request to the vendor taken apart, who sends it, and how the vendor says no."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from attrs import field, frozen
from starlette.requests import Request as HttpRequest

from sms_core.testing import Exchange, LoginRefused

CODES = {
    "c": "請輸入帳號",
    "d": "請輸入密碼",
    "e": "帳號、密碼錯誤",
    "w": "查詢筆數超過上限",
    "x": "發送檔案過大，無法發送簡訊",
    "y": "參數錯誤",
    "z": "查無資料",
}
"""What 附錄一 says of those that refuse a whole request here."""
CHARSETS = {"": "cp950", "BIG5": "cp950", "UTF8": "utf-8", "UTF-8": "utf-8"}
"""CharsetURL and Encoding_PostIn: Big5 unless told."""


class Refusal(Exception):
    """The vendor refuses the whole request, with one of its codes."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = CODES[code]


@frozen
class Call:
    """One request: ``fields`` of query and form, and the ``body`` as it stands, for SmBulkSend."""

    exchange: Exchange
    fields: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def text(self, name: str) -> str:
        """A field's value; "" where it is missing."""
        return self.fields.get(name, "")

    def user(self) -> str:
        """Who asks. Raises `Refusal`."""
        for name, code in (("username", "c"), ("password", "d")):
            if not self.text(name):
                raise Refusal(code)
        try:
            return self.exchange.login(self.text("username"), self.text("password")).user
        except LoginRefused:
            raise Refusal("e") from None

    def lines(self) -> list[str]:
        """The body in the charset that ``Encoding_PostIn`` names. Raises `Refusal`."""
        whole = self.body.decode(charset_named(self.text("Encoding_PostIn")), "replace")
        return [line for line in whole.replace("\r\n", "\n").split("\n") if line]

    def listed(self, name: str) -> list[str]:
        """The values of a field that commas part."""
        return [one for one in self.text(name).split(",") if one]


def charset_named(name: str) -> str:
    """Python's name of a charset. Raises `Refusal`."""
    if name.upper() not in CHARSETS:
        raise Refusal("y")
    return CHARSETS[name.upper()]


def read_call(exchange: Exchange, request: HttpRequest, body: bytes) -> Call:
    """Take a request apart. What is not of its charset becomes U+FFFD. Raises `Refusal`."""
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    if "Encoding_PostIn" in query:
        return Call(exchange, query, body)
    charset = charset_named(query.get("CharsetURL", ""))
    form = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding=charset, errors="replace")
    return Call(exchange, query | dict(form), body)
