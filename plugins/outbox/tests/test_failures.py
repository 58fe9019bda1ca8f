"""What fails around a worker: clocks jump, the database goes away at any statement, the disk is full, a machine is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from oracle import Oracle, client
from outbox_vendor import HASH_KEY, Vendor
from small_disk import SmallDisk
from sqlalchemy import Engine, event
from test_crashes import was_killed
from test_settling import CUT_OFF, KEYED

from sms_core import Message, ProviderInfo
from sms_core.http import Request, Response
from sms_core_outbox import DatabaseUnavailable, Outbox, Put, Rate, State
from tests.support.forks import fork, in_children
from tests.support.tiny import INFO

A, B, C, D = (f"+88690000000{last}" for last in range(1, 5))
HOUR = 3600
WORD = "hi"


def change(url: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def end_backoffs(url: str) -> None:
    change(url, "UPDATE sms_outbox_row SET ready_at = 1 WHERE state = 'ready'")


# Clocks


class Clocks:
    """The wall clock and the clock that counts suspension, both of which a test can move (seconds)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wall = self.up = 0.0
        time_, time_ns, clock_gettime = time.time, time.time_ns, time.clock_gettime
        patch.setattr(time, "time", lambda: time_() + self.wall)
        patch.setattr(time, "time_ns", lambda: time_ns() + int(self.wall * 1e9))
        patch.setattr(time, "clock_gettime", lambda clock: clock_gettime(clock) + self.up)


class Interrupted(Oracle):
    """Does something when it gets an operation, before it answers."""

    def __init__(self, **acts: Callable[[], object]) -> None:
        super().__init__()
        self.acts = acts

    def _words(self, operation: str, fields: Any, port: int) -> str:
        self.acts.pop(operation, lambda: None)()
        return super()._words(operation, fields, port)


@pytest.mark.parametrize(
    ("wall", "up", "begins"), [(HOUR, 0, False), (-HOUR, 0, True), (-HOUR, 20, False), (0, 20, False)]
)
def test_a_clock_jumps_between_the_claim_and_the_send(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wall: int, up: int, begins: bool
) -> None:
    clocks = Clocks(monkeypatch)

    def jump() -> None:
        clocks.wall, clocks.up = wall, up

    with (
        Interrupted(login=jump) as oracle,
        Outbox(url, accounts={"main": client(oracle.listen())}, hash_key=HASH_KEY, state=tmp_path) as outbox,
    ):
        outbox.create()
        outbox.put(Message(WORD, A), key="k")
        result = outbox.drain()
        assert (result.accepted, result.retried) == ((1, 0) if begins else (0, 1))
        assert len(oracle.taken) == begins
        clocks.wall = clocks.up = 0
        end_backoffs(url)
        outbox.drain()
        assert outbox.get("k").rows[0].state is State.ACCEPTED
        assert len(oracle.taken) == 1


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.fixture
def set_clock(url: str, clocks: Clocks) -> Callable[[float], object]:
    """Sets the database's clock ahead of the true time by so many seconds, or back behind it."""
    if url.startswith("sqlite"):
        return lambda seconds: setattr(clocks, "wall", seconds)

    def replace(seconds: float) -> None:
        function = f"SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds'"
        change(
            url,
            f"CREATE OR REPLACE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${function}$$",
        )

    replace(0)
    return replace


@pytest.fixture
def clock_url(url: str) -> str:
    """The same database. In PostgreSQL the functions of its schema stand before the server's own."""
    return url if url.startswith("sqlite") else f"{url}%2Cpg_catalog"


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_the_databases_clock_jumps_while_a_send_is_under_way(
    clock_url: str, tmp_path: Path, set_clock: Callable[[float], object], seconds: int
) -> None:
    """This machine's clock notices the jump: the claim is as alive as before, and its answer counts."""
    vendor = Vendor()

    def jump() -> None:
        for drift in (0, 0.2):  # what follows the jump is as it was before
            set_clock(seconds + drift)
            other.drain()
            assert other.get("k").rows[0].state is State.SENDING

    with (
        Interrupted(send=jump) as oracle,
        Outbox(clock_url, accounts={"main": client(oracle.listen())}, hash_key=HASH_KEY, state=tmp_path) as outbox,
        Outbox(clock_url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path) as other,
    ):
        outbox.create()
        outbox.put(Message(WORD, A), key="k")
        outbox.drain()
        assert outbox.get("k").rows[0].state is State.ACCEPTED
        assert (len(oracle.taken), vendor.taken) == (1, [])


