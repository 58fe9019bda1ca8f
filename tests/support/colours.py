"""What is async, driven from code that is not: a loop runs in a thread of its own, and the same tests go for both colours."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Self, TypeVar

import sms_core
from sms_core import AsyncClient, AsyncioTransport, MemorySessions, SessionStore
from sms_core.http import Request, Response, Transport
from tests.support.tiny import NOW, PASSWORD, Sleeps, provider_of

T = TypeVar("T")
PATIENCE = 60.0
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def in_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it in this process's loop. An interruption of the thread that waits cancels it."""
    waiting = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return waiting.result(PATIENCE)
    except BaseException:
        waiting.cancel()
        raise


def _loop() -> asyncio.AbstractEventLoop:
    pid = os.getpid()
    if pid not in _loops:  # without a lock, which a child might find locked
        made = asyncio.new_event_loop()
        if _loops.setdefault(pid, made) is made:
            threading.Thread(target=made.run_forever, daemon=True).start()
        else:
            made.close()
    return _loops[pid]


class BlockingTransport(AsyncioTransport):
    """An `AsyncioTransport` that is a `Transport` too."""

    def send(self, request: Request) -> Response:
        return in_loop(self.asend(request))

    def close(self) -> None:
        in_loop(self.aclose())


class InThreads:
    """A `Transport` as an `AsyncTransport`: what blocks runs in threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._threads = ThreadPoolExecutor(64)

    async def asend(self, request: Request) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transport.send, request)

    async def aclose(self) -> None:
        self._threads.shutdown(wait=False)
        self._transport.close()


class BlockingClient:
    """An `AsyncClient` with the methods of a `Client`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            given = found(*arguments, **named)
            if asyncio.iscoroutine(given):
                return in_loop(given)
            if isinstance(given, AsyncIterator):
                return _iterate(given)
            return given

        return call

    def __repr__(self) -> str:
        return repr(self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        in_loop(self._client.aclose())


def _iterate(rows: AsyncIterator[T]) -> Iterator[T]:
    async def next_row() -> list[T]:
        async for row in rows:
            return [row]
        return []

    while found := in_loop(next_row()):
        yield from found


def _async_sleep(sleep: Callable[[float], object]) -> Callable[[float], Coroutine[Any, Any, object]]:
    async def do(seconds: float) -> object:
        return sleep(seconds)

    return do


def bind_async(
    transport: Transport,
    plugin: object | None = None,
    *,
    middleware: Sequence[object] = (),
    sessions: SessionStore | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
    sleep: Callable[[float], object] | None = None,
    retries: int = 2,
    password: str = PASSWORD,
    base_url: str = "https://tiny.invalid",
    close_session: bool = False,
) -> Any:
    """What `tests.support.tiny.bind` gives, over an `AsyncClient`."""
    client = AsyncClient(
        provider_of(plugin, middleware=middleware, retries=retries, password=password, base_url=base_url),
        transport if isinstance(transport, AsyncioTransport) else InThreads(transport),
        sessions=MemorySessions() if sessions is None else sessions,
        clock=clock,
        sleep=_async_sleep(Sleeps() if sleep is None else sleep),
        close_session=close_session,
    )
    return BlockingClient(client)


def connect_blocking(dsn: str, **named: Any) -> Any:
    """`sms_core.connect` over `sms_core.connect_async`."""
    if "sleep" in named:
        named["sleep"] = _async_sleep(named["sleep"])
    return BlockingClient(sms_core.connect_async(dsn, **named))
