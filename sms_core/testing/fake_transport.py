"""A transport without a network: your function, or a list, gives the answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from sms_core.errors import SmsError, TransportError
from sms_core.http import Request, Response

Handler = Callable[[Request], Response]
"""Answers a request, or raises a `TransportError` as a network would."""


class FakeTransport:
    """Answers from ``answers`` and keeps every request in ``requests``. Threads may share it.

    ``answers`` is a function from `Request` to `Response`, or the `Response`s and errors to give in turn::

        >>> import sms_core
        >>> from sms_core.http import Request, Response
        >>> from sms_core.testing import FakeTransport
        >>> network = FakeTransport([Response(200, body=b"hello"), sms_core.TransportError("cut off", sent=True)])
        >>> network.send(Request("GET", "https://sms.invalid/credit")).body
        b'hello'
        >>> network.send(Request("GET", "https://sms.invalid/credit"))
        Traceback (most recent call last):
        ...
        sms_core.errors.TransportError: cut off
        >>> [request.method for request in network.requests]
        ['GET', 'GET']

    As a transport has to, it refuses what comes after its `Request.begin_before`, and keeps no such request.

    Give it to a client as ``connect(dsn, transport=network)`` or ``connect_async(dsn, transport=network)``. Raises
    `AssertionError` for a request that the list has no answer for.
    """

    def __init__(self, answers: Handler | Iterable[Response | SmsError]) -> None:
        self.requests: list[Request] = []
        self.closed = False
        self._lock = threading.Lock()
        self._handler = answers if callable(answers) else _in_turn(answers)

    def send(self, request: Request) -> Response:
        """Keep the request and answer it."""
        if request.begin_before is not None and request.begin_before.has_passed():
            raise TransportError("too late to begin: nothing was sent", sent=False)
        with self._lock:
            self.requests.append(request)
        return self._handler(request)

    def close(self) -> None:
        """Note that the client closed it."""
        self.closed = True

    async def asend(self, request: Request) -> Response:
        """The same for an `AsyncClient`. What answers must not block."""
        return self.send(request)

    async def aclose(self) -> None:
        """The same for an `AsyncClient`."""
        self.close()


def _in_turn(answers: Iterable[Response | SmsError]) -> Handler:
    waiting = iter(answers)
    lock = threading.Lock()

    def next_answer(request: Request) -> Response:
        with lock:
            answer = next(waiting, None)
        if answer is None:
            raise AssertionError(f"the FakeTransport has no answer left for {request!r}")
        if isinstance(answer, SmsError):
            raise answer
        return answer

    return next_answer