@pytest.mark.parametrize("info", [INFO, KEYED], ids=["absence", "key"])
def test_a_clock_that_was_set_back_makes_nothing_old_young(
    clock_url: str, tmp_path: Path, clocks: Clocks, set_clock: Callable[[float], object], info: ProviderInfo
) -> None:
    """By its times the send is six hours old; the vendor has forgotten the text, and the key, two hours before."""
    vendor = Vendor(info=info, answers=[CUT_OFF], found="proof")
    with Outbox(clock_url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path) as outbox:
        outbox.create()
        set_clock(20 * HOUR)
        outbox.put(Message(WORD, A), key="k")
        outbox.drain()
        set_clock(0)
        outbox.drain()
        vendor.ahead = timedelta(hours=26)
        clocks.up = 26 * HOUR
        set_clock(26 * HOUR)
        outbox.settle(replay=True)
        assert len(vendor.requests) == 1
        assert outbox.get("k").rows[0].state is State.UNKNOWN


def test_a_clock_that_was_ahead_holds_up_nothing_that_comes_later(
    clock_url: str, tmp_path: Path, set_clock: Callable[[float], object]
) -> None:
    vendor = Vendor()
    rates = {"main": Rate(per_second=5, questions_per_second=5)}
    options: dict[str, Any] = {"accounts": {"main": vendor.client()}, "rates": rates, "hash_key": HASH_KEY}
    with Outbox(clock_url, state=tmp_path, **options) as outbox:
        outbox.create()
        for ahead in (24 * HOUR, 0):
            set_clock(ahead)
            outbox.put(Message(WORD, A), key=f"{ahead}")
            vendor.answers = [CUT_OFF]
            assert outbox.drain().unknown == 1
            outbox.settle()
        assert len(vendor.questions) == 3  # both rows the second time


def test_a_claim_that_only_looked_dead_gets_its_late_answer(url: str, tmp_path: Path) -> None:
    """Its holder is another machine's, as far as is known, and old: the row is unknown until the holder has its say."""
    vendor = Vendor()

    def grow_old() -> None:
        change(url, f"UPDATE sms_outbox_row SET claimed_at = claimed_at - {HOUR}000000")
        other.drain()
        assert other.get("k").rows[0].state is State.UNKNOWN

    with (
        Interrupted(send=grow_old) as oracle,
        Outbox(url, accounts={"main": client(oracle.listen())}, hash_key=HASH_KEY, state=tmp_path) as outbox,
        Outbox(url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path) as other,
    ):
        outbox.create()
        outbox.put(Message(WORD, A), key="k")
        assert outbox.drain().accepted == 1
        row = outbox.get("k").rows[0]
        assert (row.state, row.is_double) == (State.ACCEPTED, False)
        assert [change.state for change in row.history][-3:] == [State.SENDING, State.UNKNOWN, State.ACCEPTED]
        assert (len(oracle.taken), vendor.taken) == (1, [])


# The database


