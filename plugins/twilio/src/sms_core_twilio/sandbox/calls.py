"""One request to the vendor taken apart, who sends it, and how the vendor says no."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl

from attrs import field, frozen
from starlette.requests import Request as HttpRequest

from sms_core.testing import Exchange, LoginRefused
from sms_core_twilio.sandbox.resources import Kept


class Refusal(Exception):
    """The vendor says no: an HTTP status, and one of its codes where it is known which."""

    def __init__(self, status: int, code: int | None, message: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """The JSON of an error; the code may be absent."""
        code = {} if self.code is None else {"code": self.code}
        more = {} if self.code is None else {"more_info": f"https://www.twilio.com/docs/errors/{self.code}"}
        return {**code, "message": self.message, **more, "status": self.status}


@frozen
class Call:
    """One request: its fields from query and form, each with all its values; ``sid`` is the message's in the path."""

    exchange: Exchange
    kept: dict[str, Kept] = field(repr=False)
    user: str
    sid: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a field that are not empty, in their order."""
        return tuple(value for key, value in self.fields if key == name and value)

    def text(self, name: str) -> str:
        """The first value; "" where there is none."""
        return next(iter(self.all(name)), "")


def read_call(
    exchange: Exchange, kept: dict[str, Kept], request: HttpRequest, body: bytes, account: str, sid: str
) -> Call:
    """Take a request apart, and check who sends it. Raises `Refusal`."""
    user = _user(exchange, request.headers.get("authorization", ""), account)
    encoded = [request.url.query]
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        encoded.append(body.decode("ascii", "replace"))
    pairs = [pair for one in encoded for pair in parse_qsl(one, keep_blank_values=True, errors="replace")]
    return Call(exchange, kept, user, sid, tuple(pairs))


def _user(exchange: Exchange, authorization: str, account: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    try:
        user, _, password = b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Refusal(401, 20003, "Authenticate") from None
    if scheme.lower() != "basic" or user != account:
        raise Refusal(401, 20003, "Authenticate")
    try:
        return exchange.login(user, password).user
    except LoginRefused:
        raise Refusal(401, 20003, "Authenticate") from None
