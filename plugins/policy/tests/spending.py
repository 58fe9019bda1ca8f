"""Sends as fast as it can under limits, in processes of its own: ``python spending.py PROCESSES SENDS THREADS PLACE…``.

Prints for each process and each store in turn how many were accepted, refused by a limit and not sent.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from sms_core import NotSent, TransportError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from sms_core_policy import Budget, Duplicates, LimitReached, Rate, Window, standings_of, stores
from sms_core_policy.stores import Store
from tests.support.tiny import Tiny, bind, text

MOST = 16


class Network:
    """Every third request does not leave."""

    def __init__(self) -> None:
        self.requests = 0
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        with self.lock:
            self.requests += 1
            if self.requests % 3 == 0:
                raise TransportError("no way out", sent=False)
        return text("OK b1")


def limits(store: Store) -> list[object]:
    """Each kind that counts: so many texts, so many points, and the same text to a number once."""
    return [
        Rate(store, Window(MOST, timedelta(days=1), "all")),
        Budget(store, per_month=MOST, account="shop"),
        Duplicates(store, timedelta(days=1)),
    ]


def spend(store: Store, sends: int, threads: int) -> Counter[str]:
    """What became of so many sends, the same in each process."""
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def send(number: int) -> None:
        try:
            sms.send("x", to=f"09{number:08d}")
            outcome = "accepted"
        except LimitReached as error:
            outcome = error.rule
        except NotSent:
            outcome = "not sent"
        with lock:
            outcomes[outcome] += 1

    sms = bind(FakeTransport(Network()), Tiny(logs_in=False), middleware=limits(store), retries=0)
    with sms, ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(sends)))
    return outcomes


def used(store: Store) -> list[Decimal]:
    """How much of the rate and of the budget the store says is used."""
    rate, budget, _ = limits(store)
    return [standing.used or Decimal() for standing in standings_of([rate, budget], "tiny://")]


def open_store(place: str) -> stores.RedisStore | stores.SqlStore:
    """The store at this place."""
    return stores.RedisStore(place) if place.startswith("redis") else stores.SqlStore(place)


def spend_in_a_process(places: list[str], sends: int, threads: int, answers: Connection) -> None:
    """Stores are made in each process."""
    answers.send({place: spend(open_store(place), sends, threads) for place in places})


def main() -> None:
    """Fork before any thread or store is there, so that the imports are paid once."""
    processes, sends, threads = map(int, sys.argv[1:4])
    places = sys.argv[4:]
    for place in places:
        open_store(place).close()
    forking = multiprocessing.get_context("fork")
    children = []
    for _ in range(processes):
        here, there = forking.Pipe()
        child = forking.Process(target=spend_in_a_process, args=(places, sends, threads, there), daemon=True)
        child.start()
        children.append((child, here))
    for child, here in children:
        outcomes = here.recv() if here.poll(100) else {}
        child.join(10)
        sys.stdout.write(f"{json.dumps(outcomes)}\n")


if __name__ == "__main__":
    main()
