"""The fields of a request, who sends it, and how the vendor says no."""

from __future__ import annotations

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_body, read_form

WORDS = {
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


def refusal(code: str) -> Refusal:
    """A refusal of the whole request."""
    return Refusal(code, WORDS[code])


def read_call(call: Call) -> Call:
    """The call with its fields, whichever way they came. Raises `Refusal`."""
    try:
        return call.with_fields(read_form(call.query) + read_body(call))
    except ValueError:
        raise refusal("001") from None


def user_of(call: Call) -> str:
    """Who asks. Raises `Refusal`."""
    user, password = call.text("username"), call.text("password")
    if not user or not password:
        raise refusal("001")
    try:
        return call.exchange.login(user, password).user
    except LoginRefused:
        raise refusal("005") from None
