"""The layer around a face that keeps what a client asked and what it got, faults and all."""

from __future__ import annotations

from datetime import datetime

from attrs import define, field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sms_core.testing import Clock
from sms_core_sandbox.faulty import FAULT
from sms_core_sandbox.store.blanking import form_fields, show_message
from sms_core_sandbox.store.records import CallRecord, current_call
from sms_core_sandbox.store.store import Store

FORM = b"application/x-www-form-urlencoded"
KEPT = 256 * 1024
"""Bytes of a body that are looked at."""


class Recorder:
    """A face whose requests and answers go into a store, before the client has the whole answer."""

    def __init__(self, app: ASGIApp, face: str, store: Store, clock: Clock) -> None:
        self._app = app
        self._face = face
        self._store = store
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchanged = _Exchanged(self._store.next_call(), self._clock.now())
        token = current_call.set(exchanged.number)

        async def keep_receiving() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                exchanged.request += message.get("body", b"")[: KEPT - len(exchanged.request)]
            return message

        async def keep_sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchanged.start = message
            elif message["type"] == "http.response.body":
                exchanged.answer += message.get("body", b"")[: KEPT - len(exchanged.answer)]
                if not message.get("more_body", False):
                    self._store.add_call(self._record(scope, exchanged))
                    exchanged.is_kept = True
            await send(message)

        try:
            await self._app(scope, keep_receiving, keep_sending)
        finally:
            current_call.reset(token)
            if not exchanged.is_kept:
                self._store.add_call(self._record(scope, exchanged))

    def _record(self, scope: Scope, exchanged: _Exchanged) -> CallRecord:
        fault = scope.get("state", {}).pop(FAULT, None)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        query = scope["query_string"].decode("latin-1")
        request = show_message(
            f"{scope['method']} {scope['path']}{'?' if query else ''}{query}",
            _texts(scope["headers"]),
            exchanged.request,
        )
        start = exchanged.start
        answer = "(no answer: the connection was closed)"
        if start is not None:
            answer = show_message(f"HTTP {start['status']}", _texts(start.get("headers", ())), exchanged.answer)
        return CallRecord(
            number=exchanged.number,
            at=exchanged.at,
            face=self._face,
            method=scope["method"],
            path=path,
            request=self._store.blank(request),
            answer=self._store.blank(answer),
            status=start["status"] if start else None,
            fault=fault.kind if fault else "",
            acts=fault.acts if fault else True,
            fields=self._fields(scope, exchanged.request),
        )

    def _fields(self, scope: Scope, body: bytes) -> tuple[tuple[str, str], ...]:
        is_form = any(name == b"content-type" and FORM in value.lower() for name, value in scope["headers"])
        fields = form_fields(scope["query_string"], body if is_form else b"")
        return tuple((name, self._store.blank.field(name, value)) for name, value in fields)


@define
class _Exchanged:
    """What came and went so far."""

    number: int
    at: datetime
    request: bytes = b""
    answer: bytes = b""
    start: Message | None = None
    is_kept: bool = field(default=False)


def _texts(headers: object) -> list[tuple[str, str]]:
    pairs: list[tuple[bytes, bytes]] = list(headers)  # type: ignore[call-overload]
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
