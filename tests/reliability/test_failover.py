"""A second vendor under the faults of the wire: nobody gets two, and what the first one surely did not take arrives."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import sms_core
from sms_core import Outcome, SendError
from sms_core.testing import memory_exchange
from sms_core_policy import AsyncFailoverClient, FailoverClient, failover
from tests.reliability.wire_faults import DEADLINE, PATIENCE
from tests.reliability.wire_server import serve
from tests.reliability.wire_vendors import WIRE_VENDORS, message
from tests.support.colours import in_loop

SENDS = 240
FIRST = ("smsgo", "mitake")
PORTS = ("plain", "plain", "plain", "expired", "wrong host", "gone")
"""Which server a send goes to; certificates that must not be trusted, and a port where nobody listens, are no send at all."""
_PROCESSES = multiprocessing.get_context("spawn")


class Server:
    """The server of all vendors, while it runs; ``taken`` is how often it took each message, when it has ended."""

    def __init__(self, ports: dict[str, int], folder: Path) -> None:
        self.ports = {**ports, "gone": 1}
        self.folder = folder
        self.taken = b""

    def dsn(self, vendor: str, port: str) -> str:
        dsn = WIRE_VENDORS[vendor].dsn.format(host=f"127.0.0.1:{self.ports[port]}/{vendor}", zeros="0" * 32)
        security = "scheme=http" if port in ("plain", "gone") else f"ca_file={self.folder / 'ca.pem'}"
        separator = "&" if "?" in dsn else "?"
        return f"{dsn}{separator}read_timeout={PATIENCE}&deadline={DEADLINE}&retries=0&{security}"


@contextmanager
def running(folder: Path, seed: int) -> Iterator[Server]:
    here, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=serve, args=(there, SENDS, seed, folder), daemon=True)
    process.start()
    try:
        assert here.poll(60)
        server = Server(here.recv(), folder)
        yield server
        here.send("stop")
        assert here.poll(60)
        server.taken = here.recv()[0]
    finally:
        process.kill()
        process.join(30)


def make(colour: str, dsns: list[str]) -> FailoverClient | AsyncFailoverClient:
    if colour == "sync":
        return failover("main", [sms_core.connect(dsn) for dsn in dsns], rest=timedelta(0))
    return failover("main", [sms_core.connect_async(dsn) for dsn in dsns], rest=timedelta(0))


def send(sms: Any, serial: int) -> Outcome:
    try:
        sending = sms.send(message(serial))
        result = sending if isinstance(sms, FailoverClient) else in_loop(sending)
    except SendError as error:
        result = error.result
    (row,) = result.outcomes
    return row.outcome  # type: ignore[no-any-return]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_nobody_gets_two_and_what_was_not_sent_is_delivered_by_the_second(colour: str, tmp_path: Path) -> None:
    memory_exchange("second").reset()
    seed = random.randrange(1_000_000)
    with running(tmp_path, seed) as server:
        made = {
            (vendor, port): make(colour, [server.dsn(vendor, port), "memory://second"])
            for vendor in FIRST
            for port in set(PORTS)
        }

        def send_one(serial: int) -> Outcome:
            return send(made[FIRST[serial % 2], PORTS[serial // 2 % len(PORTS)]], serial)

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(send_one, range(SENDS)))
        for sms in made.values():
            if isinstance(sms, FailoverClient):
                sms.close()
            else:
                in_loop(sms.aclose())
    by_second = [accepted.text for accepted in memory_exchange("second").accepted]
    for serial, outcome in enumerate(told):
        of_second = by_second.count(message(serial).text)
        of_both = server.taken[serial] + of_second
        finding = (seed, serial, outcome, server.taken[serial], of_second)
        assert of_both <= 1, finding
        assert outcome is not Outcome.NOT_SENT, finding
        if outcome is Outcome.ACCEPTED:
            assert of_both == 1, finding
        if outcome is Outcome.REFUSED:
            assert of_both == 0, finding
        if PORTS[serial // 2 % len(PORTS)] != "plain":
            assert of_second == 1, finding
    assert by_second
