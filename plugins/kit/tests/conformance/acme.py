"""A vendor made up for the kit's own tests, done right. `defects` breaks it in one place each.

Requests are form POSTs; answers are ``OK …`` or ``NO code words``, each on lines of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from sms_core import (
    Account,
    AuthenticationFailed,
    Balance,
    Callback,
    CallbackRefused,
    CallbackRequest,
    CallbackResponse,
    Cancellation,
    Capability,
    DeliveryReport,
    DeliveryStatus,
    InboundMessage,
    InsufficientCredit,
    Limits,
    MalformedResponse,
    Message,
    Outcome,
    ProviderInfo,
    RecipientOutcome,
    RecipientRefused,
    SendResult,
    SessionExpired,
    Unsupported,
    hookimpl,
)
from sms_core.callbacks import event_key
from sms_core.http import Request, Response
from sms_core.provider import (
    TAIPEI,
    Cancel,
    Check,
    Destination,
    GetBalance,
    GetReports,
    Login,
    Logout,
    Operation,
    Page,
    RefusalCode,
    Session,
    answer_text,
    form_request,
    refusal_error,
)
from sms_core.provider import Send as SendOperation
from sms_core.testing import Draft, Exchange, LoginRefused, NoSuchBatch, Push, Reply

INFO = ProviderInfo(
    name="acme",
    title="Acme",
    capabilities={
        Capability.SEND,
        Capability.SCHEDULE,
        Capability.INTERNATIONAL,
        Capability.BALANCE,
        Capability.REPORTS,
        Capability.CANCEL,
        Capability.PUSHED_REPORTS,
        Capability.PUSHED_INBOUND,
    },
    limits=Limits(
        recipients=3,
        text=70,
        countries=("+886", "+1"),
        soonest=timedelta(minutes=5),
        latest=timedelta(days=365),
    ),
    default_host="acme.invalid",
)
ERRORS = {
    "01": RefusalCode(AuthenticationFailed),
    "02": RefusalCode(InsufficientCredit),
    "03": RefusalCode(RecipientRefused),
    "09": RefusalCode(SessionExpired),
}


class Acme:
    """The provider."""

    info = INFO
    errors: Mapping[str, RefusalCode] = ERRORS

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return self.info

    @hookimpl
    def sms_auth(self, account: Account) -> Request | None:
        return form_request(f"{account.base_url}/login", {"user": account.user, "password": account.password})

    @hookimpl
    def sms_prepare(self, message: Message, destinations: tuple[Destination, ...]) -> None:
        """Nothing to prepare."""

    @hookimpl
    def sms_send(self, account: Account, session: Session, operation: Operation[Any]) -> Request:
        fields = {"token": session.token, **self.fields(operation)}
        return form_request(f"{account.base_url}/{operation.name}", fields)

    def fields(self, operation: Operation[Any]) -> dict[str, str]:
        match operation:
            case SendOperation():
                first = operation.destinations[0]
                at = {"at": f"{first.send_at.astimezone(TAIPEI):%Y%m%d%H%M%S}"} if first.send_at else {}
                numbers = ",".join(destination.number for destination in operation.destinations)
                return {"to": numbers, "text": self.text(first), **at}
            case GetReports() | Cancel():
                return {"batch": operation.batch_id}
            case GetBalance() | Check() | Logout():
                return {}
            case _:
                raise Unsupported("acme", operation.name)

    def text(self, destination: Destination) -> str:
        return destination.text

    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        words = self.words(answer_text(response))
        try:
            return self.result(operation, words)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise MalformedResponse("not as documented") from error

    def words(self, text: str) -> str:
        verdict, _, rest = text.partition(" ")
        code, _, words = rest.partition(" ")
        if verdict == "NO" and code.isdigit():
            raise refusal_error(self.errors, code, words)
        if verdict != "OK":
            raise MalformedResponse("neither OK nor NO")
        return rest

    def result(self, operation: Operation[Any], words: str) -> Any:
        match operation:
            case Login():
                return Session(words, operation.now + timedelta(hours=1))
            case SendOperation():
                return self.sent(operation, words)
            case GetBalance():
                return Balance(Decimal(words))
            case GetReports():
                return Page(tuple(self.report(operation.batch_id, *row.split("|")) for row in words.split(";") if row))
            case Cancel():
                return Cancellation(int(words))
            case _:
                return None

    def sent(self, operation: SendOperation, words: str) -> SendResult:
        batch, points = words.split(" ")
        rows = tuple(
            RecipientOutcome(destination.number, Outcome.ACCEPTED, batch, destination.reference)
            for destination in operation.destinations
        )
        return SendResult(rows, len(rows), 0, Decimal(points), None, (batch,), raw=(words,))

    def report(self, batch: str, number: str, state: str, time: str) -> DeliveryReport:
        done_at = self.moment(time)
        status = DeliveryStatus(state.lower())
        return DeliveryReport(
            number, status, batch, "", None, done_at, vendor_code=state, key=event_key(batch, number, state)
        )

    def moment(self, text: str) -> datetime:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=TAIPEI)

    @hookimpl
    def sms_parse_callback(self, request: CallbackRequest) -> Callback:
        request.require_method("POST")
        fields = request.fields()
        if "text" in fields and not self.is_signed(request, fields):
            raise CallbackRefused("not signed by Acme", 403)
        try:
            return Callback(tuple(self.events(fields)), CallbackResponse(200, body=b"ACK"))
        except (KeyError, ValueError) as error:
            raise CallbackRefused("not a push of Acme") from error

    def is_signed(self, request: CallbackRequest, fields: Mapping[str, str]) -> bool:
        """A reply is, a report is not."""
        return request.headers.get("x-acme-signature") == sign(fields)

    def events(self, fields: Mapping[str, str]) -> list[DeliveryReport | InboundMessage]:
        batch, number, moment = fields["batch"], fields["number"], fields["time"]
        if not number.startswith("+"):
            raise ValueError("no number")
        if "text" in fields:
            received_at = self.moment(moment)
            key = event_key(batch, number, moment, fields["text"])
            return [InboundMessage(number, fields["text"], batch, received_at, fields, key)]
        return [self.report(batch, number, fields["state"], moment)]


def sign(fields: Mapping[str, str]) -> str:
    """Acme's signature."""
    return sha256(repr(sorted(fields.items())).encode()).hexdigest()


