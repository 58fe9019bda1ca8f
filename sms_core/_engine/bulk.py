"""Many messages side by side, none of which is lost from sight however the iteration ends.

Workers send; the caller's thread takes messages from the iterable, hands them out and gives what became of them. An
interruption (Ctrl-C) reaches that thread alone, between any two of its steps. Therefore:

* A message is noted in ``_taken`` by the very statement that takes it, and leaves it by the one before it is given.
* Whether its send has begun is decided by one atomic step, `dict.setdefault` on ``_begun``: the worker writes what it
  is about to send, and who withdraws the message None. The first one wins, and both can read later who that was.
* A worker writes what came of a send into ``_known`` before it wakes anybody, so a wake-up may be lost.
* The caller's thread holds no lock that another one needs: what an interruption leaves locked is locked for ever, in
  `ThreadPoolExecutor.submit` too. It talks to the others through queues that are C, and a thread between submits.
"""

from __future__ import annotations

import _thread
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from datetime import datetime
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

import attrs
from attrs import field, frozen

from sms_core._engine.flow import whole
from sms_core._engine.outcomes import conclude, same_for_all
from sms_core._engine.plan import Plan
from sms_core.errors import SendError, SmsError, TransportError
from sms_core.model import Message, Outcome, SendResult
from sms_core.provider.info import ProviderInfo
from sms_core.serialize import register_unstructure, to_data


@frozen
class Sent:
    """What became of one message of a bulk. ``index`` is its place among the messages, counted from 0.

    One of ``result`` and ``error`` is there; of a send that failed or was broken off both are, and the result tells each
    recipient's outcome. An error without a result stopped the message before anything of it left.
    """

    index: int
    message: Message | Plan = field(repr=False)
    result: SendResult | None
    error: BaseException | None


def _sent_as_data(sent: Sent) -> dict[str, Any]:
    error = to_data(sent.error)
    if sent.error is not None and not isinstance(sent.error, SmsError):
        error = {"type": type(sent.error).__name__, "message": str(sent.error), "code": "", "details": {}}
    message = sent.message if isinstance(sent.message, Message) else sent.message.message
    return {"index": sent.index, "message": to_data(message), "result": to_data(sent.result), "error": error}


register_unstructure(Sent, _sent_as_data)


@frozen(repr=False)
class _Begun:
    """What a worker is sending, since when, and what became of its requests so far."""

    plan: Plan
    at: datetime
    results: list[SendResult] = field(factory=list)


TOO_EARLY = TransportError("the bulk ended before this message's turn", sent=False)
TOO_LATE = TransportError("the bulk was broken off before the answer was known", sent=True, timed_out=True)


Send = Callable[[Plan, list[SendResult]], SendResult]
"""Sends a plan; the list gets the result of each request as soon as it is known."""
_Job = tuple[Context, int, Message | Plan]


