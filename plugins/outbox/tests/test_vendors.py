"""An account of several vendors: what one surely did not take goes to the next, and nothing else does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy
from outbox_vendor import HASH_KEY, Vendor, accepted_but_unheard
from test_worker import wait_until

from sms_core import (
    ConfigurationError,
    InsufficientCredit,
    InvalidMessage,
    Message,
    RateLimited,
    TransportError,
    Unsupported,
    hookimpl,
)
from sms_core.http import Request, Response
from sms_core.provider import Destination
from sms_core_outbox import Alarm, Failover, Outbox, Put, State
from sms_core_policy import failover

NUMBER = "+886900000001"
OUT_OF_REACH = TransportError("connection refused", sent=False)


@pytest.fixture
def second() -> Vendor:
    return Vendor()


@pytest.fixture
def open_failover(open_outbox: Callable[..., Outbox], vendor: Vendor, second: Vendor) -> Callable[..., Outbox]:
    def start(**options: Any) -> Outbox:
        return open_outbox(accounts={"main": Failover([vendor.client(retries=0), second.client(retries=0)], **options)})

    return start


def test_what_was_surely_not_sent_is_sent_by_the_next(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor
) -> None:
    outbox = open_failover()
    vendor.answers = [OUT_OF_REACH]
    (row,) = outbox.put(Message("hi", NUMBER), key="k").rows
    assert (row.account, row.vendor) == ("main", "tiny")
    assert outbox.drain().accepted == 1
    (row,) = outbox.get("k").rows
    assert (row.account, row.vendor, row.state, row.batch_id) == ("main", "tiny-2", State.ACCEPTED, "b1")
    assert (vendor.taken, second.taken) == ([], [(NUMBER, "hi")])
    said = [(change.state, change.why) for change in row.history]
    assert said[2:] == [
        (State.READY, "connection refused"),
        (State.READY, "it goes to main/tiny-2"),
        (State.SENDING, ""),
        (State.ACCEPTED, ""),
    ]


def test_an_unknown_row_stays(open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor) -> None:
    outbox = open_failover()
    vendor.answers = [accepted_but_unheard(vendor)]
    outbox.put(Message("hi", NUMBER), key="k")
    outbox.drain()
    outbox.drain()
    assert (outbox.get("k").rows[0].state, second.requests) == (State.UNKNOWN, [])
    vendor.found = f"{NUMBER}=b1"
    assert outbox.settle(account="main").accepted == 1
    (row,) = outbox.get("k").rows
    assert (row.vendor, row.batch_id, second.questions) == ("tiny", "b1", [])


@pytest.mark.parametrize("also_after", [(), (InsufficientCredit,)])
def test_a_vendor_without_credit_is_passed_by_where_that_is_wished(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor, also_after: tuple[type[Any], ...]
) -> None:
    outbox = open_failover(also_after=also_after)
    vendor.answers = ["NO credit"]
    for key in "12":
        outbox.put(Message(key, NUMBER), key=key)
        outbox.drain()
    assert len(second.taken) == (2 if also_after else 0)
    assert len(vendor.requests) == 1
    assert list(outbox.stats().paused) == ["main/tiny"]
    assert outbox.resume("main")
    outbox.put(Message("3", NUMBER), key="3")
    outbox.drain()
    assert vendor.taken[-1] == (NUMBER, "3")


def test_another_refusal_is_one(open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor) -> None:
    outbox = open_failover()
    vendor.answers = ["NO text"]
    outbox.put(Message("hi", NUMBER), key="k")
    outbox.drain()
    assert (outbox.get("k").rows[0].state, second.requests) == (State.REFUSED, [])


def test_a_vendor_out_of_reach_rests_and_then_one_row_tries_it(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor
) -> None:
    outbox = open_failover(rest=timedelta(hours=1))
    vendor.answers = [OUT_OF_REACH] * 2
    outbox.put(Message("1", NUMBER), key="1")
    outbox.drain()
    outbox.put(Message("2", NUMBER), key="2")
    outbox.drain()
    assert (len(vendor.requests), len(second.taken)) == (1, 2)
    outbox.put_many(Put(Message(key, f"+88690000000{key}"), key) for key in "345")
    end_rests(outbox)
    outbox.drain()
    assert (vendor.requests[1:], len(second.taken)) == ([["+886900000003"]], 5)
    outbox.put_many(Put(Message(key, f"+88690000000{key}"), key) for key in "678")
    end_rests(outbox)
    outbox.drain()
    assert len(vendor.taken) == 3
    assert {row.state for row in outbox.find(account="main")} == {State.ACCEPTED}


def end_rests(outbox: Outbox) -> None:
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_account SET rests_until = 1")


def test_where_all_rest_a_row_waits_and_begins_anew(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor
) -> None:
    outbox = open_failover(rest=timedelta(hours=1))
    vendor.answers, second.answers = [OUT_OF_REACH], [OUT_OF_REACH]
    outbox.put(Message("hi", NUMBER), key="k")
    outbox.drain()
    (row,) = outbox.get("k").rows
    assert (row.state, row.vendor, row.attempts) == (State.READY, "tiny", 2)
    with outbox.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET ready_at = 1")
    assert outbox.drain().claimed == 0
    end_rests(outbox)
    assert outbox.drain().accepted == 1
    assert vendor.taken == [(NUMBER, "hi")]


def test_who_can_carry_it_carries_it(open_outbox: Callable[..., Outbox], vendor: Vendor, second: Vendor) -> None:
    texts_alone = attrs.evolve(vendor, info=attrs.evolve(vendor.info, capabilities=frozenset()))
    clients = [texts_alone.client(), second.client()]
    outbox = open_outbox(accounts={"main": Failover(clients), "poor": Failover([texts_alone.client()] * 2)})
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    (row,) = outbox.put(Message("hi", NUMBER, send_at=tomorrow), key="booked", account="main").rows
    assert row.vendor == "tiny-2"
    outbox.drain()
    second.found = "1"
    assert all(entry.done for entry in outbox.cancel("booked", account="main"))
    assert [name for name, _ in second.questions] == ["cancel"]
    assert vendor.questions == []
    with pytest.raises(Unsupported):
        outbox.put(Message("hi", NUMBER, send_at=tomorrow), key="booked", account="poor")


def test_the_order_may_depend_on_the_message(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor
) -> None:
    outbox = open_failover(order=lambda message: ["tiny-2", "tiny"] if message.subject else ["tiny"])
    outbox.put(Message("1", NUMBER, subject="s"), key="1")
    second.answers = [OUT_OF_REACH]
    outbox.drain()
    assert outbox.get("1").rows[0].vendor == "tiny"
    vendor.answers = [OUT_OF_REACH]
    outbox.put(Message("2", NUMBER), key="2")
    outbox.drain()
    assert outbox.get("2").rows[0].state is State.READY


def test_a_paused_vendor_is_passed_by_and_a_paused_account_is_not(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor
) -> None:
    outbox = open_failover()
    outbox.pause("main", because="the shop is closed")
    outbox.put(Message("hi", NUMBER), key="k")
    assert outbox.drain().claimed == 0
    outbox.resume("main")
    outbox.pause("main/tiny", because="too slow today", by="ann")
    assert outbox.drain().accepted == 1
    assert (vendor.taken, len(second.taken)) == ([], 1)


def test_reports_are_of_one_vendor(open_failover: Callable[..., Outbox]) -> None:
    outbox = open_failover()
    with pytest.raises(ConfigurationError, match="main/tiny-2"):
        outbox.recorder("main")
    outbox.recorder("main/tiny")


def test_a_failover_of_the_policies_is_an_account_too(
    open_outbox: Callable[..., Outbox], vendor: Vendor, second: Vendor
) -> None:
    outbox = open_outbox(accounts={"main": failover("main", [vendor.client(retries=0), second.client(retries=0)])})
    vendor.answers = [OUT_OF_REACH]
    outbox.put(Message("hi", NUMBER), key="k")
    outbox.drain()
    assert outbox.get("k").rows[0].vendor == "tiny-2"


@pytest.mark.parametrize("seed", range(4))
def test_under_faults_nothing_is_sent_twice_and_all_that_was_not_sent_arrives(
    open_failover: Callable[..., Outbox], vendor: Vendor, second: Vendor, seed: int
) -> None:
    luck = random.Random(seed)
    faults: list[Any] = [
        OUT_OF_REACH,
        TransportError("cut off", sent=True),
        accepted_but_unheard(vendor),
        "accept",
        cut_off_by(vendor),
    ]
    outbox = open_failover(rest=timedelta(microseconds=1))
    vendor.answers = luck.choices(faults, k=40)
    outbox.put_many(Put(Message(f"text {n}", f"+8869000000{n:02}"), f"k{n}") for n in range(60))
    outbox.drain()
    arrived = Counter([*vendor.taken, *second.taken])
    assert set(arrived.values()) == {1}
    rows = outbox.find(limit=100)
    assert {row.state for row in rows} <= {State.ACCEPTED, State.UNKNOWN}
    lost = {row.number for row in rows if row.state is State.UNKNOWN}
    assert {number for number, _ in arrived} | lost == {row.number for row in rows}
    assert not lost & {number for number, _ in second.taken}
    assert not any(row.is_double for row in rows)


def test_stats_tell_who_rests(open_failover: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_failover(rest=timedelta(hours=1))
    vendor.answers = [OUT_OF_REACH]
    outbox.put(Message("hi", NUMBER), key="k")
    assert outbox.stats().resting == {}
    outbox.drain()
    ((name, until),) = outbox.stats().resting.items()
    assert name == "main/tiny"
    assert timedelta(minutes=50) < until - datetime.now(UTC) <= timedelta(hours=1)


def cut_off_by(vendor: Vendor) -> Callable[[Request], Response]:
    """The vendor says that it is busy, and took nothing."""

    def act(_: Request) -> Response:
        raise RateLimited("busy", "slow down")

    return act


def test_tables_of_the_first_version_are_brought_to_this_one(url: str, vendor: Vendor, tmp_path: Any) -> None:
    with Outbox(url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path / "state") as outbox:
        outbox.create()
        with outbox.engine.begin() as connection:
            for table, column in (("row", "route"), ("put", "trace"), ("account", "rests_until")):
                connection.exec_driver_sql(f"ALTER TABLE sms_outbox_{table} DROP COLUMN {column}")
            connection.exec_driver_sql("UPDATE sms_outbox_meta SET value = '1' WHERE name = 'version'")
    with Outbox(url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path / "state") as outbox:
        with pytest.raises(ConfigurationError, match="migrate"):
            outbox.put(Message("hi", NUMBER), key="k")
        outbox.migrate()
        outbox.put(Message("hi", NUMBER), key="k")
        assert outbox.drain().accepted == 1
        columns = {column["name"] for column in sqlalchemy.inspect(outbox.engine).get_columns("sms_outbox_row")}
    assert "route" in columns


def test_vendors_have_names_that_differ() -> None:
    given = Failover(["every8d://u:p@", "every8d://v:p@", "mitake://u:p@"])
    assert list(given.clients) == ["every8d", "every8d-2", "mitake"]
    assert "v:p" not in repr(given)
    with pytest.raises(ConfigurationError):
        Failover([])
    with pytest.raises(ConfigurationError):
        Failover({"a/b": "memory://"})


class NoShouting:
    @hookimpl
    def sms_check(self, destinations: tuple[Destination, ...]) -> tuple[str, ...]:
        for destination in destinations:
            if destination.text.isupper():
                raise InvalidMessage(destination.text_path, "is all capitals")
        return ()


def test_plugins_of_the_account_are_each_vendor_s_which_has_none_of_its_own(open_outbox: Callable[..., Outbox]) -> None:
    accounts = {"main": Failover({"first": "memory://plugins-1", "second": "memory://plugins-2"})}
    strict = open_outbox(accounts=accounts, plugins={"main": [NoShouting()]})
    with pytest.raises(InvalidMessage, match="capitals"):
        strict.put(Message("HELLO", NUMBER), key="k")
    lenient = open_outbox(accounts=accounts, plugins={"main": [NoShouting()], "main/second": []})
    assert [row.vendor for row in lenient.put(Message("HELLO", NUMBER), key="k").rows] == ["second"]


def test_a_put_wakes_the_worker_for_each_vendor(
    open_outbox: Callable[..., Outbox], vendor: Vendor, second: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_core_outbox.worker.POLL", 1000.0)
    alarms: list[Alarm] = []
    several = Failover({"first": vendor.client(), "second": second.client()}, order=lambda message: [message.text])
    outbox = open_outbox(accounts={"main": several}, on_alarm=alarms.append)
    with outbox.worker():
        for word, taker in (("first", vendor), ("second", second), ("first", vendor)):
            before = len(taker.taken)
            outbox.put(Message(word, NUMBER), key=f"{word}-{before}")
            wait_until(lambda taker=taker, before=before: len(taker.taken) > before)  # type: ignore[misc]
    assert alarms == []


def test_an_account_of_several_vendors_may_pretend(
    open_outbox: Callable[..., Outbox], vendor: Vendor, second: Vendor, url: str
) -> None:
    outbox = open_outbox(accounts={"main": Failover([vendor.client(), second.client()])}, pretenders=["main"])
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        outbox.put(Message("hi", NUMBER), key="k", connection=connection)
        assert outbox.drain(connection=connection).accepted == 1
    engine.dispose()
    assert outbox.stats().counts == {}
