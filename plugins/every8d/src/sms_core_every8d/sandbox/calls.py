"""The fields of a request, who sends it, and how the vendor says no."""

from __future__ import annotations

from typing import Any

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_body, read_form, read_json

BAD_TOKEN = ("-301", "連線憑證無效或已過期。")
LOGIN_REFUSALS = {
    "user": ("-100", "無此帳號。"),
    "password": ("-101", "密碼錯誤。"),
    "blocked": ("-101", "密碼錯誤次數過多，帳號已鎖定。"),
}
"""Code and words by the reason of a `LoginRefused`."""


def read_call(call: Call) -> Call:
    """The call with its fields, whichever way they came, named in lower case. Raises `Refusal`."""
    is_json = call.body.lstrip()[:1] == b"{"
    try:
        pairs = read_form(call.query)
        pairs += read_json(call.body) if is_json else read_body(call)
    except ValueError:
        raise Refusal("-99", "發生例外錯誤") from None
    return call.with_fields(pairs, lower_names=True)


def user_of(call: Call) -> str:
    """Who asks, by token or by UID and PWD (2.2.3). Raises `Refusal`."""
    if not call.bearer_token:
        return log_in(call)
    user = call.exchange.session_user(call.bearer_token)
    if user is not None:
        return user
    if not call.text("uid"):
        raise Refusal(*BAD_TOKEN)
    return log_in(call)


def log_in(call: Call) -> str:
    """Who asks, by UID and PWD alone. Raises `Refusal`."""
    user, password = call.text("uid"), call.text("pwd")
    if not user or not password:
        raise Refusal("-300", " 帳號密碼不得為空值。")
    try:
        return call.exchange.login(user, password).user
    except LoginRefused as error:
        raise Refusal(*LOGIN_REFUSALS[error.reason]) from error


def number_of(call: Call, name: str, default: int) -> int:
    """A field's value as a whole number; the default where it is empty. Raises `Refusal`."""
    text = call.text(name).strip()
    try:
        return int(text) if text else default
    except ValueError:
        raise Refusal("-1", "參數錯誤") from None


def refused_as_text(refusal: Refusal) -> str:
    """A refusal of a form endpoint (table 2-3-8)."""
    return f"{refusal.code},{refusal.words}"


def refused_as_json(refusal: Refusal) -> dict[str, Any]:
    """A refusal of a JSON endpoint (table 2-4-8)."""
    return {"Result": False, "Status": refusal.code, "Msg": refusal.words}
