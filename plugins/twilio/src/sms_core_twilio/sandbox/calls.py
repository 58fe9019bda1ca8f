"""The fields of a request, who sends it, and how the vendor says no."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_body, read_form

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
API_KEYS = "SK"
"""With this the name of an API key begins."""


def read_call(call: Call) -> Call:
    """The call with its fields, from the query and from a form. Raises `Refusal` for what is no UTF-8 (a guess)."""
    is_form = call.headers.get("content-type", "").lower().startswith(FORMS)
    try:
        return call.with_fields(read_form(call.query) + (read_body(call) if is_form else []))
    except ValueError:
        raise Refusal("20422", "Invalid Parameter", 400) from None


def user_of(call: Call) -> str:
    """Who asks: the account in the path, with its AuthToken, or with an API key. Raises `Refusal`."""
    account, credentials = call.path_fields["account"], call.basic_credentials
    if credentials is None or not (credentials[0] == account or credentials[0].startswith(API_KEYS)):
        raise Refusal("20003", "Authenticate", 401)
    name, secret = credentials
    try:
        return call.exchange.login(account, secret, "" if name == account else name).user
    except LoginRefused:
        raise Refusal("20003", "Authenticate", 401) from None


def no_such_resource() -> Refusal:
    """Nothing is at this path."""
    return Refusal("20404", "The requested resource was not found", 404)


def refused(refusal: Refusal) -> Response:
    """The JSON of an error. It has no code where no document says which it would be."""
    error: dict[str, Any] = {"message": refusal.words, "status": refusal.status}
    if refusal.code:
        error["code"] = int(refusal.code)
        error["more_info"] = f"https://www.twilio.com/docs/errors/{refusal.code}"
    return JSONResponse(error, refusal.status)
