"""`FailoverClient` for event loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any, Self, Unpack

from sms_core import (
    AsyncBulk,
    AsyncClient,
    Balance,
    Cancellation,
    DeliveryReport,
    InboundMessage,
    Message,
    Plan,
    Recipient,
    SendError,
    SendResult,
)
from sms_core_policy.failover.base import Failover, Options, whole
from sms_core_policy.failover.batches import Cancelled
from sms_core_policy.failover.sending import Ask, AskPlan


class AsyncFailoverClient(Failover[AsyncClient]):
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
        sending = self._sending(whole(message, to, fields))
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
