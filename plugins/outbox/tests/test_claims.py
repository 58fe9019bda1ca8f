"""Claims: who sends which row when, in what order, and with whom in one request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy
from outbox_vendor import HASH_KEY, Vendor, accepted_but_unheard
from sqlalchemy import Connection, event

from sms_core import ConfigurationError, Message, RateLimited, TransportError
from sms_core_outbox import Alarm, Outbox, Put, State

A, B, C, D = (f"+88690000000{last}" for last in range(1, 5))
NOT_SENT = TransportError("no connection", sent=False)
READ_OF_ROWS = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'sms_outbox_row'"
"""How many rows this transaction has read so far, as PostgreSQL counts them."""


def state_of(outbox: Outbox, key: str = "k") -> State:
    (row,) = outbox.get(key).rows
    return row.state


def test_two_workers_share_the_rows_and_none_goes_twice(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outboxes = [open_outbox() for _ in range(3)]
    outboxes[0].put_many(Put(Message(f"text {n}", f"+88691{n:07}"), f"k{n}") for n in range(60))
    threads = [threading.Thread(target=outbox.drain) for outbox in outboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    outboxes[0].drain()  # what the three had in hand when the others looked
    assert len(vendor.taken) == len(set(vendor.taken)) == 60


def test_rows_of_several_puts_go_in_one_request(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put_many(Put(Message(f"text {n}", number), f"k{n}") for n, number in enumerate([A, B, C, D]))
    outbox.drain()
    assert sorted(map(len, vendor.requests)) == [1, 3]
    assert sorted(vendor.taken) == [(A, "text 0"), (B, "text 1"), (C, "text 2"), (D, "text 3")]


def test_a_row_in_backoff_holds_the_later_ones_of_its_number_back(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    outbox = open_outbox(concurrency=1)  # so that these answers are the first one's
    vendor.answers = [NOT_SENT] * 3
    outbox.put(Message("first", A), key="1")
    outbox.put(Message("second", A), key="2")
    outbox.put(Message("another number", B, subject="s"), key="3")
    outbox.drain()
    assert vendor.taken == [(B, "another number")]


def test_codes_overtake_and_priorities_order(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox(concurrency=1)
    numbers = (f"+88692{n:07}" for n in range(100))
    outbox.put(Message("campaign", next(numbers), subject="1"), key="1", priority=-1)
    outbox.put(Message("order", next(numbers), subject="2"), key="2")
    outbox.put(Message("urgent", next(numbers), subject="3"), key="3", priority=5)
    outbox.put(Message("code", next(numbers), subject="4"), key="4", purpose="otp")
    outbox.drain()
    assert [text for _, text in vendor.taken] == ["code", "urgent", "order", "campaign"]


def test_not_before_and_limit(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("later", A), key="later", not_before=datetime.now(UTC) + timedelta(hours=1))
    outbox.put_many(Put(Message("now", number), number) for number in (A, B, C))
    assert outbox.drain(limit=2).claimed == 2
    assert outbox.drain().claimed == 1
    assert {text for _, text in vendor.taken} == {"now"}
    assert outbox.get("later").rows[0].deadline - datetime.now(UTC) > timedelta(hours=24)


def test_a_send_that_surely_was_not_taken_waits_and_ends_with_its_deadline(outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [NOT_SENT] * 3
    outbox.put(Message("hi", A), key="k")
    assert outbox.drain().retried == 1
    (row,) = outbox.get("k").rows
    assert row.state is State.READY
    assert row.not_before > datetime.now(UTC) + timedelta(seconds=1)
    with outbox._database.write() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET deadline_at = 1")
    assert outbox.drain().too_late == 1
    (row,) = outbox.get("k").rows
    assert row.state is State.NOT_SENT
    assert "too late" in row.history[-1].why


def test_the_vendors_word_counts_for_when_to_try_again(outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [RateLimited(retry_after=900.0)]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    assert outbox.get("k").rows[0].not_before > datetime.now(UTC) + timedelta(minutes=14)


def test_of_one_request_each_row_has_its_own_outcome(outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [f"OK b9 {B}"]
    outbox.put(Message("hi", [A, B, C]), key="k")
    result = outbox.drain()
    assert (result.accepted, result.refused) == (2, 1)
    states = [row.state for row in outbox.get("k").rows]
    assert states == [State.ACCEPTED, State.REFUSED, State.ACCEPTED]
    assert [row.key for row in outbox.find(batch="b9")] == ["k", "k"]


def test_an_unknown_outcome_is_parked(outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [accepted_but_unheard(vendor)]
    outbox.put(Message("hi", A), key="k")
    assert outbox.drain().unknown == 1
    outbox.drain()
    assert vendor.taken == [(A, "hi")]
    (row,) = outbox.find(state=State.UNKNOWN)
    assert isinstance(row.error, TransportError)


def test_an_account_that_cannot_be_connected_is_an_alarm(url: str, open_outbox: Callable[..., Outbox]) -> None:
    open_outbox().put(Message("hi", A), key="k")
    alarms: list[Alarm] = []

    def accounts(name: str) -> str:
        raise ConfigurationError("its DSN is gone")

    other = open_outbox(accounts=accounts, on_alarm=alarms.append)
    assert other.drain().claimed == 0
    assert [(alarm.kind, alarm.account) for alarm in alarms] == [("configuration", "main")]


def test_a_new_table_is_not_read_whole_for_each_claim(postgresql_url: str, vendor: Vendor, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(postgresql_url)
    reads: list[int] = []

    def read_so_far(connection: Connection) -> int:
        cursor = connection.connection.cursor()
        found: tuple[int] = cursor.execute(READ_OF_ROWS).fetchone()
        return found[0]

    with Outbox(engine, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path) as outbox:
        outbox.create()
        outbox.put_many(Put(Message("hi", f"+8869{n:08}", subject=str(n)), f"k{n}") for n in range(4000))
        event.listen(engine, "begin", lambda connection: reads.append(-read_so_far(connection)))
        event.listen(engine, "commit", lambda connection: reads.append(read_so_far(connection)))
        assert outbox.drain(limit=200).accepted == 200
    engine.dispose()
    assert sum(reads) < 4000
