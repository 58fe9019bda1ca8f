"""`AsyncOutbox`: `Outbox` for event loops, with the same names over the same statements.

The statements run in threads, since SQLite has no other way and the transactions are short. What is sent goes through
the async clients, in the event loop. A cancelled task waits until what it has under way is known and stored.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar, Unpack

from sqlalchemy import Engine

from sms_core import AsyncClient, connect_async
from sms_core.model import DeliveryReport, InboundMessage, Message
from sms_core_outbox.accounts import Given
from sms_core_outbox.ledger import OnAlarm
from sms_core_outbox.model import (
    Alarm,
    CancelledRow,
    DrainResult,
    PollResult,
    Put,
    PutOptions,
    Row,
    SettleResult,
    Stats,
    Ticket,
)
from sms_core_outbox.outbox import MOST_FOUND, MOST_POLLED, Outbox
from sms_core_outbox.rates import Rate
from sms_core_outbox.senders import LoopSender, Sender
from sms_core_outbox.states import State
from sms_core_outbox.tracing import Traces
from sms_core_outbox.vendors import Failover, SeveralVendors
from sms_core_outbox.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")


class AsyncOutbox:
    """`Outbox` for event loops: each method is to be awaited. ``accounts`` are DSNs or async clients.

    ``connection=`` takes SQLAlchemy's ``AsyncConnection`` or ``AsyncSession``. Use it in one event loop.
    """

    def __init__(
        self,
        database: str | Engine,
        *,
        accounts: Given[AsyncClient],
        plugins: Mapping[str, Sequence[object]] | None = None,
        hash_key: str | bytes | None = None,
        on_alarm: OnAlarm | None = None,
        concurrency: int = 32,
        rates: Mapping[str, Rate] | None = None,
        state: str | Path | None = None,
        traces: Traces | None = None,
        pretenders: Collection[str] = (),
    ) -> None:
        """As `Outbox`."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outbox = _LoopOutbox(
            database,
            accounts=self._as_senders(accounts),
            plugins=plugins,
            hash_key=hash_key,
            on_alarm=on_alarm,
            concurrency=concurrency,
            rates=rates,
            state=state,
            traces=traces,
            pretenders=pretenders,
        )
        self._outbox.loop = self._running_loop

    def __repr__(self) -> str:
        return f"<Async{repr(self._outbox)[1:]}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """As `Outbox.close`."""
        await self._in_thread(self._outbox.close)

    async def create(self) -> None:
        """As `Outbox.create`."""
        await self._in_thread(self._outbox.create)

    async def migrate(self) -> None:
        """As `Outbox.migrate`."""
        await self._in_thread(self._outbox.migrate)

    async def adopt(self) -> None:
        """As `Outbox.adopt`."""
        await self._in_thread(self._outbox.adopt)

    async def wake(self, account: str = "") -> None:
        """As `Outbox.wake`."""
        await self._in_thread(self._outbox.wake, account)

    async def put(self, message: Message, *, key: str, connection: Any = None, **options: Unpack[PutOptions]) -> Ticket:
        """As `Outbox.put`."""
        return (await self.put_many([Put(message, key, **options)], connection=connection))[0]

    async def put_many(self, given: Iterable[Put], *, connection: Any = None) -> list[Ticket]:
        """As `Outbox.put_many`."""
        return await self._joining(connection, partial(self._outbox.put_many, given))

    async def get(self, key: str, *, account: str | None = None, connection: Any = None) -> Ticket:
        """As `Outbox.get`."""
        return await self._joining(connection, partial(self._outbox.get, key, account=account))

    async def find(
        self,
        *,
        number: str | None = None,
        batch: str | None = None,
        state: State | None = None,
        account: str | None = None,
        limit: int = MOST_FOUND,
    ) -> list[Row]:
        """As `Outbox.find`."""
        return await self._in_thread(
            self._outbox.find, number=number, batch=batch, state=state, account=account, limit=limit
        )

    async def drain(
        self, *, account: str | None = None, limit: int | None = None, connection: Any = None
    ) -> DrainResult:
        """As `Outbox.drain`. Cancelled, it claims nothing more, and ends when what is under way is stored."""
        if connection is not None:
            return await self._joining(connection, partial(self._outbox.drain, account=account, limit=limit))
        stop = threading.Event()
        passing = asyncio.ensure_future(
            self._in_thread(self._outbox.drain_until, stop.is_set, account=account, limit=limit)
        )
        try:
            return await asyncio.shield(passing)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([passing])
            raise

    @asynccontextmanager
    async def worker(self, *, asks: bool = True) -> AsyncGenerator[Worker, None]:
        """As `Outbox.worker`: one that sends in this event loop while an ``async with`` block lasts."""
        worker = await self._in_thread(self._outbox.worker, asks=asks)
        worker.start()
        try:
            yield worker
        finally:
            await asyncio.shield(self._in_thread(worker.stop))

    async def settle(self, *, account: str | None = None, replay: bool = False) -> SettleResult:
        """As `Outbox.settle`."""
        return await self._in_thread(self._outbox.settle, account=account, replay=replay)

    async def unknown(self, *, account: str | None = None, limit: int = MOST_FOUND) -> list[Row]:
        """As `Outbox.unknown`."""
        return await self._in_thread(self._outbox.unknown, account=account, limit=limit)

    async def resolve(self, row: Row | int, outcome: State, *, because: str, by: str, resend: bool = False) -> State:
        """As `Outbox.resolve`."""
        return await self._in_thread(self._outbox.resolve, row, outcome, because=because, by=by, resend=resend)

    def recorder(
        self, account: str | None = None, *, connection: Any = None
    ) -> Callable[[DeliveryReport | InboundMessage], Coroutine[Any, Any, None]]:
        """As `Outbox.recorder`, an async handler."""
        self._outbox.recorder(account)  # raises for an account that has none

        async def record(event: DeliveryReport | InboundMessage) -> None:
            if isinstance(event, DeliveryReport):
                await self.record(event, account=account, connection=connection)

        return record

    async def record(self, report: DeliveryReport, *, account: str | None = None, connection: Any = None) -> None:
        """As `Outbox.record`."""
        await self._joining(connection, partial(self._outbox.record, report, account=account))

    async def pause(self, account: str | None = None, *, because: str, by: str = "") -> None:
        """As `Outbox.pause`."""
        await self._in_thread(self._outbox.pause, account, because=because, by=by)

    async def resume(self, account: str | None = None) -> bool:
        """As `Outbox.resume`."""
        return await self._in_thread(self._outbox.resume, account)

    async def cancel(self, key: str, *, account: str | None = None, by: str = "cancel") -> list[CancelledRow]:
        """As `Outbox.cancel`."""
        return await self._in_thread(self._outbox.cancel, key, account=account, by=by)

    async def poll(self, *, account: str | None = None, limit: int = MOST_POLLED) -> PollResult:
        """As `Outbox.poll`."""
        return await self._in_thread(self._outbox.poll, account=account, limit=limit)

    async def alarms(self, *, tell: bool = False) -> list[Alarm]:
        """As `Outbox.alarms`."""
        return await self._in_thread(self._outbox.alarms, tell=tell)

    async def stats(self) -> Stats:
        """As `Outbox.stats`."""
        return await self._in_thread(self._outbox.stats)

    async def take_back(self, rows: Collection[int], *, by: str = "cancel", connection: Any = None) -> set[int]:
        """As `Outbox.take_back`."""
        if connection is None:
            return await self._in_thread(self._outbox.take_back, rows, by=by)

        def take(joined: Any) -> set[int]:
            return self._outbox.take_back(rows, by=by, connection=joined)

        taken: set[int] = await connection.run_sync(take)
        return taken

    def hash(self, text: str) -> str:
        """As `Outbox.hash`."""
        return self._outbox.hash(text)

    async def forget(self, *, before: datetime | timedelta, account: str | None = None) -> int:
        """As `Outbox.forget`."""
        return await self._in_thread(self._outbox.forget, before=before, account=account)

    async def purge(self, *, before: datetime | timedelta) -> int:
        """As `Outbox.purge`."""
        return await self._in_thread(self._outbox.purge, before=before)

    async def _joining(self, connection: Any, call: Callable[..., T]) -> T:
        """The call in a thread; or within the caller's transaction, which belongs to the event loop."""
        if connection is None:
            return await self._in_thread(call)
        self._loop = asyncio.get_running_loop()
        result: T = await connection.run_sync(lambda joined: call(connection=joined))
        return result

    async def _in_thread(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        self._loop = asyncio.get_running_loop()
        return await asyncio.to_thread(call, *args, **kwargs)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None  # whatever sends was awaited in a loop
        return self._loop

    def _as_senders(self, given: Given[AsyncClient]) -> Given[Sender]:
        if isinstance(given, Mapping):
            return {name: self._as_sender(found) for name, found in given.items()}
        find = given
        return lambda name: self._as_sender(find(name))

    def _as_sender(
        self, given: str | AsyncClient | SeveralVendors[AsyncClient]
    ) -> str | Sender | SeveralVendors[Sender]:
        if isinstance(given, SeveralVendors):
            clients = {name: self._as_one_sender(client) for name, client in given.clients.items()}
            return Failover(clients, given.also_after, given.rest, given.order_of)
        return self._as_one_sender(given)

    def _as_one_sender(self, given: str | AsyncClient) -> str | Sender:
        return given if isinstance(given, str) else LoopSender(given, self._running_loop)


class _LoopOutbox(Outbox):
    """An outbox whose DSNs are connected for an event loop."""

    loop: Callable[[], asyncio.AbstractEventLoop]

    def _connect(self, name: str, dsn: str) -> Sender:
        plugins = self._plugins.get(name, ())
        return LoopSender(connect_async(dsn, plugins=plugins, sessions=self._resources.sessions(name)), self.loop)
