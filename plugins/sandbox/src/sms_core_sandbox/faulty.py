"""The layer between the wire and a face that spoils requests and answers, down to the TCP connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import attrs
from attrs import frozen
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sms_core.testing import credit_for
from sms_core_sandbox.ending import Ending
from sms_core_sandbox.faults import Fault, Faults, RequestInfo

TRANSPORT = "sms_core_sandbox.transport"
"""Where a request's scope has the TCP connection, within its ``state``."""
FAULT = "sms_core_sandbox.fault"
"""Where it has the `Fault` that it got."""


class HangUpProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which lets an application close the connection that its request came by.

    ASGI has no word for that; the scope's ``state`` is the place where a server may hand things to applications.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the connection where each of its requests finds it."""
        self.app_state = {**self.app_state, TRANSPORT: transport}
        super().connection_made(transport)


@frozen
class _Answer:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Faulty:
    """A face with the faults that are switched on for it."""

    def __init__(self, app: ASGIApp, name: str, faults: Faults, ending: Ending | None = None) -> None:
        self._app = app
        self._name = name
        self._faults = faults
        self._ending = ending or Ending()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, spoiled if a fault fits it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        action = dict(scope["headers"]).get(b"soapaction", b"").decode("latin-1").strip('"')
        fault = self._faults.pick(RequestInfo(self._name, scope["method"], path, action))
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})[FAULT] = fault
        answer = await self._act(fault, scope, receive) if fault.acts else None
        connection = _Connection(fault, answer, scope, receive, send)
        is_late = fault.kind == "slow" and not await self._ending.sleep(fault.seconds)
        if is_late or (fault.acts and answer is None):
            await connection.hang_up()
            return
        await _SPOIL[fault.kind](connection)

    async def _act(self, fault: Fault, scope: Scope, receive: Receive) -> _Answer | None:
        """Let the face take the whole request, which it does even if the client has gone meanwhile.

        None where the sandbox came to its end before.
        """
        messages: list[Message] = []
        request = await _read(receive)

        async def receive_again() -> Message:
            return request

        async def keep(message: Message) -> None:
            messages.append(message)

        if fault.kind == "late" and not await self._ending.sleep(fault.seconds):
            return None
        limited = credit_for(fault.allowance) if fault.kind == "out_of_credit" else nullcontext()
        with limited:
            await self._app(scope, receive_again, keep)
        start, *rest = messages
        body = b"".join(message.get("body", b"") for message in rest)
        headers = [(bytes(name), bytes(value)) for name, value in start.get("headers", ())]
        return _Answer(start["status"], tuple(headers), body)


async def _read(receive: Receive) -> Message:
    """The whole request body as one message; the message of a disconnect, if the client went before it had sent it."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}


@frozen
class _Connection:
    """A request that gets a fault, and the connection that its client waits at."""

    fault: Fault
    answer: _Answer | None
    scope: Scope
    receive: Receive
    send: Send

    @property
    def taken(self) -> _Answer:
        """The face's own answer, of a kind of fault that acts."""
        return self.answer or _Answer(200, (), b"")

    async def respond(self, answer: _Answer, length: int | None = None) -> None:
        """Send an answer. A ``length`` is what the headers claim, where the body has another one."""
        claimed = len(answer.body) if length is None else length
        headers = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
        headers.append((b"content-length", str(claimed).encode()))
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": answer.body, "more_body": length is not None})

    async def hang_up(self) -> None:
        """Close the connection, after what was written to it, and wait until it is closed."""
        transport: Any = self.scope["state"][TRANSPORT]
        transport.close()
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _page(status: int, title: str, *headers: tuple[bytes, bytes]) -> _Answer:
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><hr>sandbox edge</body></html>\r\n"
    return _Answer(status, ((b"content-type", b"text/html"), *headers), body.encode())


async def _drop(connection: _Connection) -> None:
    await connection.hang_up()


async def _as_it_is(connection: _Connection) -> None:
    await connection.respond(connection.taken)


async def _too_many(connection: _Connection) -> None:
    wait = str(connection.fault.retry_after).encode()
    await connection.respond(_page(429, "429 Too Many Requests", (b"retry-after", wait)))


def _always(answer: _Answer) -> Callable[[_Connection], Awaitable[None]]:
    async def spoil(connection: _Connection) -> None:
        await connection.respond(answer)

    return spoil


async def _half(connection: _Connection) -> None:
    whole = connection.taken.body
    # An empty answer claims one byte, so that the client can see that something is missing.
    await connection.respond(attrs.evolve(connection.taken, body=whole[: len(whole) // 2]), length=max(len(whole), 1))
    await connection.hang_up()


async def _half_text(connection: _Connection) -> None:
    await connection.respond(
        attrs.evolve(connection.taken, body=connection.taken.body[: len(connection.taken.body) // 2])
    )


async def _wrong_charset(connection: _Connection) -> None:
    text = connection.taken.body.decode("utf-8", "replace")
    await connection.respond(attrs.evolve(connection.taken, body=text.encode(connection.fault.charset, "replace")))


_GARBAGE = _Answer(200, ((b"content-type", b"text/plain"),), bytes(range(0x80, 0x100)) + b"\x00\xff{[,\r\n")

_SPOIL: dict[str, Callable[[_Connection], Awaitable[None]]] = {
    "drop_before": _drop,
    "drop_after": _drop,
    "slow": _as_it_is,
    "late": _as_it_is,
    "429": _too_many,
    "403": _always(_page(403, "403 Forbidden")),
    "500": _always(_page(500, "500 Internal Server Error")),
    "502": _always(_page(502, "502 Bad Gateway")),
    "html200": _always(_page(200, "Welcome to the guest network")),
    "half": _half,
    "half_text": _half_text,
    "garbage": _always(_GARBAGE),
    "wrong_charset": _wrong_charset,
    "out_of_credit": _as_it_is,
}
