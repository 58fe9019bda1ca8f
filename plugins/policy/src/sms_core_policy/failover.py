"""A second vendor: a client made of several, which goes to the next for what the one before surely did not take."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, Self, TypeVar, overload

import attrs

from sms_core import (
    AsyncClient,
    Cancellation,
    Client,
    ConfigurationError,
    DeliveryReport,
    InboundMessage,
    Message,
    NotFound,
    Outcome,
    Preview,
    Recipient,
    RecipientPreview,
    SendError,
    SendResult,
    SmsError,
    VendorError,
)
from sms_core_policy.limits import utc_now
from sms_core_policy.routing import Ask, AskPlan, Rules, Vendor, send, vendors_of_notes, with_references

ClientT = TypeVar("ClientT", bound=Client | AsyncClient)
T = TypeVar("T")

Order = Callable[[Message], Sequence[str]]
"""The names of the vendors for a message, the first to be tried first; by its recipients' prefix, say."""

REMEMBERED = 100_000
"""How many batches a process knows the vendor of. The notes of a result know it for ever."""


class _Failover(Generic[ClientT]):
    """What both colours share."""

    def __init__(
        self,
        name: str,
        clients: Sequence[ClientT],
        *,
        also_after: Sequence[type[VendorError]],
        rest: timedelta,
        order: Order | None,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        if not clients:
            raise ConfigurationError(f"failover {name!r} needs a client, or several")
        self.name = name
        self.vendors = _named(clients)
        self._rules = Rules(name, tuple(also_after), rest.total_seconds(), clock, monotonic)
        self._order = order
        self._took: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

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

    def preview(self, message: Message) -> Preview:
        """What the message would come to, and, among the warnings, which vendor would carry whom at what cost."""
        message = with_references(message)
        left = list(range(len(message.to)))
        rows: list[RecipientPreview] = []
        warnings: list[str] = []
        requests = 0
        refused: SmsError | None = None
        for vendor in self._vendors_for(message):
            if not left:
                break
            part = attrs.evolve(message, to=[message.to[place] for place in left])
            try:
                plan = vendor.client.plan(part, skip_refused=True)
                shown = vendor.client.preview(plan) if plan.sends else None
            except SmsError as error:
                refused = error
                continue
            refused = next(iter(plan.refused.values()), refused)
            left = [left[position] for position in plan.refused]
            if shown is not None:
                rows.extend(shown.recipients)
                requests += shown.requests
                cost = "an unknown number of" if shown.points is None else shown.points
                warnings.append(f"{vendor.name} would carry {len(plan.rendered)} recipients for {cost} points")
                warnings.extend(shown.warnings)
        if left and refused is not None:
            raise refused
        known = [row.points for row in rows if row.points is not None]
        points = sum(known, Decimal()) if len(known) == len(rows) else None
        return Preview(tuple(rows), requests, points, tuple(warnings))

    def vendor_of(self, batch: str | SendResult) -> Vendor[ClientT]:
        """The vendor that took a batch. Raises `NotFound` where nothing tells."""
        (vendor, _), *others = self._shares(batch).items()
        if others:
            raise NotFound("several vendors took parts of this: ask for each of its batches")
        return self.vendors[vendor]

    def _vendors_for(self, message: Message) -> list[Vendor[ClientT]]:
        if self._order is None:
            return list(self.vendors.values())
        names = self._order(message)
        unknown = [name for name in names if name not in self.vendors]
        if unknown:
            raise ConfigurationError(f"failover {self.name!r} has no {unknown[0]!r}: it has {', '.join(self.vendors)}")
        return [self.vendors[name] for name in names]

    def _note_batch(self, batch: str, vendor: str) -> None:
        with self._lock:
            self._took[batch] = vendor
            while len(self._took) > REMEMBERED:
                self._took.popitem(last=False)

    def _shares(self, batch: str | SendResult) -> dict[str, SendResult | str]:
        """What each vendor has of it: a batch, or a result with that vendor's rows alone."""
        if isinstance(batch, str):
            return {self._named_vendor(batch, self._took): batch}
        told = {**self._took, **vendors_of_notes(self.name, batch)}
        batches: dict[str, list[str]] = {}
        for one in batch.batches:
            batches.setdefault(self._named_vendor(one, told), []).append(one)
        shares: dict[str, SendResult | str] = {}
        for vendor, names in batches.items():
            rows = tuple(row for row in batch.outcomes if row.batch_id in names)
            shares[vendor] = attrs.evolve(batch, outcomes=rows, batches=tuple(names))
        if not shares:
            raise NotFound("no vendor took any of it")
        return shares

    def _named_vendor(self, batch: str, told: Mapping[str, str]) -> str:
        if len(self.vendors) == 1:
            return next(iter(self.vendors))
        vendor = told.get(batch)
        if vendor is None or vendor not in self.vendors:
            raise NotFound(f"failover {self.name!r} cannot tell which vendor took this batch: give it the result")
        return vendor

    def _unknown_at(self, result: SendResult) -> tuple[Vendor[ClientT], SendResult]:
        """The vendor that the unknown rows are at: the last that was tried, for after an unknown outcome none is."""
        unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
        at = {row.batch_id: row for row in unknown if row.batch_id}
        told = {**self._took, **vendors_of_notes(self.name, result)}
        for batch in at:
            return self.vendors[self._named_vendor(str(batch), told)], result
        for note in result.notes:
            head, _, name = note.partition(f"{self.name}: unknown at ")
            if not head and name in self.vendors:
                return self.vendors[name], result
        raise NotFound(f"failover {self.name!r} cannot tell which vendor has what is unknown")


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
        self, message: str | Message, to: str | Recipient | Iterable[str | Recipient] | None = None, **fields: Any
    ) -> SendResult:
        """As `sms_core.Client.send`; the notes of the result name the vendor of each batch."""
        whole = _message(message, to, fields)
        del message, to, fields
        sending = send(whole, self._vendors_for(whole), self._rules, self._note_batch)
        try:
            ask = next(sending)
            while True:
                try:
                    answer = self._answer(ask)
                except SmsError as error:
                    ask = sending.send(error)
                except BaseException as interruption:  # noqa: BLE001 - it knows what was sent before
                    ask = sending.throw(interruption)
                else:
                    ask = sending.send(answer)
        except StopIteration as stop:
            return _sent(stop)

    def _answer(self, ask: Ask) -> object:
        if isinstance(ask, AskPlan):
            return ask.vendor.client.plan(ask.message, skip_refused=True)
        return ask.vendor.client.send(ask.plan)

    def reports(self, batch: str | SendResult) -> Iterator[DeliveryReport]:
        """The delivery reports, from whoever took each batch."""
        for vendor, share in self._shares(batch).items():
            yield from self.vendors[vendor].client.reports(share)

    def inbound(self, batch: str | SendResult) -> Iterator[InboundMessage]:
        """The replies, from whoever took each batch."""
        for vendor, share in self._shares(batch).items():
            yield from self.vendors[vendor].client.inbound(share)

    def cancel(self, batch: str | SendResult) -> Cancellation:
        """Take back what is booked, at whoever took it; at one vendor after another where there are several."""
        cancelled = [self.vendors[vendor].client.cancel(share) for vendor, share in self._shares(batch).items()]
        return _sum(cancelled)

    def settle(
        self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = (), replay: bool = False
    ) -> SendResult:
        """Ask the vendor that has what is unknown, as `sms_core.Client.settle`."""
        result = unknown.result if isinstance(unknown, SendError) else unknown
        vendor, share = self._unknown_at(result)
        return vendor.client.settle(share, known_batches=known_batches, replay=replay)

    def check(self) -> None:
        """Return if the credentials of all of them work."""
        for vendor in self.vendors.values():
            vendor.client.check()


