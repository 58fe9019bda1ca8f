"""Many messages side by side, none of which is lost from sight however the iteration ends.

Workers send; the caller's thread takes messages from the iterable, hands them out and gives what became of them. An
interruption (Ctrl-C) reaches that thread alone, between any two of its steps. Therefore:

* A message is noted in ``_taken`` by the very statement that takes it, and leaves it by the one before it is given.
* Whether its send has begun is decided by one atomic step, `dict.setdefault` on its job's ``decided``: the worker
  writes that it begins, and who withdraws the job None. The first one wins, and both can read later who that was.
* A worker writes what came of a send into ``_known`` before it wakes anybody, so a wake-up may be lost.
* The caller's thread holds no lock that another one needs: what an interruption leaves locked is locked for ever, in
  `ThreadPoolExecutor.submit` too. It talks to the others through queues that are C, and a thread between submits.
"""

from __future__ import annotations

import _thread
import time
import warnings
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from datetime import UTC, datetime
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

import attrs
from attrs import field, frozen

from sms_core._engine.driver import Course
from sms_core._engine.flow import whole
from sms_core._engine.groups import Group, Grouping, Member, alone, shares
from sms_core._engine.outcomes import conclude, same_for_all
from sms_core._engine.pace import Pace
from sms_core._engine.plan import Plan
from sms_core.errors import InvalidMessage, SendError, SmsError, TransportError, Unsupported, result_of
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


TOO_EARLY = TransportError("the bulk ended before this message's turn", sent=False)
TOO_LATE = TransportError("the bulk was broken off before the answer was known", sent=True, timed_out=True)


@frozen(repr=False)
class _Begun:
    """Since when a worker is sending, how far it is, and what became of its requests so far."""

    at: datetime
    course: Course = field(factory=Course)
    results: list[SendResult] = field(factory=list)


ASYNC_MESSAGES = (
    "send_many: this is the client that blocks, which can't take messages from an async iterable; that of "
    "sms_core.connect_async() can"
)
BEGUN = "begun"
NAP = 0.1
"""Seconds that a worker sleeps at most before it looks whether its messages were withdrawn."""


@frozen(repr=False, eq=False)
class _Job:
    """Messages that a worker sends. ``decided`` says under `BEGUN` what began, or None where it was withdrawn."""

    group: Group
    context: Context
    decided: dict[str, _Begun | None] = field(factory=dict)

    @property
    def is_withdrawn(self) -> bool:
        return BEGUN in self.decided and self.decided[BEGUN] is None


Send = Callable[[Plan, list[SendResult], Course], SendResult]
"""Sends a plan; the list gets the result of each request as soon as it is known."""


