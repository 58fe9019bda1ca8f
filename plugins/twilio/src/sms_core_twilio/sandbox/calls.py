"""The fields of a request, who sends it, and how the vendor says no."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from sms_core.testing import LoginRefused
from sms_core_sandbox.calls import Call, Refusal, read_body, read_form

NO_CONTENT = 204
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
API_KEYS = "SK"
"""With this the name of an API key begins."""


def read_call(call: Call) -> Call:
    """The call with its fields, from the query and from a form. Raises `Refusal` for what is no UTF-8 (a guess)."""
    is_form = call.headers.get("content-type", "").lower().startswith(FORMS)
    try:
        return call.with_fields(read_form(call.query) + (read_body(call) if is_form else []))
    except ValueError:
        raise invalid("A parameter is no UTF-8") from None


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


def invalid(words: str) -> Refusal:
    """A parameter that cannot be read. That it is this code is a guess: the dictionary has it for bad requests."""
    return Refusal("70002", words, 400)


def no_such_method() -> Refusal:
    """Something is at this path, for other methods."""
    return Refusal("20004", "Method not allowed", 405)


def no_such_resource() -> Refusal:
    """Nothing is at this path."""
    return Refusal("20404", "The requested resource was not found", 404)


def refused(refusal: Refusal) -> Response:
    """The JSON of an error."""
    error: dict[str, Any] = {
        "code": int(refusal.code),
        "message": refusal.words,
        "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
        "status": refusal.status,
    }
    return JSONResponse(error, refusal.status)