class AsyncFailoverClient(_Failover[AsyncClient]):
    """`FailoverClient` for event loops."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all of them."""
        async with AsyncExitStack() as closing:
            for vendor in self.vendors.values():
                closing.push_async_callback(vendor.client.aclose)

    async def send(
        self, message: str | Message, to: str | Recipient | Iterable[str | Recipient] | None = None, **fields: Any
    ) -> SendResult:
        """As `FailoverClient.send`."""
        whole = _message(message, to, fields)
        del message, to, fields
        sending = send(whole, self._vendors_for(whole), self._rules, self._note_batch)
        try:
            ask = next(sending)
            while True:
                try:
                    answer = await self._answer(ask)
                except SmsError as error:
                    ask = sending.send(error)
                except BaseException as interruption:  # noqa: BLE001 - it knows what was sent before
                    ask = sending.throw(interruption)
                else:
                    ask = sending.send(answer)
        except StopIteration as stop:
            return _sent(stop)

    async def _answer(self, ask: Ask) -> object:
        if isinstance(ask, AskPlan):  # rules may look into a database
            return await asyncio.to_thread(ask.vendor.client.plan, ask.message, skip_refused=True)
        return await ask.vendor.client.send(ask.plan)

    async def reports(self, batch: str | SendResult) -> AsyncIterator[DeliveryReport]:
        """As `FailoverClient.reports`."""
        for vendor, share in self._shares(batch).items():
            async for report in self.vendors[vendor].client.reports(share):
                yield report

    async def inbound(self, batch: str | SendResult) -> AsyncIterator[InboundMessage]:
        """As `FailoverClient.inbound`."""
        for vendor, share in self._shares(batch).items():
            async for reply in self.vendors[vendor].client.inbound(share):
                yield reply

    async def cancel(self, batch: str | SendResult) -> Cancellation:
        """As `FailoverClient.cancel`."""
        shares = self._shares(batch).items()
        return _sum([await self.vendors[vendor].client.cancel(share) for vendor, share in shares])

    async def settle(
        self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = (), replay: bool = False
    ) -> SendResult:
        """As `FailoverClient.settle`."""
        result = unknown.result if isinstance(unknown, SendError) else unknown
        vendor, share = self._unknown_at(result)
        return await vendor.client.settle(share, known_batches=known_batches, replay=replay)

    async def check(self) -> None:
        """As `FailoverClient.check`."""
        for vendor in self.vendors.values():
            await vendor.client.check()


