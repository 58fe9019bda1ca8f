"""Texts that no delivery report came for in a time: an event for another channel or a person, and never a second text."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from typing import Any

from attrs import define, field, frozen

from sms_core import ConfigurationError, DeliveryReport, Outcome, SendResult, hookimpl
from sms_core.masking import mask
from sms_core.middleware import Trace, traced
from sms_core.provider import Flow, Operation, Provider, Send
from sms_core_policy.limits import utc_now

log = logging.getLogger(__name__)


@frozen
class NoReport:
    """An accepted text without a final report. ``number`` is E.164, ``accepted_at`` aware."""

    number: str = field(repr=mask)
    reference: str
    batch_id: str
    accepted_at: datetime


@define(eq=False)
class _Text:
    event: NoReport
    is_reported: bool = False

    @property
    def keys(self) -> list[tuple[str, str, str]]:
        event = self.event
        found = [("reference", event.reference, event.number), ("batch", event.batch_id, event.number)]
        return [key for key in found if key[1]]


class ReportWatch:
    """Tells of each accepted text that had no final report after a time: ``connect(plugins=[watch])``.

    As a plugin it sees what is accepted; several clients, those of a failover say, may have the same one. Feed it the
    reports with `record`, and call `check` from time to time: silence makes no events. ``on_no_report`` hears a `NoReport`
    once for each text. What it does is its own; nothing is sent here. Texts are remembered in this process for ``after``.
    Threads may share it.
    """

    def __init__(
        self,
        on_no_report: Callable[[NoReport], object],
        *,
        after: timedelta = timedelta(minutes=5),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if after <= timedelta():
            raise ConfigurationError("ReportWatch: after is a time")
        self._on_no_report = on_no_report
        self._after = after
        self._clock = clock
        self._waiting: deque[_Text] = deque()
        self._texts: dict[tuple[str, str, str], _Text] = {}
        self._lock = threading.Lock()

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Note what a send's recipients were accepted as."""
        del provider
        flow = yield
        if not isinstance(operation, Send):
            return flow
        return traced(flow, Trace(operation), self._note)

    def _note(self, trace: Trace) -> None:
        if trace.send_result is not None:
            self.add(trace.send_result)

    def add(self, result: SendResult) -> None:
        """Note the accepted recipients of a send that was not made through this plugin."""
        now = self._clock()
        with self._lock:
            for row in result.outcomes:
                if row.outcome is Outcome.ACCEPTED:
                    text = _Text(NoReport(row.number, row.reference, row.batch_id or "", now))
                    self._waiting.append(text)
                    self._texts.update(dict.fromkeys(text.keys, text))
        self.check()

    def record(self, reports: DeliveryReport | Iterable[DeliveryReport]) -> None:
        """Note delivery reports; one that is not final ends no waiting."""
        several = (reports,) if isinstance(reports, DeliveryReport) else tuple(reports)
        with self._lock:
            for report in several:
                text = self._texts.get(("reference", report.reference, report.number))
                text = text or self._texts.get(("batch", report.batch_id, report.number))
                if text is not None and report.status.is_final:
                    text.is_reported = True
        self.check()

    def check(self) -> tuple[NoReport, ...]:
        """Look now; gives the events that were told."""
        with self._lock:
            events = tuple(text.event for text in self._over(self._clock()) if not text.is_reported)
        for event in events:
            try:
                self._on_no_report(event)
            except Exception:  # a send that was accepted must not fail for it
                log.exception("on_no_report of a ReportWatch failed: %s", event)
        return events

    def _over(self, now: datetime) -> list[_Text]:
        """Those whose time is over, which are forgotten."""
        found: list[_Text] = []
        while self._waiting and now - self._waiting[0].event.accepted_at >= self._after:
            text = self._waiting.popleft()
            found.append(text)
            for key in text.keys:
                if self._texts.get(key) is text:
                    del self._texts[key]
        return found
