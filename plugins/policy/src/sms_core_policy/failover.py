"""A second vendor: a client made of several, which goes to the next for what the one before surely did not take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, Self, TypedDict, Unpack, overload

import attrs

from sms_core import (
    AsyncBulk,
    AsyncClient,
    Balance,
    Bulk,
    Cancellation,
    Client,
    ConfigurationError,
    DeliveryReport,
    InboundMessage,
    Message,
    NotFound,
    Plan,
    Preview,
    ProviderInfo,
    Recipient,
    RecipientPreview,
    SendError,
    SendResult,
    VendorError,
)
from sms_core_policy.batches import Batches, Cancelled
from sms_core_policy.limits import utc_now
from sms_core_policy.routing import Ask, AskPlan, Division, Rules, Sending, divide, send
from sms_core_policy.vendors import ClientT, Vendor, named

Order = Callable[[Message], Sequence[str]]
"""The names of the vendors for a message, the first to be tried first; by its recipients' prefix, say."""


class Options(TypedDict, total=False):
    """What `failover` takes beside a name and clients.

    ``also_after`` are errors of a vendor's refusal after which the next one is tried, `InsufficientCredit` say. ``rest`` is how
    long a vendor rests that cannot be reached, 30 seconds. ``order`` gives the vendors' names for a message. ``clock`` (aware
    times) and ``monotonic`` (seconds) are for tests.
    """

    also_after: Sequence[type[VendorError]]
    rest: timedelta
    order: Order | None
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


class _Failover(Generic[ClientT]):
    """What both colours share."""

    def __init__(self, name: str, clients: Sequence[ClientT], **options: Unpack[Options]) -> None:
        if not clients:
            raise ConfigurationError(f"failover {name!r} needs a client, or several")
        self.name = name
        self.vendors = named(clients)
        self._rules = Rules(
            name,
            tuple(options.get("also_after", ())),
            options.get("rest", timedelta(seconds=30)).total_seconds(),
            options.get("clock", utc_now),
            options.get("monotonic", time.monotonic),
        )
        self._order = options.get("order")
        self._batches = Batches(name, self.vendors)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {', '.join(self.vendors)}>"

    # What an outbox goes by, whose account this is: there it is rows that go from vendor to vendor.

    @property
    def clients(self) -> Mapping[str, ClientT]:
        """The clients by their vendors' names, the first to be tried first."""
        return {name: vendor.client for name, vendor in self.vendors.items()}

    @property
    def also_after(self) -> tuple[type[VendorError], ...]:
        """Errors of a refusal after which the next vendor is tried."""
        return self._rules.refusals

    @property
    def rest(self) -> timedelta:
        """How long a vendor rests that could not be reached."""
        return timedelta(seconds=self._rules.rest)

    def order_of(self, message: Message) -> Sequence[str]:
        """The names of the vendors for a message, the first to be tried first."""
        return [vendor.name for vendor in self._vendors_for(message)]

    @property
    def info(self) -> ProviderInfo:
        """What the first vendor is, with all that any of them can do."""
        infos = [vendor.client.info for vendor in self.vendors.values()]
        capabilities = frozenset[Any]().union(*(info.capabilities for info in infos))
        return attrs.evolve(infos[0], name=self.name, title=", ".join(self.vendors), capabilities=capabilities)

    @property
    def deadline(self) -> float:
        """Seconds that one exchange with each of the vendors may take."""
        return sum(vendor.client.deadline for vendor in self.vendors.values())

    @property
    def has_rules(self) -> bool:
        """Whether each message is judged by itself: it is, since its vendors are chosen for it alone."""
        return True

    def plan(self, message: Message, *, skip_refused: bool = False) -> Plan:
        """Check a message and split it among the vendors, as `sms_core.Client.plan`; `send` takes the plan.

        It says who would be sent to by each in turn; a vendor that rests or fails is passed over when it is sent.
        """
        division = self._divide(message)
        if division.refused and not skip_refused:
            raise division.refused[min(division.refused)]
        return division.plan()

    def preview(self, message: Message | Plan) -> Preview:
        """What the message would come to, and, among the warnings, which vendor would carry whom at what cost."""
        division = self._divide(message if isinstance(message, Message) else _left_of(message))
        if division.refused and isinstance(message, Message):
            raise division.refused[min(division.refused)]
        rows: list[RecipientPreview] = []
        warnings: list[str] = []
        requests = 0
        for part in division.parts:
            shown = part.vendor.client.preview(part.plan)
            rows.extend(shown.recipients)
            requests += shown.requests
            cost = "an unknown number of" if shown.points is None else shown.points
            warnings.append(f"{part.vendor.name} would carry {len(part.plan.rendered)} recipients for {cost} points")
            warnings.extend(shown.warnings)
        known = [row.points for row in rows if row.points is not None]
        points = sum(known, Decimal()) if len(known) == len(rows) else None
        return Preview(tuple(rows), requests, points, tuple(warnings))

    def vendor_of(self, batch: str | SendResult) -> Vendor[ClientT]:
        """The vendor that took a batch. Raises `NotFound` where nothing tells."""
        (vendor, _), *others = self._shares(batch)
        if others:
            raise NotFound("several vendors took parts of this: ask for each of its batches")
        return vendor

    def _divide(self, message: Message) -> Division[ClientT]:
        return divide(message, self._vendors_for(message))

    def _vendors_for(self, message: Message) -> list[Vendor[ClientT]]:
        if self._order is None:
            return list(self.vendors.values())
        names = self._order(message)
        unknown = [name for name in names if name not in self.vendors]
        if unknown:
            raise ConfigurationError(f"failover {self.name!r} has no {unknown[0]!r}: it has {', '.join(self.vendors)}")
        return [self.vendors[name] for name in names]

    def _sending(self, message: Message | Plan) -> Sending:
        vendors = self._vendors_for(message if isinstance(message, Message) else message.message)
        return Sending(send(message, vendors, self._rules, self._batches.note))

    def _shares(self, batch: str | SendResult) -> list[tuple[Vendor[ClientT], SendResult | str]]:
        return [(self.vendors[name], share) for name, share in self._batches.shares(batch).items()]

    def _unknown_at(self, unknown: SendResult | SendError) -> tuple[ClientT, SendResult]:
        result = unknown.result if isinstance(unknown, SendError) else unknown
        return self.vendors[self._batches.unknown_at(result)].client, result


