"""Taking back, forgetting, pausing and the overview."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from outbox_vendor import HASH_KEY, Vendor, accepted_but_unheard

from sms_core import ConfigurationError, Message, TransportError
from sms_core_outbox import Outbox, Put, State, metadata

A, B = "+886900000001", "+886900000002"
NOW = timedelta(0)


def test_forgetting_blanks_and_keeps_what_counts(url: str, outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("a secret text", A), key="old")
    outbox.put(Message("it waits", B), key="new", not_before=datetime.now(UTC) + timedelta(hours=1))
    outbox.drain()
    outbox.record(report_of(outbox))
    assert outbox.forget(before=NOW) == 1
    assert outbox.forget(before=NOW) == 0
    (row,) = outbox.find(number=A)
    assert (row.number, row.state, row.batch_id) == ("", State.ACCEPTED, "b1")
    stored = everything_stored(url)
    assert "a secret text" not in stored
    assert "900000001" not in stored
    assert "it waits" in stored
    assert not outbox.put(Message("a secret text", A), key="old").is_new


def report_of(outbox: Outbox):  # type: ignore[no-untyped-def]  # noqa: ANN201
    from sms_core import DeliveryReport, DeliveryStatus  # noqa: PLC0415

    return DeliveryReport(A, DeliveryStatus.DELIVERED, "b1", key="r")


def everything_stored(url: str) -> str:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        names = sqlalchemy.inspect(connection).get_table_names()
        words = [str(row) for name in names for row in connection.execute(sqlalchemy.text(f"SELECT * FROM {name}"))]
    engine.dispose()
    return "\n".join(words)


def test_codes_are_blanked_as_soon_as_they_are_final(url: str, outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [accepted_but_unheard(vendor)]
    outbox.put(Message("code 271828", A), key="unknown", purpose="otp")
    outbox.drain()
    assert "271828" in everything_stored(url)
    vendor.found = f"{A}=b1"
    outbox.settle()
    outbox.put(Message("code 314159", B), key="known", purpose="otp")
    outbox.drain()
    assert "271828" not in everything_stored(url)
    assert "314159" not in everything_stored(url)


def test_purging_removes_what_is_final(url: str, outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A), key="old")
    outbox.drain()
    outbox.put(Message("hi", B), key="new")
    assert outbox.purge(before=timedelta(hours=1)) == 0
    assert outbox.purge(before=NOW) == 1
    assert [row.key for row in outbox.find()] == ["new"]
    assert outbox.put(Message("another", A), key="old").is_new


def test_purging_forgets_workers_that_have_ended(open_outbox: Callable[..., Outbox]) -> None:
    ended, outbox = open_outbox(), open_outbox()
    ended.drain()
    ended.close()
    outbox.drain()
    outbox.purge(before=NOW)
    with outbox.engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM sms_outbox_worker")).scalar_one() == 1


def test_the_overview(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox()
    vendor.answers = [accepted_but_unheard(vendor), TransportError("no connection", sent=False)]
    outbox.put(Message("hi", A), key="1")
    outbox.drain()
    outbox.put_many([Put(Message("hi", B), "2", priority=3), Put(Message("code", B), "3", purpose="otp")])
    outbox.pause(because="the vendor is moving", by="ann")
    found = outbox.stats()
    assert found.counts == {State.UNKNOWN: 1, State.READY: 2}
    lanes = [(lane.purpose, lane.priority, lane.depth) for lane in found.lanes]
    assert lanes == [("otp", 0, 1), ("", 3, 1)]
    assert found.oldest_unknown is not None
    assert found.paused == {"main": "the vendor is moving"}
    assert [worker.is_over for worker in found.workers] == [False]
    assert outbox.drain().claimed == 0
    assert outbox.resume()
    assert not outbox.resume()
    assert outbox.drain().claimed == 2


@contextmanager
def made_by_others(url: str, *statements: str) -> Iterator[Outbox]:
    """An outbox on tables that other migrations have made, such as Alembic's."""
    engine = sqlalchemy.create_engine(url)
    metadata.create_all(engine)
    change(engine, *statements)
    with Outbox(engine, accounts={"main": "memory://"}, hash_key=HASH_KEY) as outbox:
        yield outbox
    engine.dispose()


def change(engine: sqlalchemy.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sqlalchemy.text(statement))


def test_tables_of_other_migrations_are_adopted(url: str) -> None:
    with made_by_others(url) as outbox:
        outbox.put(Message("hi", A), key="k")
        assert outbox.drain().accepted == 1
        with pytest.raises(ConfigurationError, match="another hash_key"):
            Outbox(outbox.engine, accounts={}, hash_key="another one, of nobody").find()
        change(outbox.engine, "UPDATE sms_outbox_meta SET value = '0' WHERE name = 'version'")
        later = Outbox(outbox.engine, accounts={"main": "memory://"}, hash_key=HASH_KEY)
        with pytest.raises(ConfigurationError, match="version 0"):
            later.find()
        later.adopt()  # after those migrations have run
        assert later.find()[0].state is State.ACCEPTED


def test_tables_that_lack_something_are_not_adopted(url: str) -> None:
    with (
        made_by_others(url, "ALTER TABLE sms_outbox_row DROP COLUMN is_double") as outbox,
        pytest.raises(ConfigurationError, match=r"lacks sms_outbox_row\.is_double"),
    ):
        outbox.find()
