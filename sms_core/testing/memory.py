"""The provider ``memory``: a vendor in this process, for tests of your own.

::

    with sms_core.connect("memory://") as sms:
        sms.send("【店名】您的驗證碼是 123456", to="0900000001")
    assert memory_exchange().accepted[0].text == "【店名】您的驗證碼是 123456"

Recipients behave by their number, see `sms_core.testing.behaviours`. ``memory://NAME`` is an exchange of its own; all
clients of one name share it, and `memory_exchange` lets you look into it, move its clock and reset it.
``memory://?credit=100`` is an account with so many points, a text costs what EVERY8D takes for it. Any user and
password will do, unless the exchange has an account of this user.

Unlike every other provider it keeps state: it is the vendor too.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import field, frozen

from sms_core._engine.outcomes import conclude, same_for_all
from sms_core.callbacks import event_key
from sms_core.errors import (
    AuthenticationFailed,
    InsufficientCredit,
    NotFound,
    RecipientRefused,
    SmsError,
    TransportError,
    Unsupported,
)
from sms_core.http import Request
from sms_core.model import (
    Balance,
    Cancellation,
    DeliveryReport,
    DeliveryStatus,
    InboundMessage,
    Outcome,
    RecipientOutcome,
    SendResult,
)
from sms_core.provider.account import Account
from sms_core.provider.hooks import hookimpl
from sms_core.provider.info import Limits, ProviderInfo
from sms_core.provider.operations import (
    Cancel,
    Capability,
    Check,
    Destination,
    FindSent,
    GetBalance,
    GetInbound,
    GetReports,
    Operation,
    Page,
    Send,
    Sightings,
)
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow, StartAttempt
from sms_core.provider.tariffs import Tariff
from sms_core.testing.accounts import PLENTY
from sms_core.testing.behaviours import behaviour_of
from sms_core.testing.exchange import Exchange
from sms_core.testing.records import Draft, LoginRefused, NoSuchBatch, NotBooked, Reply, StoredMessage

NAME = "memory"
STEPS = (70, 134, 201, 268, 333)
"""Characters that 1, 2, 3 … points pay, EVERY8D's table. A longer text starts over."""
ABROAD = 3
"""How many times as much a text abroad costs."""
MMS_POINTS = Decimal(3)
"""What any picture costs."""
ANY_SIZE = 1 << 62
PAGE_SIZE = 500
"""Rows in one page of reports or replies."""


@frozen
class MemoryOptions:
    """The DSN options of ``memory://``: ``credit`` is the points that the account begins with."""

    credit: int = field(default=int(PLENTY), validator=attrs.validators.ge(0))


TARIFF = Tariff(STEPS, international_factor=ABROAD, mms=((ANY_SIZE, MMS_POINTS),))
INFO = ProviderInfo(
    name=NAME,
    title="In memory, for tests",
    capabilities=frozenset(Capability) - {Capability.PUSHED_REPORTS, Capability.PUSHED_INBOUND},
    limits=Limits(recipients=1000),
    default_scheme="memory",
    account_options=MemoryOptions,
    tariff=TARIFF,
)

_exchanges: dict[str, Exchange] = {}
_lock = threading.Lock()


def memory_exchange(name: str = "") -> Exchange:
    """The exchange behind ``memory://NAME``, made at its first use. Names are case-insensitive, like hosts."""
    with _lock:
        if name.lower() not in _exchanges:
            _exchanges[name.lower()] = Exchange()
        return _exchanges[name.lower()]


def memory_exchanges() -> tuple[Exchange, ...]:
    """Every exchange that this process has behind a ``memory://``, in the order of their first use."""
    with _lock:
        return tuple(_exchanges.values())


@hookimpl
def sms_describe() -> ProviderInfo:
    """Everything but pushes."""
    return INFO


@hookimpl
def sms_send() -> Request:
    """Never called: there is no wire. Raises `Unsupported`."""
    raise Unsupported(NAME, "requests")


@hookimpl
def sms_parse_response() -> object:
    """Never called: there is no wire. Raises `Unsupported`."""
    raise Unsupported(NAME, "responses")


@hookimpl
def sms_perform(provider: Provider, operation: Operation[Any]) -> Flow[Any]:
    """The whole conversation. Its one step has a password that is not proven yet tried once at a time, as elsewhere."""
    return _perform(provider, operation)


def _perform(provider: Provider, operation: Operation[Any]) -> Flow[Any]:
    try:
        yield StartAttempt()
        exchange, user = _enter(provider.account)
    except (AuthenticationFailed, TransportError) as error:
        if isinstance(operation, Send):
            conclude(same_for_all(operation.destinations, Outcome.NOT_SENT, error), INFO, error)
        raise
    if isinstance(operation, Send) and operation.begin_before is not None and operation.begin_before.has_passed():
        # There is no transport here that would test it.
        late = TransportError("too late to begin: nothing was sent", sent=False)
        return conclude(same_for_all(operation.destinations, Outcome.NOT_SENT, late), INFO, late)
    return _answer(exchange, user, operation)


