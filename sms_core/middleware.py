"""Middleware: what to wrap around every operation of a client, and the one that comes with the core.

A middleware is an object with a hook wrapper around `sms_perform`. It gets each operation's flow and gives one
back, mostly the same one under `traced`, or under `observed` where it has to see each step::

    class CountRequests:
        @hookimpl(wrapper=True)
        def sms_perform(self, provider, operation):
            flow = yield
            return traced(flow, Trace(operation), self.done)

Since it wraps flows and not calls, it knows nothing of threads or of asyncio.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from attrs import define, field

from sms_core.errors import SendError, VendorError
from sms_core.http import Request, Response
from sms_core.masking import mask
from sms_core.model import SendResult
from sms_core.provider.hooks import hookimpl
from sms_core.provider.operations import Operation, Send
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow, Step

T = TypeVar("T")

_NOTHING = nullcontext()


class Observer:
    """What a middleware does beside one flow. Each method does nothing until a subclass says what.

    One that raises breaks the operation off. What became of a send is its error's `sms_result` all the same.
    """

    def on_begin(self) -> None:
        """The flow is about to begin."""

    def around_step(self) -> AbstractContextManager[object]:
        """A context that is entered before the flow goes on, and left when the driver has answered its next step."""
        return _NOTHING

    def on_step(self, step: Step) -> None:
        """The flow asks the driver for this step."""

    def on_answer(self, answer: Any) -> None:
        """The driver has answered the step. It is not called where the driver throws an exception instead."""

    def on_end(self, result: Any, error: BaseException | None) -> None:
        """The flow has ended, with a result or with an error; a flow that is given up ends with `GeneratorExit`."""


def observed(flow: Flow[T], observer: Observer) -> Flow[T]:
    """The same conversation, with an observer beside it: each step goes out, each answer and exception goes in."""
    observer.on_begin()
    go_on: Callable[[Any], Step] = flow.send
    answer: Any = None
    while True:
        with observer.around_step():
            try:
                step = go_on(answer)
            except StopIteration as stop:
                result: T = stop.value
                break
            except BaseException as error:
                observer.on_end(None, error)
                raise
            observer.on_step(step)
            # Not `yield from`: where a flow is closed, that would raise another exception out here than the one that
            # the flow has put its `sms_result` into.
            try:
                answer = yield step
            except BaseException as error:  # noqa: BLE001 - handed on whole
                go_on, answer = flow.throw, error
            else:
                observer.on_answer(answer)
                go_on = flow.send
    observer.on_end(result, None)
    return result


@define
class Trace:
    """What middleware sees of one operation. ``seconds`` and ``error`` are set when it has ended.

    ``request`` is the last of its ``requests``, and ``response`` the answer to that one, None where none came.
    """

    operation: Operation[Any]
    requests: int = 0
    request: Request | None = field(default=None, repr=False)
    response: Response | None = field(default=None, repr=False)
    seconds: float = 0.0
    result: Any = field(default=None, repr=False)
    error: BaseException | None = None

    @property
    def send_result(self) -> SendResult | None:
        """What a `Send` came to, however it ended; None before that, for a caller's error and other operations."""
        if not isinstance(self.operation, Send):
            return None
        if isinstance(self.error, SendError):
            return self.error.result
        found = getattr(self.error, "sms_result", None) or self.result
        return found if isinstance(found, SendResult) else None


def traced(
    flow: Flow[T], trace: Trace, done: Callable[[Trace], None], clock: Callable[[], float] = time.monotonic
) -> Flow[T]:
    """The same conversation, with ``done(trace)`` called at its end, however it ends: the heart of a middleware."""
    return observed(flow, _Tracer(trace, done, clock))


@define
class _Tracer(Observer):
    """Fills a trace."""

    trace: Trace
    done: Callable[[Trace], None]
    clock: Callable[[], float]
    started: float = 0.0

    def on_begin(self) -> None:
        self.started = self.clock()

    def on_step(self, step: Step) -> None:
        if isinstance(step, Request):
            self.trace.requests += 1
            self.trace.request = step
            self.trace.response = None

    def on_answer(self, answer: Any) -> None:
        if isinstance(answer, Response):
            self.trace.response = answer

    def on_end(self, result: Any, error: BaseException | None) -> None:
        self.trace.result = result
        self.trace.error = error
        self.trace.seconds = self.clock() - self.started
        self.done(self.trace)


SHOWN_NUMBERS = 5
"""How many masked numbers of a send a log record names."""


class LogOperations:
    """Logs each operation once, when it has ended: INFO if it succeeded, WARNING if not.

    The record's ``extra`` has ``sms_provider``, ``sms_operation``, ``sms_requests``, ``sms_seconds``, ``sms_error``
    (a class name or None) and ``sms_code``; a send adds ``sms_reference``, ``sms_batch_id``, ``sms_outcomes`` (a
    count of each) and ``sms_numbers`` (a few, masked). No text, no full number and no secret is ever in it.
    Give it to a client as ``connect(dsn, plugins=[LogOperations()])``.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("sms_core.operations")

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Wrap the conversation."""
        flow = yield
        return traced(flow, Trace(operation), lambda trace: self._log(provider, trace))

    def _log(self, provider: Provider, trace: Trace) -> None:
        level = logging.INFO if trace.error is None else logging.WARNING
        extra = {
            "sms_provider": provider.info.name,
            "sms_operation": trace.operation.name,
            "sms_requests": trace.requests,
            "sms_seconds": trace.seconds,
            "sms_error": type(trace.error).__name__ if trace.error else None,
            "sms_code": trace.error.code if isinstance(trace.error, VendorError) else "",
            **_of_send(trace),
        }
        outcome = extra["sms_error"] or "ok"
        words = (provider.info.name, trace.operation.name, outcome, trace.requests, trace.seconds)
        self._logger.log(level, "%s %s: %s, %d requests, %.3f s", *words, extra=extra)


def _of_send(trace: Trace) -> dict[str, Any]:
    if not isinstance(trace.operation, Send):
        return {}
    result = trace.send_result or SendResult(())
    shown = trace.operation.destinations[:SHOWN_NUMBERS]
    return {
        "sms_reference": trace.operation.message.reference,
        "sms_batch_id": result.batch_id,
        "sms_outcomes": dict(Counter(row.outcome.value for row in result.outcomes)),
        "sms_numbers": [mask(destination.number) for destination in shown],
    }
