"""``send_many(…, max_per_second=N)``: evenly, without a burst after a pause, and nothing is lost while it waits."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import AsyncClient, MemorySessions, Message, NotSent, Outcome, Sent
from sms_core._engine.pace import Pace
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from tests.support.colours import BlockingClient, InThreads, bind_async
from tests.support.tiny import Sleeps, Tiny, Vendor, bind, fields_of, provider_of, text

PATIENCE = 20.0
FOR_EVER = 0.001
"""Texts in a second: the second one waits for a quarter of an hour."""


class Network:
    """Tiny's vendor, which notes when each request came and how many texts it held."""

    def __init__(self) -> None:
        self.came: list[tuple[float, int]] = []
        self.transport = FakeTransport(Vendor(send=self._send))

    def _send(self, request: Request) -> Response:
        self.came.append((time.monotonic(), len(fields_of(request)["numbers"])))
        return text("OK batch")


def messages(count: int) -> list[Message]:
    return [Message("x", f"+8869{place:08}") for place in range(count)]


@pytest.fixture(params=[bind, bind_async], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Callable[..., Any]:
    found: Callable[..., Any] = request.param
    return found


@given(
    st.floats(0.1, 1000),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5)), min_size=1, max_size=30),
)
def test_at_no_time_more_than_the_pace_allows_have_gone(per_second: float, asked: list[tuple[float, int]]) -> None:
    """However long nobody asked before: from any text on, the next ones are as far apart as the pace says."""
    now = 0.0
    pace = Pace(per_second, lambda: now)
    went: list[tuple[float, int]] = []
    for idle, texts in asked:
        now += idle
        seconds = pace.reserve(texts)
        assert seconds >= 0
        went.append((now + seconds, texts))
    for (before, texts), (after, _) in itertools.pairwise(went):
        assert after - before >= texts / per_second - 1e-6


def test_after_an_idle_time_the_next_goes_at_once_and_the_one_after_it_waits() -> None:
    now = 0.0
    pace = Pace(10, lambda: now)
    assert [pace.reserve(1), pace.reserve(3), pace.reserve(1)] == pytest.approx([0, 0.1, 0.4])
    now = 100.0
    assert [pace.reserve(1), pace.reserve(1)] == pytest.approx([0, 0.1])
    assert Pace(None).reserve(1000) == 0


@pytest.mark.parametrize("per_second", [0, -1, float("nan"), float("inf")])
def test_a_pace_is_a_number_above_zero(connect: Callable[..., Any], per_second: float) -> None:
    with connect(Network().transport) as sms, pytest.raises(ValueError, match="max_per_second must be greater than 0"):
        sms.send_many([], max_per_second=per_second)


@pytest.mark.parametrize("group", [False, True])
def test_texts_reach_the_vendor_no_faster(connect: Callable[..., Any], group: bool) -> None:
    network = Network()
    begun = time.monotonic()
    sleep = time.sleep if connect is bind else None
    with _client(connect, network, sleep) as sms:
        heard = list(sms.send_many(messages(20), max_per_second=100, group=group))
    assert [sent.error for sent in heard] == [None] * 20
    gone = 0
    for moment, texts in sorted(network.came):
        assert moment - begun >= gone / 100 - 0.002
        gone += texts
    assert gone == 20


def _client(connect: Callable[..., Any], network: Network, sleep: Callable[[float], object] | None) -> Any:
    """One that really sleeps."""
    if sleep is not None:
        return connect(network.transport, sleep=sleep)
    client = AsyncClient(provider_of(Tiny()), InThreads(network.transport), sessions=MemorySessions())
    return BlockingClient(client)


def test_a_request_holds_no_more_than_a_seconds_worth(connect: Callable[..., Any]) -> None:
    network = Network()
    with connect(network.transport) as sms:
        assert len(list(sms.send_many(messages(5), max_per_second=2, group=True))) == 5
    assert sorted(texts for _, texts in network.came) == [1, 2, 2]


def test_the_sleep_is_the_clients_own(connect: Callable[..., Any]) -> None:
    sleeps = Sleeps()
    with connect(Network().transport, sleep=sleeps) as sms:
        three = [*messages(2), Message("x", ["0900000001", "0900000002"])]
        # One after the other: what waits behind the two texts of the third depends on who is first.
        heard = list(sms.send_many(three, max_per_second=FOR_EVER, concurrency=1))
        assert [sent.error for sent in heard] == [None] * 3
    assert sum(sleeps.seconds) == pytest.approx(1000 + 2000, rel=0.1)


def outcomes(heard: list[Sent]) -> list[str]:
    return [row.outcome.value for sent in heard if sent.result for row in sent.result.outcomes]


def test_who_leaves_while_it_waits_hears_that_the_others_are_not_sent() -> None:
    network = Network()
    is_asleep = threading.Event()

    def sleep(seconds: float) -> None:
        is_asleep.set()
        time.sleep(min(seconds, 0.01))

    with bind(network.transport, sleep=sleep) as sms, sms.send_many(messages(9), max_per_second=FOR_EVER) as bulk:
        heard = [next(bulk)]
        assert is_asleep.wait(PATIENCE)
    assert outcomes(heard) == ["accepted"]
    assert set(outcomes(list(bulk.results))) == {"not_sent"}
    assert all(isinstance(sent.error, NotSent) for sent in bulk.results)
    assert len(network.came) == 1


@pytest.mark.parametrize("end", ["cancel", "break"])
def test_in_an_event_loop_too(end: str) -> None:
    async def main() -> None:
        network = Network()
        is_asleep, has_heard = asyncio.Event(), asyncio.Event()
        heard: list[Sent] = []

        async def sleep(seconds: float) -> None:
            is_asleep.set()
            await asyncio.sleep(seconds)

        async def consume() -> None:
            async with sms.send_many(messages(9), max_per_second=FOR_EVER) as bulk:
                async for sent in bulk:
                    heard.append(sent)
                    has_heard.set()
                    await is_asleep.wait()
                    if end == "break":
                        break
            heard.extend(bulk.results)

        provider, transport = provider_of(Tiny()), InThreads(network.transport)
        async with AsyncClient(provider, transport, sessions=MemorySessions(), sleep=sleep) as sms:
            task = asyncio.create_task(consume())
            await is_asleep.wait()
            if end == "cancel":
                await has_heard.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError) as caught:
                    await task
                heard.extend(caught.value.sms_results)  # type: ignore[attr-defined]
            else:
                await task
        assert sorted(outcomes(heard)) == [Outcome.ACCEPTED.value] + ["not_sent"] * (len(heard) - 1)
        assert len(network.came) == 1
        assert len(heard) > 1

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_an_error_of_the_sleep_is_the_error_of_its_message(connect: Callable[..., Any]) -> None:
    def sleep(seconds: float) -> None:
        raise ZeroDivisionError(seconds)

    network = Network()
    with connect(network.transport, sleep=sleep) as sms:
        heard = list(sms.send_many(messages(3), max_per_second=FOR_EVER))
    assert sorted(type(sent.error).__name__ for sent in heard) == ["NoneType", "ZeroDivisionError", "ZeroDivisionError"]
    assert len(network.came) == 1
