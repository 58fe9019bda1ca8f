"""Middleware that comes with the core: what to wrap around every operation of a client.

A middleware is an object with a hook wrapper around `sms_perform`. It gets each operation's flow and gives one
back, mostly the same one under `sms_core.flow.traced`::

    class CountRequests:
        @hookimpl(wrapper=True)
        def sms_perform(self, client, operation):
            flow = yield
            return traced(flow, Trace(operation), self.done)

Since it wraps flows and not calls, it knows nothing of threads or of asyncio.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator
from typing import Any

from sms_core.errors import VendorError
from sms_core.flow import Trace, traced
from sms_core.hookspecs import hookimpl
from sms_core.masking import mask
from sms_core.operations import Operation, Send
from sms_core.registry import Provider
from sms_core.steps import Flow

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
    def sms_perform(self, client: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Wrap the conversation."""
        flow = yield
        return traced(flow, Trace(operation), lambda trace: self._log(client, trace))

    def _log(self, client: Provider, trace: Trace) -> None:
        level = logging.INFO if trace.error is None else logging.WARNING
        extra = {
            "sms_provider": client.info.name,
            "sms_operation": trace.operation.name,
            "sms_requests": trace.requests,
            "sms_seconds": trace.seconds,
            "sms_error": type(trace.error).__name__ if trace.error else None,
            "sms_code": trace.error.code if isinstance(trace.error, VendorError) else "",
            **_of_send(trace),
        }
        outcome = extra["sms_error"] or "ok"
        words = (client.info.name, trace.operation.name, outcome, trace.requests, trace.seconds)
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
