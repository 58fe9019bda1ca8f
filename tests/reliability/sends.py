"""Many sends through clients of all vendors to a server that breaks half of its answers: is anything told that is not true?

``double``: taken more than once. ``lost``: no result tells of it. ``lied``: told as accepted but not taken, or in another
message's batch; told as refused or not sent, but taken. An outcome that is unknown is no lie; ``needless`` are those whose
answer was whole and right.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from attrs import define, field

import sms_core
from sms_core import Client, Outcome, RecipientOutcome, SendError, SmsError
from tests.reliability.wire_faults import DEADLINE, FAULTS, PATIENCE
from tests.reliability.wire_server import serve
from tests.reliability.wire_vendors import WIRE_VENDORS, message
from tests.support.colours import connect_blocking

CONNECT: dict[str, Callable[..., Any]] = {"sync": sms_core.connect, "async": connect_blocking}
"""What opens a client of either colour."""

_PROCESSES = multiprocessing.get_context("spawn")
_CODES = {outcome: code for code, outcome in enumerate(Outcome, start=1)}
_OUTCOMES = {code: outcome for outcome, code in _CODES.items()}
_NOTHING, _SWAPPED = 0, 255
_TOLD_OTHERWISE = {_NOTHING: "nothing", _SWAPPED: "another message's batch"}
_TLS_EVERY = 50
"""One in so many sends goes over TLS, and one in as many to a server that must not be trusted."""
_BAD_CERTIFICATES = ("expired", "wrong host", "unknown issuer")


class Finding(NamedTuple):
    """One send that was told wrongly: what was told, and the last fault that it met at the server."""

    serial: int
    vendor: str
    told: str
    taken: int
    fault: str


@define
class Figures:
    """What became of the sends."""

    sends: int
    seed: int
    seconds: float = 0.0
    outcomes: Counter[Outcome] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    double: list[Finding] = field(factory=list)
    lost: list[Finding] = field(factory=list)
    lied: list[Finding] = field(factory=list)
    needless: list[Finding] = field(factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was sent twice, lost or told wrongly, and no right answer was taken for a wrong one."""
        return not (self.double or self.lost or self.lied or self.needless)

    def __str__(self) -> str:
        outcomes = ", ".join(f"{self.outcomes[outcome]:,} {outcome.value}" for outcome in Outcome)
        rows = [
            f"sends     {self.sends:,} (seed {self.seed}) in {self.seconds:,.0f} s, with {len(self.faults)} kinds of faults",
            f"outcomes  {outcomes}",
        ]
        for name in ("double", "lost", "lied", "needless"):
            findings: list[Finding] = getattr(self, name)
            rows.append(f"{name:9} {len(findings):,}")
            rows.extend(f"          {finding}" for finding in findings[:20])
        return "\n".join(rows)


