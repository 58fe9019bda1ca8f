"""A watch on what comes back: where texts are accepted and do not arrive, a person hears of it.

A carrier that drops a text for its sender's name tells nobody. The vendor said yes, and the delivery report stays away, or
says that it was blocked. That is the only sign.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field, frozen

from sms_core import ConfigurationError, DeliveryReport, DeliveryStatus, Outcome, SendResult, hookimpl
from sms_core.middleware import Trace, traced
from sms_core.provider import Flow, Operation, Provider, Send

log = logging.getLogger(__name__)


@frozen
class DeliveryAlarm:
    """Texts of a lane do not arrive. The counts are of the last texts that were accepted and are old enough."""

    lane: str
    accepted: int
    delivered: int
    blocked: int

    def __str__(self) -> str:
        counts = f"of {self.accepted} accepted texts {self.delivered} were delivered and {self.blocked} blocked"
        return f"{self.lane}: {counts}; does the text name the approved sender?"


@define(eq=False)
class _Lane:
    """The texts of a lane: those that may still be on their way, and the last ones that ought to have arrived."""

    young: deque[_Text] = field(factory=deque)
    old: deque[_Text] = field(factory=deque)
    blocked: int = 0
    alarmed: bool = False


@define(eq=False)
class _Text:
    """One accepted text to one number."""

    lane: _Lane
    accepted_at: datetime
    keys: tuple[tuple[str, str, str], ...]
    delivered: bool = False
    blocked: bool = False


def lane_of_vendor(provider: Provider, operation: Send) -> str:
    """One lane for each vendor."""
    del operation
    return provider.info.name


class DeliveryWatch:
    """Raises an alarm when of the last accepted texts of a lane too few arrive: ``connect(plugins=[watch])``.

    As a plugin it sees what is accepted; feed it the delivery reports with `record`, from a receiver's handler or from
    ``client.reports``. ``on_alarm`` is called with a `DeliveryAlarm`, once until the lane has recovered, when of the
    ``last`` texts that were accepted at least ``after`` ago fewer than ``share`` were delivered, or when ``blocked`` of
    its texts are reported blocked. Silence makes no events, so call `check` from time to time.

    ``lane`` names the lane of a send; without it each vendor is one. Texts are remembered in this process, those of the
    last ``after`` and ``last`` older ones of each lane. Threads may share it.
    """

    def __init__(
        self,
        on_alarm: Callable[[DeliveryAlarm], object],
        *,
        last: int = 50,
        share: float = 0.5,
        after: timedelta = timedelta(minutes=30),
        blocked: int = 3,
        lane: Callable[[Provider, Send], str] = lane_of_vendor,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if last < 1 or not 0 < share <= 1 or blocked < 1:
            raise ConfigurationError("DeliveryWatch: last and blocked are 1 or more, share is between 0 and 1")
        self._on_alarm = on_alarm
        self._last = last
        self._share = share
        self._after = after
        self._blocked = blocked
        self._lane_of = lane
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self._texts: dict[tuple[str, str, str], _Text] = {}
        self._lock = threading.Lock()

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Note what a send's recipients were accepted as."""
        flow = yield
        if not isinstance(operation, Send):
            return flow
        lane = self._lane_of(provider, operation)
        return traced(flow, Trace(operation), lambda trace: self._note(lane, trace.send_result))

    def _note(self, lane: str, result: SendResult | None) -> None:
        if result is not None:
            self.add(result, lane)

    def add(self, result: SendResult, lane: str) -> None:
        """Note the accepted recipients of a send that was not made through this plugin."""
        now = self._clock()
        with self._lock:
            found = self._lanes.setdefault(lane, _Lane())
            for row in result.outcomes:
                if row.outcome is Outcome.ACCEPTED:
                    keys = (("batch", row.batch_id or "", row.number), ("reference", row.reference, row.number))
                    text = _Text(found, now, tuple(key for key in keys if key[1]))
                    found.young.append(text)
                    self._texts.update(dict.fromkeys(text.keys, text))
        self.check()

    def record(self, reports: DeliveryReport | Iterable[DeliveryReport]) -> None:
        """Note delivery reports. Those of texts that it knows nothing of are passed over."""
        several = (reports,) if isinstance(reports, DeliveryReport) else tuple(reports)
        with self._lock:
            for report in several:
                text = self._texts.get(("reference", report.reference, report.number))
                text = text or self._texts.get(("batch", report.batch_id, report.number))
                if text is None:
                    continue
                text.delivered |= report.status is DeliveryStatus.DELIVERED
                if report.status is DeliveryStatus.BLOCKED and not text.blocked:
                    text.blocked = True
                    text.lane.blocked += 1
        self.check()

    def check(self) -> tuple[DeliveryAlarm, ...]:
        """Look at every lane now; gives the alarms that were raised."""
        with self._lock:
            alarms = tuple(self._alarms(self._clock()))
        for alarm in alarms:
            try:
                self._on_alarm(alarm)
            except Exception:  # a send that was accepted must not fail for it
                log.exception("on_alarm of a DeliveryWatch failed: %s", alarm)
        return alarms

    def _alarms(self, now: datetime) -> Iterator[DeliveryAlarm]:
        for name, lane in self._lanes.items():
            self._grow_old(lane, now)
            delivered = sum(text.delivered for text in lane.old)
            too_few = len(lane.old) == self._last and delivered < self._share * self._last
            is_wrong = too_few or lane.blocked >= self._blocked
            if is_wrong and not lane.alarmed:
                yield DeliveryAlarm(name, len(lane.old), delivered, lane.blocked)
            lane.alarmed = is_wrong

    def _grow_old(self, lane: _Lane, now: datetime) -> None:
        while lane.young and now - lane.young[0].accepted_at >= self._after:
            lane.old.append(lane.young.popleft())
        while len(lane.old) > self._last:
            forgotten = lane.old.popleft()
            lane.blocked -= forgotten.blocked
            for key in forgotten.keys:
                if self._texts.get(key) is forgotten:
                    del self._texts[key]
