"""`connect_async` and the `AsyncClient` that it gives: the client for event loops, over the same flows as `Client`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Self, TypeVar

import attrs

from sms_core import dsn as dsns
from sms_core._engine.async_bulk import AsyncBulk
from sms_core._engine.async_driver import AsyncDriver
from sms_core._engine.async_sends import OnResult, Sends
from sms_core._engine.base_client import (
    BaseClient,
    Batch,
    Cancelled,
    as_message,
    cancels,
    inbound_questions,
    report_questions,
)
from sms_core._engine.discovery import load
from sms_core._engine.driver import Conversations, Course, new_nonce, utc_now
from sms_core._engine.flow import log_out, send_all
from sms_core._engine.groups import Group, shares
from sms_core._engine.outcomes import same_for_all
from sms_core._engine.pace import Pace
from sms_core._engine.paging import PageCheck
from sms_core._engine.plan import Plan
from sms_core._engine.sessions import MemorySessions, SessionStore
from sms_core._engine.transports.aio import AsyncioTransport
from sms_core._engine.transports.functions import AsyncCarry, as_async_transport
from sms_core.client import bind_provider
from sms_core.errors import SendError, SmsError
from sms_core.http import AsyncTransport
from sms_core.model import (
    Balance,
    Cancellation,
    DeliveryReport,
    InboundMessage,
    Media,
    Message,
    Outcome,
    Recipient,
    SendResult,
    VendorOptions,
)
from sms_core.provider.operations import Check, GetBalance, Operation, PagedOperation
from sms_core.provider.provider import Provider

__all__ = ["AsyncBulk", "AsyncClient", "AsyncioTransport", "connect_async", "connect_provider_async"]

T = TypeVar("T")


def _itself(result: SendResult) -> tuple[SendResult]:
    """What is heard of a message that was sent by itself."""
    return (result,)


def connect_async(
    dsn: str | None = None,
    *,
    transport: AsyncTransport | AsyncCarry | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    on_result: OnResult | None = None,
    finish: bool = False,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncClient:
    """`sms_core.connect` for event loops. Raises `ConfigurationError`.

    ``on_result`` hears the final `SendResult` of every send once, whether it returned, failed or was cancelled. With
    ``finish`` a send that is cancelled after its request was handed out goes on in the background until its deadline;
    `AsyncClient.aclose` waits for it. ``transport`` may be an ``async def`` from `Request` to `Response`.
    """
    text = dsns.from_environment() if dsn is None else dsn
    return connect_provider_async(
        load(dsns.parse(text).provider),
        text,
        transport=transport,
        plugins=plugins,
        sessions=sessions,
        on_result=on_result,
        finish=finish,
        clock=clock,
        sleep=sleep,
    )


def connect_provider_async(
    provider: object,
    dsn: str,
    *,
    transport: AsyncTransport | AsyncCarry | None = None,
    plugins: Sequence[object] = (),
    sessions: SessionStore | None = None,
    on_result: OnResult | None = None,
    finish: bool = False,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    nonce: Callable[[], str] = new_nonce,
) -> AsyncClient:
    """`sms_core.testing.connect_provider` for event loops."""
    bound, connection = bind_provider(provider, dsn, plugins)
    if transport is None:
        transport = AsyncioTransport(
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.read_timeout,
            deadline=connection.deadline,
            idle_timeout=connection.idle_timeout,
            proxy=connection.proxy,
            ca_file=connection.ca_file,
        )
    return AsyncClient(
        bound,
        as_async_transport(transport),
        sessions=MemorySessions() if sessions is None else sessions,
        on_result=on_result,
        finish=finish,
        deadline=connection.deadline,
        clock=clock,
        sleep=sleep,
        nonce=nonce,
        close_session=connection.close_session,
    )


class AsyncClient(BaseClient):
    """One account at one vendor, for event loops: `sms_core.Client` with methods to await.

    Tasks may share it. Close it, or use it in an ``async with`` block, in the loop in which it was used; used in another
    loop, or in a child process, it opens connections of that loop's own. What each method raises, `Client` says.
    """

    def __init__(
        self,
        provider: Provider,
        transport: AsyncTransport,
        *,
        sessions: SessionStore,
        on_result: OnResult | None = None,
        finish: bool = False,
        deadline: float = 60.0,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        nonce: Callable[[], str] = new_nonce,
        close_session: bool = False,
    ) -> None:
        super().__init__(provider, sessions, clock, deadline)
        self._transport = transport
        self._sleep = sleep
        self._close_session = close_session
        self._driver = AsyncDriver(Conversations(provider, self._login, clock, nonce), transport, sleep)
        self._sends = Sends(on_result, finish=finish, patience=deadline)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for cancelled sends that go on (``finish=True``), and close the connections as `Client.close` does."""
        try:
            await self._sends.finish()
            if self._close_session and (session := self._login.end()):
                await self._driver.run(log_out(self._provider, session))
        finally:
            await self._transport.aclose()

    async def send(
        self,
        message: str | Message | Plan,
        to: str | Recipient | Iterable[str | Recipient] | None = None,
        *,
        subject: str = "",
        send_at: datetime | None = None,
        validity: timedelta | None = None,
        media: Media | None = None,
        reference: str = "",
        options: VendorOptions | Iterable[VendorOptions] = (),
    ) -> SendResult:
        """As `Client.send`. Where it is cancelled, the cancellation has what is known so far as its ``sms_result``."""
        message = as_message(
            message,
            to,
            subject=subject,
            send_at=send_at,
            validity=validity,
            media=media,
            reference=reference,
            options=options,
        )
        del to, subject  # an error tracker writes down the locals of the frames that an error passes
        now = self._clock()
        return await self._run_send(await self._ready_later(message, now), now, Course(), _itself)

    async def _ready_later(self, message: Message | Plan, now: datetime) -> Plan:
        """The plan to send, checked: in a thread where plugins have rules, which may look into a database."""
        if self._provider.has_checks:
            return await asyncio.to_thread(self._ready, message, now)
        return self._ready(message, now)

    async def _run_send(
        self, plan: Plan, now: datetime, course: Course, heard: Callable[[SendResult], Iterable[SendResult]]
    ) -> SendResult:
        """Send a plan; ``heard`` makes of its result those that `on_result` hears."""

        def so_far() -> SendResult:
            unknown = same_for_all(plan.destinations, Outcome.UNKNOWN, None)
            return attrs.evolve(unknown, message=plan.message, sent_at=now)

        sending = self._driver.run(send_all(self._provider, plan, now), course)
        return await self._sends.run(sending, course, so_far, heard)

    def send_many(
        self,
        messages: Iterable[Message | Plan] | AsyncIterable[Message | Plan],
        *,
        concurrency: int = 8,
        group: bool = False,
        max_per_second: float | None = None,
    ) -> AsyncBulk:
        """As `Client.send_many`, for ``async with`` and ``async for``. The messages may come from an async iterable.

        Call it in the event loop. A request is sent by a task of its own, which `aclose` waits for. With ``group`` what an
        async iterable has given goes out as soon as it pauses and fewer than ``concurrency`` requests are under way.
        """
        pace = Pace(max_per_second)
        return AsyncBulk(
            messages,
            plan=self._plan_unjudged,
            send=self._send_group,
            start=self._sends.start,
            grouping=self._grouping(pace, group=group),
            pace=pace,
            sleep=self._sleep,
            concurrency=concurrency,
        )

    async def _send_group(self, group: Group, course: Course) -> SendResult:
        now = self._clock()
        plan = await self._ready_later(group.plan, now)
        return await self._run_send(plan, now, course, lambda result: shares(group, result, self.info))

    async def settle(
        self, unknown: SendResult | SendError, *, known_batches: str | Collection[str] = (), replay: bool = False
    ) -> SendResult:
        """As `Client.settle`."""
        return await self._driver.run(self._settling(unknown, known_batches, replay=replay))

    async def balance(self) -> Balance:
        """The points left."""
        return await self._perform(GetBalance())

    async def check(self) -> None:
        """Return if the credentials work."""
        await self._perform(Check())

    async def cancel(self, batch: Batch, *, mms: bool = False) -> Cancellation:
        """As `Client.cancel`."""
        operations = cancels(batch, mms=mms)
        del batch  # as in `Client.reports`
        cancelled = Cancelled()
        for operation in operations:
            try:
                cancelled.done[operation.batch_id] = await self._perform(operation)
            except SmsError as error:
                cancelled.failures.append(error)
        return cancelled.conclude()

    async def reports(self, batch: Batch, *, mms: bool = False) -> AsyncIterator[DeliveryReport]:
        """As `Client.reports`, for ``async for``."""
        questions = report_questions(batch, self.info, mms=mms)
        del batch  # as in `Client.reports`
        for question in questions:
            async for report in self._rows(question):
                yield report

    async def inbound(self, batch: str | SendResult) -> AsyncIterator[InboundMessage]:
        """As `Client.inbound`, for ``async for``."""
        for question in inbound_questions(batch):
            async for reply in self._rows(question):
                yield reply

    async def _rows(self, operation: PagedOperation[T]) -> AsyncIterator[T]:
        check = PageCheck(self.info)
        while True:
            page = await self._perform(operation)
            for row in page.rows:
                yield row
            if not check.has_more(page):
                break
            operation = operation.next_page()

    async def _perform(self, operation: Operation[T]) -> T:
        return await self._driver.run(self._provider.perform(operation))