def run(sends: int, seed: int, threads: int = 16, colour: str = "sync") -> Figures:
    """Send so many messages from a process for each core, each with so many threads, and judge what was told of them."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        here, there = _PROCESSES.Pipe()
        server = _PROCESSES.Process(target=serve, args=(there, sends, seed, Path(folder)), daemon=True)
        server.start()
        ports: dict[str, int] = here.recv()
        told = _told(sends, threads, colour, ports, Path(folder))
        here.send("stop")
        taken, last_faults, faults = here.recv()
        server.join(30)
    figures = Figures(sends, seed, faults=Counter(faults))
    for serial in range(sends):
        _judge(figures, serial, told[serial], taken[serial], last_faults[serial])
    figures.seconds = time.monotonic() - started
    return figures


def _told(sends: int, threads: int, colour: str, ports: dict[str, int], folder: Path) -> bytes:
    """What the clients were told, a code for each serial number."""
    cores = os.cpu_count() or 1
    workers = []
    for core in range(cores):
        here, there = _PROCESSES.Pipe()
        work = (there, range(core, sends, cores), threads, colour, ports, folder)
        worker = _PROCESSES.Process(target=_work, args=work, daemon=True)
        worker.start()
        workers.append((core, worker, here))
    told = bytearray(sends)
    for core, worker, pipe in workers:
        told[core::cores] = pipe.recv()
        worker.join(30)
    return bytes(told)


def _work(pipe: Connection, serials: range, threads: int, colour: str, ports: dict[str, int], folder: Path) -> None:
    """Send the messages with these serial numbers from so many threads, and tell what was told of each."""
    told = bytearray(len(serials))
    places = iter(range(len(serials)))
    taking_turns = threading.Lock()
    clients = {
        (vendor, port): _client(colour, vendor, port, ports, folder) for vendor in WIRE_VENDORS for port in ports
    }

    def send_until_all_are_sent() -> None:
        for place in _next_ones(places, taking_turns):
            serial = serials[place]
            vendor = _vendor_of(serial)
            told[place] = _send(clients[vendor, _port_for(serial)], vendor, serial)

    running = [threading.Thread(target=send_until_all_are_sent) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    pipe.send(bytes(told))


def _next_ones(places: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            place = next(places, None)
        if place is None:
            return
        yield place


def _vendor_of(serial: int) -> str:
    return list(WIRE_VENDORS)[serial // 7 % len(WIRE_VENDORS)]


def _port_for(serial: int) -> str:
    if serial % _TLS_EVERY == 0:
        return "tls"
    if serial % _TLS_EVERY == 1:
        return _BAD_CERTIFICATES[serial // _TLS_EVERY % len(_BAD_CERTIFICATES)]
    return "plain"


def _client(colour: str, vendor: str, port: str, ports: dict[str, int], folder: Path) -> Client:
    host = f"127.0.0.1:{ports[port]}/{vendor}"
    dsn = WIRE_VENDORS[vendor].dsn.format(host=host, zeros="0" * 32)
    options = f"read_timeout={PATIENCE}&deadline={DEADLINE}&retries=1"
    options += "&scheme=http" if port == "plain" else f"&ca_file={folder / 'ca.pem'}"
    separator = "&" if "?" in dsn else "?"
    client: Client = CONNECT[colour](f"{dsn}{separator}{options}", sleep=lambda seconds: None)
    return client


def _send(client: Client, vendor: str, serial: int) -> int:
    """Send one message; give the code of what was told."""
    try:
        result = client.send(message(serial))
    except SendError as error:
        result = error.result
    except SmsError:
        return _NOTHING
    if len(result.outcomes) != 1:
        return _NOTHING
    row = result.outcomes[0]
    return _code(row, WIRE_VENDORS[vendor].batch.format(serial=serial))


def _code(row: RecipientOutcome, batch: str) -> int:
    # A server that says a length one too small cuts its own answer: what is left of the batch id is still this message's.
    if row.outcome is Outcome.ACCEPTED and row.batch_id not in {batch, batch[:-1]}:
        return _SWAPPED
    return _CODES[row.outcome]


def _judge(figures: Figures, serial: int, code: int, taken: int, last_fault: int) -> None:
    outcome = _OUTCOMES.get(code)
    told = outcome.value if outcome is not None else _TOLD_OTHERWISE[code]
    fault = ["", *FAULTS][last_fault]
    finding = Finding(serial, _vendor_of(serial), told, taken, fault)
    if taken > 1:
        figures.double.append(finding)
    if code == _NOTHING:
        figures.lost.append(finding)
    if code == _SWAPPED or (outcome is Outcome.ACCEPTED and not taken):
        figures.lied.append(finding)
    if outcome in {Outcome.REFUSED, Outcome.NOT_SENT} and taken:
        figures.lied.append(finding)
    if outcome is Outcome.UNKNOWN and taken and FAULTS[fault].clean:
        figures.needless.append(finding)
    if outcome is not None:
        figures.outcomes[outcome] += 1
