"""Many messages side by side in an event loop, none of which is lost from sight however the iteration ends."""

from __future__ import annotations

import asyncio
import itertools
import warnings
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self

from sms_core._engine.bulk import Sent, attach_results, concluded, is_for_one, not_begun, planned, told
from sms_core._engine.driver import Course
from sms_core._engine.groups import Group, Grouping, Member, alone
from sms_core._engine.pace import Pace
from sms_core._engine.plan import Plan
from sms_core.errors import result_of
from sms_core.model import Message, SendResult
from sms_core.provider.info import ProviderInfo

Item = Message | Plan
Start = Callable[[Coroutine[Any, Any, SendResult]], asyncio.Task[SendResult]]
SendGroup = Callable[[Group, Course], Coroutine[Any, Any, SendResult]]


class AsyncBulk:
    """Messages under way: an async iterator of `Sent`, each given as soon as it is known, and an async context manager.

    ``concurrency`` messages are under way or waiting to be given; the next one is taken from the iterable, async or
    not, when one of these has been given. With ``group=True`` so many requests' worth are; what an async iterable gives
    without a pause goes together, as far as it fits into a request. Nothing that was given is kept. One task may use it.

    However the iteration ends, no further message is taken then, and those under way are awaited; a second cancellation
    waits no longer. What was not given is in the ``sms_results`` of the exception that ended it, and in ``results``.
    """

    def __init__(
        self,
        messages: Iterable[Item] | AsyncIterable[Item],
        *,
        plan: Callable[[Message], Plan],
        send: SendGroup,
        start: Start,
        grouping: Grouping,
        pace: Pace,
        sleep: Callable[[float], Awaitable[object]],
        concurrency: int,
    ) -> None:
        """``plan`` and ``send`` are a client's; ``start`` makes a task that the client awaits when it is closed."""
        if concurrency < 1:
            raise ValueError("concurrency must be greater than 0")
        self._messages: Iterator[Item] = iter(())
        self._later: AsyncIterator[Item] | None = None
        if isinstance(messages, AsyncIterable):
            self._later = aiter(messages)
        else:
            self._messages = iter(messages)
        self._plan = plan
        self._send = send
        self._start = start
        self._grouping = grouping
        self._pace = pace
        self._sleep = sleep
        self._concurrency = concurrency
        self._most = concurrency * grouping.size
        self._taken = 0
        self._given = 0
        self._gathered: list[Member] = []
        self._waiting: deque[Group] = deque()
        self._under_way: set[asyncio.Task[SendResult]] = set()
        self._known: deque[Sent] = deque()
        self._taking: asyncio.Task[None] | None = None
        self._pausing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._ends = False

    @classmethod
    def apart(
        cls,
        messages: Iterable[Item] | AsyncIterable[Item],
        *,
        plan: Callable[[Message], Plan],
        send: Callable[[Plan], Awaitable[SendResult]],
        start: Start,
        info: ProviderInfo,
        concurrency: int = 8,
        max_per_second: float | None = None,
    ) -> Self:
        """As `Bulk.apart`; ``start`` makes a task that is awaited when what sends is closed."""

        async def send_group(group: Group, _: Course) -> SendResult:
            return await send(group.plan)

        return cls(
            messages,
            plan=plan,
            send=send_group,
            start=start,
            grouping=Grouping(info, lambda _, destinations: destinations),
            pace=Pace(max_per_second),
            sleep=asyncio.sleep,
            concurrency=concurrency,
        )

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
                self._given += 1
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
        # A send that is under way holds its bulk, so all is known by now, or never began; `__init__` may not have come so far.
        unheard = getattr(self, "_taken", 0) - getattr(self, "_given", 0)
        if unheard and not self._ends:
            said = f"an AsyncBulk was dropped, and nobody hears of {unheard} messages"
            warnings.warn(f"{said}: use it in an async with block", RuntimeWarning, stacklevel=2, source=self)

    async def _wait_for_one(self) -> bool:
        """Wait until a message is known; False if none is under way."""
        while True:
            await self._take()
            self._begin()
            if self._known:
                return True
            if not self._under_way and self._taking is None and self._pausing is None:
                return False
            self._changed.clear()
            await self._changed.wait()

    @property
    def _held(self) -> int:
        return self._taken - self._given

    @property
    def _has_room(self) -> bool:
        """Whether there is room for as many messages as one request holds."""
        return self._held <= self._most - self._grouping.size

    async def _take(self) -> None:
        """Take messages for the free places, from what gives them at once; of what does not, ask for them."""
        while self._has_room and self._take_at_once():
            if self._grouping.size > 1:
                await asyncio.sleep(0)  # planning so many takes a while
        if self._has_room and self._later is not None and self._taking is None:
            self._taking = asyncio.ensure_future(self._take_later(self._later))

    def _take_at_once(self) -> bool:
        """Take as many messages as one request holds; False if there is none."""
        taken = self._taken
        try:
            for message in itertools.islice(self._messages, self._grouping.size):
                self._gather(message)
        except Exception as error:  # noqa: BLE001 - raised when all that was taken has been given
            self._fail(error)
        self._put_together()
        return self._taken > taken

    async def _take_later(self, messages: AsyncIterator[Item]) -> None:
        try:
            while self._has_room or (self._gathered and self._held < self._most):
                self._gather(await anext(messages))
                self._changed.set()  # who waits comes to see it when the iterable pauses
                if len(self._gathered) >= self._grouping.size:
                    self._put_together()
                    await asyncio.sleep(0)  # planning so many takes a while
        except StopAsyncIteration:
            self._end_source()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)
        finally:
            self._taking = None
            self._changed.set()

    def _gather(self, message: Item) -> None:
        index = self._taken
        self._taken += 1
        try:
            self._gathered.append(Member(index, message, planned(message, self._plan)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's
            self._known.append(Sent(index, message, None, error))

    def _put_together(self) -> None:
        """Make groups of what was gathered."""
        self._waiting.extend(self._grouping.groups(self._gathered))
        self._gathered = []

    def _begin(self) -> None:
        """Send what waits, as far as there are places. What an iterable gives meanwhile is gathered."""
        while len(self._under_way) < self._concurrency and self._pausing is None:
            if not self._waiting:
                self._put_together()
            if not self._waiting:
                return
            seconds = self._pace.reserve(len(self._waiting[0].plan.destinations))
            if seconds > 0:
                self._pausing = asyncio.ensure_future(self._pause(seconds))
            else:
                self._begin_next()

    async def _pause(self, seconds: float) -> None:
        try:
            await self._sleep(seconds)
            self._begin_next()
        except Exception as error:  # noqa: BLE001 - nothing has left, and it is these messages' error
            self._known.extend(told(self._waiting.popleft(), None, error, self._grouping.info))
        finally:
            self._pausing = None
            self._changed.set()

    def _begin_next(self) -> None:
        group = self._waiting.popleft()
        course = Course()
        task = self._start(self._send(group, course))
        self._under_way.add(task)
        task.add_done_callback(partial(self._know, group, course))

    def _know(self, group: Group, course: Course, task: asyncio.Task[SendResult]) -> None:
        self._under_way.discard(task)
        result, error = _end_of(task)
        if is_for_one(group, error, course):
            self._waiting.extendleft(alone(member) for member in reversed(group.members))
        elif isinstance(error, asyncio.CancelledError) and result is not None:
            self._known.extend(concluded(group, result, self._grouping.info))
        else:
            self._known.extend(told(group, result, error, self._grouping.info))
        self._changed.set()

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._end_source()

    def _end_source(self) -> None:
        self._messages = iter(())
        self._later = None

    async def _finish(self) -> None:
        """Take nothing more, begin nothing more, and wait until all that was taken is known."""
        self._ends = True
        self._end_source()
        for asked in (self._taking, self._pausing):
            if asked is not None:
                asked.cancel()
        await _all_of([*self._under_way, self._taking, self._pausing])
        self._withdraw()

    def _withdraw(self) -> None:
        """Note that what was not begun is not sent."""
        self._put_together()
        while self._waiting:
            group = self._waiting.popleft()
            self._known.extend(concluded(group, not_begun(group.plan), self._grouping.info))

    async def _end_by(self, interruption: BaseException) -> None:
        """Finish, and let the interruption carry what was not given. Cancelled again, it cancels what is under way."""
        try:
            await self._finish()
        except BaseException as again:
            for task in self._under_way:
                task.cancel()
            await _all_of(self._under_way)
            self._withdraw()
            attach_results(again, self.results)
            raise
        attach_results(interruption, self.results)


async def _all_of(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    waiting = [task for task in tasks if task is not None]
    if waiting:
        await asyncio.wait(waiting)
        await asyncio.sleep(0)  # their callbacks


def _end_of(task: asyncio.Task[SendResult]) -> tuple[SendResult | None, BaseException | None]:
    """The result and the error of a send that is over."""
    try:
        return task.result(), None
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is these messages'
        return result_of(error), error
