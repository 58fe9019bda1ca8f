"""The transport over sockets that block: kept-alive connections, and an exact word on whether a byte of a request left."""

from __future__ import annotations

import threading
import weakref
from urllib.parse import SplitResult

from attrs import frozen

from sms_core._engine.transports.answers import LARGEST_ANSWER, BadAnswer, Stream, read, read_answer
from sms_core._engine.transports.exchanges import Progress, Settings, Way, written
from sms_core._engine.transports.pools import Pool
from sms_core._engine.transports.sockets import Deadline, Socket, is_quiet, reader, write
from sms_core.caller_errors import bare
from sms_core.errors import SmsError
from sms_core.http import Request, Response, note_sent
from sms_core.processes import PerProcess

__all__ = ["LARGEST_ANSWER", "SocketTransport"]


@frozen
class _Host:
    """What is kept for a host: the way to it, and its connections. ``places`` are those that may be in use."""

    way: Way
    places: threading.Semaphore
    idle: Pool[Socket]


class SocketTransport:
    """Requests over kept-alive connections. Times in seconds; ``proxy`` is a URL, else the environment decides.

    ``deadline`` bounds one exchange, from connect on; each step of it has ``connect_timeout`` or ``read_timeout`` at
    most. A connection that was idle longer than ``idle_timeout`` carries only what may be repeated. ``ca_file`` (PEM)
    names the authorities to trust instead of the machine's. At most ``connections`` requests to one host are in
    flight; further ones wait for their turn. A child process opens connections of its own, and leaves its parent's
    alone. Raises `ConfigurationError` for a ``ca_file`` that cannot be read.
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
        self._hosts: PerProcess[dict[tuple[str, str], _Host]] = PerProcess({}, lambda _: {})

    def send(self, request: Request) -> Response:
        """Send one request and read the whole answer. Raises `TransportError` or `MalformedResponse`."""
        progress = Progress()
        try:
            return self._exchange(request, progress)
        except SmsError as error:
            failure = bare(error)
        except (OSError, ValueError, BadAnswer) as error:
            failure = progress.explain(error)
        except BaseException as interruption:
            note_sent(interruption, sent=progress.begun)
            raise
        raise failure

    def close(self) -> None:
        """Close idle connections; one in use is closed when its answer has come."""
        hosts = self._hosts.get()
        while hosts:
            _, host = hosts.popitem()
            host.idle.close()

    def _exchange(self, request: Request, progress: Progress) -> Response:
        host, data = self._prepare(request, progress)
        settings = self._settings
        with host.places:
            deadline = Deadline(settings.deadline)
            connection = host.idle.take(settings.longest_idle(request))
            if connection is None:
                connection = host.way.route.connect(host.way.trust, deadline, settings.connect_timeout)
            is_clean = False
            try:
                progress.begin(request)
                is_whole = write(connection, data, deadline, settings.read_timeout)
                receive = reader(connection, deadline, settings.read_timeout)
                answer = read(read_answer(Stream(), request.method), receive)
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
        hosts = self._hosts.get()
        found = hosts.get(key)
        if found is None:
            made = _Host(self._settings.way_to(parts), threading.Semaphore(self._settings.connections), Pool(is_quiet))
            weakref.finalize(made, made.idle.close)
            found = hosts.setdefault(key, made)  # atomic, so all threads have the same
        return found
