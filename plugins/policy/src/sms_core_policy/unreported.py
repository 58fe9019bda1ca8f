"""Texts that no delivery report came for in a time: an event for another channel or a person, and never a second text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from attrs import define, field, frozen

from sms_core import ConfigurationError, DeliveryReport, SendResult
from sms_core.masking import mask
from sms_core.provider import Provider, Send
from sms_core_policy.awaited import Text, Watch, accepted
from sms_core_policy.limits import utc_now


@frozen
class NoReport:
    """An accepted text without a final report. ``number`` is E.164, ``accepted_at`` aware."""

    number: str = field(repr=mask)
    reference: str
    batch_id: str
    accepted_at: datetime


@define(eq=False)
class _Text(Text):
    is_reported: bool = False


class ReportWatch(Watch[_Text, NoReport]):
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
        super().__init__(on_no_report, clock)
        self._after = after
        self._waiting: deque[_Text] = deque()

    def add(self, result: SendResult) -> None:
        """Note the accepted recipients of a send that was not made through this plugin."""
        now = self._clock()
        with self._lock:
            for row in accepted(result):
                text = _Text(row.number, row.reference, row.batch_id or "", now)
                self._waiting.append(text)
                self._remember(text)
        self.check()

    def _accepted(self, provider: Provider, operation: Send, result: SendResult) -> None:
        del provider, operation
        self.add(result)

    def _heard(self, text: _Text, report: DeliveryReport) -> None:
        if report.status.is_final:
            text.is_reported = True

    def _events(self, now: datetime) -> Iterator[NoReport]:
        """Those whose time is over, which are forgotten."""
        while self._waiting and now - self._waiting[0].accepted_at >= self._after:
            text = self._waiting.popleft()
            self._forget(text)
            if not text.is_reported:
                yield NoReport(text.number, text.reference, text.batch_id, text.accepted_at)
