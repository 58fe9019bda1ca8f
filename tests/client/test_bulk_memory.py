"""`send_many` holds as much after 3,000 messages as after 1,000, in both colours, with groups and without."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Iterator

import attrs
import pytest

from sms_core import AsyncClient, Limits, MemorySessions, Message
from sms_core.http import Request, Response
from tests.support.tiny import INFO, NOW, Tiny, bind, provider_of, text

EARLY, LATE = 1_000, 3_000
NOISE = 1_000
"""Blocks of memory: half of one for each message between. What is under way at a moment is more or less, by some."""
PROVIDER = Tiny(attrs.evolve(INFO, limits=Limits(recipients=10)), logs_in=False)


class Answers:
    """A transport of either colour without a network, which keeps nothing."""

    def send(self, request: Request) -> Response:
        del request
        return text("OK batch")

    def close(self) -> None:
        """Nothing is open."""

    async def asend(self, request: Request) -> Response:
        await asyncio.sleep(0)
        return self.send(request)

    async def aclose(self) -> None:
        """Nothing is open."""


def messages() -> Iterator[Message]:
    return (Message(f"text {place}", f"+8869{place:08}") for place in range(LATE))


async def messages_later() -> AsyncIterator[Message]:
    for message in messages():
        yield message


class Blocks:
    """Blocks of memory in use after so many were given."""

    def __init__(self) -> None:
        self.given = 0
        self.found: dict[int, int] = {}

    def count(self, error: BaseException | None) -> None:
        assert error is None
        self.given += 1
        if self.given in {EARLY, LATE}:
            gc.collect()
            self.found[self.given] = sys.getallocatedblocks()


@pytest.mark.parametrize("group", [False, True], ids=["each alone", "groups"])
@pytest.mark.parametrize("colour", ["sync", "async", "async iterable"])
def test_memory_is_constant(colour: str, group: bool) -> None:
    blocks = Blocks()

    async def consume() -> None:
        source = messages() if colour == "async" else messages_later()
        sms = AsyncClient(provider_of(PROVIDER), Answers(), sessions=MemorySessions(), clock=lambda: NOW)
        async with sms, sms.send_many(source, group=group, concurrency=2) as bulk:
            async for sent in bulk:
                blocks.count(sent.error)

    if colour == "sync":
        with bind(Answers(), PROVIDER) as sms, sms.send_many(messages(), group=group, concurrency=2) as bulk:
            for sent in bulk:
                blocks.count(sent.error)
    else:
        asyncio.run(consume())
    assert blocks.given == LATE
    assert blocks.found[LATE] - blocks.found[EARLY] < NOISE
