"""Reports are asked for when they are due, and standing troubles are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy
from engine_vendor import wait_until
from outbox_vendor import Vendor, accepted_but_unheard

from sms_core import DeliveryStatus, Media, Message, NotFound
from sms_core_outbox import Alarm, Outbox, State
from sms_core_outbox.polling import turn_in

A = "+886900000001"
MINUTE = 60_000_000
HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("since", "now", "turn"),
    [
        (0, MINUTE - 1, None),
        (0, MINUTE, MINUTE),
        (MINUTE, 5 * MINUTE - 1, None),
        (MINUTE, 6 * MINUTE, 5 * MINUTE),
        (6 * MINUTE, 31 * MINUTE, 30 * MINUTE),
        (31 * MINUTE, 59 * MINUTE, None),
        (59 * MINUTE, 61 * MINUTE, HOUR),
        (HOUR, 5 * HOUR + 1, 5 * HOUR),
        (71 * HOUR, 73 * HOUR, 72 * HOUR),
        (72 * HOUR, 80 * HOUR, None),
    ],
)
def test_a_batch_has_its_turns(since: int, now: int, turn: int | None) -> None:
    assert turn_in(0, since, now) == turn


def age(url: str, by: timedelta) -> None:
    """Let all that was sent, changed and seen be so much older."""
    shift = int(by.total_seconds()) * 1_000_000
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for table, column in (
            ("row", "claimed_at"),
            ("row", "changed_at"),
            ("worker", "seen_at"),
        ):
            connection.execute(sqlalchemy.text(f"UPDATE sms_outbox_{table} SET {column} = {column} - {shift}"))
        connection.execute(sqlalchemy.text("DELETE FROM sms_outbox_meta WHERE name LIKE 'polled:%'"))
    engine.dispose()


def test_reports_are_asked_for_once_a_turn_and_kept(url: str, outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    assert outbox.poll().asked == 0  # nobody knows so early
    age(url, timedelta(minutes=2))
    vendor.found = f"{A}::delivered"
    asked = outbox.poll()
    assert (asked.asked, outbox.poll().asked) == (1, 0)
    assert [fields["batch"] for name, fields in vendor.questions if name == "reports"] == ["b1"]
    assert asked.reports == 1
    assert outbox.get("k").rows[0].status is DeliveryStatus.DELIVERED
    age(url, timedelta(hours=2))
    assert outbox.poll().asked == 0  # a final status is the last one


def test_what_is_beyond_the_limit_stays_due(url: str, outbox: Outbox, vendor: Vendor) -> None:
    vendor.recipients = 1
    for number in range(3):
        outbox.put(Message("hi", f"+88690000000{number}"), key=str(number))
        outbox.drain()
    age(url, timedelta(minutes=2))
    assert [outbox.poll(limit=2).asked for _ in range(3)] == [2, 1, 0]


def test_a_question_that_fails_is_raised_and_comes_again(url: str, outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    age(url, timedelta(minutes=2))
    vendor.refusal = "NO missing"
    with pytest.raises(NotFound):
        outbox.poll()
    vendor.refusal = ""
    age(url, timedelta(minutes=4))
    assert outbox.poll().asked == 1


def test_alarms_tell_what_stands(url: str, open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    heard: list[Alarm] = []
    outbox = open_outbox(on_alarm=heard.append)
    assert [alarm.kind for alarm in outbox.alarms()] == ["no_worker"]
    vendor.answers = [accepted_but_unheard(vendor)]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    assert outbox.get("k").rows[0].state is State.UNKNOWN
    assert outbox.alarms() == []
    age(url, timedelta(minutes=20))
    outbox.pause(because="the points run out", by="ann")
    assert [alarm.kind for alarm in outbox.alarms()] == ["paused", "unknown", "no_worker"]
    assert heard == []
    outbox.alarms(tell=True)
    assert [alarm.kind for alarm in heard] == ["paused", "unknown", "no_worker"]
    outbox.resume()
    another = open_outbox()
    with another.worker():  # which has nothing to send, and is seen
        wait_until(lambda: "no_worker" not in {alarm.kind for alarm in another.alarms()})


def test_a_worker_asks_by_itself_for_what_is_due(url: str, open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox()
    outbox.put(Message("hi", A), key="reported")
    outbox.drain()
    vendor.answers = [accepted_but_unheard(vendor)]
    outbox.put(Message("hi", "+886900000002"), key="unknown")
    outbox.drain()
    age(url, timedelta(minutes=2))
    with outbox.worker(asks=False):
        pass
    assert vendor.questions == []
    with outbox.worker():
        wait_until(lambda: len(vendor.questions) == 2)
    asked = [(name, fields.get("batch") or fields["numbers"]) for name, fields in vendor.questions]
    assert asked == [("reports", "b1"), ("find_sent", ["+886900000002"])]
    with outbox.worker():
        pass
    assert len(vendor.questions) == 2  # each turn is taken once


def test_pictures_have_a_question_of_their_own(url: str, outbox: Outbox, vendor: Vendor) -> None:
    picture = Media(b"GIF89a", "gif")
    outbox.put(Message("hi", A, media=picture, subject='"media":{'), key="picture")
    outbox.put(Message("hi", "+886900000002", subject='"media":{'), key="text")
    outbox.drain()
    age(url, timedelta(minutes=2))
    outbox.poll()
    told = {fields["batch"]: fields.get("mms", False) for _, fields in vendor.questions}
    assert sorted(told.values()) == [False, True]
    (row,) = outbox.get("picture").rows
    assert told[row.batch_id] is True