class Breaker:
    """Breaks an engine's connection when it comes to its statement of this number; a commit is one too."""

    def __init__(self, engine: Engine) -> None:
        self.at = 0
        self.count = 0
        self._url = engine.url
        event.listen(engine, "before_cursor_execute", lambda connection, *_: self._look(connection))
        event.listen(engine, "commit", self._look)

    def reset(self, at: int) -> None:
        self.count, self.at = 0, at

    def _look(self, connection: sqlalchemy.Connection) -> None:
        self.count += 1
        if self.count == self.at:
            driver: Any = connection.connection.driver_connection
            host = self._url.query["host"]
            with psycopg.connect(host=host, user="sms", dbname="postgres", autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", (driver.info.backend_pid,))


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_the_server_ends_the_connection_at_each_statement(url: str, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(url, pool_pre_ping=True)
    breaker = Breaker(engine)
    break_at_each(engine, breaker.reset, lambda: breaker.count, tmp_path)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_another_process_locks_the_file_at_each_statement(url: str, tmp_path: Path) -> None:
    """Unless the worker itself holds the lock by then: it waits for others in front of a transaction alone."""
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": 0.02, "check_same_thread": False})
    other = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"timeout": 0.0})
    count = at = 0
    with other.connect() as blocking:

        def look(*_: object) -> None:
            nonlocal count
            count += 1
            if count == at:
                with suppress(sqlalchemy.exc.OperationalError):
                    blocking.exec_driver_sql("BEGIN IMMEDIATE")

        def reset(number: int) -> None:
            nonlocal count, at
            with suppress(sqlalchemy.exc.OperationalError):
                blocking.exec_driver_sql("ROLLBACK")
            count, at = 0, number

        event.listen(engine, "before_cursor_execute", look)
        break_at_each(engine, reset, lambda: count, tmp_path)
    other.dispose()


def break_at_each(engine: Engine, reset: Callable[[int], object], count: Callable[[], int], folder: Path) -> None:
    """Drain with a failure at each statement of a pass in turn, and once more without: each row goes once."""
    vendor = Vendor()

    @contextmanager
    def new_outbox() -> Iterator[Outbox]:
        accounts = {"main": vendor.client()}
        with Outbox(engine, accounts=accounts, hash_key=HASH_KEY, state=folder, concurrency=1) as outbox:
            yield outbox

    with new_outbox() as outbox:
        outbox.create()
        outbox.put(Message("0", A), key="0")
        reset(0)
        outbox.drain()
        statements = count()
    failures = 0
    for number in range(1, statements + 1):
        with new_outbox() as outbox:
            outbox.put(Message(f"{number}", A), key=f"{number}")
            reset(number)
            try:
                outbox.drain()
            except DatabaseUnavailable:
                failures += 1
            reset(0)
            outbox.drain()
            assert vendor.taken == [(A, f"{earlier}") for earlier in range(number + 1)]
    assert failures > 5
    with new_outbox() as outbox:
        assert {row.state for row in outbox.find()} == {State.ACCEPTED}
    engine.dispose()


def fill_at_the_answer(vendor: Vendor, disk: SmallDisk) -> Callable[[Request], Response]:
    """The vendor takes it, and no room is left for its answer."""

    def act(request: Request) -> Response:
        disk.fill()
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    return act


def test_a_full_disk(tmp_path: Path) -> None:
    """What it takes no more is held: tried again when there is room, or written elsewhere at the end of the process."""
    folder, state = tmp_path / "disk", tmp_path / "state"
    folder.mkdir()

    def work(_: int) -> None:
        disk, vendor = SmallDisk(folder), Vendor()
        options = {"accounts": {"main": vendor.client()}, "hash_key": HASH_KEY, "state": state, "concurrency": 1}
        url = f"sqlite:///{folder}/sms.db"

        def drain_and_end(_: int) -> list[list[str]]:
            vendor.answers = [fill_at_the_answer(vendor, disk)]
            outbox = Outbox(url, **options)
            with pytest.raises(DatabaseUnavailable, match="disk"):
                outbox.drain()
            outbox.close()
            return vendor.requests

        with Outbox(url, **options) as outbox:
            outbox.create()
            outbox.put_many(Put(Message(WORD, number, subject=number), number) for number in (A, B))
            vendor.answers = [fill_at_the_answer(vendor, disk)]
            with pytest.raises(DatabaseUnavailable, match="disk"):
                outbox.drain()
            assert vendor.requests == [[A]]  # no claim after it
            disk.free()
            outbox.drain()
            assert vendor.requests == [[A], [B]]
            assert [row.state for row in outbox.find()] == [State.ACCEPTED] * 2

            outbox.put_many(Put(Message(WORD, number, subject=number), number) for number in (C, D))
            vendor.requests = []
            assert in_children(1, drain_and_end) == [[[C]]]
            assert len(list(state.glob("*.spill"))) == 1
            disk.free()
            outbox.drain()
            assert not list(state.glob("*.spill"))
            assert vendor.requests == [[D]]
            assert [row.state for row in outbox.find()] == [State.ACCEPTED] * 4

    in_children(1, work)


