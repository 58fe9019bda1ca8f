"""Gauges of an outbox: what waits, since when, what is unknown, who pauses and who works. No number, text or key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

if TYPE_CHECKING:
    from sms_core_outbox import Outbox, Stats

SCOPE = "sms_core_otel"


def observe_outbox(outbox: Outbox, meter_provider: MeterProvider | None = None) -> None:
    """Let a meter ask an outbox for its `Stats` whenever metrics are read; the global provider's, if none is given.

    ==============================  ============================  =============================================
    ``sms.outbox.rows``             {message}                     rows by ``sms.outbox.state``
    ``sms.outbox.depth``            {message}                     ready rows of each lane
    ``sms.outbox.oldest_ready``     s                             how long the oldest of each lane could have gone
    ``sms.outbox.oldest_unknown``   s                             since when the oldest unknown one was claimed
    ``sms.outbox.paused``           {account}                     accounts that pause
    ``sms.outbox.doubles``          {message}                     rows that were, or may have been, accepted twice
    ``sms.outbox.workers``          {worker}                      workers whose end is not proven
    ==============================  ============================  =============================================

    A lane has the attributes ``sms.outbox.account``, ``sms.outbox.purpose`` and ``sms.outbox.priority``.
    """
    meter = metrics.get_meter(SCOPE, version("sms-core-otel"), meter_provider)
    for name, unit, description, read in _GAUGES:
        meter.create_observable_gauge(f"sms.outbox.{name}", [_callback(outbox, read)], unit, description)


Read = Callable[["Stats"], Iterator[Observation]]


def _callback(outbox: Outbox, read: Read) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def observe(_: CallbackOptions) -> Iterator[Observation]:
        yield from read(outbox.stats())

    return observe


def _rows(stats: Stats) -> Iterator[Observation]:
    for state, count in stats.counts.items():
        yield Observation(count, {"sms.outbox.state": state.value})


def _depth(stats: Stats) -> Iterator[Observation]:
    for lane in stats.lanes:
        yield Observation(lane.depth, _lane(lane.account, lane.purpose, lane.priority))


def _oldest_ready(stats: Stats) -> Iterator[Observation]:
    for lane in stats.lanes:
        yield Observation(_age(lane.oldest), _lane(lane.account, lane.purpose, lane.priority))


def _oldest_unknown(stats: Stats) -> Iterator[Observation]:
    if stats.oldest_unknown is not None:
        yield Observation(_age(stats.oldest_unknown))


def _paused(stats: Stats) -> Iterator[Observation]:
    yield Observation(len(stats.paused))


def _doubles(stats: Stats) -> Iterator[Observation]:
    yield Observation(stats.doubles)


def _workers(stats: Stats) -> Iterator[Observation]:
    yield Observation(sum(not worker.is_over for worker in stats.workers))


def _lane(account: str, purpose: str, priority: int) -> dict[str, str | int]:
    return {"sms.outbox.account": account, "sms.outbox.purpose": purpose, "sms.outbox.priority": priority}


def _age(moment: datetime) -> float:
    """Seconds; a lane whose rows are for later has none."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())


_GAUGES: tuple[tuple[str, str, str, Read], ...] = (
    ("rows", "{message}", "Rows of the outbox by state.", _rows),
    ("depth", "{message}", "Ready rows of each lane.", _depth),
    ("oldest_ready", "s", "How long the oldest ready row of each lane could have gone.", _oldest_ready),
    ("oldest_unknown", "s", "Since when the oldest unknown row was claimed.", _oldest_unknown),
    ("paused", "{account}", "Accounts that pause.", _paused),
    ("doubles", "{message}", "Rows of which two sends were accepted, or may have been.", _doubles),
    ("workers", "{worker}", "Workers whose end is not proven.", _workers),
)
