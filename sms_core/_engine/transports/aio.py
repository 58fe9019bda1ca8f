"""The transport for an event loop: the same connections, requests and answers as those of `sync`, over asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import SplitResult

from attrs import define, field, frozen

from sms_core._engine.loops import PerLoop
from sms_core._engine.transports.answers import BadAnswer, Stream, read_answer
from sms_core._engine.transports.exchanges import Progress, Settings, Way, written
from sms_core._engine.transports.pools import Pool
from sms_core._engine.transports.sockets import Deadline
from sms_core._engine.transports.streams import Connection, Hurry, connect
from sms_core.caller_errors import bare
from sms_core.errors import SmsError
from sms_core.http import Request, Response, note_sent


@frozen
class _Host:
    """What is kept for a host: the way to it, and its connections. ``places`` are those that may be in use."""

    way: Way
    places: asyncio.Semaphore
    idle: Pool[Connection]


@define
class _Hosts:
    """The hosts of one loop. ``closing`` is what closes their idle connections when the loop ends."""

    by_address: dict[tuple[str, str], _Host] = field(factory=dict)
    closing: AsyncGenerator[None, None] | None = None

    def close(self) -> None:
        """Close idle connections."""
        while self.by_address:
            _, host = self.by_address.popitem()
            host.idle.close()


class AsyncioTransport:
    """Requests over kept-alive connections. Its arguments and promises are those of `sms_core.SocketTransport`.

    Each event loop has connections of its own, and so has each process.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        deadline: float = 60.0,
        idle_timeout: float = 4.0,
        proxy: str = "",
        ca_file: str = "",
        connections: int = 32,
    ) -> None:
        self._settings = Settings(connect_timeout, read_timeout, deadline, idle_timeout, proxy, ca_file, connections)
        self._hosts: PerLoop[_Hosts] = PerLoop(_Hosts)

    async def asend(self, request: Request) -> Response:
        """Send one request and read the whole answer. Raises `TransportError` or `MalformedResponse`."""
        progress = Progress()
        try:
            return await self._exchange(request, progress)
        except SmsError as error:
            failure = bare(error)
        except (OSError, ValueError, BadAnswer) as error:
            failure = progress.explain(error)
        except BaseException as interruption:
            note_sent(interruption, sent=progress.begun)
            raise
        raise failure

    async def aclose(self) -> None:
        """Close idle connections; one in use is closed when its answer has come."""
        hosts = self._hosts.get()
        closing, hosts.closing = hosts.closing, None
        if closing is not None:
            await closing.aclose()

    async def _exchange(self, request: Request, progress: Progress) -> Response:
        host, data = self._prepare(request, progress)
        await _close_with_loop(self._hosts.get())
        settings = self._settings
        async with host.places, asyncio.timeout(None) as limit:
            deadline = Deadline(settings.deadline)
            connection = host.idle.take(settings.longest_idle(request))
            if connection is None:
                hurry = _hurry(limit, deadline, settings.connect_timeout)
                connection = await connect(host.way.route, host.way.trust, hurry)
            hurry = _hurry(limit, deadline, settings.read_timeout)
            is_clean = False
            try:
                progress.begin(request)
                is_whole = await connection.write(data, hurry)
                answer = await connection.read(read_answer(Stream(), request.method), hurry)
                is_clean = is_whole and answer.is_clean
                return answer.response
            finally:
                if is_clean:
                    host.idle.keep(connection)
                else:
                    connection.close()

    def _prepare(self, request: Request, progress: Progress) -> tuple[_Host, memoryview]:
        """Where a request goes, and its bytes. What shows its address stays in this frame."""
        parts = progress.find_host(request)
        host = self._host(parts)
        return host, written(request, parts, host.way.route)

    def _host(self, parts: SplitResult) -> _Host:
        key = (parts.scheme, parts.netloc)
        hosts = self._hosts.get().by_address
        found = hosts.get(key)
        if found is None:
            places = asyncio.Semaphore(self._settings.connections)
            found = hosts[key] = _Host(self._settings.way_to(parts), places, Pool(Connection.is_quiet))
        return found


async def _close_with_loop(hosts: _Hosts) -> None:
    """See to it that no connection outlives its loop, also where nobody calls `aclose`.

    A loop that ends (`asyncio.run`, asgiref's `async_to_sync`) closes the asynchronous generators that began in it
    (`asyncio.loop.shutdown_asyncgens`), and so does the garbage collector while it runs.
    """
    if hosts.closing is None:
        hosts.closing = _closing(hosts)
        await anext(hosts.closing)


async def _closing(hosts: _Hosts) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        hosts.close()
        await asyncio.sleep(0)  # the event loop closes sockets in its next round


def _hurry(limit: asyncio.Timeout, deadline: Deadline, patience: float) -> Hurry:
    loop = asyncio.get_running_loop()

    def hurry() -> None:
        limit.reschedule(loop.time() + deadline.left(patience))

    return hurry
