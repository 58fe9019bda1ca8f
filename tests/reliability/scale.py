"""Two web processes put, four workers of procrastinate send, all on one PostgreSQL; workers and connections are killed.

Nothing is sent twice, and nothing is lost: neither an order, nor its text.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy
from attrs import define, field
from sqlalchemy import text

from sms_core_outbox import DatabaseUnavailable, Outbox, State
from tests.examples.oracle import Oracle
from tests.support.outboxes import settle_at_once, waiting
from tests.support.postgresql import postgresql_server
from tests.support.starter import Starter

TEXTS = 2
"""Of each order: one to the buyer, and one to the shop."""
WORKERS = 4
CALLERS = 8
PATIENCE = 120.0
HASH_KEY = "a key of the tests alone"
IMPORTS = (
    *("flask", "gunicorn.app.wsgiapp", "gunicorn.workers.sync", "gunicorn.glogging", "logging.handlers"),
    *("sqlalchemy.dialects.postgresql.psycopg", "psycopg_pool", "sms_core_every8d.http.provider"),
    *("sms_core_outbox.engines.procrastinate", "procrastinate.cli", "procrastinate.worker"),
)
WEB = ("gunicorn", "--workers", "2", "--no-control-socket", "--bind", "fd://{socket}", "scale_app:web")
WORKER = ("procrastinate", "--app=scale_app.app", "worker", "--concurrency", "1")
OF_OTHERS = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid != pg_backend_pid()"
)


@define
class Figures:
    """What came of it; what is wrong is told in words."""

    seed: int
    sends: int
    killed_workers: int = 0
    killed_connections: int = 0
    ended: int = 0
    repeated: int = 0
    unknown: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether each text was sent once."""
        return not self.wrong

    def __str__(self) -> str:
        rows = [
            f"scale     {self.sends:,} sends in {self.seconds:.0f} s, {self.sends / self.seconds:.0f} each second (seed {self.seed})",
            f"killed    {self.killed_workers:,} workers, {self.killed_connections:,} connections; {self.ended:,} workers ended by themselves",
            f"rows      {self.repeated:,} orders were asked for again, {self.unknown:,} rows were unknown in between",
            f"wrong     {len(self.wrong):,}",
        ]
        rows.extend(f"          {words}" for words in self.wrong[:20])
        return "\n".join(rows)


