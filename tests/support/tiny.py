"""A vendor made up for tests, in a few lines: what a third party would write, over a wire of JSON and words.

Requests are POSTs of JSON to ``/<operation>``; answers are a line of text:

==================================  =====================================================
``OK …``                            done; after it the operation's own words
``OK batch number,number``          a send of which these numbers were refused
``NO code``                         refused; `REFUSALS` says what the code means
==================================  =====================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from sms_core import (
    Account,
    AuthenticationFailed,
    Balance,
    Cancellation,
    Capability,
    Client,
    ContentRefused,
    DeliveryReport,
    DeliveryStatus,
    InboundMessage,
    InsufficientCredit,
    InvalidMessage,
    Limits,
    MalformedResponse,
    MemorySessions,
    NotFound,
    Outcome,
    ProviderInfo,
    RateLimited,
    RecipientOutcome,
    RecipientRefused,
    SendResult,
    SessionExpired,
    SessionStore,
    VendorError,
    VendorUnavailable,
    hookimpl,
)
from sms_core._engine.flow import perform
from sms_core._engine.registry import bind_hooks
from sms_core.http import Request, Response, Transport
from sms_core.provider import (
    Cancel,
    Check,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    Page,
    Provider,
    Send,
    Session,
    Sightings,
    raise_for_status,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PASSWORD = "kept-secret-pa55"
TOKEN = "token-that-nobody-sees"
INFO = ProviderInfo(
    name="tiny",
    title="Tiny",
    capabilities=frozenset(Capability) - {Capability.PUSHED_REPORTS, Capability.PUSHED_INBOUND},
    limits=Limits(recipients=3),
)

REFUSALS: dict[str, Callable[..., VendorError]] = {
    "auth": AuthenticationFailed,
    "credit": InsufficientCredit,
    "number": RecipientRefused,
    "text": ContentRefused,
    "expired": SessionExpired,
    "slow": RateLimited,
    "missing": NotFound,
    "down": lambda **details: VendorUnavailable(retry=True, **details),
    "doubt": VendorError,
    "gateway": lambda **details: VendorUnavailable(retry=True, maybe_taken=True, **details),
}


class Tiny:
    """The provider. ``logs_in`` False lets the password ride on each request."""

    def __init__(self, info: ProviderInfo = INFO, *, logs_in: bool = True) -> None:
        self.info = info
        self.logs_in = logs_in

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return self.info

    @hookimpl
    def sms_auth(self, account: Account) -> Request | None:
        return _post(account, "login", {"password": account.password}) if self.logs_in else None

    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        fields: dict[str, Any] = {"secret": session.token if session else account.password}
        match operation:
            case Send():
                if operation.message.text == "refused while building":
                    raise InvalidMessage("text", "is nothing that Tiny sends")
                fields["numbers"] = [destination.number for destination in operation.destinations]
                fields["texts"] = [destination.text for destination in operation.destinations]
                fields["references"] = [destination.reference for destination in operation.destinations]
            case GetReports() | GetInbound():
                fields |= {"batch": operation.batch_id, "page": operation.page}
                if isinstance(operation, GetReports) and operation.more:
                    fields["batches"] = operation.batches
                if isinstance(operation, GetReports) and operation.mms:
                    fields["mms"] = True
            case Cancel():
                fields |= {"batch": operation.batch_id, "numbers": operation.numbers, "mms": operation.mms}
            case FindSent():
                since = operation.since.isoformat() if operation.since else ""
                fields |= {"text": operation.text, "numbers": operation.numbers, "since": since}
        return _post(account, operation.name, fields)

    @hookimpl
    def sms_parse_response(self, account: Account, operation: Operation[Any], response: Response) -> Any:
        raise_for_status(response)
        verdict, _, rest = response.body.decode().partition(" ")
        words = rest.split()
        if verdict == "NO":
            raise REFUSALS[words[0]](code=words[0], vendor_text=" ".join(words[1:]))
        if verdict != "OK":
            raise MalformedResponse("not Tiny's", response)
        return READERS[type(operation)](operation, words)


def _report(batch: str, word: str) -> DeliveryReport:
    """``number:reference:status``."""
    number, reference, status = word.split(":")
    return DeliveryReport(number, DeliveryStatus(status), batch, reference, vendor_code=status)


def _sent(operation: Send, words: Sequence[str]) -> SendResult:
    batch, *rest = words
    refused = rest[0].split(",") if rest else ()
    rows = []
    for destination in operation.destinations:
        row = RecipientOutcome(destination.number, Outcome.ACCEPTED, batch, destination.reference)
        if destination.number in refused:
            error = RecipientRefused(code="number")
            row = attrs.evolve(row, outcome=Outcome.REFUSED, batch_id=None, error=error)
        rows.append(row)
    accepted = len(rows) - len(refused)
    return SendResult(
        tuple(rows), accepted, len(refused), Decimal(accepted), Decimal(100), (batch,), raw=(" ".join(words),)
    )


def _reports(operation: GetReports, words: Sequence[str]) -> Page[DeliveryReport]:
    rows = (_report(operation.batch_id, word) for word in words if word != "more")
    return Page(tuple(rows), "more" in words)


def _inbound(operation: GetInbound, words: Sequence[str]) -> Page[InboundMessage]:
    rows = (InboundMessage(word, "hello", operation.batch_id) for word in words if word != "more")
    return Page(tuple(rows), "more" in words)


def _sightings(operation: FindSent, words: Sequence[str]) -> Sightings:
    pairs = (word.partition("=") for word in words if "=" in word)
    return Sightings({number: batch for number, _, batch in pairs}, absence_is_proof="proof" in words)


READERS: dict[type[Operation[Any]], Callable[[Any, Sequence[str]], Any]] = {
    Login: lambda operation, words: Session(words[0], operation.now + timedelta(hours=8)),
    Logout: lambda operation, words: None,
    Check: lambda operation, words: None,
    Send: _sent,
    GetBalance: lambda operation, words: Balance(Decimal(words[0])),
    GetReports: _reports,
    GetInbound: _inbound,
    Cancel: lambda operation, words: Cancellation(int(words[0]), *map(Decimal, words[1:])),
    FindSent: _sightings,
}


def _post(account: Account, name: str, fields: dict[str, Any]) -> Request:
    return Request("POST", f"{account.base_url}/{name}", body=json.dumps(fields).encode())


def text(words: str, status: int = 200) -> Response:
    """Tiny's answer."""
    return Response(status, body=words.encode())


