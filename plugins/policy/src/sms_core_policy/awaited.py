"""Accepted texts whose delivery reports are awaited, and the plugin that hears of both: what the watches stand on."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

from attrs import define, field

from sms_core import DeliveryReport, Outcome, RecipientOutcome, SendResult, hookimpl
from sms_core.masking import mask
from sms_core.middleware import Trace, traced
from sms_core.provider import Flow, Operation, Provider, Send

log = logging.getLogger(__name__)

Event = TypeVar("Event")
Key = tuple[str, str, str]
EARLY = 10_000
"""Under how many keys reports are kept that came before their text was noted: a vendor may push one before it answers a send."""


def keys(reference: str, batch_id: str, number: str) -> list[Key]:
    """What a text and its reports know each other by: the reference or the batch, each with the number."""
    found = [("reference", reference, number), ("batch", batch_id, number)]
    return [key for key in found if key[1]]


@define(eq=False)
class Text:
    """One accepted text to one number (E.164). ``accepted_at`` is aware."""

    number: str = field(repr=mask)
    reference: str
    batch_id: str
    accepted_at: datetime

    @property
    def keys(self) -> list[Key]:
        """What a report may know it by."""
        return keys(self.reference, self.batch_id, self.number)


TextT = TypeVar("TextT", bound=Text)


class Watch(ABC, Generic[TextT, Event]):
    """A plugin that notes what is accepted and hears the reports; ``on_event`` is told what comes of it. Threads may share it.

    What is noted stays in this process. ``_lock`` is held while `_heard` and `_events` look at it.
    """

    def __init__(self, on_event: Callable[[Event], object], clock: Callable[[], datetime]) -> None:
        self._on_event = on_event
        self._clock = clock
        self._texts: dict[Key, TextT] = {}
        self._early: OrderedDict[Key, list[DeliveryReport]] = OrderedDict()
        self._lock = threading.Lock()

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Note what a send's recipients were accepted as."""
        flow = yield
        if not isinstance(operation, Send):
            return flow
        return traced(flow, Trace(operation), lambda trace: self._ended(provider, operation, trace.send_result))

    def _ended(self, provider: Provider, operation: Send, result: SendResult | None) -> None:
        if result is not None:
            self._accepted(provider, operation, result)

    @abstractmethod
    def _accepted(self, provider: Provider, operation: Send, result: SendResult) -> None:
        """Note the accepted recipients of a send."""

    @abstractmethod
    def _heard(self, text: TextT, report: DeliveryReport) -> None:
        """Take a report of a text that was noted."""

    @abstractmethod
    def _events(self, now: datetime) -> Iterable[Event]:
        """What is to be told now."""

    def record(self, reports: DeliveryReport | Iterable[DeliveryReport]) -> None:
        """Note delivery reports. Those of texts that it knows nothing of wait a while for them."""
        several = (reports,) if isinstance(reports, DeliveryReport) else tuple(reports)
        with self._lock:
            for report in several:
                known_by = keys(report.reference, report.batch_id, report.number)
                found = [self._texts[key] for key in known_by if key in self._texts]
                if found:
                    self._heard(found[0], report)
                else:
                    self._keep(known_by, report)
        self.check()

    def check(self) -> tuple[Event, ...]:
        """Look now; gives the events that were told."""
        with self._lock:
            events = tuple(self._events(self._clock()))
        for event in events:
            try:
                self._on_event(event)
            except Exception:  # a send that was accepted must not fail for it
                log.exception("the handler of a %s failed: %s", type(self).__name__, event)
        return events

    def _keep(self, known_by: Iterable[Key], report: DeliveryReport) -> None:
        for key in known_by:
            self._early.setdefault(key, []).append(report)
        while len(self._early) > EARLY:
            self._early.popitem(last=False)

    def _remember(self, text: TextT) -> None:
        self._texts.update(dict.fromkeys(text.keys, text))
        for key in text.keys:
            for report in self._early.pop(key, ()):
                self._heard(text, report)

    def _forget(self, text: TextT) -> None:
        for key in text.keys:
            if self._texts.get(key) is text:
                del self._texts[key]


def accepted(result: SendResult) -> Iterator[RecipientOutcome]:
    """The rows of a result that a report is awaited of."""
    return (row for row in result.outcomes if row.outcome is Outcome.ACCEPTED)
