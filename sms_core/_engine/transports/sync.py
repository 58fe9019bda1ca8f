"""The transport over sockets that block: kept-alive connections, and an exact word on whether a byte of a request left."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache, partial
from urllib.parse import SplitResult, urlsplit

from attrs import define, frozen

from sms_core._engine.process import PerProcess
from sms_core._engine.transports.answers import LARGEST_ANSWER, BadAnswer, Stream, read_answer
from sms_core._engine.transports.pools import Pool
from sms_core._engine.transports.requests import request_bytes
from sms_core._engine.transports.routes import Route
from sms_core._engine.transports.sockets import Deadline, reader, write
from sms_core._engine.transports.tls import trusting
from sms_core.caller_errors import bare
from sms_core.errors import SmsError, TransportError
from sms_core.http import Request, Response

__all__ = ["LARGEST_ANSWER", "SocketTransport"]


@frozen
class _Host:
    """What is kept for a host: the way to it, its connections, and whom to trust."""

    route: Route
    pool: Pool
    trust: Callable[[], ssl.SSLContext]


@define
class _Progress:
    """How far an exchange is. ``begun`` is True from directly before the first byte of the request on."""

    host: str = "the vendor"
    begun: bool = False


class SocketTransport:
    """Requests over kept-alive connections. Times in seconds; ``proxy`` is a URL, else the environment decides.

    ``deadline`` bounds one exchange, from connect on; each step of it has ``connect_timeout`` or ``read_timeout`` at most. A
    connection that was idle longer than ``idle_timeout`` carries only what may be repeated. ``ca_file`` (PEM) names the
    authorities to trust instead of the machine's. At most ``connections`` requests to one host are in flight; further
    ones wait for their turn. A child process opens connections of its own, and leaves its parent's alone. Raises `ConfigurationError` for a ``ca_file`` that cannot be read.
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
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._deadline = deadline
        self._idle_timeout = idle_timeout
        self._proxy = proxy
        self._ca_file = ca_file
        self._connections = connections
        self._hosts: PerProcess[dict[tuple[str, str], _Host]] = PerProcess({}, lambda _: {})
        if ca_file:
            trusting(ca_file)  # so that a file that cannot be read is known at once

    def send(self, request: Request) -> Response:
        """Send one request and read the whole answer. Raises `TransportError` or `MalformedResponse`."""
        progress = _Progress()
        try:
            return self._exchange(request, progress)
        except SmsError as error:
            failure = bare(error)
        except (OSError, ValueError, BadAnswer) as error:
            failure = _explain(error, progress)
        raise failure

    def close(self) -> None:
        """Close idle connections; one in use is closed when its answer has come."""
        hosts = self._hosts.get()
        while hosts:
            _, host = hosts.popitem()
            host.pool.close()

    def _exchange(self, request: Request, progress: _Progress) -> Response:
        host, data = self._prepare(request, progress)
        with host.pool.places:
            deadline = Deadline(self._deadline)
            connection = host.pool.take(float("inf") if request.repeatable else self._idle_timeout)
            if connection is None:
                connection = host.route.connect(host.trust, deadline, self._connect_timeout)
            is_clean = False
            try:
                if request.begin_before is not None and request.begin_before.has_passed():
                    raise TransportError("too late to begin: nothing was sent", sent=False)
                progress.begun = True
                is_whole = write(connection, data, deadline, self._read_timeout)
                stream = Stream(reader(connection, deadline, self._read_timeout))
                answer = read_answer(stream, request.method)
                is_clean = is_whole and answer.is_clean
                return answer.response
            finally:
                if is_clean:
                    host.pool.keep(connection)
                else:
                    connection.close()

    def _prepare(self, request: Request, progress: _Progress) -> tuple[_Host, memoryview]:
        """Where a request goes, and its bytes, as a value whose ``repr`` does not show them."""
        parts = urlsplit(request.url)
        progress.host = parts.hostname or progress.host
        host = self._host(parts)
        return host, memoryview(request_bytes(request, host.route.target(parts), host.route.headers))

    def _host(self, parts: SplitResult) -> _Host:
        key = (parts.scheme, parts.netloc)
        hosts = self._hosts.get()
        found = hosts.get(key)
        if found is None:
            route = Route.find(parts, self._proxy)
            made = _Host(route, Pool(self._connections), cache(partial(trusting, self._ca_file)))
            found = hosts.setdefault(key, made)  # atomic, so all threads have the same
        return found


def _explain(error: Exception, progress: _Progress) -> TransportError:
    """The error that is told. Of the one that was met it shows no more than its class, which quotes nothing."""
    host, sent = progress.host, progress.begun
    why = str(error) if isinstance(error, BadAnswer) else type(error).__name__
    if not sent:
        return TransportError(f"no connection to {host} ({why})", sent=False)
    if isinstance(error, TimeoutError):
        return TransportError(f"no answer in time from {host} ({why})", sent=True, timed_out=True)
    return TransportError(f"the connection broke before the whole answer from {host} ({why})", sent=True)