class Bulk:
    """Messages under way: an iterator of `Sent`, each given as soon as it is known, and a context manager.

    ``concurrency`` messages are under way or waiting to be given; the next one is taken from the iterable when one of
    these has been given. Nothing that was given is kept. One thread may use it.

    However the iteration ends, no further message is handed out then, and those under way are awaited. What was not
    given is in the ``sms_results`` of the exception that ended it, and in ``results``.
    """

    _ends = True  # until __init__ is through, which may be interrupted

    def __init__(
        self,
        messages: Iterable[Message | Plan],
        *,
        plan: Callable[[Message], Plan],
        send: Send,
        info: ProviderInfo,
        clock: Callable[[], datetime],
        concurrency: int,
    ) -> None:
        """``plan`` checks and splits a message, and ``send`` sends it: a client's own."""
        self._taken: dict[int, Message | Plan] = {}
        self._begun: dict[int, _Begun | None] = {}
        self._known: dict[int, Sent] = {}
        self._woken: SimpleQueue[None] = SimpleQueue()
        self._source = iter(messages)
        self._count = 0
        self._failure: Exception | None = None
        self._ended = False
        self._plan = plan
        self._info = info
        self._concurrency = concurrency
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._stopped: SimpleQueue[None] = SimpleQueue()
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix="sms-send")
        # The threads hold none of this Bulk, so that one which nobody holds any more is noticed.
        sender = _Sender(plan, send, clock, self._begun, self._known, self._woken)
        self._ends = False
        _thread.start_new_thread(_dispatch, (self._jobs, pool, sender, self._stopped))

    @property
    def results(self) -> tuple[Sent, ...]:
        """What is known and was not given: after the end, all that was under way then."""
        return tuple(self._known[index] for index in self._taken if index in self._known)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Sent:
        """The next message whose outcome is known.

        Raises what the iterable of messages raised, after all that was taken from it has been given.
        """
        if self._ends:
            raise StopIteration
        try:
            self._hand_out()
            sent = self._wait_for_one()
            if sent is None:
                self._finish()
        except BaseException as interruption:
            self._end_by(interruption)
            raise
        if sent is None:
            failure, self._failure = self._failure, None
            if failure is not None:
                self._attach_to(failure)
                raise failure
            raise StopIteration
        # No call stands between these and the caller: Python would handle a signal after it.
        del self._taken[sent.index]
        del self._begun[sent.index]
        del self._known[sent.index]
        return sent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._end_by(error)

    def close(self) -> None:
        """Hand out nothing more and wait for what is under way; it is in ``results`` then."""
        try:
            self._finish()
        except BaseException as interruption:
            self._end_by(interruption)
            raise

    def __del__(self) -> None:
        if not self._ends:
            self._withdraw()
            self._jobs.put(None)
        if self._taken and not self._ends:
            unheard = f"{len(self._taken)} messages were under way when a Bulk was dropped, and nobody hears of them"
            warnings.warn(f"{unheard}: use it in a with block", RuntimeWarning, stacklevel=2, source=self)

    def _hand_out(self) -> None:
        while len(self._taken) < self._concurrency and self._take():
            index = self._count - 1
            # Whoever traces the caller traces its sends too.
            self._jobs.put((copy_context(), index, self._taken[index]))

    def _take(self) -> bool:
        """Take a message from the iterable; False if there is none."""
        try:
            for message in self._source:
                self._taken[self._count] = message
                self._count += 1
                return True
        except Exception as error:  # noqa: BLE001 - raised when all that was taken has been given
            self._failure = error
        self._source = iter(())
        return False

    def _wait_for_one(self) -> Sent | None:
        """A message that is known; None if none is under way."""
        while self._taken:
            for index in self._taken:
                if index in self._known:
                    return self._known[index]
            self._woken.get()
        return None

    def _finish(self) -> None:
        """Wait until all that was taken is known."""
        if self._ended:
            return
        self._ends = True
        self._withdraw()
        while not self._known.keys() >= self._taken.keys():
            self._woken.get()
        self._jobs.put(None)
        self._stopped.get()
        self._ended = True

    def _withdraw(self) -> None:
        """Hand out nothing more, and keep what no worker has begun from being sent."""
        self._source = iter(())
        for index in self._taken:
            if self._begun.setdefault(index, None) is None:
                self._break_off(index)

    def _end_by(self, interruption: BaseException) -> None:
        """Finish, and let the interruption carry what was not given.

        Interrupted again, as by a second Ctrl-C, it waits no longer: what is under way may have been taken.
        """
        try:
            self._finish()
        except BaseException as again:
            for index in self._taken.keys() - self._known.keys():
                self._break_off(index)
            self._jobs.put(None)
            self._ended = True
            self._attach_to(again)
            raise
        self._attach_to(interruption)

    def _break_off(self, index: int) -> None:
        """Note what is known of a message of which no worker told.

        If none has begun it, it is not sent; else its requests are unknown, but for those that were answered.
        """
        message = self._taken[index]
        begun = self._begun.setdefault(index, None)
        try:
            if begun is not None:
                results = list(begun.results)
                open_sends = begun.plan.sends[len(results) :]
                results.extend(same_for_all(send.destinations, Outcome.UNKNOWN, TOO_LATE) for send in open_sends)
                result = whole(begun.plan, results, begun.at)
            else:
                plan = _planned(message, self._plan)
                result = same_for_all(plan.destinations, Outcome.NOT_SENT, TOO_EARLY)
                result = attrs.evolve(result, message=plan.message)
            sent = Sent(index, message, conclude(result, self._info), None)
        except SendError as error:
            sent = Sent(index, message, error.result, error)
        except Exception as error:  # noqa: BLE001 - the message was wrong
            sent = Sent(index, message, None, error)
        self._known.setdefault(index, sent)

    def _attach_to(self, error: BaseException) -> None:
        attach_results(error, self.results)


def attach_results(error: BaseException, results: Iterable[Sent]) -> None:
    """Let the exception that ends a bulk carry what was not given."""
    before = getattr(error, "sms_results", [])
    added = [sent for sent in results if all(sent is not other for other in before)]
    # An error whose class forbids to set attributes has them all the same.
    error.__dict__["sms_results"] = [*before, *added]
    if added:
        error.add_note(f"sms_core: sms_results of this exception tells what became of {len(added)} more messages")


@frozen(repr=False)
class _Sender:
    """What the threads share with the caller's."""

    plan: Callable[[Message], Plan]
    send: Send
    clock: Callable[[], datetime]
    begun: dict[int, _Begun | None]
    known: dict[int, Sent]
    woken: SimpleQueue[None]

    def work(self, index: int, message: Message | Plan) -> None:
        """Send a message, unless it was withdrawn."""
        try:
            # Planned first, so that one which is broken off is known by the references under which it went.
            mine = _Begun(_planned(message, self.plan), self.clock())
            if self.begun.setdefault(index, mine) is mine:
                self._know(Sent(index, message, self.send(mine.plan, mine.results), None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is this message's
            self.begun.setdefault(index, None)
            result = error.result if isinstance(error, SendError) else getattr(error, "sms_result", None)
            self._know(Sent(index, message, result, error))

    def refuse(self, index: int, message: Message | Plan, error: Exception) -> None:
        """Note that a message was not sent, unless it was begun."""
        if self.begun.setdefault(index, None) is None:
            self._know(Sent(index, message, None, error))

    def _know(self, sent: Sent) -> None:
        self.known.setdefault(sent.index, sent)
        self.woken.put(None)


def _dispatch(
    jobs: SimpleQueue[_Job | None], pool: ThreadPoolExecutor, sender: _Sender, stopped: SimpleQueue[None]
) -> None:
    """Give each job to the pool, until None comes."""
    with pool:
        while (job := jobs.get()) is not None:
            context, index, message = job
            try:
                pool.submit(context.run, sender.work, index, message)
            except RuntimeError as error:  # no thread can be started
                sender.refuse(index, message, error)
    stopped.put(None)


def _planned(message: Message | Plan, plan: Callable[[Message], Plan]) -> Plan:
    return message if isinstance(message, Plan) else plan(message)
