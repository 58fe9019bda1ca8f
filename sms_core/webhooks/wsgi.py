"""A receiver as a WSGI application, for gunicorn, mod_wsgi, wsgiref and below any WSGI framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from attrs import frozen

from sms_core.callbacks import CallbackRequest, CallbackResponse
from sms_core.errors import CallbackRefused
from sms_core.webhooks.bodies import DRAINED, ascii_query
from sms_core.webhooks.handling import BODY_LIMIT, Body, announced_length

_CHUNK = 65536


class BlockingReceiver(Protocol):
    """What the application hands its requests to; a `Receiver` is one."""

    def receive(self, request: CallbackRequest, read: Callable[[], Body] | None = None) -> CallbackResponse:
        """The answer to a request, whose body ``read`` gives."""
        ...


@frozen
class WsgiApp:
    """The application. Its paths are those behind the place where it is mounted (``PATH_INFO``)."""

    receiver: BlockingReceiver

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as PEP 3333 says."""
        body = _Input(environ)
        response = self.receiver.receive(_head(environ), body.read)
        body.drain()
        headers = [*response.headers.items(), ("content-length", str(len(response.body)))]
        start_response(f"{response.status} {_PHRASES.get(response.status, 'Other')}", headers)
        return [response.body]


_PHRASES = {status.value: status.phrase for status in HTTPStatus}


def _head(environ: WSGIEnvironment) -> CallbackRequest:
    headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    headers["content-length"] = environ.get("CONTENT_LENGTH", "")
    return CallbackRequest(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", ""),
        query=ascii_query(environ.get("QUERY_STRING", "").encode("latin-1")),
        headers=headers,
        remote_addr=environ.get("REMOTE_ADDR", ""),
    )


class _Input:
    """``wsgi.input`` and how much of it there is, at least by what the request and the server say."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._stream = environ["wsgi.input"]
        self._length = announced_length(environ.get("CONTENT_LENGTH", "")) or 0
        self._ends = bool(environ.get("wsgi.input_terminated"))
        self._chunked = "HTTP_TRANSFER_ENCODING" in environ
        self._left = DRAINED if self._ends else min(self._length, DRAINED)

    def read(self) -> Body:
        """The body."""
        if self._chunked and not self._ends:
            return CallbackRefused("this server cannot read a body without a length", 411)
        try:
            body = self._read(BODY_LIMIT + 1)
        except OSError:
            self._left = 0
            body = b""
        if len(body) < self._length:
            return CallbackRefused("the body ended early")
        return body

    def drain(self) -> None:
        """Read what is left and forget it: an answer before the end of the body is lost in many a connection's reset."""
        try:
            while self._read(_CHUNK):
                pass
        except OSError:
            self._left = 0

    def _read(self, most: int) -> bytes:
        """Up to ``most`` bytes; fewer at the end of the input only."""
        chunks: list[bytes] = []
        while want := min(most, self._left):
            chunk = self._stream.read(want)
            chunks.append(chunk)
            most -= len(chunk)
            self._left = self._left - len(chunk) if chunk else 0
        return b"".join(chunks)
