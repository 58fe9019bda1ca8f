"""Middleware that comes with the core: what to wrap around every operation of a client.

A middleware is an object with a hook wrapper around `sms_perform`. It gets each operation's flow and gives one
back, mostly the same one under `sms_core.middleware.traced`::

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
from typing import Any, TypeVar

from attrs import define, field

from sms_core.errors import SendError, VendorError
from sms_core.http import Request, Response
from sms_core.masking import mask
from sms_core.model import SendResult
from sms_core.provider.hooks import hookimpl
from sms_core.provider.operations import Operation, Send
from sms_core.provider.provider import Provider
from sms_core.provider.steps import Flow

T = TypeVar("T")


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
        if isinstance(self.error, SendError):
            return self.error.result
        found = getattr(self.error, "sms_result", None) or self.result
        return found if isinstance(found, SendResult) else None


def traced(
    flow: Flow[T], trace: Trace, done: Callable[[Trace], None], clock: Callable[[], float] = time.monotonic
) -> Flow[T]:
    """The same conversation, with ``done(trace)`` called at its end, however it ends: the heart of a middleware."""
    started = clock()
    try:
        step = next(flow)
        while True:
            if isinstance(step, Request):
                trace.requests += 1
                trace.request, trace.response = step, None
            try:
                answer = yield step
            except BaseException as error:  # noqa: BLE001 - handed on whole, as `yield from` would
                step = flow.throw(error)
            else:
                if isinstance(answer, Response):
                    trace.response = answer
                step = flow.send(answer)
    except StopIteration as stop:
        trace.result = stop.value
        return trace.result  # type: ignore[no-any-return]
    except BaseException as error:
        trace.error = error
        raise
    finally:
        trace.seconds = clock() - started
        done(trace)


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
        self._logger = logger or logging.getLogger("sms_core.provider.operations")

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
    result = trace.send_result
    outcomes = result.outcomes if result else ()
    return {
        "sms_reference": trace.operation.message.reference,
        "sms_batch_id": result.batch_id if result else None,
        "sms_outcomes": dict(Counter(row.outcome.value for row in outcomes)),
        "sms_numbers": [mask(one.number) for one in trace.operation.destinations[:SHOWN_NUMBERS]],
    }
