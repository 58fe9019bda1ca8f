"""The fields of a request, who sends it, and how the vendor says no."""

from __future__ import annotations

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_body, read_form

WORDS = {
    "c": "請輸入帳號",
    "d": "請輸入密碼",
    "e": "帳號、密碼錯誤",
    "w": "查詢筆數超過上限",
    "x": "發送檔案過大，無法發送簡訊",
    "y": "參數錯誤",
    "z": "查無資料",
}
"""What 附錄一 says of the codes that refuse a whole request here."""
CHARSETS = {"": "cp950", "BIG5": "cp950", "UTF8": "utf-8", "UTF-8": "utf-8"}
"""CharsetURL and Encoding_PostIn: Big5 unless told."""


def refusal(code: str) -> Refusal:
    """A refusal of the whole request."""
    return Refusal(code, WORDS[code])


def read_call(call: Call) -> Call:
    """The call with its fields. Raises `Refusal`, also for what is not of its charset (a guess)."""
    call = call.with_fields(read_form(call.query, errors="replace"))
    charset = _charset(call.text("CharsetURL"))
    try:
        query = read_form(call.query, charset=charset)
        if "Encoding_PostIn" in call.fields:
            return call.with_fields(query)  # SmBulkSend: the body has lines and no fields
        return call.with_fields(query + read_body(call, charset=charset))
    except ValueError:
        raise refusal("y") from None


def lines_of(call: Call) -> list[str]:
    """The body's lines, in the charset that ``Encoding_PostIn`` names. Raises `Refusal`."""
    try:
        text = call.body.decode(_charset(call.text("Encoding_PostIn")))
    except UnicodeDecodeError:
        raise refusal("y") from None
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]


def user_of(call: Call) -> str:
    """Who asks. Raises `Refusal`."""
    user, password = call.text("username"), call.text("password")
    if not user:
        raise refusal("c")
    if not password:
        raise refusal("d")
    try:
        return call.exchange.login(user, password).user
    except LoginRefused:
        raise refusal("e") from None


def _charset(name: str) -> str:
    if name.upper() not in CHARSETS:
        raise refusal("y")
    return CHARSETS[name.upper()]
