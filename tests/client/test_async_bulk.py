"""`AsyncClient.send_many`: each message is told of as soon as it is known, and none is lost however the iteration ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest

import sms_core
from sms_core import InvalidMessage, Message, Outcome, OutcomeUnknown, SendResult, Sent
from sms_core.aio import connect_provider_async
from sms_core.http import Request, Response
from tests.support.tiny import Tiny, fields_of, text

NUMBER = "0900000001"
PATIENCE = 20.0


class Network:
    """Answers each message when it is let go by its text."""

    def __init__(self, *slow: str) -> None:
        self.gates = {name: asyncio.Event() for name in slow}
        self.in_flight: set[str] = set()
        self.has_come = asyncio.Event()
        self.most = 0

    async def asend(self, request: Request) -> Response:
        name = fields_of(request)["texts"][0]
        self.in_flight.add(name)
        self.has_come.set()
        self.most = max(self.most, len(self.in_flight))
        try:
            await asyncio.sleep(0)
            if name in self.gates:
                await self.gates[name].wait()
        finally:
            self.in_flight.discard(name)
        return text(f"OK {name}")

    async def aclose(self) -> None:
        """Nothing is open."""


def connect(network: Network, **named: Any) -> sms_core.AsyncClient:
    return connect_provider_async(Tiny(logs_in=False), "tiny://u:p@tiny.invalid", transport=network, **named)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, PATIENCE))
    gc.collect()


def messages(*names: str) -> list[Message]:
    return [Message(name, NUMBER) for name in names]


async def later(*names: str) -> AsyncIterator[Message]:
    for message in messages(*names):
        await asyncio.sleep(0)
        yield message


def told(sent: Sent) -> tuple[int, str | None]:
    return sent.index, sent.result.batch_id if sent.result else type(sent.error).__name__


@pytest.mark.parametrize("source", [messages, later])
def test_each_is_given_as_soon_as_it_is_known_whatever_its_place(source: Any) -> None:
    async def main() -> None:
        network = Network("a")
        async with connect(network) as sms:
            await sms.send(Message("first", NUMBER))  # so that its password is known to be good
            async with sms.send_many(source("a", "b", "", "d"), concurrency=2) as bulk:
                given = [told(await anext(bulk)) for _ in range(3)]
                network.gates["a"].set()
                given += [told(sent) async for sent in bulk]
        assert given == [(1, "b"), (2, "InvalidMessage"), (3, "d"), (0, "a")]
        assert network.most == 2
        assert bulk.results == ()

    run(main())


def test_a_message_is_taken_when_it_has_a_place() -> None:
    async def main() -> None:
        taken = []

        def source() -> Iterator[Message]:
            for number in range(100):
                taken.append(number)
                yield Message(str(number), NUMBER)

        async with connect(Network()) as sms, sms.send_many(source(), concurrency=4) as bulk:
            given = 0
            async for _ in bulk:
                given += 1
                assert len(taken) <= given + 4
        assert len(taken) == given == 100

    run(main())


def test_what_is_known_is_given_while_the_next_message_is_waited_for() -> None:
    async def main() -> None:
        may_go_on = asyncio.Event()

        async def source() -> AsyncIterator[Message]:
            yield Message("a", NUMBER)
            await may_go_on.wait()
            yield Message("b", NUMBER)

        async with connect(Network()) as sms, sms.send_many(source()) as bulk:
            assert told(await anext(bulk)) == (0, "a")
            may_go_on.set()
            assert [told(sent) async for sent in bulk] == [(1, "b")]

    run(main())


@pytest.mark.parametrize("is_async", [False, True])
def test_what_the_iterable_raises_comes_after_all_that_was_taken(is_async: bool) -> None:
    async def main() -> None:
        def source() -> Iterator[Message]:
            yield from messages("a", "b")
            raise ZeroDivisionError

        async def source_later() -> AsyncIterator[Message]:
            for message in source():
                yield message

        given = []
        async with connect(Network()) as sms, sms.send_many(source_later() if is_async else source()) as bulk:
            given += [told(await anext(bulk)), told(await anext(bulk))]
            with pytest.raises(ZeroDivisionError):
                await anext(bulk)
        assert sorted(given) == [(0, "a"), (1, "b")]

    run(main())


def test_after_a_break_what_was_under_way_is_in_the_results() -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        async with connect(Network(), on_result=heard.append) as sms:
            async with sms.send_many(later(*map(str, range(50))), concurrency=4) as bulk:
                async for sent in bulk:
                    given = [sent]
                    break
            assert len(given) + len(bulk.results) == len(heard) <= 5
            assert [found async for found in bulk] == []

    run(main())


def test_cancelled_once_it_waits_and_the_cancellation_carries_the_rest() -> None:
    async def main() -> None:
        network = Network("a")

        async def consume() -> None:
            async with sms.send_many(messages("a", "b"), concurrency=1) as bulk:
                async for _ in bulk:
                    pass

        async with connect(network) as sms:
            task = asyncio.create_task(consume())
            await network.has_come.wait()
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
            network.gates["a"].set()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        assert [told(sent) for sent in caught.value.sms_results] == [(0, "a")]  # type: ignore[attr-defined]

    run(main())


def test_cancelled_twice_it_waits_no_longer_and_what_is_under_way_is_unknown() -> None:
    async def main() -> None:
        network = Network("a")

        async def consume() -> None:
            async with sms.send_many(messages("a")) as bulk:
                async for _ in bulk:
                    pass

        async with connect(network) as sms:
            task = asyncio.create_task(consume())
            await network.has_come.wait()
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0.01)
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        (sent,) = caught.value.sms_results  # type: ignore[attr-defined]
        assert isinstance(sent.error, OutcomeUnknown)
        assert [row.outcome for row in sent.result.outcomes] == [Outcome.UNKNOWN]

    run(main())


def test_one_that_is_dropped_says_so_and_closing_awaits_its_sends() -> None:
    async def main() -> None:
        heard: list[SendResult] = []
        sms = connect(Network(), on_result=heard.append)
        await anext(sms.send_many(messages("a", "b", "c")))
        await sms.aclose()
        assert len(heard) == 3

    with pytest.warns(RuntimeWarning, match="nobody hears of 2 messages"):
        run(main())


def test_a_plan_is_sent_as_it_is_and_a_wrong_message_is_its_own_error() -> None:
    async def main() -> None:
        async with connect(Network()) as sms:
            plan = sms.plan(Message("a", NUMBER, reference="mine"))
            async with sms.send_many([plan, Message("", NUMBER)]) as bulk:
                found = sorted([sent async for sent in bulk], key=lambda sent: sent.index)
        assert found[0].message is plan
        assert isinstance(found[1].error, InvalidMessage)

    run(main())
