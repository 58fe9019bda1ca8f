"""Where texts go: functions from an account's alias and DSN to its client, named by ``SMS_BACKEND`` or ``BACKEND``.

A project's own backend is another such function, which can give the client middleware::

    def logged(alias: str, dsn: str) -> sms_core.Client:
        return sms_core.connect(dsn, plugins=[LogOperations()])
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import attrs
from attrs import frozen

from sms_core import (
    Account,
    Client,
    ConfigurationError,
    Outcome,
    RecipientOutcome,
    SendError,
    connect,
    hookimpl,
)
from sms_core.provider import Flow, Operation, Provider, Send
from sms_core.testing import memory
from sms_core_django.testing import EXCHANGE, SentSms, current_outbox, keep

T = TypeVar("T")

_RULE = "-" * 79
_printing = threading.Lock()


def vendor(alias: str, dsn: str) -> Client:
    """The real thing: texts go to the vendor that the DSN names. Raises `ConfigurationError`."""
    del alias
    if not dsn:
        raise ConfigurationError("is missing, and without it there is no vendor to send through")
    return connect(dsn)


def console(alias: str, dsn: str) -> Client:
    """Texts, with their whole numbers, go to the standard output, and to nobody else."""
    return connect(dsn or "memory://", plugins=[Diversion(alias, _show)])


def locmem(alias: str, dsn: str) -> Client:
    """Texts go to `sms_core_django.outbox`, and to nobody else."""
    return connect(dsn or "memory://", plugins=[Diversion(alias, keep)])


@frozen
class Diversion:
    """Middleware that keeps every operation from the vendor: the exchange of `sms_core.testing` answers instead.

    The vendor's limits and capabilities still count, so what it would refuse beforehand is refused here too.
    ``take`` gets each text that was accepted.
    """

    alias: str
    take: Callable[[SentSms], object]

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Drop the vendor's conversation, which has not begun, and hold another."""
        yield
        account = Account(memory.NAME, self.alias, "", f"memory://{EXCHANGE}", memory.MemoryOptions())
        return self._converse(attrs.evolve(provider, account=account), operation)

    def _converse(self, exchange: Provider, operation: Operation[Any]) -> Flow[Any]:
        yield from ()  # no step: a session, for one, would be the vendor's
        current_outbox()  # at the begin of a test this forgets what was sent before, and so is asked before the text is sent
        try:
            result = _outcome(memory.sms_perform(exchange, operation))
        except SendError as error:
            self._take_accepted(operation, error.result)
            raise
        self._take_accepted(operation, result)
        return result

    def _take_accepted(self, operation: Operation[Any], result: Any) -> None:
        if not isinstance(operation, Send):
            return
        accepted = {row.reference: row for row in result.outcomes if row.outcome is Outcome.ACCEPTED}
        for destination in operation.destinations:
            row = accepted.get(destination.reference)
            if row is not None:
                self.take(_sent(self.alias, operation, destination.text, row))


def _outcome(flow: Flow[T]) -> T:
    """The result of a flow of the exchange, whose only step starts an attempt and needs no answer."""
    try:
        while True:
            next(flow)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _sent(alias: str, operation: Send, text: str, row: RecipientOutcome) -> SentSms:
    return SentSms(alias, row.number, text, row.reference, row.batch_id or "", operation.message)


def _show(sent: SentSms) -> None:
    message = sent.message
    head = {
        "Using": sent.alias,
        "To": sent.number,
        "Reference": sent.reference,
        "Subject": message.subject,
        "Send-At": message.send_at.isoformat() if message.send_at else "",
        "Picture": f"{len(message.media.content)} bytes of {message.media.format}" if message.media else "",
    }
    lines = [f"{name}: {value}" for name, value in head.items() if value]
    lines += ["", sent.text, _RULE, ""]
    with _printing:  # so that the lines of two threads do not mix
        sys.stdout.write("\n".join(lines))
        sys.stdout.flush()
