"""Row 8: pushes through a receiver, next to a bare ASGI app that only reads the query.

Both run under the same uvicorn, each in a process of its own; the load comes from a third, to one and the other in turn.
Each round has new servers, for two processes of one program differ by a tenth.
Compared are the requests per second, and what they would be if the server's processor did nothing else: the time that
passes is that of the load and of whatever else the machine does too.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import socket
import threading
import time
from collections.abc import Generator
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from attrs import frozen

from sms_core.webhooks import Event, Receiver, new_secret
from tests.bench.figures import Figure, Target, ratio

PUSHES = 2000
ROUNDS = 11
CONNECTIONS = 16

EVERY8D = {
    "BatchID": "{}",
    "RM": "+886900000001",
    "RT": "20211216160906",
    "STATUS": "100",
    "SM": "",
    "ST": "20211216160900",
    "MR": "order-17",
    "SUBJECT": "主旨",
    "NAME": "小明",
    "SOURCE": "API",
    "CHARGE": "1.00",
    "TYPE": "SMS",
    "MSGID": "",
}
MITAKE = {
    "msgid": "{}",
    "dstaddr": "0900000001",
    "dlvtime": "20060810125612",
    "donetime": "20060810165612",
    "statusstr": "DELIVRD",
    "statuscode": "0",
    "StatusFlag": "4",
}
SMSGO = {"msgid": "{}", "statusstr": "DELIVRD", "statuscode": "0", "dstaddr": "0900000001"}
SMSGET = {"sms_id": "{}", "content": "0900000001|59c4e123|2013-01-01 21:08:07|DELIVRD"}
VENDORS = {"every8d": EVERY8D, "mitake": MITAKE, "smsgo": SMSGO, "sms-get": SMSGET}
"""What each vendor sends of a delivery report; ``{}`` makes it a new one."""


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """What an application would do at least: read the query, and say OK."""
    dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True))
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"OK"})


async def handle(event: Event) -> None:
    """Nothing: the receiver is measured, not its application."""


@frozen
class Server:
    """A server in a process of its own: its port, and a line to ask it for the processor time that it has spent."""

    port: int
    line: Connection

    def spent(self) -> float:
        """Seconds."""
        self.line.send(None)
        seconds: float = self.line.recv()
        return seconds


@contextlib.contextmanager
def served(app: Any) -> Generator[Server, None, None]:
    """The app under uvicorn."""
    here, there = multiprocessing.Pipe()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Accepted sockets inherit it; asyncio sets it only where a socket names its protocol, and this one does not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        process = multiprocessing.get_context("fork").Process(target=serve, args=(app, listener, there), daemon=True)
        process.start()
        yield Server(listener.getsockname()[1], here)
        process.terminate()
        process.join()


def serve(app: Any, listener: socket.socket, line: Connection) -> None:
    """Serve, and tell the processor time to whoever asks."""

    def tell() -> None:
        while True:
            line.recv()
            line.send(time.process_time())

    threading.Thread(target=tell, daemon=True).start()
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    uvicorn.Server(config).run([listener])


def load(port: int, path: str, fields: dict[str, str], first: int, results: Connection) -> None:
    """Push over kept-alive connections, each report a new one; send back the seconds that it took."""
    pattern = urlencode(fields, safe="{}")

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for count in range(number, PUSHES, CONNECTIONS):
            query = pattern.format(100_000_000_000 + first + count)
            writer.write(f"GET {path}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("ascii"))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
            await reader.readexactly(int(length[16:]))
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))

    started = time.perf_counter()
    asyncio.run(all_of_them())
    results.send(time.perf_counter() - started)


@frozen
class Round:
    """Of one push: the seconds that passed, and the seconds of the server's processor."""

    passed: float
    spent: float


def measured(server: Server, path: str, fields: dict[str, str], first: int) -> Round:
    """One round. The start of the process that makes the load does not count."""
    here, there = multiprocessing.Pipe()
    arguments = (server.port, path, fields, first, there)
    generator = multiprocessing.get_context("fork").Process(target=load, args=arguments)
    before = server.spent()
    generator.start()
    there.close()  # so that a load that fails ends the wait for it
    passed: float = here.recv()
    generator.join()
    return Round(passed / PUSHES, (server.spent() - before) / PUSHES)


def pushes(*, quick: bool) -> list[Figure]:
    """The rate of each vendor's pushes beside that of the bare app: the medians of several rounds."""
    secret = new_secret()
    receiver = Receiver({name: f"{name}://user:password@" for name in VENDORS}, handle, secrets=secret)
    rounds: dict[str, list[tuple[Round, Round]]] = {name: [] for name in VENDORS}
    for _ in range(2 if quick else ROUNDS):
        with served(bare) as bare_server, served(receiver.asgi) as our_server:
            for name, fields in VENDORS.items():
                path = f"/{name}/{secret}"
                for first in (0, PUSHES):  # the first ones are to warm up
                    both = [measured(server, path, fields, first) for server in (bare_server, our_server)]
                rounds[name].append((both[0], both[1]))
    figures = []
    for name, pairs in rounds.items():
        passed = ratio([raw.passed for raw, _ in pairs], [ours.passed for _, ours in pairs])
        spent = ratio([raw.spent for raw, _ in pairs], [ours.spent for _, ours in pairs])
        figures.append(Figure(8, f"pushes of {name}", passed, "of a bare app", Target(0.80, at_least=True)))
        figures.append(Figure(8, f"the same by the server's CPU, {name}", spent, "of a bare app"))
    return figures