class AcmeFace:
    """The vendor's side, as an ASGI application."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        page = scope["path"].rpartition("/")[2]
        await PlainTextResponse(self.answer(page, fields) + "\n")(scope, receive, send)

    def answer(self, page: str, fields: Mapping[str, str]) -> str:
        if page == "login":
            try:
                return f"OK {self.login(fields)}"
            except LoginRefused:
                return "NO 01 who are you"
        user = self.exchange.session_user(fields["token"])
        if user is None:
            return "NO 09 log in again"
        match page:
            case "send":
                return self.send(user, fields)
            case "balance":
                return f"OK {self.exchange.account(user).credit}"
            case "reports":
                return self.reports(user, fields["batch"])
            case "cancel":
                return f"OK {self.exchange.cancel(user, fields['batch']).count}"
            case _:
                return "OK"

    def login(self, fields: Mapping[str, str]) -> str:
        return self.exchange.open_session(self.exchange.login(fields["user"], fields["password"]).user)

    def send(self, user: str, fields: Mapping[str, str]) -> str:
        at = datetime.strptime(fields["at"], "%Y%m%d%H%M%S").replace(tzinfo=TAIPEI) if "at" in fields else None
        drafts = [Draft(number, self.text(fields), send_at=at) for number in fields["to"].split(",")]
        batch = self.exchange.submit(user, drafts)
        return f"OK {batch.batch_id} {batch.cost}"

    def text(self, fields: Mapping[str, str]) -> str:
        return fields["text"]

    def reports(self, user: str, batch: str) -> str:
        try:
            found = self.exchange.batch(user, batch)
        except NoSuchBatch:
            return "NO 03 no such batch"
        times = f"{self.exchange.clock.now().astimezone(TAIPEI):%Y%m%d%H%M%S}"
        return "OK " + ";".join(f"{message.number}|{message.status.name}|{times}" for message in found)

    def push(self, pushed: Push, callback_url: str) -> Request:
        message = pushed.message if isinstance(pushed, Reply) else pushed
        fields = {"batch": message.batch_id, "number": message.number, "time": "20260101080000"}
        told = {"text": pushed.text} if isinstance(pushed, Reply) else {"state": message.status.name}
        signed = {"x-acme-signature": sign(fields | told)} if isinstance(pushed, Reply) else {}
        return form_request(callback_url, fields | told, signed)


def face(kind: type[AcmeFace] = AcmeFace) -> Any:
    """The factory of a face."""
    from sms_core_sandbox import Face  # noqa: PLC0415 - needed by few

    def make(exchange: Exchange) -> Face:
        vendor = kind(exchange)
        return Face(vendor, push=vendor.push, acknowledged=lambda response: response.body == b"ACK")

    return make
