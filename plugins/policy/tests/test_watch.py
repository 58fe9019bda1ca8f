"""The watch on deliveries: an alarm where texts are accepted and do not arrive, and none otherwise."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import sms_core
from sms_core import ConfigurationError, DeliveryReport, DeliveryStatus, SendError, SendResult
from sms_core.testing import memory_exchange
from sms_core_policy import DeliveryAlarm, DeliveryWatch, NoReport, ReportWatch

AFTER = timedelta(minutes=30)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alarms() -> list[DeliveryAlarm]:
    return []


@pytest.fixture
def watch(clock: Clock, alarms: list[DeliveryAlarm]) -> DeliveryWatch:
    return DeliveryWatch(alarms.append, last=10, share=0.5, after=AFTER, blocked=3, clock=clock)


@pytest.fixture
def sms(watch: DeliveryWatch) -> Iterator[sms_core.Client]:
    memory_exchange("watch").reset()
    with sms_core.connect("memory://watch", plugins=[watch]) as client:
        yield client


def sent(sms: sms_core.Client, count: int) -> list[SendResult]:
    return [sms.send("x", to=f"09000001{place:02d}") for place in range(count)]


def report(result: SendResult, status: DeliveryStatus) -> DeliveryReport:
    (row,) = result.outcomes
    return DeliveryReport(row.number, status, row.batch_id or "")


def test_silence_after_the_time_is_an_alarm_once(
    sms: sms_core.Client, watch: DeliveryWatch, clock: Clock, alarms: list[DeliveryAlarm]
) -> None:
    results = sent(sms, 10)
    watch.record(report(result, DeliveryStatus.DELIVERED) for result in results[:4])
    clock.now += AFTER - timedelta(seconds=1)
    assert watch.check() == ()
    clock.now += timedelta(seconds=1)
    assert watch.check() == (DeliveryAlarm("memory", 10, 4, 0),)
    assert watch.check() == ()
    assert len(alarms) == 1
    assert "4 were delivered" in str(alarms[0])


def test_a_lane_that_recovered_may_alarm_again(
    sms: sms_core.Client, watch: DeliveryWatch, clock: Clock, alarms: list[DeliveryAlarm]
) -> None:
    results = sent(sms, 10)
    clock.now += AFTER
    watch.check()
    watch.record([report(result, DeliveryStatus.DELIVERED) for result in results])
    sent(sms, 10)
    clock.now += AFTER
    watch.check()
    assert [alarm.delivered for alarm in alarms] == [0, 0]


def test_enough_deliveries_and_too_few_texts_are_no_alarm(
    sms: sms_core.Client, watch: DeliveryWatch, clock: Clock, alarms: list[DeliveryAlarm]
) -> None:
    results = sent(sms, 10)
    watch.record(report(result, DeliveryStatus.DELIVERED) for result in results[:5])
    clock.now += AFTER
    watch.check()
    other = DeliveryWatch(alarms.append, last=11, clock=clock)
    for result in results:
        other.add(result, "other")
    clock.now += AFTER
    other.check()
    assert alarms == []


def test_blocked_reports_are_an_alarm_at_once(
    sms: sms_core.Client, watch: DeliveryWatch, alarms: list[DeliveryAlarm]
) -> None:
    results = sent(sms, 3)
    for result in results:
        assert alarms == []
        watch.record(report(result, DeliveryStatus.BLOCKED))
    assert alarms == [DeliveryAlarm("memory", 0, 0, 3)]


def test_what_was_refused_and_reports_of_strangers_do_not_count(
    sms: sms_core.Client, watch: DeliveryWatch, clock: Clock, alarms: list[DeliveryAlarm]
) -> None:
    with pytest.raises(SendError):
        sms.send("x", to="0900000909")
    watch.record(DeliveryReport("+886900000099", DeliveryStatus.BLOCKED, "b"))
    clock.now += AFTER
    assert watch.check() == ()
    assert alarms == []


def test_an_alarm_that_fails_is_logged_and_the_send_stands(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    def fail(alarm: DeliveryAlarm) -> None:
        raise RuntimeError("no mail today")

    watch = DeliveryWatch(fail, last=1, after=timedelta(0), clock=clock)
    with sms_core.connect("memory://watch", plugins=[watch]) as sms, caplog.at_level(logging.ERROR):
        assert sms.send("x", to="0900000001").accepted == 1
    assert "no mail today" in caplog.text


@pytest.mark.parametrize("wrong", [{"last": 0}, {"share": 0}, {"share": 1.5}, {"blocked": 0}])
def test_numbers_that_mean_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        DeliveryWatch(print, **wrong)  # type: ignore[arg-type]


def test_a_text_without_a_final_report_is_told_once_and_not_sent_again(clock: Clock) -> None:
    told: list[NoReport] = []
    watch = ReportWatch(told.append, after=AFTER, clock=clock)
    memory_exchange("unreported").reset()
    with sms_core.connect("memory://unreported", plugins=[watch]) as sms:
        results = sent(sms, 4)
        watch.record(report(results[0], DeliveryStatus.DELIVERED))
        watch.record([report(results[1], DeliveryStatus.SENT), report(results[2], DeliveryStatus.UNDELIVERABLE)])
        clock.now += AFTER - timedelta(seconds=1)
        assert watch.check() == ()
        clock.now += timedelta(seconds=1)
        assert [event.number for event in watch.check()] == ["+886900000101", "+886900000103"]
        assert watch.check() == ()
        assert [event.reference for event in told] == [results[place].outcomes[0].reference for place in (1, 3)]
        assert "900000101" not in repr(told)
    assert len(memory_exchange("unreported").accepted) == 4


def test_a_report_that_comes_before_its_send_has_returned_counts(clock: Clock) -> None:
    told: list[NoReport] = []
    memory_exchange("watch").reset()
    with sms_core.connect("memory://watch") as client:
        early, silent = sent(client, 2)
    watch = ReportWatch(told.append, after=AFTER, clock=clock)
    watch.record(report(early, DeliveryStatus.SENT))
    watch.record(report(early, DeliveryStatus.DELIVERED))
    for result in (early, silent):
        watch.add(result)
    clock.now += AFTER
    watch.check()
    assert [event.batch_id for event in told] == [silent.batch_id]


def test_a_watch_for_reports_may_fail_and_no_send_with_it(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    def fails(event: NoReport) -> None:
        raise RuntimeError("no other channel")

    watch = ReportWatch(fails, after=AFTER, clock=clock)
    with sms_core.connect("memory://unreported", plugins=[watch]) as sms:
        sent(sms, 1)
        clock.now += AFTER
        assert sms.send("x", to="0900000001").accepted == 1
    assert "the handler of a ReportWatch failed" in caplog.text
    with pytest.raises(ConfigurationError):
        ReportWatch(fails, after=timedelta())
