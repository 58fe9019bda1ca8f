"""The fields of a request, and who sends it."""

from __future__ import annotations

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_form


def read_call(call: Call) -> Call:
    """The call with its fields, whichever way they came, named in lower case; what is no UTF-8 becomes U+FFFD."""
    return call.with_fields(read_form(call.query, call.body, errors="replace"), lower_names=True)


def user_of(call: Call) -> str:
    """Who asks. Raises `Refusal`: table 1, -2."""
    try:
        return call.exchange.login(call.text("username").strip(), call.text("password")).user
    except LoginRefused as error:
        raise Refusal("-2", "授權錯誤") from error
