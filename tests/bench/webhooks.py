"""Pushes per second through a receiver, next to a bare ASGI app that only reads the query.

Both run under the same uvicorn, each in a process of its own; the load comes from a third. ``python tests/bench/webhooks.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Generator
from functools import partial
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn

from sms_core.webhooks import Event, Receiver, new_secret

PUSHES = 4000
ROUNDS = 7
CONNECTIONS = 16
GOAL = 0.7

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
    await receive()
    dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True))
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"OK"})


async def handle(event: Event) -> None:
    """Nothing: the receiver is measured, not its application."""


@contextlib.contextmanager
def served(app: Any) -> Generator[int, None, None]:
    """The app under uvicorn in a process of its own; gives the port."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Accepted sockets inherit it; asyncio sets it only where a socket names its protocol, and this one does not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        run = partial(uvicorn.Server(config).run, [listener])
        server = multiprocessing.get_context("fork").Process(target=run, daemon=True)
        server.start()
        yield listener.getsockname()[1]
        server.terminate()
        server.join()


def load(port: int, path: str, fields: dict[str, str], first: int, results: Connection) -> None:
    """Push over kept-alive connections, each report a new one; send back the pushes per second."""
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
    results.send(PUSHES / (time.perf_counter() - started))


def rate(port: int, path: str, fields: dict[str, str], first: int) -> float:
    """The pushes per second of one round."""
    here, there = multiprocessing.Pipe()
    generator = multiprocessing.get_context("fork").Process(target=load, args=(port, path, fields, first, there))
    generator.start()
    found: float = here.recv()
    generator.join()
    return found


def main() -> float:
    """Print each vendor's rates and their ratio, and give the least one.

    A ratio is the median of several rounds, taken in turn so that both apps meet the same machine.
    """
    secret = new_secret()
    receiver = Receiver({name: f"{name}://user:password@" for name in VENDORS}, handle, secrets=secret)
    ratios = []
    with served(bare) as bare_port, served(receiver.asgi) as our_port:
        for name, fields in VENDORS.items():
            path = f"/{name}/{secret}"
            firsts = range(0, (ROUNDS + 1) * PUSHES, PUSHES)
            rounds = [(rate(bare_port, path, fields, n), rate(our_port, path, fields, n)) for n in firsts][1:]
            ratios.append(statistics.median(ours / raw for raw, ours in rounds))
            raw, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"{name}: {ours:.0f} pushes per second, a bare ASGI app {raw:.0f}, ratio {ratios[-1]:.2f}")
    return min(ratios)


if __name__ == "__main__":
    sys.exit(main() < GOAL)
