"""A vendor whose requests are signed with a time and a nonce, as AWS SNS and Aliyun have them; and its server.

The signature is the HMAC-SHA256, under the password, of method, path, time, nonce and body, a line each.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from plugins.kit.tests.conformance.acme import Acme
from sms_core import Account, Capability, Limits, ProviderInfo, Unsupported, hookimpl
from sms_core.http import Request, Response
from sms_core.provider import Check, GetBalance, Operation, form_request
from sms_core.provider import Send as SendOperation

INFO = ProviderInfo(
    name="signed",
    title="Signed",
    capabilities={Capability.SEND, Capability.BALANCE},
    limits=Limits(recipients=1),
    default_host="signed.invalid",
)
FRESH = timedelta(minutes=15)
"""How old a request may be, as with AWS."""


def signature(secret: str, request: Request, time: str, nonce: str) -> str:
    path = urlsplit(request.url).path.encode()
    lines = [request.method.encode(), path, time.encode(), nonce.encode(), request.body]
    return hmac.new(secret.encode(), b"\n".join(lines), "sha256").hexdigest()


class Signed:
    """The provider. It reads no clock and makes no nonce: every operation brings both."""

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return INFO

    @hookimpl
    def sms_send(self, account: Account, operation: Operation[Any]) -> Request:
        fields = {"user": account.user}
        match operation:
            case SendOperation():
                (destination,) = operation.destinations
                fields |= {"to": destination.number, "text": destination.text}
            case GetBalance() | Check():
                pass
            case _:
                raise Unsupported("signed", operation.name)
        request = form_request(f"{account.base_url}/{operation.name}", fields)
        time, nonce = operation.now.isoformat(), operation.nonce
        signed = {"x-time": time, "x-nonce": nonce, "x-signature": signature(account.password, request, time, nonce)}
        return attrs.evolve(request, headers={**request.headers, **signed})

    sms_parse_response = Acme.sms_parse_response
    result, words, sent, errors = Acme.result, Acme.words, Acme.sent, Acme.errors


class SignedServer:
    """Takes what is well signed, fresh and new; ``busy`` is how many requests it first turns away."""

    def __init__(self, password: str, now: datetime, busy: int = 0) -> None:
        self.password = password
        self.now = now
        self.busy = busy
        self.nonces: list[str] = []
        self.taken: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        time, nonce = request.headers["x-time"], request.headers["x-nonce"]
        expected = signature(self.password, request, time, nonce)
        if not hmac.compare_digest(expected, request.headers["x-signature"]):
            return Response(200, body=b"NO 01 wrong signature")
        if abs(self.now - datetime.fromisoformat(time)) > FRESH:
            return Response(200, body=b"NO 01 stale")
        if nonce in self.nonces:
            return Response(200, body=b"NO 01 replayed")
        self.nonces.append(nonce)
        if len(self.nonces) <= self.busy:
            return Response(503)
        self.taken.append(dict(parse_qsl(request.body.decode())))
        return Response(200, body=b"OK b-1 1" if request.url.endswith("/send") else b"OK 80")
