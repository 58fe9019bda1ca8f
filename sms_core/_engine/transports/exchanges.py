"""What the transports of both colours share: their settings, the way to each host, and how a failure is told."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache, partial
from urllib.parse import SplitResult, urlsplit

from attrs import define, frozen

from sms_core._engine.transports.answers import BadAnswer
from sms_core._engine.transports.requests import request_bytes
from sms_core._engine.transports.routes import Route
from sms_core._engine.transports.tls import trusting
from sms_core.errors import TransportError
from sms_core.http import Request


@frozen
class Settings:
    """Times in seconds; see `sms_core.SocketTransport`. Raises `ConfigurationError` for a ``ca_file`` that cannot be read."""

    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    deadline: float = 60.0
    idle_timeout: float = 4.0
    proxy: str = ""
    ca_file: str = ""
    connections: int = 32

    def __attrs_post_init__(self) -> None:
        if self.ca_file:
            trusting(self.ca_file)  # so that a file that cannot be read is known at once

    def way_to(self, parts: SplitResult) -> Way:
        """The way to the host that a URL names. Raises `ValueError`."""
        return Way(Route.find(parts, self.proxy), cache(partial(trusting, self.ca_file)))

    def longest_idle(self, request: Request) -> float:
        """How long a connection may have been idle for this request."""
        return float("inf") if request.repeatable else self.idle_timeout


@frozen
class Way:
    """How to reach a host, and whom to trust."""

    route: Route
    trust: Callable[[], ssl.SSLContext]


@define
class Progress:
    """How far an exchange is. ``begun`` is True from directly before the first byte of the request on."""

    host: str = "the vendor"
    begun: bool = False

    def find_host(self, request: Request) -> SplitResult:
        """The parts of the request's URL, whose host errors name from now on. Raises `ValueError`."""
        parts = urlsplit(request.url)
        self.host = parts.hostname or self.host
        return parts

    def begin(self, request: Request) -> None:
        """The next thing is the request's first byte. Raises `TransportError` where it is too late for that."""
        if request.begin_before is not None and request.begin_before.has_passed():
            raise TransportError("too late to begin: nothing was sent", sent=False)
        self.begun = True

    def explain(self, error: Exception) -> TransportError:
        """The error that is told. Of the one that was met it shows no more than its class, which quotes nothing."""
        why = str(error) if isinstance(error, BadAnswer) else type(error).__name__
        if not self.begun:
            return TransportError(f"no connection to {self.host} ({why})", sent=False)
        if isinstance(error, TimeoutError):
            return TransportError(f"no answer in time from {self.host} ({why})", sent=True, timed_out=True)
        return TransportError(f"the connection broke before the whole answer from {self.host} ({why})", sent=True)


def written(request: Request, parts: SplitResult, route: Route) -> memoryview:
    """The request's bytes, as a value whose ``repr`` does not show them. Raises `ValueError`."""
    return memoryview(request_bytes(request, route.target(parts), route.headers))
