"""Rows 10 to 13: the outbox, its workers and its database."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from sms_core import Client, Message, SocketTransport, connect
from sms_core.http import Request, Response, Transport
from sms_core_outbox import Outbox, Put, State
from tests.bench.figures import Figure, Target
from tests.bench.servers import served
from tests.support.postgresql import postgresql_server

HASH_KEY = "a key of the benchmarks alone"
IN_FLIGHT = 32
DELAY = 0.05
"""Seconds that the server of row 12 takes for an answer."""


@contextmanager
def _outbox(url: str, client: Client, folder: str, **options: Any) -> Generator[Outbox, None, None]:
    with client, Outbox(url, accounts={"main": client}, hash_key=HASH_KEY, state=folder, **options) as outbox:
        outbox.create()
        yield outbox


@contextmanager
def _on_sqlite(client: Client, **options: Any) -> Generator[Outbox, None, None]:
    with (
        tempfile.TemporaryDirectory() as folder,
        _outbox(f"sqlite:///{folder}/sms.db", client, folder, **options) as found,
    ):
        yield found


def _every8d(port: int, transport: Transport | None = None) -> Client:
    return connect(f"every8d://uid:pwd@127.0.0.1:{port}?scheme=http&auth=password", transport=transport)


def _puts(count: int, *, first: int = 0, apart: bool = False) -> list[Put]:
    """Messages to as many numbers. ``apart`` gives each its own subject, by which none shares a request."""
    return [
        Put(Message("Your order is on its way.", f"+8869{n:08}", subject=str(n) if apart else ""), f"k{n}")
        for n in range(first, first + count)
    ]


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def puts(*, quick: bool) -> list[Figure]:
    """How many rows a second can be put."""
    count = 3_000 if quick else 30_000
    with served() as port, _on_sqlite(_every8d(port)) as outbox:
        given = _puts(count)
        rate = count / _seconds(lambda: outbox.put_many(given))
    return [Figure(10, "put_many on SQLite", rate, "rows/s", Target(15_000, at_least=True))]


def draining(*, quick: bool) -> list[Figure]:
    """How many recipients a second go out in full requests of EVERY8D, and the same beside many old rows."""
    count = 1_500 if quick else 15_000
    old = 10_000 if quick else 1_000_000
    with served(full=True) as port, _on_sqlite(_every8d(port)) as outbox:
        outbox.put_many(_puts(count))
        rate = count / _seconds(outbox.drain)
        assert len(outbox.find(state=State.ACCEPTED, limit=count)) == count
        _fill_with_old_rows(outbox, old)
        outbox.put_many(_puts(count, first=count))
        later = count / _seconds(outbox.drain)
    return [
        Figure(11, "drain on SQLite, 500 in a request", rate, "recipients/s", Target(3_000, at_least=True)),
        Figure(11, f"the same beside {old:,} old rows", later / rate, "of that", Target(0.95, at_least=True)),
    ]


def _fill_with_old_rows(outbox: Outbox, count: int) -> None:
    """Copies of rows that are done with, as years of use leave them. Only SQL makes a million of them in a minute."""
    with outbox._database.write() as connection:
        columns = [entry[1] for entry in connection.exec_driver_sql("PRAGMA table_info(sms_outbox_row)")]
        first = connection.exec_driver_sql("SELECT max(id) FROM sms_outbox_row").scalar_one() + 1
        values = ", ".join({"id": f"{first} + n", "batch_id": "'old' || n"}.get(name, name) for name in columns)
        connection.exec_driver_sql(
            f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count - 1})"
            f" INSERT INTO sms_outbox_row ({', '.join(columns)})"
            f" SELECT {values} FROM numbers, (SELECT * FROM sms_outbox_row LIMIT 1)"
        )


def single_sends(*, quick: bool) -> list[Figure]:
    """Single sends on PostgreSQL, 32 in flight, beside the bare client in as many threads."""
    count = IN_FLIGHT * (4 if quick else 40)
    messages = [given.message for given in _puts(count)]
    with served(delay=DELAY) as port, postgresql_server() as url, tempfile.TemporaryDirectory() as folder:
        with _outbox(url, _every8d(port), folder, concurrency=IN_FLIGHT) as outbox:
            outbox.put_many(_puts(count, apart=True))
            ours = _seconds(outbox.drain)
        with _every8d(port) as client:
            bare = _seconds(lambda: list(client.send_many(messages, concurrency=IN_FLIGHT)))
    return [
        Figure(12, "single sends on PostgreSQL, 32 in flight", bare / ours, "of bare", Target(0.9, at_least=True)),
        Figure(12, "the same", count / ours, "rows/s"),
    ]


class _Noting:
    """Carries requests as usual, and notes when it gets each."""

    def __init__(self) -> None:
        self._transport = SocketTransport()
        self.arrived: SimpleQueue[float] = SimpleQueue()

    def send(self, request: Request) -> Response:
        self.arrived.put(time.perf_counter())
        return self._transport.send(request)

    def close(self) -> None:
        self._transport.close()


def first_byte(*, quick: bool) -> list[Figure]:
    """From `put` to the request on its way, where a worker waits in this process. The connection is open by then."""
    figures = []
    with served() as port, postgresql_server() as url, tempfile.TemporaryDirectory() as folder:
        for name, place in (("SQLite", f"sqlite:///{folder}/sms.db"), ("PostgreSQL", url)):
            noting = _Noting()
            with _outbox(place, _every8d(port, noting), folder) as outbox, outbox.worker():
                waits = [_wait(outbox, noting, given) for given in _puts(10 if quick else 60)]
            figures.append(Figure(13, f"put to first byte, {name}", statistics.median(waits) * 1000, "ms", Target(15)))
    return figures


def _wait(outbox: Outbox, noting: _Noting, given: Put) -> float:
    begun = time.perf_counter()
    outbox.put(given.message, key=given.key)
    seconds = noting.arrived.get(timeout=30) - begun
    time.sleep(0.02)  # until the worker waits again
    return seconds