def _enter(account: Account) -> tuple[Exchange, str]:
    """The exchange and the user's name in it. Accounts of one user with another credit are others."""
    exchange = memory_exchange(urlsplit(account.base_url).hostname or "")
    credit = account.typed_options(MemoryOptions).credit
    user = account.user
    with _lock:
        known = {state.user for state in exchange.accounts}
        if user not in known and credit != MemoryOptions().credit:
            user = f"{account.user}?credit={credit}"
        if user not in known:
            exchange.add_account(user, account.password, credit)
    try:
        exchange.login(user, account.password)
    except LoginRefused as error:
        raise AuthenticationFailed("the exchange has another password for this user", code=error.reason) from error
    return exchange, user


def _answer(exchange: Exchange, user: str, operation: Operation[Any]) -> object:
    match operation:
        case Send():
            return conclude(_send(exchange, user, operation), INFO)
        case GetBalance():
            return Balance(exchange.account(user).credit)
        case Check():
            return None
        case GetReports():
            messages = _batch(exchange, user, operation.batch_id)
            return _page(operation.page, [_report(message) for message in messages])
        case GetInbound():
            _batch(exchange, user, operation.batch_id)
            replies = exchange.replies_to(user, operation.batch_id)
            return _page(operation.page, [_inbound(reply) for reply in replies])
        case Cancel():
            return _cancel(exchange, user, operation)
        case FindSent():
            return Sightings(exchange.find_accepted(user, operation.text, operation.numbers), absence_is_proof=True)
        case _:
            raise Unsupported(NAME, operation.name)


def _send(exchange: Exchange, user: str, operation: Send) -> SendResult:
    media = operation.message.media
    taken = [destination for destination in operation.destinations if not behaviour_of(destination.number).refused]
    drafts = [_draft(destination, picture=media is not None) for destination in taken]
    batch = exchange.submit(
        user,
        drafts,
        face=NAME,
        kind="SMS" if media is None else "MMS",
        subject=operation.message.subject,
        media=media.content if media else None,
    )
    stored = {message.reference: message for message in batch.messages}
    return SendResult(
        outcomes=tuple(
            _outcome(destination, stored.get(destination.reference)) for destination in operation.destinations
        ),
        accepted=batch.sent,
        unsent=batch.unsent,
        cost=batch.cost,
        balance=batch.credit,
        batches=(batch.batch_id,) if batch.sent else (),
    )


def _draft(destination: Destination, *, picture: bool) -> Draft:
    points = MMS_POINTS if picture else TARIFF.text_points(destination.text, destination.number)
    return Draft(
        destination.number, destination.text, points, destination.reference, destination.name, destination.send_at
    )


def _outcome(destination: Destination, stored: StoredMessage | None) -> RecipientOutcome:
    error: SmsError
    if stored is None:
        error = RecipientRefused("this number refuses every message", code=behaviour_of(destination.number).name)
        return RecipientOutcome(destination.number, Outcome.REFUSED, None, destination.reference, error)
    if stored.status is DeliveryStatus.NO_CREDIT:
        error = InsufficientCredit("too few points for this recipient")
        return RecipientOutcome(destination.number, Outcome.REFUSED, None, destination.reference, error)
    return RecipientOutcome(destination.number, Outcome.ACCEPTED, stored.batch_id, destination.reference)


def _batch(exchange: Exchange, user: str, batch_id: str) -> tuple[StoredMessage, ...]:
    try:
        return exchange.batch(user, batch_id)
    except NoSuchBatch as error:
        raise NotFound("there is no such batch") from error


def _page(number: int, rows: list[Any]) -> Page[Any]:
    start = (number - 1) * PAGE_SIZE
    return Page(tuple(rows[start : start + PAGE_SIZE]), has_more=start + PAGE_SIZE < len(rows))


def _report(message: StoredMessage) -> DeliveryReport:
    is_final = message.status.is_final and message.status is message.behaviour.status
    return DeliveryReport(
        number=message.number,
        status=message.status,
        batch_id=message.batch_id,
        reference=message.reference,
        sent_at=message.sent_at,
        done_at=message.done_at,
        cost=message.cost,
        vendor_code=message.behaviour.name if is_final else message.status.value,
        vendor_text=message.behaviour.meaning if is_final else "",
        key=event_key(NAME, message.batch_id, message.reference, message.number, message.status.value),
    )


def _inbound(reply: Reply) -> InboundMessage:
    return InboundMessage(
        number=reply.message.number,
        text=reply.text,
        batch_id=reply.message.batch_id,
        received_at=reply.received_at,
        key=event_key(NAME, reply.message.batch_id, reply.message.number, reply.text, reply.received_at.isoformat()),
    )


def _cancel(exchange: Exchange, user: str, operation: Cancel) -> Cancellation:
    try:
        cancelled = exchange.cancel(user, operation.batch_id)
    except NoSuchBatch as error:
        raise NotFound("there is no such batch") from error
    except NotBooked as error:
        raise NotFound("nothing of this batch waits for its time any more") from error
    return Cancellation(cancelled.count, cancelled.refunded)
