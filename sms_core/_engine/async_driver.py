"""The driver for event loops. What each step is answered, `Conversations` decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from sms_core._engine.driver import Conversations, Course
from sms_core._engine.login import Turn, Want
from sms_core._engine.loops import PerLoop
from sms_core.http import AsyncTransport
from sms_core.provider.steps import Blocking, Flow, Sleep

T = TypeVar("T")


class AsyncDriver:
    """The driver of one account's flows in an event loop. Tasks may share it."""

    def __init__(
        self, conversations: Conversations, transport: AsyncTransport, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._conversations = conversations
        self._transport = transport
        self._sleep = sleep
        self._turns = PerLoop(asyncio.Lock)

    async def run(self, flow: Flow[T], course: Course | None = None) -> T:
        """Answer each step of the flow until it ends. Raises what the flow raises."""
        wants = self._conversations.run(flow, course)
        try:
            want = next(wants)
            while True:
                try:
                    given = await self._give(want)
                except BaseException as error:  # noqa: BLE001 - the flow knows what it means, a cancellation too
                    want = wants.throw(error)
                else:
                    want = wants.send(given)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    async def _give(self, want: Want) -> object:
        match want:
            case Sleep():
                return await self._sleep(want.seconds)
            case Blocking():
                return await _in_thread(want.work)
            case Turn():
                await self._take(want)
                return None
            case _:
                return await self._transport.asend(want)

    async def _take(self, turn: Turn) -> None:
        """Wait for the account's lock: first among this loop's tasks, then among the threads that share the store."""
        mine = self._turns.get()
        with ExitStack() as taken:
            await mine.acquire()
            taken.callback(mine.release)
            taken.callback(await _held(turn.lock))
            turn.holder.push(taken.pop_all())


async def _in_thread(work: Callable[[], object]) -> object:
    """Do what blocks in a thread. It cannot be broken off, so a cancellation waits until it is known what it did."""
    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


async def _held(lock: AbstractContextManager[object]) -> Callable[[], None]:
    """Hold a lock that blocks; gives what lets it go.

    A thread of its own enters and leaves it: entering must not hold up the event loop, and an `RLock` is its thread's.
    """
    entered: Future[None] = Future()
    may_leave = threading.Event()

    def hold() -> None:
        try:
            with lock:
                if entered.set_running_or_notify_cancel():
                    entered.set_result(None)
                    may_leave.wait()
        except BaseException as error:
            if entered.done():  # it was the leaving that failed
                raise
            entered.set_exception(error)

    threading.Thread(target=hold, name="sms-login", daemon=True).start()
    try:
        await asyncio.wrap_future(entered)
    except BaseException:
        may_leave.set()
        raise
    return may_leave.set
