"""A worker thread: what is put goes out, what is under way at the end is known, and nothing ends it but its owner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

import pytest
from outbox_vendor import ACCEPT, Vendor
from sqlalchemy import text

from sms_core import ConfigurationError, Message
from sms_core.http import Request, Response
from sms_core_outbox import Outbox, Put, State, passes
from tests.support.forks import in_children

A, B = "+886900000001", "+886900000002"
PATIENCE = 20.0


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


def test_what_is_put_goes_out(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox, elsewhere = open_outbox(), open_outbox()
    with outbox.worker() as worker:
        outbox.put(Message("here", A), key="1")
        elsewhere.put(Message("elsewhere", A), key="2")
        wait_until(lambda: len(vendor.taken) == 2)
        assert worker.is_running
    assert vendor.taken == [(A, "here"), (A, "elsewhere")]
    assert {row.state for row in outbox.find()} == {State.ACCEPTED}


def test_closing_the_outbox_stops_its_workers_and_leaves_no_connection(open_outbox: Callable[..., Outbox]) -> None:
    outbox, elsewhere = open_outbox(), open_outbox()
    worker = outbox.worker()
    worker.start()
    outbox.put(Message("hi", A), key="1")
    wait_until(lambda: outbox.get("1").rows[0].state is State.ACCEPTED)
    outbox.close()
    assert not worker.is_running
    if elsewhere.engine.dialect.name == "postgresql":
        others = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with elsewhere.engine.connect() as connection:
            wait_until(lambda: connection.execute(others).scalar_one() == 0)


def test_one_account_is_woken_and_the_others_are_not_forgotten(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    outbox = open_outbox()
    outbox.put_many(Put(Message(f"text {number}", A), f"k{number}") for number in range(3))
    with outbox.worker() as worker:
        worker.wake("nobody")
        wait_until(lambda: len(vendor.taken) == 3)


def test_single_sends_are_claimed_ahead_of_those_under_way(
    open_outbox: Callable[..., Outbox], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "SHORT", PATIENCE)  # however slow the machine is
    vendor.recipients = 1
    outbox, elsewhere = open_outbox(concurrency=2), open_outbox()

    four_were_claimed = threading.Event()

    def answer_when_four_are_claimed(request: Request) -> Response:
        # Once one of them has been answered, there may be fewer before the other looks.
        wait_until(lambda: four_were_claimed.is_set() or elsewhere.stats().counts.get(State.SENDING) == 4)
        four_were_claimed.set()
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [ACCEPT, ACCEPT, answer_when_four_are_claimed, answer_when_four_are_claimed]
    outbox.put_many(Put(Message("hi", f"+8869000001{number:02}"), f"k{number}") for number in range(8))
    assert outbox.drain().accepted == 8


def test_at_its_end_it_finishes_what_is_under_way_and_begins_nothing(
    open_outbox: Callable[..., Outbox], vendor: Vendor
) -> None:
    outbox = open_outbox(concurrency=1)
    arrived, go_on = threading.Event(), threading.Event()

    def answer_slowly(request: Request) -> Response:
        arrived.set()
        assert go_on.wait(PATIENCE)
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [answer_slowly]
    outbox.put_many([Put(Message("first", A), "1"), Put(Message("second", B, subject="s"), "2")])
    worker = outbox.worker()
    worker.start()
    assert arrived.wait(PATIENCE)
    assert not worker.stop(timeout=0.0)
    go_on.set()
    assert worker.stop()
    assert vendor.taken == [(A, "first")]
    assert [row.state for row in outbox.find()] == [State.READY, State.ACCEPTED]


def test_it_goes_on_when_the_database_is_away_for_a_while(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox()
    with outbox.worker():
        with outbox._database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE sms_outbox_account RENAME TO away")
        outbox.put(Message("hi", A), key="k")
        time.sleep(0.3)
        assert vendor.taken == []
        with outbox._database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO sms_outbox_account")
        wait_until(lambda: vendor.taken == [(A, "hi")])


def test_a_worker_does_not_run_in_a_child(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox()
    with outbox.worker() as worker:

        def look(number: int) -> str:
            assert not worker.is_running
            with pytest.raises(ConfigurationError, match="before the fork"):
                worker.stop()
            outbox.put(Message("from the child", A), key="child")
            return "put"

        assert in_children(1, look) == ["put"]
        wait_until(lambda: vendor.taken == [(A, "from the child")])


def test_a_worker_starts_once(outbox: Outbox) -> None:
    with outbox.worker() as worker, pytest.raises(ConfigurationError, match="runs already"):
        worker.start()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_on_postgresql_a_put_elsewhere_wakes_it(
    open_outbox: Callable[..., Outbox], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_core_outbox.worker.POLL", 1000.0)
    outbox, elsewhere = open_outbox(), open_outbox()
    with outbox.worker():
        for number in (1, 2):
            elsewhere.put(Message(f"text {number}", A), key=str(number))
            wait_until(lambda number=number: len(vendor.taken) == number)  # type: ignore[misc]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_where_it_cannot_listen_it_polls(
    open_outbox: Callable[..., Outbox], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_core_outbox.listening.CHANNEL", "no channel")  # as a pooler refuses it
    outbox, elsewhere = open_outbox(), open_outbox()
    with outbox.worker():
        elsewhere.put(Message("hi", A), key="k")
        wait_until(lambda: vendor.taken == [(A, "hi")])


class BrokenTraces:
    def current(self) -> None:
        return None

    def sending(self, puts: Collection[str]) -> AbstractContextManager[object]:
        raise RuntimeError("no exporter")


def test_a_tracer_that_fails_holds_up_no_pass(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox(traces=BrokenTraces())
    outbox.put(Message("hi", A), key="k")
    draining = threading.Thread(target=outbox.drain, daemon=True)
    draining.start()
    draining.join(PATIENCE)
    assert not draining.is_alive()
    (row,) = outbox.get("k").rows
    assert (row.state, vendor.taken) == (State.UNKNOWN, [])
    assert "RuntimeError" in row.history[-1].why
