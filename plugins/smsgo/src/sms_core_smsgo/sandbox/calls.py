"""The fields of a request, and who sends it."""

from __future__ import annotations

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_body, read_form


def read_call(call: Call) -> Call:
    """The call with its fields, whichever way they came, named in lower case.

    Raises `Refusal` for what is no UTF-8, with the code of a call that cannot be read (a guess).
    """
    try:
        return call.with_fields(read_form(call.query) + read_body(call), lower_names=True)
    except ValueError:
        raise Refusal("-1", "CGI string error!!") from None


def rtype_of(call: Call) -> str:
    """The form of the answer that is asked for; text where that cannot be read."""
    try:
        fields = read_form(call.query, errors="replace") + read_body(call, errors="replace")
    except ValueError:
        return ""
    return call.with_fields(fields, lower_names=True).text("rtype").strip()


def user_of(call: Call) -> str:
    """Who asks. Raises `Refusal`: table 1, -2."""
    try:
        return call.exchange.login(call.text("username").strip(), call.text("password")).user
    except LoginRefused as error:
        raise Refusal("-2", "授權錯誤") from error
