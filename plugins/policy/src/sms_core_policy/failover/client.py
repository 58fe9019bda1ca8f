"""Several clients as one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, Self

from sms_core import (
    Balance,
    Bulk,
    Cancellation,
    Client,
    DeliveryReport,
    InboundMessage,
    Message,
    Plan,
    Recipient,
    SendError,
    SendResult,
)
from sms_core_policy.failover.base import Failover, whole
from sms_core_policy.failover.batches import Cancelled
from sms_core_policy.failover.sending import Ask, AskPlan


class FailoverClient(Failover[Client]):
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
        sending = self._sending(whole(message, to, fields))
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
