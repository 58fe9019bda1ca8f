"""The outbox for event loops: the same names, over the same statements."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from outbox_vendor import HASH_KEY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from sms_core import DeliveryReport, DeliveryStatus, InvalidMessage, Message
from sms_core.http import Request, Response
from sms_core.provider import Flow, Operation, Send, hookimpl
from sms_core.testing import memory_exchange
from sms_core_outbox import AsyncOutbox, Outbox, Put, State, UnknownKey
from tests.support.tiny import TOKEN

A, B = "+886900000001", "+886900000002"


def opened(url: str, tmp_path: Path) -> AsyncOutbox:
    memory_exchange("aio").reset()
    return AsyncOutbox(url, accounts={"main": "memory://aio"}, hash_key=HASH_KEY, state=tmp_path / "state")


def test_it_has_the_names_of_the_other() -> None:
    names = {name for name in vars(Outbox) if not name.startswith("_")}
    there = {name for name in vars(AsyncOutbox) if not name.startswith("_")}
    assert names - there == {"close", "drain_until", "engine", "joined"}
    assert there - names == {"aclose"}
    for name in {*names & there, "__init__"}:
        ours, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (Outbox, AsyncOutbox))
        assert [(found.name, found.kind) for found in ours.values()] == [
            (found.name, found.kind) for found in theirs.values()
        ], name


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("kind", [AsyncConnection, AsyncSession])
def test_a_test_case_sends_within_what_it_rolls_back(url: str, tmp_path: Path, kind: type[Any]) -> None:
    async def main() -> None:
        engine = create_async_engine(url)
        async with opened(url, tmp_path) as outbox:
            await outbox.create()
            async with AsyncSession(engine) if kind is AsyncSession else engine.connect() as joined:
                await outbox.put(Message("hi", A), key="1", connection=joined)
                assert (await outbox.drain(connection=joined)).accepted == 1
                (row,) = (await outbox.get("1", connection=joined)).rows
                assert row.state is State.ACCEPTED
                report = DeliveryReport(A, DeliveryStatus.DELIVERED, row.batch_id, key="r")
                await outbox.recorder(connection=joined)(report)
                (row,) = (await outbox.get("1", connection=joined)).rows
                assert row.status is DeliveryStatus.DELIVERED
                await joined.rollback()
            with pytest.raises(UnknownKey):
                await outbox.get("1")
        await engine.dispose()

    asyncio.run(main())


def test_from_a_put_to_its_end(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(url, tmp_path) as outbox:
            await outbox.create()
            await outbox.put_many([Put(Message("hi", A), "1"), Put(Message("ho", B), "2")])
            assert (await outbox.drain()).accepted == 2
            (row,) = (await outbox.get("1")).rows
            assert row.state is State.ACCEPTED
            assert (await outbox.stats()).counts == {State.ACCEPTED: 2}
            assert [found.done for found in await outbox.cancel("2")] == [False]
            assert (await outbox.settle()).asked == 0

    asyncio.run(main())
    assert sorted(sent.text for sent in memory_exchange("aio").accepted) == ["hi", "ho"]


def test_a_worker_in_the_loop(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(url, tmp_path) as outbox:
            await outbox.create()
            async with outbox.worker(), asyncio.timeout(20):
                await outbox.put(Message("hi", A), key="k")
                while (await outbox.get("k")).rows[0].state is not State.ACCEPTED:  # noqa: ASYNC110 - as a caller would
                    await asyncio.sleep(0.02)

    asyncio.run(main())


class RefusesOne:
    """A plugin that refuses one number when a send of its is about to begin."""

    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        return self.around((yield), operation)

    def around(self, flow: Flow[Any], operation: Operation[Any]) -> Flow[Any]:
        if isinstance(operation, Send) and any(destination.number == B for destination in operation.destinations):
            raise InvalidMessage("to", "has a number that wants no more")
        return (yield from flow)


def test_one_who_is_refused_at_the_last_moment_stops_no_other(tmp_path: Path) -> None:
    """Such a request goes in halves, in a thread as in an event loop."""
    numbers = [A, B, "+886900000003"]
    memory_exchange("halves").reset()
    options: dict[str, Any] = {"accounts": {"main": "memory://halves"}, "plugins": {"main": [RefusesOne()]}}

    async def drained() -> list[State]:
        async with AsyncOutbox(f"sqlite:///{tmp_path}/loop.db", **options) as outbox:
            await outbox.create()
            await outbox.put(Message("hi", numbers), key="k")
            await outbox.drain()
            return [row.state for row in (await outbox.get("k")).rows]

    assert asyncio.run(drained()) == [State.ACCEPTED, State.REFUSED, State.ACCEPTED]
    with Outbox(f"sqlite:///{tmp_path}/threads.db", **options) as outbox:
        outbox.create()
        outbox.put(Message("hi", numbers), key="k")
        outbox.drain()
        assert [row.state for row in outbox.get("k").rows] == [State.ACCEPTED, State.REFUSED, State.ACCEPTED]
    assert sorted(sent.number for sent in memory_exchange("halves").accepted) == sorted([numbers[0], numbers[2]] * 2)


def test_a_cancelled_drain_waits_for_what_is_under_way(tmp_path: Path) -> None:
    from outbox_vendor import Vendor  # noqa: PLC0415

    from sms_core import AsyncClient, MemorySessions  # noqa: PLC0415
    from sms_core.testing import FakeTransport  # noqa: PLC0415
    from tests.support.tiny import provider_of  # noqa: PLC0415

    vendor = Vendor()
    arrived = threading.Event()

    class Slow(FakeTransport):
        async def asend(self, request: Request) -> Response:
            if request.url.endswith("/login"):
                return Response(200, body=f"OK {TOKEN}".encode())
            arrived.set()
            await asyncio.sleep(0.2)
            return Response(200, body=f"OK {vendor.take(request)}".encode())

    async def main() -> None:
        client = AsyncClient(provider_of(), Slow([]), sessions=MemorySessions())
        url = f"sqlite:///{tmp_path}/sms.db"
        async with AsyncOutbox(url, accounts={"main": client}, concurrency=1) as outbox:
            await outbox.create()
            await outbox.put_many([Put(Message("first", A), "1"), Put(Message("second", B, subject="s"), "2")])
            draining = asyncio.create_task(outbox.drain())
            await asyncio.to_thread(arrived.wait, 20)
            draining.cancel()
            with pytest.raises(asyncio.CancelledError):
                await draining
            states = [(await outbox.get(key)).rows[0].state for key in ("1", "2")]
            assert states == [State.ACCEPTED, State.READY]

    asyncio.run(main())
    assert vendor.taken == [(A, "first")]
