"""One push, from its head to the answer: a generator that a sync and an async driver run, so the two cannot differ."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping
from http import HTTPStatus
from typing import Protocol

import attrs

from sms_core.callbacks import Callback, CallbackRequest, CallbackResponse, event_key
from sms_core.errors import CallbackRefused, MalformedResponse
from sms_core.masking import mask_numbers
from sms_core.provider.info import ProviderInfo
from sms_core.serialize import to_json
from sms_core.webhooks.events import Event, EventInProgress
from sms_core.webhooks.guard import Guard, mask_address
from sms_core.webhooks.tracebacks import places, traceback_without

BODY_LIMIT = 1024 * 1024
"""Bytes. A push is some hundred of them; a longer body is answered with 413."""
METHODS = ("GET", "POST")
TOO_LONG = "the body is over 1 MiB"
RETRY_AFTER = 5
"""Seconds that a vendor is asked to wait before it pushes an event again that is in hand."""

log = logging.getLogger("sms_core.webhooks")


class Parser(Protocol):
    """What a receiver needs of a `Client`."""

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        ...

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """The events of a push and the answer to it. Raises `CallbackRefused`."""
        ...


class Head:
    """What a push yields first: its head was let in, and the driver is to send its body."""


HEAD = Head()

Body = bytes | CallbackRefused
"""A body of at most `BODY_LIMIT` + 1 bytes, or why there is none."""

Push = Generator[Head | Event, Body | None, CallbackResponse]
"""Yields `HEAD` and is sent the `Body`; then yields each event, to be claimed and handled; what that raises is thrown in."""


def push(clients: Mapping[str, Parser], guard: Guard, head: CallbackRequest) -> Push:
    """Check, parse and handle one push. ``head`` needs no body yet."""
    try:
        name, client = _let_in(clients, guard, head)
        body = _checked((yield HEAD))
        # The provider never sees the secret.
        whole = CallbackRequest(head.method, f"/{name}", head.query, head.headers, body, head.remote_addr)
        callback = _parse(client, whole)
    except CallbackRefused as refusal:
        return _refused(refusal, clients, guard, head)
    failure: CallbackResponse | None = None
    for event in callback.events:
        event = event if event.key else _with_key(name, event)  # noqa: PLW2901 - the same event, told by a key
        try:
            yield event
        except EventInProgress:
            log.info("%s: %s is in another worker's hand; 503", name, event.key)
            failure = failure or _no(503, {"retry-after": str(RETRY_AFTER)})
        except Exception as error:  # noqa: BLE001 - the handler's, or the store's: logged, and the vendor pushes again
            kind, trace = type(event).__name__, traceback_without(event, error)
            log.error("%s: handling the %s %s failed; 500\n%s", name, kind, event.key, trace)  # noqa: TRY400
            failure = _no(500)
    return failure or callback.response


def _let_in(clients: Mapping[str, Parser], guard: Guard, head: CallbackRequest) -> tuple[str, Parser]:
    """The name and the client that a head is for. Raises `CallbackRefused`."""
    guard.check_address(head)
    name = guard.name_of(head.path)
    if name is None or name not in clients:
        raise CallbackRefused("a wrong name or secret", 404)
    if head.method not in METHODS:
        raise CallbackRefused("a push comes by GET or POST", 405)
    if announced := head.headers.get("content-length"):
        length = announced_length(announced)
        if length is None:
            raise CallbackRefused("the content length is no number")
        if length > BODY_LIMIT:
            raise CallbackRefused(TOO_LONG, 413)
    return name, clients[name]


def announced_length(text: str) -> int | None:
    """The bytes that a ``Content-Length`` announces: 0 where there is none, None where it is no number."""
    if not text:
        return 0
    try:
        return int(text) if text.isascii() and text.isdigit() else None
    except ValueError:  # Python reads no number of thousands of digits
        return None


def _checked(body: Body | None) -> bytes:
    if isinstance(body, CallbackRefused):
        raise body
    assert body is not None
    if len(body) > BODY_LIMIT:
        raise CallbackRefused(TOO_LONG, 413)
    return body


def _parse(client: Parser, request: CallbackRequest) -> Callback:
    try:
        return client.parse_callback(request)
    except CallbackRefused:
        raise
    except MalformedResponse as error:  # a row that its provider can read in no answer either
        raise CallbackRefused(str(error)) from error
    except Exception as bug:
        # A third party's code. What its bug says may quote the push, so only where it happened is told.
        reason = f"provider {client.info.name!r} failed with {type(bug).__name__}\n{places(bug)}"
        raise CallbackRefused(reason, 500) from bug


def _refused(
    refusal: CallbackRefused, clients: Mapping[str, Parser], guard: Guard, head: CallbackRequest
) -> CallbackResponse:
    segment = head.path.split("/")[1] if head.path.startswith("/") else ""
    name = segment if segment in clients else "no known name"
    caller = mask_address(guard.address(head))
    log.warning("push refused (%d; %s, from %s): %s", refusal.status, name, caller, mask_numbers(str(refusal)))
    if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        others = [method for method in METHODS if method != head.method]
        return _no(refusal.status, {"allow": ", ".join(others)})
    return _no(refusal.status)


def _no(status: int, headers: Mapping[str, str] | None = None) -> CallbackResponse:
    """An answer without a body, which no vendor can take for its acknowledgement."""
    return CallbackResponse(status, {"content-type": "text/plain; charset=utf-8", **(headers or {})})


def _with_key(name: str, event: Event) -> Event:
    """The same event with a key, for one that its provider gave none: otherwise all of those would count as one."""
    return attrs.evolve(event, key=event_key(name, to_json(event)))


def start(running: Push) -> CallbackResponse | None:
    """Check the head of a push. Gives the answer if it is refused, else None: the push then waits for its body."""
    try:
        next(running)
    except StopIteration as stop:
        answer: CallbackResponse = stop.value
        return answer
    return None


def finish(running: Push, body: Body, handle: Callable[[Event], object]) -> CallbackResponse:
    """The rest of a push that has started."""
    try:
        event = running.send(body)
        while True:
            try:
                handle(event)  # type: ignore[arg-type]  # after HEAD there are events only
            except BaseException as error:  # noqa: BLE001 - the push knows what it means, Ctrl-C too
                event = running.throw(error)
            else:
                event = next(running)
    except StopIteration as stop:
        answer: CallbackResponse = stop.value
        return answer


async def finish_async(running: Push, body: Body, handle: Callable[[Event], Awaitable[object]]) -> CallbackResponse:
    """`finish` with an async handler."""
    try:
        event = running.send(body)
        while True:
            try:
                await handle(event)  # type: ignore[arg-type]  # after HEAD there are events only
            except BaseException as error:  # noqa: BLE001 - the push knows what it means, a cancellation too
                event = running.throw(error)
            else:
                event = next(running)
    except StopIteration as stop:
        answer: CallbackResponse = stop.value
        return answer
