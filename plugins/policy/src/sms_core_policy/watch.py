"""A watch on what comes back: where texts are accepted and do not arrive, a person hears of it.

A carrier that drops a text for its sender's name tells nobody. The vendor said yes, and the delivery report stays away, or
says that it was blocked. That is the only sign.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import define, field, frozen

from sms_core import ConfigurationError, DeliveryReport, DeliveryStatus, SendResult
from sms_core.provider import Provider, Send
from sms_core_policy.awaited import Text, Watch, accepted


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
class _Text(Text):
    lane: _Lane
    delivered: bool = False
    blocked: bool = False


def lane_of_vendor(provider: Provider, operation: Send) -> str:
    """One lane for each vendor."""
    del operation
    return provider.info.name


class DeliveryWatch(Watch[_Text, DeliveryAlarm]):
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
        super().__init__(on_alarm, clock)
        self._last = last
        self._share = share
        self._after = after
        self._blocked = blocked
        self._lane_of = lane
        self._lanes: dict[str, _Lane] = {}

    def add(self, result: SendResult, lane: str) -> None:
        """Note the accepted recipients of a send that was not made through this plugin."""
        now = self._clock()
        with self._lock:
            found = self._lanes.setdefault(lane, _Lane())
            for row in accepted(result):
                text = _Text(row.number, row.reference, row.batch_id or "", now, found)
                found.young.append(text)
                self._remember(text)
        self.check()

    def _accepted(self, provider: Provider, operation: Send, result: SendResult) -> None:
        self.add(result, self._lane_of(provider, operation))

    def _heard(self, text: _Text, report: DeliveryReport) -> None:
        text.delivered |= report.status is DeliveryStatus.DELIVERED
        if report.status is DeliveryStatus.BLOCKED and not text.blocked:
            text.blocked = True
            text.lane.blocked += 1

    def _events(self, now: datetime) -> Iterator[DeliveryAlarm]:
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
            self._forget(forgotten)