@overload
def failover(
    name: str,
    clients: Sequence[Client],
    *,
    also_after: Sequence[type[VendorError]] = ...,
    rest: timedelta = ...,
    order: Order | None = ...,
    clock: Callable[[], datetime] = ...,
    monotonic: Callable[[], float] = ...,
) -> FailoverClient: ...
@overload
def failover(
    name: str,
    clients: Sequence[AsyncClient],
    *,
    also_after: Sequence[type[VendorError]] = ...,
    rest: timedelta = ...,
    order: Order | None = ...,
    clock: Callable[[], datetime] = ...,
    monotonic: Callable[[], float] = ...,
) -> AsyncFailoverClient: ...
def failover(
    name: str,
    clients: Sequence[Any],
    *,
    also_after: Sequence[type[VendorError]] = (),
    rest: timedelta = timedelta(seconds=30),
    order: Order | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> FailoverClient | AsyncFailoverClient:
    """A client that sends by the first of these, and by the next what that one surely did not take.

    That is what ended ``NOT_SENT``, what it cannot carry, and, of what it refused, what ``also_after`` names: `InsufficientCredit`, say.
    An ``UNKNOWN`` outcome is never sent again. A vendor that cannot be reached rests for ``rest``; then one
    send tries it. ``order`` gives the names of the vendors for a message, such as ``["every8d", "twilio"]``: a vendor's
    name, with ``-2`` for its second client. Raises `ConfigurationError` for none, and for both colours at once.
    """
    named = {"also_after": also_after, "rest": rest, "order": order, "clock": clock, "monotonic": monotonic}
    if all(isinstance(client, Client) for client in clients):
        return FailoverClient(name, clients, **named)  # type: ignore[arg-type]
    if all(isinstance(client, AsyncClient) for client in clients):
        return AsyncFailoverClient(name, clients, **named)  # type: ignore[arg-type]
    raise ConfigurationError(f"failover {name!r}: all of its clients are of connect(), or all of connect_async()")


def _named(clients: Sequence[ClientT]) -> dict[str, Vendor[ClientT]]:
    seen: Counter[str] = Counter()
    vendors: dict[str, Vendor[ClientT]] = {}
    for client in clients:
        name = client.info.name
        seen[name] += 1
        if seen[name] > 1:
            name = f"{name}-{seen[name]}"
        vendors[name] = Vendor(name, client)
    return vendors


def _message(message: str | Message, to: Any, fields: Mapping[str, Any]) -> Message:
    if isinstance(message, Message):
        if to is not None or fields:
            raise TypeError("a Message has its fields already")
        return message
    return Message(message, () if to is None else to, **fields)


def _sent(stop: StopIteration) -> SendResult:
    result: SendResult = stop.value
    return result


def _sum(cancelled: Sequence[Cancellation]) -> Cancellation:
    refunds = [one.refunded for one in cancelled if one.refunded is not None]
    refunded = sum(refunds, Decimal()) if len(refunds) == len(cancelled) else None
    return Cancellation(sum(one.count for one in cancelled), refunded)