class FailoverClient(_Failover[Client]):
    """Several clients as one, as `failover` makes it. Threads may share it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all of them."""
        with ExitStack() as closing:
            for vendor in self.vendors.values():
                closing.callback(vendor.client.close)

    def send(
        self,
        message: str | Message | Plan,
        to: str | Recipient | Iterable[str | Recipient] | None = None,
        **fields: Any,
    ) -> SendResult:
        """As `sms_core.Client.send`; the notes of the result name the vendor of each batch."""
        sending = self._sending(_message(message, to, fields))
        del message, to, fields
        while sending.ask is not None:
            with sending.answering() as answer:
                answer(self._answer(sending.ask))
        return sending.conclude()

    def _answer(self, ask: Ask) -> object:
        if isinstance(ask, AskPlan):
            return ask.vendor.client.plan(ask.message, skip_refused=True)
        return ask.vendor.client.send(ask.plan)

    def send_many(
        self, messages: Iterable[Message | Plan], *, concurrency: int = 8, max_per_second: float | None = None
    ) -> Bulk:
        """As `sms_core.Client.send_many`, each message by itself."""
        return Bulk.apart(
            messages,
            plan=self.plan,
            send=self.send,
            info=self.info,
            concurrency=concurrency,
            max_per_second=max_per_second,
        )

    def reports(self, batch: str | SendResult) -> Iterator[DeliveryReport]:
        """The delivery reports, from whoever took each batch."""
        for vendor, share in self._shares(batch):
            yield from vendor.client.reports(share)

    def inbound(self, batch: str | SendResult) -> Iterator[InboundMessage]:
        """The replies, from whoever took each batch."""
        for vendor, share in self._shares(batch):
            yield from vendor.client.inbound(share)

    def cancel(self, batch: str | SendResult) -> Cancellation:
        """Take back what is booked, at whoever took it. Where several did each is tried; then a failure is raised."""
        cancelled = Cancelled()
        for vendor, share in self._shares(batch):
            with cancelled.trying():
                cancelled.done[vendor.name] = vendor.client.cancel(share)
        return cancelled.conclude()

    def settle(
        self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = (), replay: bool = False
    ) -> SendResult:
        """Ask the vendor that has what is unknown, as `sms_core.Client.settle`."""
        client, result = self._unknown_at(unknown)
        return client.settle(result, known_batches=known_batches, replay=replay)

    def balances(self) -> dict[str, Balance]:
        """The points left at each vendor, by its name. A point of one is no point of another."""
        return {vendor.name: vendor.client.balance() for vendor in self.vendors.values()}

    def balance(self) -> Balance:
        """The points left at all of them together; `balances` tells them apart."""
        return Balance(sum((balance.credit for balance in self.balances().values()), Decimal()))

    def check(self) -> None:
        """Return if the credentials of all of them work."""
        for vendor in self.vendors.values():
            vendor.client.check()