def run(sends: int, seed: int, *, kill_every: float = 0.5) -> Figures:
    """Send so many. About every ``kill_every`` seconds a worker is killed, and a connection twice as often."""
    figures = Figures(seed, sends)
    chance = random.Random(seed)
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        oracle = stack.enter_context(Oracle(folder / "vendor.db", ""))
        shop = stack.enter_context(Shop.open(folder, server, oracle.dsn, figures))
        outbox = stack.enter_context(
            Outbox(server, accounts={"main": oracle.dsn}, hash_key=HASH_KEY, state=folder / "w")
        )
        begun = time.monotonic()
        with ThreadPoolExecutor(CALLERS) as callers:
            orders = range(sends // TEXTS)
            put = callers.map(shop.order, orders)
            while shop.ordered < len(orders) or _waiting(outbox):
                shop.keep_up()
                time.sleep(chance.uniform(0, kill_every))
                shop.kill_connection(chance)
                if chance.random() < 0.5:
                    shop.kill_worker(chance)
                if time.monotonic() > begun + PATIENCE + sends / 10:
                    figures.wrong.append("it did not come to its end")
                    break
            shop.stop.set()
            figures.repeated = sum(put)
        figures.seconds = time.monotonic() - begun
        _clear_up(outbox, shop, figures)
        _judge(figures, outbox, oracle)
    return figures


@define
class Shop:
    """The processes, in ``folder``."""

    starter: Starter
    figures: Figures
    folder: Path
    environment: dict[str, str]
    engine: sqlalchemy.Engine
    stop: threading.Event = field(factory=threading.Event)
    ordered: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)
    _workers: list[int] = field(factory=list)

    @classmethod
    @contextmanager
    def open(cls, folder: Path, server: str, dsn: str, figures: Figures) -> Iterator[Shop]:
        """Make the tables and start the processes."""
        ours = {"SMS_OUTBOX": server, "SMS_DSN": dsn, "SMS_OUTBOX_HASH_KEY": HASH_KEY, "XDG_STATE_HOME": str(folder)}
        environment = {**os.environ, **ours, "TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parent)}
        engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        with Starter(*IMPORTS) as starter:
            shop = cls(starter, figures, folder, environment, engine)
            made = shop.start("scale_app")
            _wait_until(lambda: starter.has_ended(made), shop)
            shop.start(*(word.format(socket=starter.socket) for word in WEB))
            shop._workers = [shop.start(*WORKER) for _ in range(WORKERS)]
            yield shop
        engine.dispose()

    def start(self, *arguments: str) -> int:
        """Start a program; its process id."""
        place = Path(__file__).parent
        return self.starter.start(arguments, folder=place, log=self.folder / "log", environment=self.environment)

    def log(self) -> str:
        """The end of what they said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-10_000:]

    def order(self, number: int) -> int:
        """Ask for an order until it is taken; how often it was asked for again."""
        again = 0
        body = json.dumps({"text": f"您的訂單已出貨。{number % 50}", "to": numbers_of(number)}).encode()
        while not self.stop.is_set() and not self._is_taken(number, body):
            again += 1
        with self._lock:
            self.ordered += 1
        return again

    def _is_taken(self, number: int, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.starter.port, timeout=PATIENCE)
        try:
            connection.request("POST", f"/orders/{number}", body, {"Content-Type": "application/json"})
            return connection.getresponse().status == 201
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill_worker(self, chance: random.Random) -> None:
        """Kill one and start another."""
        position = chance.randrange(WORKERS)
        self.starter.kill(self._workers[position])
        self._workers[position] = self.start(*WORKER)
        self.figures.killed_workers += 1

    def kill_connection(self, chance: random.Random) -> None:
        """Have the server end one of the connections that workers and web processes have."""
        with self.engine.connect() as connection:
            pids = sorted(connection.execute(OF_OTHERS).scalars())
            if pids:
                end = text("SELECT pg_terminate_backend(:pid)")
                self.figures.killed_connections += connection.execute(end, {"pid": chance.choice(pids)}).scalar_one()

    def keep_up(self) -> None:
        """Start again the workers that ended by themselves, as systemd would."""
        for position, pid in enumerate(self._workers):
            if self.starter.has_ended(pid):
                self._workers[position] = self.start(*WORKER)
                self.figures.ended += 1


def numbers_of(order: int) -> list[str]:
    """Whom an order's text goes to: with endings at which nothing unusual happens."""
    places = range(order * TEXTS, (order + 1) * TEXTS)
    return [f"+8869{place // 500:05}{place % 500:03}" for place in places]


def _wait_until(is_so: Callable[[], bool], shop: Shop) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, shop.log()
        shop.keep_up()
        time.sleep(0.05)


def _waiting(outbox: Outbox) -> int:
    """How many rows are on their way; some, too, where the connection that is asked by was one of those killed."""
    try:
        return waiting(outbox)
    except DatabaseUnavailable:
        return 1


def _clear_up(outbox: Outbox, shop: Shop, figures: Figures) -> None:
    """What settling does later: as if the time of every dead claim had passed."""
    figures.unknown = settle_at_once(outbox)
    _wait_until(lambda: not _waiting(outbox), shop)


def _judge(figures: Figures, outbox: Outbox, oracle: Oracle) -> None:
    orders = range(figures.sends // TEXTS)
    wanted = [number for order in orders for number in numbers_of(order)]
    times = Counter(message.number for message in oracle.taken())
    figures.wrong += [f"{times[number]} texts were sent to {number}" for number in wanted if times[number] != 1]
    if len(times) != len(wanted):
        figures.wrong.append(f"the vendor knows {len(times)} numbers")
    rows = outbox.find(limit=len(wanted) + 1)
    accepted = {row.number for row in rows if row.state is State.ACCEPTED and not row.is_double}
    if len(rows) != len(wanted) or len(accepted) != len(wanted):
        figures.wrong.append(f"{len(rows)} rows, {len(accepted)} of them accepted once")
    with outbox.engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM shop_order")).scalar_one()
    if count != len(orders):
        figures.wrong.append(f"{count} orders")