FULL = """
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.is_answer THEN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON sms_outbox_history FOR EACH ROW EXECUTE FUNCTION fill()
"""
"""What a client hears of a server whose disk is full (SQLSTATE 53100)."""


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_full_disk_of_the_server(url: str, tmp_path: Path) -> None:
    vendor = Vendor()
    with Outbox(url, accounts={"main": vendor.client()}, hash_key=HASH_KEY, state=tmp_path, concurrency=1) as outbox:
        outbox.create()
        outbox.put_many(Put(Message(WORD, number, subject=number), number) for number in (A, B))
        change(url, FULL)
        with pytest.raises(DatabaseUnavailable, match="No space left"):
            outbox.drain()
        assert vendor.requests == [[A]]
        change(url, "DROP TRIGGER full_disk ON sms_outbox_history")
        outbox.drain()
        assert vendor.requests == [[A], [B]]
        assert [row.state for row in outbox.find()] == [State.ACCEPTED] * 2


# Two machines


@contextmanager
def on_machine(name: str) -> Iterator[None]:
    """What tells a process where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.gethostname", lambda: name)
        patch.setattr("sms_core_outbox.holders.boot_id", lambda: f"boot of {name}")
        yield


def drain_on(machine: str, url: str, state: Path, port: int) -> Callable[[int], object]:
    def work(_: int) -> int:
        with (
            on_machine(machine),
            Outbox(
                url, accounts={"main": client(port)}, hash_key=HASH_KEY, state=state / machine, concurrency=2
            ) as outbox,
        ):
            return outbox.drain().claimed

    return work


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_two_machines_share_a_server(url: str, tmp_path: Path) -> None:
    count = 120
    with Oracle() as oracle:
        port = oracle.listen()
        with Outbox(url, accounts={"main": client(port)}, hash_key=HASH_KEY, state=tmp_path) as outbox:
            outbox.create()
            outbox.put_many(Put(Message(f"text {n}", f"+88691{n:07}"), f"k{n}") for n in range(count))
            machines = ("one", "two", "one", "two")
            claimed = in_children(4, lambda number: drain_on(machines[number], url, tmp_path, port)(number))
            assert sum(claimed) == count
            assert len(oracle.counts) == len(oracle.taken) == count
            assert {row.state for row in outbox.find()} == {State.ACCEPTED}
            assert {worker.host for worker in outbox.stats().workers} <= {"one", "two"}


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_a_lost_machine_may_have_sent_waits_for_it(url: str, tmp_path: Path) -> None:
    with Oracle("request begun") as oracle:
        accounts = {"main": client(oracle.listen())}
        options: dict[str, Any] = {"accounts": accounts, "hash_key": HASH_KEY}
        with on_machine("two"), Outbox(url, state=tmp_path / "two", **options) as outbox:
            outbox.create()
            outbox.put(Message(WORD, A), key="k")
            port = oracle.listen()
            pid, out = fork(drain_on("one", url, tmp_path, port), 0)
            oracle.introduce(port, pid)
            assert was_killed(pid)
            os.close(out)
            (tmp_path / "one").rename(tmp_path / "gone")  # the other machine's disk is not seen here
            change(url, f"UPDATE sms_outbox_row SET claimed_at = claimed_at - {HOUR}000000")
            outbox.drain()
            assert outbox.settle().unknown == 1
            assert outbox.drain().claimed == 0
        (tmp_path / "gone").rename(tmp_path / "one")
        with on_machine("one"), Outbox(url, state=tmp_path / "one", **options) as outbox:
            outbox.settle()
            outbox.drain()
            assert outbox.get("k").rows[0].state is State.ACCEPTED
        assert len(oracle.taken) == 1
