"""Sends as tasks: each one's outcome is heard, also where the task that asked for it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from sms_core._engine.driver import Course
from sms_core._engine.flow import attach_result
from sms_core.errors import result_of
from sms_core.model import SendResult

OnResult = Callable[[SendResult], object]
"""Hears what became of each send, as soon as that is known. It is called in the event loop, so it must not block."""

Each = Callable[[SendResult], Iterable[SendResult]]
"""Makes of the result of a send that of each of its messages."""


class Sends:
    """The sends of one client.

    With ``finish`` a send that is cancelled after its first request was handed out goes on for ``patience`` seconds at
    most.
    """

    def __init__(self, on_result: OnResult | None, *, finish: bool, patience: float) -> None:
        self._on_result = on_result
        self._finish = finish
        self._patience = patience
        self._under_way: set[asyncio.Task[SendResult]] = set()

    async def run(
        self, sending: Awaitable[SendResult], course: Course, so_far: Callable[[], SendResult], each: Each
    ) -> SendResult:
        """What the send comes to. Cancelled, the cancellation passes on with ``sms_result``, what is known so far."""
        if not self._finish:
            return await self._heard(sending, each)
        task = self.start(self._heard(sending, each))
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as cancellation:
            if course.has_asked and not task.done():
                end = asyncio.get_running_loop().call_later(self._patience, task.cancel)
                task.add_done_callback(partial(_retrieve, end))
                attach_result(cancellation, so_far())
                cancellation.add_note("sms_core: the send goes on, and on_result= hears what becomes of it")
                raise
            task.cancel()
            await asyncio.wait([task])
            known = _outcome_of(task)
            if known is not None:
                attach_result(cancellation, known)
            raise
        return task.result()

    def start(self, sending: Coroutine[Any, Any, SendResult]) -> asyncio.Task[SendResult]:
        """A task that `finish` waits for."""
        task = asyncio.create_task(sending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def finish(self) -> None:
        """Wait for the sends that go on. Cancelled, it cancels them, and each is heard."""
        loop = asyncio.get_running_loop()
        tasks = [task for task in self._under_way if task.get_loop() is loop]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            raise

    async def _heard(self, sending: Awaitable[SendResult], each: Each) -> SendResult:
        try:
            result = await sending
        except BaseException as error:
            self._tell(result_of(error), each)
            raise
        self._tell(result, each)
        return result

    def _tell(self, result: SendResult | None, each: Each) -> None:
        if self._on_result is None or result is None:
            return
        for share in each(result):
            self._tell_of(self._on_result, share)

    def _tell_of(self, on_result: OnResult, result: SendResult) -> None:
        try:
            on_result(result)
        except Exception as error:  # noqa: BLE001 - a send's own outcome must not be lost for it
            context = {"message": "on_result= of an AsyncClient failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)


def _outcome_of(task: asyncio.Task[SendResult]) -> SendResult | None:
    try:
        return task.result()
    except BaseException as error:  # noqa: BLE001 - the cancellation passes on, with what it tells
        return result_of(error)


def _retrieve(end: asyncio.TimerHandle, task: asyncio.Task[SendResult]) -> None:
    """The send is over. Its error was heard; nobody else asks for it."""
    end.cancel()
    if not task.cancelled():
        task.exception()
