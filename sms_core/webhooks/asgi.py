"""A receiver as an ASGI application, for uvicorn, hypercorn, daphne and below any ASGI framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from attrs import frozen

from sms_core.callbacks import CallbackRequest, CallbackResponse
from sms_core.errors import CallbackRefused
from sms_core.http import LowerNames
from sms_core.webhooks.bodies import DRAINED, ascii_query
from sms_core.webhooks.handling import BODY_LIMIT, Body

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


_BODY_HEADERS = frozenset({"content-length", "transfer-encoding"})
"""Without any of them a GET has no body (RFC 9110, 8.6), and there is none to wait for."""


class AsyncReceiver(Protocol):
    """What the application hands its requests to; a `Receiver` is one."""

    async def receive_async(
        self, request: CallbackRequest, read: Callable[[], Awaitable[Body]] | None = None
    ) -> CallbackResponse:
        """The answer to a request, whose body ``read`` gives."""
        ...


@frozen
class AsgiApp:
    """The application. Its paths are those behind the place where it is mounted (``root_path``)."""

    receiver: AsyncReceiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; of a websocket, refuse it."""
        match scope["type"]:
            case "http":
                head = _head(scope)
                if head.method == "GET" and _BODY_HEADERS.isdisjoint(head.headers):
                    response = await self.receiver.receive_async(head)
                else:
                    incoming = _Incoming(receive)
                    response = await self.receiver.receive_async(head, incoming.read)
                    await incoming.drain()
                await _answer(response, send)
            case "lifespan":
                await _live(receive, send)
            case "websocket":
                await send({"type": "websocket.close"})
            case other:
                raise NotImplementedError(f"an ASGI scope of the type {other!r}")


def _head(scope: Scope) -> CallbackRequest:
    headers = LowerNames()  # by the standard
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    client = scope.get("client")
    return CallbackRequest(
        method=scope["method"],
        path=_path(scope),
        query=ascii_query(scope.get("query_string", b"")),
        headers=headers,
        remote_addr=client[0] if client else "",
    )


def _path(scope: Scope) -> str:
    """The path behind the mount, whether the server or framework leaves the mount's own in it or not."""
    path: str = scope["path"]
    mount: str = scope.get("root_path", "").rstrip("/")
    return path[len(mount) :] if mount and path.startswith(f"{mount}/") else path


class _Incoming:
    """The body of a request, in the chunks that the server hands out."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.more = True
        self._is_whole = True

    async def read(self) -> Body:
        """The body."""
        chunks: list[bytes] = []
        size = 0
        while self.more and size <= BODY_LIMIT:
            chunk = await self._next()
            size += len(chunk)
            chunks.append(chunk)
        return b"".join(chunks) if self._is_whole else CallbackRefused("the body ended early")

    async def drain(self) -> None:
        """Read what is left and forget it: an answer before the end of the body is lost in many a connection's reset."""
        size = 0
        while self.more and size < DRAINED:
            size += len(await self._next())

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.more = self._is_whole = False
            return b""
        self.more = message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


async def _answer(response: CallbackResponse, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _live(receive: Receive, send: Send) -> None:
    """A receiver has nothing to start and nothing to stop."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
