"""Many messages side by side in an event loop, none of which is lost from sight however the iteration ends."""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self

from sms_core._engine.async_sends import result_of
from sms_core._engine.bulk import Sent, attach_results
from sms_core._engine.outcomes import conclude
from sms_core._engine.plan import Plan
from sms_core.errors import SendError
from sms_core.model import Message, SendResult
from sms_core.provider.info import ProviderInfo

Item = Message | Plan
Start = Callable[[Coroutine[Any, Any, SendResult]], asyncio.Task[SendResult]]


class AsyncBulk:
    """Messages under way: an async iterator of `Sent`, each given as soon as it is known, and an async context manager.

    ``concurrency`` messages are under way or waiting to be given; the next one is taken from the iterable, async or
    not, when one of these has been given. Nothing that was given is kept. One task may use it.

    However the iteration ends, no further message is taken then, and those under way are awaited; a second cancellation
    waits no longer. What was not given is in the ``sms_results`` of the exception that ended it, and in ``results``.
    """

    def __init__(
        self,
        messages: Iterable[Item] | AsyncIterable[Item],
        *,
        send: Callable[[Item], Coroutine[Any, Any, SendResult]],
        start: Start,
        info: ProviderInfo,
        concurrency: int,
    ) -> None:
        """``send`` is a client's; ``start`` makes a task of it that the client awaits when it is closed."""
        self._messages: Iterator[Item] = iter(())
        self._later: AsyncIterator[Item] | None = None
        if isinstance(messages, AsyncIterable):
            self._later = aiter(messages)
        else:
            self._messages = iter(messages)
        self._send = send
        self._start = start
        self._info = info
        self._concurrency = concurrency
        self._count = 0
        self._under_way: dict[int, asyncio.Task[SendResult]] = {}
        self._known: deque[Sent] = deque()
        self._taking: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._ends = False

    @property
    def results(self) -> tuple[Sent, ...]:
        """What is known and was not given: after the end, all that was under way then."""
        return tuple(sorted(self._known, key=lambda sent: sent.index))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sent:
        """The next message whose outcome is known.

        Raises what the iterable of messages raised, after all that was taken from it has been given.
        """
        if self._ends:
            raise StopAsyncIteration
        try:
            if await self._wait_for_one():
                return self._known.popleft()
            await self._finish()
        except BaseException as interruption:
            await self._end_by(interruption)
            raise
        failure, self._failure = self._failure, None
        raise failure or StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.aclose()
        else:
            await self._end_by(error)

    async def aclose(self) -> None:
        """Take nothing more and wait for what is under way; it is in ``results`` then."""
        try:
            await self._finish()
        except BaseException as interruption:
            await self._end_by(interruption)
            raise

    def __del__(self) -> None:
        # A send that is under way holds its bulk, so all is known by now; `__init__` may not have come to that.
        unheard = getattr(self, "_known", ())
        if unheard and not self._ends:
            said = f"an AsyncBulk was dropped, and nobody hears of {len(unheard)} messages"
            warnings.warn(f"{said}: use it in an async with block", RuntimeWarning, stacklevel=2, source=self)

    async def _wait_for_one(self) -> bool:
        """Wait until a message is known; False if none is under way."""
        while True:
            self._take()
            if self._known:
                return True
            if not self._under_way and self._taking is None:
                return False
            self._changed.clear()
            await self._changed.wait()

    @property
    def _has_place(self) -> bool:
        return len(self._under_way) + len(self._known) < self._concurrency

    def _take(self) -> None:
        """Take messages for the free places, from what gives them at once; of what does not, ask for the next one."""
        while self._has_place and self._later is None:
            try:
                message = next(self._messages)
            except StopIteration:
                return
            except Exception as error:  # noqa: BLE001 - raised when all that was taken has been given
                self._fail(error)
                return
            self._begin(message)
        if self._has_place and self._later is not None and self._taking is None:
            self._taking = asyncio.ensure_future(self._take_later(self._later))

    async def _take_later(self, messages: AsyncIterator[Item]) -> None:
        try:
            self._begin(await anext(messages))
        except StopAsyncIteration:
            self._end_source()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)
        finally:
            self._taking = None
            self._changed.set()

    def _begin(self, message: Item) -> None:
        index = self._count
        self._count += 1
        task = self._start(self._send(message))
        self._under_way[index] = task
        task.add_done_callback(partial(self._know, index, message))

    def _know(self, index: int, message: Item, task: asyncio.Task[SendResult]) -> None:
        del self._under_way[index]
        self._known.append(_sent(index, message, task, self._info))
        self._changed.set()

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._end_source()

    def _end_source(self) -> None:
        self._messages = iter(())
        self._later = None

    async def _finish(self) -> None:
        """Take nothing more, and wait until all that was taken is known."""
        self._ends = True
        self._end_source()
        if self._taking is not None:
            self._taking.cancel()
        await _all_of([*self._under_way.values(), self._taking])

    async def _end_by(self, interruption: BaseException) -> None:
        """Finish, and let the interruption carry what was not given. Cancelled again, it cancels what is under way."""
        try:
            await self._finish()
        except BaseException as again:
            for task in self._under_way.values():
                task.cancel()
            await _all_of(self._under_way.values())
            attach_results(again, self.results)
            raise
        attach_results(interruption, self.results)


async def _all_of(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    waiting = [task for task in tasks if task is not None]
    if waiting:
        await asyncio.wait(waiting)
        await asyncio.sleep(0)  # their callbacks


def _sent(index: int, message: Item, task: asyncio.Task[SendResult], info: ProviderInfo) -> Sent:
    try:
        return Sent(index, message, task.result(), None)
    except asyncio.CancelledError as cancellation:
        result = result_of(cancellation)
        if result is None:
            return Sent(index, message, None, cancellation)
        return _concluded(index, message, result, info)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is this message's
        return Sent(index, message, result_of(error), error)


def _concluded(index: int, message: Item, result: SendResult, info: ProviderInfo) -> Sent:
    try:
        return Sent(index, message, conclude(result, info), None)
    except SendError as error:
        return Sent(index, message, error.result, error)