class AsyncFailoverClient(_Failover[AsyncClient]):
    """`FailoverClient` for event loops."""

    def __init__(self, name: str, clients: Sequence[AsyncClient], **options: Unpack[Options]) -> None:
        super().__init__(name, clients, **options)
        self._under_way: set[asyncio.Task[SendResult]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for what `send_many` has under way, and close all of them."""
        async with AsyncExitStack() as closing:
            for vendor in self.vendors.values():
                closing.push_async_callback(vendor.client.aclose)
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def send(
        self,
        message: str | Message | Plan,
        to: str | Recipient | Iterable[str | Recipient] | None = None,
        **fields: Any,
    ) -> SendResult:
        """As `FailoverClient.send`."""
        sending = self._sending(_message(message, to, fields))
        del message, to, fields
        while sending.ask is not None:
            with sending.answering() as answer:
                answer(await self._answer(sending.ask))
        return sending.conclude()

    async def _answer(self, ask: Ask) -> object:
        if isinstance(ask, AskPlan):  # rules may look into a database
            return await asyncio.to_thread(ask.vendor.client.plan, ask.message, skip_refused=True)
        return await ask.vendor.client.send(ask.plan)

    def send_many(
        self,
        messages: Iterable[Message | Plan] | AsyncIterable[Message | Plan],
        *,
        concurrency: int = 8,
        max_per_second: float | None = None,
    ) -> AsyncBulk:
        """As `sms_core.AsyncClient.send_many`, each message by itself."""
        return AsyncBulk.apart(
            messages,
            plan=self.plan,
            send=self.send,
            start=self._start,
            info=self.info,
            concurrency=concurrency,
            max_per_second=max_per_second,
        )

    def _start(self, sending: Coroutine[Any, Any, SendResult]) -> asyncio.Task[SendResult]:
        task = asyncio.create_task(sending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def reports(self, batch: str | SendResult) -> AsyncIterator[DeliveryReport]:
        """As `FailoverClient.reports`."""
        for vendor, share in self._shares(batch):
            async for report in vendor.client.reports(share):
                yield report

    async def inbound(self, batch: str | SendResult) -> AsyncIterator[InboundMessage]:
        """As `FailoverClient.inbound`."""
        for vendor, share in self._shares(batch):
            async for reply in vendor.client.inbound(share):
                yield reply

    async def cancel(self, batch: str | SendResult) -> Cancellation:
        """As `FailoverClient.cancel`."""
        cancelled = Cancelled()
        for vendor, share in self._shares(batch):
            with cancelled.trying():
                cancelled.done[vendor.name] = await vendor.client.cancel(share)
        return cancelled.conclude()

    async def settle(
        self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = (), replay: bool = False
    ) -> SendResult:
        """As `FailoverClient.settle`."""
        client, result = self._unknown_at(unknown)
        return await client.settle(result, known_batches=known_batches, replay=replay)

    async def balances(self) -> dict[str, Balance]:
        """As `FailoverClient.balances`."""
        return {vendor.name: await vendor.client.balance() for vendor in self.vendors.values()}

    async def balance(self) -> Balance:
        """As `FailoverClient.balance`."""
        return Balance(sum((balance.credit for balance in (await self.balances()).values()), Decimal()))

    async def check(self) -> None:
        """As `FailoverClient.check`."""
        for vendor in self.vendors.values():
            await vendor.client.check()


@overload
def failover(name: str, clients: Sequence[Client], **options: Unpack[Options]) -> FailoverClient: ...
@overload
def failover(name: str, clients: Sequence[AsyncClient], **options: Unpack[Options]) -> AsyncFailoverClient: ...
def failover(name: str, clients: Sequence[Any], **options: Unpack[Options]) -> FailoverClient | AsyncFailoverClient:
    """A client that sends by the first of these, and by the next what that one surely did not take.

    That is what ended ``NOT_SENT``, what it cannot carry, and, of what it refused, what ``also_after`` names: `InsufficientCredit`, say.
    An ``UNKNOWN`` outcome is never sent again. A vendor that cannot be reached rests for ``rest``; then one
    send tries it. ``order`` gives the names of the vendors for a message, such as ``["every8d", "twilio"]``: a vendor's
    name, with ``-2`` for its second client. Raises `ConfigurationError` for none, and for both colours at once.
    """
    if all(isinstance(client, Client) for client in clients):
        return FailoverClient(name, clients, **options)
    if all(isinstance(client, AsyncClient) for client in clients):
        return AsyncFailoverClient(name, clients, **options)
    raise ConfigurationError(f"failover {name!r}: all of its clients are of connect(), or all of connect_async()")


def _message(message: str | Message | Plan, to: Any, fields: Mapping[str, Any]) -> Message | Plan:
    if isinstance(message, str):
        return Message(message, () if to is None else to, **fields)
    if to is not None or fields:
        raise TypeError("a Message has its fields already")
    return message


def _left_of(plan: Plan) -> Message:
    """The message to those alone whom a plan sends to."""
    to = [plan.message.to[destination.position] for destination in plan.rendered]
    return attrs.evolve(plan.message, to=to)