class Bulk:
    """Messages under way: an iterator of `Sent`, each given as soon as it is known, and a context manager.

    ``concurrency`` messages are under way or waiting to be given; the next one is taken from the iterable when one of
    these has been given. With ``group=True`` so many requests' worth are, and as many messages as a request holds are
    taken together. Nothing that was given is kept. One thread may use it.

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
        grouping: Grouping,
        pace: Pace,
        clock: Callable[[], datetime],
        sleep: Callable[[float], object],
        concurrency: int,
    ) -> None:
        """``plan`` checks and splits a message, and ``send`` sends it: a client's own."""
        if isinstance(messages, AsyncIterable) and not isinstance(messages, Iterable):
            raise TypeError(ASYNC_MESSAGES)
        self._taken: dict[int, Message | Plan] = {}
        self._job_of: dict[int, _Job | None] = {}
        self._known: dict[int, Sent] = {}
        self._woken: SimpleQueue[int] = SimpleQueue()
        self._source = iter(messages)
        self._count = 0
        self._failure: Exception | None = None
        self._ended = False
        self._plan = plan
        self._grouping = grouping
        self._most = concurrency * grouping.size
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._stopped: SimpleQueue[None] = SimpleQueue()
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix="sms-send")
        # The threads hold none of this Bulk, so that one which nobody holds any more is noticed.
        sender = _Sender(send, grouping.info, pace, clock, sleep, self._known, self._woken)
        self._ends = False
        _thread.start_new_thread(_dispatch, (self._jobs, pool, sender, self._stopped))

    @classmethod
    def apart(
        cls,
        messages: Iterable[Message | Plan],
        *,
        plan: Callable[[Message], Plan],
        send: Callable[[Plan], SendResult],
        info: ProviderInfo,
        concurrency: int = 8,
        max_per_second: float | None = None,
    ) -> Self:
        """A bulk of something that plans and sends as a client does: each message goes by itself. Raises as `Client.send_many`."""
        return cls(
            messages,
            plan=plan,
            send=lambda planned, _, __: send(planned),
            grouping=Grouping(info, lambda _, destinations: destinations),
            pace=Pace(max_per_second),
            clock=lambda: datetime.now(UTC),
            sleep=time.sleep,
            concurrency=concurrency,
        )

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
        del self._job_of[sent.index]
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
        if self._ends:
            return
        self._withdraw()
        self._jobs.put(None)
        if self._taken:
            unheard = f"{len(self._taken)} messages were under way when a Bulk was dropped, and nobody hears of them"
            warnings.warn(f"{unheard}: use it in a with block", RuntimeWarning, stacklevel=2, source=self)

    def _hand_out(self) -> None:
        while len(self._taken) <= self._most - self._grouping.size:
            taken = self._take_some()
            if not taken:
                return
            for group in self._grouping.groups(self._planned(taken)):
                # Whoever traces the caller traces its sends too.
                job = _Job(group, copy_context())
                self._job_of.update({member.index: job for member in group.members})
                self._jobs.put(job)

    def _take_some(self) -> list[int]:
        """Take as many messages as one request holds; fewer, where the iterable has no more."""
        taken: list[int] = []
        while len(taken) < self._grouping.size and self._take():
            taken.append(self._count - 1)
        return taken

    def _planned(self, taken: Sequence[int]) -> list[Member]:
        """Those that can be sent. Of the others it is known now why they can't."""
        members: list[Member] = []
        for index in taken:
            message = self._taken[index]
            try:
                members.append(Member(index, message, planned(message, self._plan)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's
                self._known[index] = Sent(index, message, None, error)
                self._woken.put(index)
        return members

    def _take(self) -> bool:
        """Take a message from the iterable; False if there is none."""
        try:
            for message in self._source:
                self._taken[self._count] = message
                self._job_of[self._count] = None
                self._count += 1
                return True
        except Exception as error:  # noqa: BLE001 - raised when all that was taken has been given
            self._failure = error
        self._source = iter(())
        return False

    def _wait_for_one(self) -> Sent | None:
        """A message that is known; None if none is under way."""
        while self._taken:
            index = self._woken.get()
            if index in self._known:
                return self._known[index]
        return None

    def _finish(self) -> None:
        """Wait until all that was taken is known."""
        if self._ended:
            return
        self._ends = True
        self._withdraw()
        for index in self._taken:
            while index not in self._known:
                self._woken.get()
        self._jobs.put(None)
        self._stopped.get()
        self._ended = True

    def _withdraw(self) -> None:
        """Hand out nothing more, and keep what no worker has begun from being sent."""
        self._source = iter(())
        for job in self._open_jobs():
            if job.decided.setdefault(BEGUN, None) is None:
                self._break_off(job)

    def _open_jobs(self) -> list[_Job]:
        """Those of which a message is not known; what was taken and not yet handed out is a job of its own."""
        jobs: dict[_Job, None] = {}
        for index in [index for index in self._taken if index not in self._known]:
            job = self._job_of.get(index)
            if job is None:
                for member in self._planned([index]):
                    jobs[_Job(alone(member), copy_context())] = None
            else:
                jobs[job] = None
        return list(jobs)

    def _end_by(self, interruption: BaseException) -> None:
        """Finish, and let the interruption carry what was not given.

        Interrupted again, as by a second Ctrl-C, it waits no longer: what is under way may have been taken.
        """
        try:
            self._finish()
        except BaseException as again:
            for job in self._open_jobs():
                self._break_off(job)
            self._jobs.put(None)
            self._ended = True
            self._attach_to(again)
            raise
        self._attach_to(interruption)

    def _break_off(self, job: _Job) -> None:
        """Note what is known of messages of which no worker told.

        If none has begun them, they are not sent; else their requests are unknown, but for those that were answered.
        """
        begun = job.decided.setdefault(BEGUN, None)
        plan = job.group.plan
        if begun is None:
            result = not_begun(plan)
        else:
            results = list(begun.results)
            open_sends = plan.sends[len(results) :]
            results.extend(same_for_all(send.destinations, Outcome.UNKNOWN, TOO_LATE) for send in open_sends)
            result = whole(plan, results, begun.at)
        for sent in concluded(job.group, result, self._grouping.info):
            self._known.setdefault(sent.index, sent)

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


def not_begun(plan: Plan) -> SendResult:
    """The result of a plan whose turn did not come."""
    result = same_for_all(plan.destinations, Outcome.NOT_SENT, TOO_EARLY)
    return attrs.evolve(result, message=plan.message)


def told(group: Group, result: SendResult | None, error: BaseException | None, info: ProviderInfo) -> list[Sent]:
    """What became of each message of a group that was sent."""
    if result is not None and len(group.members) > 1 and (error is None or isinstance(error, SendError)):
        return concluded(group, result, info)
    results = [None] * len(group.members) if result is None else shares(group, result, info)
    found = zip(group.members, results, strict=True)
    return [Sent(member.index, member.item, share, error) for member, share in found]


def concluded(group: Group, result: SendResult, info: ProviderInfo) -> list[Sent]:
    """What a result comes to for each message of a group."""
    found = zip(group.members, shares(group, result, info), strict=True)
    return [_concluded(member, share, info) for member, share in found]


def _concluded(member: Member, result: SendResult, info: ProviderInfo) -> Sent:
    try:
        return Sent(member.index, member.item, conclude(result, info), None)
    except SendError as error:
        return Sent(member.index, member.item, error.result, error)


@frozen(repr=False)
class _Sender:
    """What the threads share with the caller's."""

    send: Send
    info: ProviderInfo
    pace: Pace
    clock: Callable[[], datetime]
    sleep: Callable[[float], object]
    known: dict[int, Sent]
    woken: SimpleQueue[int]

    def work(self, job: _Job) -> None:
        """Send messages when it is their turn, unless they were withdrawn."""
        try:
            self._wait(job)
        except BaseException as error:  # noqa: BLE001 - nothing has left, and it is these messages' error
            self.refuse(job, error)
            return
        begun = _Begun(self.clock())
        if job.decided.setdefault(BEGUN, begun) is begun:
            self._send(job.group, begun)

    def _wait(self, job: _Job) -> None:
        seconds = self.pace.reserve(len(job.group.plan.destinations))
        while seconds > 0 and not job.is_withdrawn:
            self.sleep(min(seconds, NAP))
            seconds -= NAP

    def _send(self, group: Group, begun: _Begun) -> None:
        failure: BaseException | None = None
        try:
            result: SendResult | None = self.send(group.plan, begun.results, begun.course)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is these messages'
            failure = error
            result = result_of(error)
        if is_for_one(group, failure, begun.course):
            for member in group.members:
                self._send(alone(member), _Begun(self.clock()))
            return
        for sent in told(group, result, failure, self.info):
            self._know(sent)

    def refuse(self, job: _Job, error: BaseException) -> None:
        """Note that messages were not sent, unless they were begun."""
        if job.decided.setdefault(BEGUN, None) is None:
            for sent in told(job.group, None, error, self.info):
                self._know(sent)

    def _know(self, sent: Sent) -> None:
        self.known.setdefault(sent.index, sent)
        self.woken.put(sent.index)


def is_for_one(group: Group, error: BaseException | None, course: Course) -> bool:
    """Whether something refused a group before it was sent, though it might take some of its messages."""
    return len(group.members) > 1 and isinstance(error, InvalidMessage | Unsupported) and not course.has_asked


def _dispatch(
    jobs: SimpleQueue[_Job | None], pool: ThreadPoolExecutor, sender: _Sender, stopped: SimpleQueue[None]
) -> None:
    """Give each job to the pool, until None comes."""
    with pool:
        while (job := jobs.get()) is not None:
            try:
                pool.submit(job.context.run, sender.work, job)
            except RuntimeError as error:  # no thread can be started
                sender.refuse(job, error)
    stopped.put(None)


def planned(message: Message | Plan, plan: Callable[[Message], Plan]) -> Plan:
    """The plan of a message."""
    return message if isinstance(message, Plan) else plan(message)
