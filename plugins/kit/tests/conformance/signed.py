"""A vendor whose requests are signed with a time and a nonce, as AWS SNS and Aliyun have them; and its server.

The signature is the HMAC-SHA256, under the password, of method, path, time, nonce and body, a line each. A send has a key,
under which the vendor takes it once, however often it is asked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
from starlette.responses import PlainTextResponse
from starlette.responses import Response as HttpResponse

from plugins.kit.tests.conformance.acme import Acme
from sms_core import Account, Capability, Limits, ProviderInfo, SendResult, Unsupported, hookimpl
from sms_core.http import Request, Response
from sms_core.provider import Check, GetBalance, Operation, Replay, form_request
from sms_core.provider import Send as SendOperation
from sms_core.testing import Draft, Exchange, LoginRefused, NoSuchBatch

DUPLICATE = "SEEN"
INFO = ProviderInfo(
    name="signed",
    title="Signed",
    capabilities={Capability.SEND, Capability.BALANCE},
    limits=Limits(recipients=1),
    default_host="signed.invalid",
    replay=Replay(window=timedelta(hours=1), mark=DUPLICATE),
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
                fields |= self.fields(operation)
            case GetBalance() | Check():
                pass
            case _:
                raise Unsupported("signed", operation.name)
        request = form_request(f"{account.base_url}/{operation.name}", fields)
        time, nonce = operation.now.isoformat(), operation.nonce
        signed = {"x-time": time, "x-nonce": nonce, "x-signature": signature(account.password, request, time, nonce)}
        return attrs.evolve(request, headers={**request.headers, **signed})

    def fields(self, operation: SendOperation) -> dict[str, str]:
        """What a send says."""
        (destination,) = operation.destinations
        return {"key": self.key(operation), "to": destination.number, "text": destination.text}

    def key(self, operation: SendOperation) -> str:
        """The same for the same recipient of the same message."""
        return operation.destinations[0].reference

    sms_parse_response = Acme.sms_parse_response
    result, words, errors = Acme.result, Acme.words, Acme.errors

    def sent(self, operation: SendOperation, words: str) -> SendResult:
        """A duplicate has the answer of the first time, and a mark."""
        return Acme.sent(self, operation, words.removesuffix(f" {DUPLICATE}"))  # type: ignore[arg-type]


class Gate:
    """Lets through what is well signed, fresh and new."""

    def __init__(self) -> None:
        self.nonces: list[str] = []

    def refusal(self, request: Request, password: str, now: datetime) -> str:
        """Why the request is refused; "" if it is not."""
        time, nonce = request.headers.get("x-time", ""), request.headers.get("x-nonce", "")
        expected = signature(password, request, time, nonce)
        if not hmac.compare_digest(expected, request.headers.get("x-signature", "")):
            return "wrong signature"
        if abs(now - datetime.fromisoformat(time)) > FRESH:
            return "stale"
        if nonce in self.nonces:
            return "nonce used before"
        self.nonces.append(nonce)
        return ""


class SignedServer:
    """The vendor, to a client without a network; ``busy`` is how many requests it first turns away."""

    def __init__(self, password: str, now: datetime, busy: int = 0) -> None:
        self.password = password
        self.now = now
        self.busy = busy
        self.gate = Gate()
        self.taken: list[dict[str, str]] = []

    @property
    def nonces(self) -> list[str]:
        """Those of all requests that were let through."""
        return self.gate.nonces

    def __call__(self, request: Request) -> Response:
        refusal = self.gate.refusal(request, self.password, self.now)
        if refusal:
            return Response(200, body=f"NO 01 {refusal}".encode())
        if len(self.nonces) <= self.busy:
            return Response(503)
        self.taken.append(dict(parse_qsl(request.body.decode())))
        return Response(200, body=b"OK b-1 1" if request.url.endswith("/send") else b"OK 80")


class SignedFace:
    """The vendor in a sandbox."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.gate = Gate()
        self.sent: dict[str, str] = {}

    def answer(self, call: Any) -> HttpResponse:
        """The answer to one `sms_core_sandbox.calls.Call`."""
        fields = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        request = Request(call.method, f"https://signed.invalid/signed{call.path}", dict(call.headers), call.body)
        account = self.exchange.account(fields["user"])
        refusal = self.gate.refusal(request, account.password, self.exchange.clock.now())
        try:
            self.exchange.login(account.user, "" if refusal else account.password)
        except LoginRefused:
            return PlainTextResponse(f"NO 01 {refusal}")
        if not call.path.endswith("/send"):
            return PlainTextResponse(f"OK {account.credit}" if call.path.endswith("/balance") else "OK")
        return PlainTextResponse(self.send(account.user, fields))

    def send(self, user: str, fields: dict[str, str]) -> str:
        batch_id = self.sent.get(fields["key"], "")
        if batch_id and self.knows(user, batch_id):
            return f"OK {batch_id} 1 {DUPLICATE}"
        batch = self.exchange.submit(user, self.drafts(fields))
        if not batch.sent:
            return "NO 02 no points"
        self.sent[fields["key"]] = batch.batch_id
        return f"OK {batch.batch_id} 1"

    def drafts(self, fields: dict[str, str]) -> list[Draft]:
        """The texts of a request."""
        return [Draft(fields["to"], fields["text"], Decimal(1))]

    def knows(self, user: str, batch_id: str) -> bool:
        """Whether the sandbox has the batch still: it may have been emptied."""
        try:
            return bool(self.exchange.batch(user, batch_id))
        except NoSuchBatch:
            return False


def signed_face(kind: type[SignedFace] = SignedFace) -> Callable[[Exchange], Any]:
    """The factory of the face."""
    from sms_core_sandbox import Face  # noqa: PLC0415 - needed by few
    from sms_core_sandbox.calls import asgi_app  # noqa: PLC0415 - the same

    return lambda exchange: Face(asgi_app(exchange, "signed", kind(exchange).answer))
