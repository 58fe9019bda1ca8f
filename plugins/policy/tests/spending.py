"""Sends as fast as it can under a limit, in a process of its own: ``python spending.py PLACE SENDS THREADS``.

Prints how many were accepted, refused by the limit and not sent.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from sms_core import NotSent, TransportError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from sms_core_policy import LimitReached, Rate, Window, stores
from sms_core_policy.stores import Store
from tests.support.tiny import Tiny, bind, text

MOST = 40


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


def spend(store: Store, sends: int, threads: int) -> Counter[str]:
    """What became of so many sends."""
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()
    rate = Rate(store, Window(MOST, timedelta(days=1), "all"))

    def send(number: int) -> None:
        try:
            sms.send("x", to=f"09{number:08d}")
            outcome = "accepted"
        except LimitReached:
            outcome = "refused"
        except NotSent:
            outcome = "not sent"
        with lock:
            outcomes[outcome] += 1

    sms = bind(FakeTransport(Network()), Tiny(logs_in=False), middleware=[rate], retries=0)
    with sms, ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, range(sends)))
    return outcomes


def what_is_left(store: Store) -> int:
    """How many more are accepted, one after another, where nothing fails."""
    rate = Rate(store, Window(MOST, timedelta(days=1), "all"))
    with bind(FakeTransport(lambda request: text("OK b1")), Tiny(logs_in=False), middleware=[rate]) as sms:
        for count in range(MOST + 1):
            try:
                sms.send("x", to="0900000001")
            except LimitReached:
                return count
    return MOST + 1


if __name__ == "__main__":
    place = sys.argv[1]
    # One of the two is imported: it is half of what such a process does.
    shared = stores.RedisStore(place) if place.startswith("redis") else stores.SqlStore(place)
    done = spend(shared, int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{done['accepted']} {done['refused']} {done['not sent']}")
