"""A server of all vendors at once, in a process of its own, that breaks every other answer and counts what it took."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import trustme

from tests.reliability.wire_faults import BEFORE_THE_REQUEST_IS_READ, FAULTS, Answer, End, Pause, Step
from tests.reliability.wire_vendors import SOAP_LOGIN, WIRE_VENDORS, serial_of

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COMMON, _SLOW = 40, 1
"""How often a fault comes, in relation to others."""
_RESET = struct.pack("ii", 1, 0)


class Records:
    """What the server did: how often it took each message (255 at the most), its last fault, how often each fault came.

    ``last_faults`` has the place of a fault among all, from 1 on; 0 where the message never came.
    """

    def __init__(self, sends: int, seed: int) -> None:
        self.taken = bytearray(sends)
        self.last_faults = bytearray(sends)
        self.faults: Counter[str] = Counter()
        clean = [name for name, fault in FAULTS.items() if fault.clean]
        broken = [name for name, fault in FAULTS.items() if not fault.clean and not fault.slow]
        slow = [name for name, fault in FAULTS.items() if fault.slow]
        # About half of the answers are right, so that connections live for some requests.
        rights = clean * (_COMMON * (len(broken) // len(clean) + 1))
        self._names = [*rights, *(broken + list(BEFORE_THE_REQUEST_IS_READ)) * _COMMON, *slow * _SLOW]
        self._random = random.Random(seed)

    def next_fault(self) -> str:
        """What happens to the next request."""
        name = self._random.choice(self._names)
        self.faults[name] += 1
        return name


class VendorConnection(asyncio.Protocol):
    """One connection: requests one after another, each with its fault."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._received = b""
        self._fault = ""
        self._ends = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._ends:
            return  # it will end in a moment, and nobody reads this
        if not self._received:
            self._fault = self._records.next_fault()
        self._received += data
        if self._fault in BEFORE_THE_REQUEST_IS_READ:
            self._end(End.RESET if "reset" in self._fault else End.CLOSE)
            return
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _LENGTH.search(head)
        if length is not None and len(body) < int(length[1]):
            return
        request, self._received = self._received, b""
        self._answer(request)

    def _answer(self, request: bytes) -> None:
        serial = serial_of(request)
        if serial is None:
            self._play([Answer(200, SOAP_LOGIN.encode()).whole()])
            return
        vendor = WIRE_VENDORS[request.split(b" ", 2)[1].split(b"/")[1].decode()]
        other = Answer(vendor.status, vendor.answer(serial ^ 1).encode()).whole()
        refusal = Answer(vendor.status_of_refusal, vendor.refusal.encode()).whole()
        fault = FAULTS[self._fault]
        if fault.takes:
            self._records.taken[serial] = min(255, self._records.taken[serial] + 1)
        self._records.last_faults[serial] = list(FAULTS).index(self._fault) + 1
        steps = fault.steps(Answer(vendor.status, vendor.answer(serial).encode(), other, refusal))
        self._ends = isinstance(steps[-1], End)
        self._play(steps)

    def _play(self, steps: Sequence[Step]) -> None:
        for place, step in enumerate(steps):
            if self._transport is None or self._transport.is_closing():
                return
            if isinstance(step, bytes):
                self._transport.write(step)
            elif isinstance(step, Pause):
                asyncio.get_running_loop().call_later(step.seconds, self._play, steps[place + 1 :])
                return
            else:
                self._end(step)

    def _end(self, end: End) -> None:
        assert self._transport is not None
        if end is End.CLOSE:
            self._transport.close()
            return
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()


def serve(pipe: Connection, sends: int, seed: int, folder: Path) -> None:
    """Serve until the pipe says stop; then what was done goes through it."""
    asyncio.run(_serve(pipe, Records(sends, seed), folder))


async def _serve(pipe: Connection, records: Records, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_reader(pipe.fileno(), stopped.set)
    ports: dict[str, int] = {}
    servers = []
    for name, context in {"plain": None, **_contexts(folder)}.items():
        server = await loop.create_server(
            lambda: VendorConnection(records),
            "127.0.0.1",
            0,
            ssl=context,
            backlog=500,
            ssl_handshake_timeout=_handshake(context),
        )
        servers.append(server)
        ports[name] = server.sockets[0].getsockname()[1]
    pipe.send(ports)
    await stopped.wait()
    for server in servers:
        server.close()
    pipe.send((bytes(records.taken), bytes(records.last_faults), dict(records.faults)))


def _handshake(context: ssl.SSLContext | None) -> float | None:
    return 5.0 if context is not None else None


def _contexts(folder: Path) -> dict[str, ssl.SSLContext]:
    """Certificates as they should be, and those that must not be trusted."""
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    past = datetime.now(UTC) - timedelta(days=1)
    certificates = {
        "tls": authority.issue_cert("127.0.0.1"),
        "expired": authority.issue_cert("127.0.0.1", not_before=past - timedelta(days=1), not_after=past),
        "wrong host": authority.issue_cert("elsewhere.example"),
        "unknown issuer": stranger.issue_cert("127.0.0.1"),
    }
    contexts = {}
    for name, certificate in certificates.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(contexts[name])
    return contexts
