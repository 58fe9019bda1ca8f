"""Connections in an event loop, and reading and writing over them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar, cast

from urllib3.util import wait_for_read

from sms_core._engine.transports.answers import Reading, Stream, read_head
from sms_core._engine.transports.requests import connect_bytes
from sms_core._engine.transports.routes import Route
from sms_core._engine.transports.sockets import CHUNK
from sms_core._engine.transports.tls import wrong_certificate

T = TypeVar("T")

_MOST_UNREAD = 4 * CHUNK
"""Bytes that may wait for their reader. A peer that says more is not listened to meanwhile."""

Hurry = Callable[[], None]
"""Called before each step of an exchange: the step may take so long from now. Raises `TimeoutError`."""


class Connection(asyncio.Protocol):
    """A connected socket in an event loop. One task at a time uses it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._is_listening = True
        self._may_write = True
        self._has_ended = False
        self._failure: Exception | None = None
        self._changed: asyncio.Future[None] | None = None

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; again after each handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self._unread += data
        if len(self._unread) > _MOST_UNREAD and self._is_listening:
            self._is_listening = False
            self._open.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note that no more will come. The event loop closes the connection then."""
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is gone, and why."""
        self._has_ended = True
        self._failure = exc
        self._wake()

    def pause_writing(self) -> None:
        """Note that what was written has not left yet."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Note that it has left."""
        self._may_write = True
        self._wake()

    # What an exchange calls

    def is_quiet(self) -> bool:
        """Whether nothing has come in that was not read: the end of the connection, or bytes that answer no request."""
        if self._unread or self._has_ended or self._open.is_closing():
            return False
        # What has come in since the event loop has last looked: it may have been at work for long.
        return not wait_for_read(self._open.get_extra_info("socket"), 0.0)

    async def write(self, data: memoryview, hurry: Hurry) -> bool:
        """Write it all. False where the peer has closed the connection meanwhile; it may have answered before that."""
        while data and not self._open.is_closing():
            self._open.write(data[:CHUNK])
            data = data[CHUNK:]
            while not self._may_write and not self._open.is_closing():
                hurry()
                await self._change()
        return not self._open.is_closing()

    async def read(self, reading: Reading[T], hurry: Hurry) -> T:
        """What a reading comes to. Raises what it raises, and `OSError`."""
        try:
            next(reading)
            while True:
                reading.send(await self._receive(hurry))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _receive(self, hurry: Hurry) -> bytes:
        while not self._unread and not self._has_ended:
            hurry()
            await self._change()
        received = bytes(self._unread)
        self._unread.clear()
        if not received and self._failure is not None:
            raise self._failure
        if not self._is_listening:
            self._is_listening = True
            self._open.resume_reading()
        return received

    async def shake_hands(self, host: str, context: ssl.SSLContext) -> None:
        """Encrypt it. Raises `TransportError` for a certificate that is not the host's."""
        plain = self._open
        try:
            encrypted = await self._loop.start_tls(plain, self, context, server_hostname=host.rstrip("."))
        except ssl.SSLCertVerificationError as error:
            raise wrong_certificate(host, error) from None
        if encrypted is None:
            raise ConnectionAbortedError  # it was closed within the handshake
        self.connection_made(encrypted)

    def close(self) -> None:
        """Close it at once. What a closed loop has left open is the garbage collector's."""
        if self._transport is not None and not self._loop.is_closed():
            self._transport.abort()

    @property
    def _open(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    async def _change(self) -> None:
        self._changed = self._loop.create_future()
        try:
            await self._changed
        finally:
            self._changed = None

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


async def connect(route: Route, trust: Callable[[], ssl.SSLContext], hurry: Hurry) -> Connection:
    """A new connection along a route. Raises what its steps raise."""
    first = route.proxy or route.to
    connection = await _connect(first.host, first.port, hurry)
    try:
        if first.scheme == "https":
            hurry()
            await connection.shake_hands(first.host, trust())
        if route.proxy is not None and route.to.scheme == "https":
            await _open_tunnel(connection, route, hurry)
            hurry()
            await connection.shake_hands(route.to.host, trust())
    except BaseException:
        connection.close()
        raise
    return connection


async def _connect(host: str, port: int, hurry: Hurry) -> Connection:
    """A connection to the first of the host's addresses that takes one."""
    loop = asyncio.get_running_loop()
    refused: OSError | None = None
    hurry()
    for address in await _addresses(host, port):
        hurry()
        try:
            _, connection = await loop.create_connection(Connection, address, port)
        except OSError as error:
            refused = error
            continue
        return connection
    raise refused or OSError("the host has no address")


async def _addresses(host: str, port: int) -> list[str]:
    found: list[tuple[Any, ...]]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # it is a name, and to look that up may take long
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


async def _open_tunnel(connection: Connection, route: Route, hurry: Hurry) -> None:
    await connection.write(memoryview(connect_bytes(route.tunnel_authority, route.proxy_headers)), hurry)
    head = await connection.read(read_head(Stream()), hurry)
    route.check_tunnel(head)
