"""Twilio's side, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen
from sms_core.http import Request
from sms_core.taipei import format_time, parse_time
from sms_core.testing import Draft, Event, Exchange, LoginRefused, Reply, behaviour_of
from sms_core_sandbox import Face
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOST_RECIPIENTS = 100
STATES = {"delivered": "DELIVRD", "slow": "DELIVRD", "replies": "DELIVRD", "too_late": "EXPIRED", "refused": "REJECTD"}
"""The state in which the vendor reports a number of the sandbox; any other ends as UNDELIV."""


def face(exchange: Exchange) -> Face:
    """Twilio over this exchange: the entry point."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        response = _answer(exchange, request, await request.body())
        await response(scope, receive, send)

    return Face(app, push=push)


class Refusal(Exception):
    """The vendor says no."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(code)
        self.code = code
        self.words = words


@frozen
class Call:
    """One request taken apart."""

    exchange: Exchange
    fields: Mapping[str, str] = field(repr=False)

    def login(self) -> str:
        """Who asks, by user and password. Raises `Refusal`."""
        try:
            return self.exchange.login(self.fields.get("user", ""), self.fields.get("password", "")).user
        except LoginRefused:
            raise Refusal("1", "wrong user or password") from None

    def user(self) -> str:
        """Who asks. Raises `Refusal`."""
        return self.login()


def _send(call: Call) -> dict[str, str]:
    user = call.user()
    numbers = [one for one in call.fields.get("to", "").split(",") if one]
    text, time = call.fields.get("text", ""), call.fields.get("time", "")
    if not text:
        raise Refusal("4", "text refused")
    if len(numbers) > MOST_RECIPIENTS or all(behaviour_of(number).refused for number in numbers):
        raise Refusal("3", "no such number")
    send_at = parse_time(time) if time else None
    drafts = [Draft(number, text, Decimal(1), send_at=send_at) for number in numbers]
    if sum(draft.cost for draft in drafts) > call.exchange.account(user).credit:
        raise Refusal("2", "not enough points")
    batch = call.exchange.submit(user, drafts, face="twilio")
    return {"id": batch.batch_id, "points": str(batch.cost), "balance": str(batch.credit)}


def _balance(call: Call) -> dict[str, str]:
    return {"balance": str(call.exchange.account(call.user()).credit)}


HANDLERS: dict[str, Callable[[Call], dict[str, str]]] = {
    "send": _send,
    "balance": _balance,
}


def _answer(exchange: Exchange, request: HttpRequest, body: bytes) -> Response:
    name, fields = request.url.path.rpartition("/")[2], _read(body)
    handler = HANDLERS.get(name)
    if handler is None:
        return Response("<html><h1>Not Found</h1></html>", 404, media_type="text/html")
    try:
        answer = {"code": "0", **handler(Call(exchange, fields))}
    except Refusal as refusal:
        answer = {"code": refusal.code, "message": refusal.words}
    return _write(answer)


def _read(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True))


def _write(answer: Mapping[str, str]) -> Response:
    return Response("".join(f"{name}={value}\r\n" for name, value in answer.items()), media_type="text/plain")


def push(event: Event, callback_url: str) -> Request:
    """How the vendor tells its customer of a report: a GET with all in the query. It pushes no replies."""
    message = event.message if isinstance(event, Reply) else event
    fields = {
        "id": message.batch_id,
        "to": message.number,
        "state": STATES.get(message.behaviour.name, "UNDELIV"),
        "time": format_time(message.done_at) if message.done_at else "",
    }
    joint = "&" if "?" in callback_url else "?"
    return Request("GET", f"{callback_url}{joint}{urlencode(fields)}")
