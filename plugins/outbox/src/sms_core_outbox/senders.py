"""What the outbox needs of a client. `sms_core.Client` is one, and an `sms_core.AsyncClient` in its event loop made to be one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from attrs import frozen
from sqlalchemy.util import await_only

from sms_core import AsyncClient, Plan, ProviderInfo
from sms_core.model import Cancellation, DeliveryReport, Message, SendResult

T = TypeVar("T")


class Sender(Protocol):
    """A client of one account, for threads."""

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        ...

    @property
    def deadline(self) -> float:
        """Seconds that one exchange with the vendor may take."""
        ...

    @property
    def has_rules(self) -> bool:
        """Whether plugins judge each message before it is sent."""
        ...

    def plan(self, message: Message, *, skip_refused: bool = False) -> Plan:
        """As `sms_core.Client.plan`."""
        ...

    def send(self, message: Plan, /) -> SendResult:
        """As `sms_core.Client.send`."""
        ...

    def settle(self, unknown: SendResult, /, *, known_batches: Collection[str] = ()) -> SendResult:
        """As `sms_core.Client.settle`."""
        ...

    def cancel(self, batch: Mapping[str, Sequence[str]], /) -> Cancellation:
        """As `sms_core.Client.cancel`."""
        ...

    def reports(self, batch: Mapping[str, Sequence[str]], /, *, mms: bool = False) -> Iterable[DeliveryReport]:
        """As `sms_core.Client.reports`."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


@frozen
class LoopSender:
    """An async client as a `Sender`: its calls run in the event loop, and a thread waits for them."""

    client: AsyncClient
    loop: Callable[[], asyncio.AbstractEventLoop]

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self.client.info

    @property
    def deadline(self) -> float:
        """Seconds that one exchange with the vendor may take."""
        return self.client.deadline

    @property
    def has_rules(self) -> bool:
        """Whether plugins judge each message before it is sent."""
        return self.client.has_rules

    def plan(self, message: Message, *, skip_refused: bool = False) -> Plan:
        """As `sms_core.AsyncClient.plan`, which does no I/O."""
        return self.client.plan(message, skip_refused=skip_refused)

    def send(self, message: Plan, /) -> SendResult:
        """As `sms_core.AsyncClient.send`."""
        return self._wait_for(self.client.send(message))

    def settle(self, unknown: SendResult, /, *, known_batches: Collection[str] = ()) -> SendResult:
        """As `sms_core.AsyncClient.settle`."""
        return self._wait_for(self.client.settle(unknown, known_batches=known_batches))

    def cancel(self, batch: Mapping[str, Sequence[str]], /) -> Cancellation:
        """As `sms_core.AsyncClient.cancel`."""
        return self._wait_for(self.client.cancel(batch))

    def reports(self, batch: Mapping[str, Sequence[str]], /, *, mms: bool = False) -> Iterable[DeliveryReport]:
        """As `sms_core.AsyncClient.reports`, all pages of it."""

        async def collect() -> list[DeliveryReport]:
            return [report async for report in self.client.reports(batch, mms=mms)]

        return self._wait_for(collect())

    def close(self) -> None:
        """As `sms_core.AsyncClient.aclose`."""
        self._wait_for(self.client.aclose())

    @property
    def is_within_loop(self) -> bool:
        """Whether the calling thread runs the event loop, so that nothing may wait for it here."""
        return _is_within(self.loop())

    def start(self, call: Coroutine[Any, Any, None]) -> None:
        """Let a call begin in the event loop. Raises `RuntimeError` where that is closed."""
        try:
            asyncio.run_coroutine_threadsafe(call, self.loop())
        except RuntimeError:
            call.close()
            raise

    def _wait_for(self, call: Coroutine[Any, Any, T]) -> T:
        if self.is_within_loop:
            return await_only(call)  # in a greenlet of SQLAlchemy's ``run_sync``: the loop goes on meanwhile
        return asyncio.run_coroutine_threadsafe(call, self.loop()).result()


def _is_within(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