def operation_of(request: Request) -> str:
    """The operation's name that a request to Tiny carries."""
    return request.url.rpartition("/")[2]


def fields_of(request: Request) -> Any:
    """What a request to Tiny says."""
    return json.loads(request.body)


@attrs.define
class Sleeps:
    """A sleep that only takes notes."""

    seconds: list[float] = attrs.field(factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def bind(
    transport: Transport,
    plugin: object | None = None,
    *,
    middleware: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    sleep: Callable[[float], object] | None = None,
    retries: int = 2,
    password: str = PASSWORD,
    base_url: str = "https://tiny.invalid",
    close_session: bool = False,
    deadline: float = 60.0,
) -> Client:
    """A client of Tiny, or of another plugin, over this transport."""
    return Client(
        provider_of(plugin, middleware=middleware, retries=retries, password=password, base_url=base_url),
        transport,
        sessions=MemorySessions() if sessions is None else sessions,
        clock=clock,
        sleep=Sleeps() if sleep is None else sleep,
        close_session=close_session,
        deadline=deadline,
    )


def provider_of(
    plugin: object | None = None,
    *,
    middleware: Sequence[object] = (),
    retries: int = 2,
    password: str = PASSWORD,
    base_url: str = "https://tiny.invalid",
) -> Provider:
    """Tiny, or another plugin, bound to an account."""
    hooks = bind_hooks("tiny", Tiny() if plugin is None else plugin, middleware)
    return Provider(hooks.sms_describe(), Account("tiny", "user", password, base_url), retries, hooks, perform)


class Vendor:
    """Tiny's vendor as a function: every operation's answers in turn, the last one for ever.

    >>> from sms_core.testing import FakeTransport
    >>> FakeTransport(Vendor(send=["OK b1", "NO credit"]))  # doctest: +ELLIPSIS
    <...>
    """

    def __init__(self, **answers: Sequence[str | int | Exception] | Callable[[Request], Response]) -> None:
        self._answers = {"login": [f"OK {TOKEN}"], **answers}
        self._asked: dict[str, int] = {}

    def __call__(self, request: Request) -> Response:
        name = operation_of(request)
        answers = self._answers[name]
        if callable(answers):
            return answers(request)
        position = self._asked[name] = self._asked.get(name, -1) + 1
        found = answers[min(position, len(answers) - 1)]
        if isinstance(found, Exception):
            raise found
        return text("", found) if isinstance(found, int) else text(found)
