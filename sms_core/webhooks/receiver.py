"""`Receiver`: clients by name and one handler, behind a guard; and its adapters."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, cast

from sms_core.callbacks import CallbackRequest, CallbackResponse
from sms_core.client import connect
from sms_core.errors import ConfigurationError, Unsupported
from sms_core.provider.operations import Capability
from sms_core.webhooks.asgi import AsgiApp
from sms_core.webhooks.events import AsyncEventStore, Event, EventStore, MemoryEvents
from sms_core.webhooks.guard import Guard, is_segment
from sms_core.webhooks.handling import Body, Parser, finish, finish_async, push, start
from sms_core.webhooks.wsgi import WsgiApp

AsyncHandler = Callable[[Event], Coroutine[Any, Any, object]]
Handler = Callable[[Event], object] | AsyncHandler
"""A plain or an async function of one event. What it gives back is ignored; what it raises makes the vendor push again."""


class Receiver:
    """Takes what vendors push to ``/<name>/<secret>``, and hands each event to the handler.

    ``clients`` are by name: a ``Client``, or a DSN; no vendor is talked to. ``handler`` gets a `DeliveryReport` or an
    `InboundMessage`. ``secrets`` is one secret, or several in a list or separated by blanks, each of which opens the
    address; without any the receiver is refused, unless ``insecure`` says that ``/<name>`` takes what anybody sends.
    ``networks`` are those that a push may come from, such as ``203.0.113.0/24``; ``trusted_proxies`` is how many proxies
    of your own stand in front and write ``X-Forwarded-For``. ``store`` remembers which events were handled: in memory,
    unless you give another.

    Raises `ConfigurationError`, and `Unsupported` for a vendor that pushes nothing.
    """

    def __init__(
        self,
        clients: Mapping[str, Parser | str],
        handler: Handler,
        *,
        secrets: str | Iterable[str] = (),
        insecure: bool = False,
        networks: str | Iterable[str] = (),
        trusted_proxies: int = 0,
        store: EventStore | AsyncEventStore | None = None,
    ) -> None:
        self._clients = _checked_clients(clients)
        self._handler = handler
        self._async_handler = cast("AsyncHandler", handler) if _is_async(handler) else None
        self._guard = Guard(secrets, networks, trusted_proxies)
        if insecure and self._guard.secrets:
            raise ConfigurationError("insecure=True and secrets are a contradiction: give one of them")
        if not insecure and not self._guard.secrets:
            hint = "'sms webhook-url' makes one; insecure=True does without"
            raise ConfigurationError(f"without a secret anybody can push: {hint}")
        given: Any = MemoryEvents() if store is None else store
        self._store: EventStore | None = given if hasattr(given, "claim") else None
        self._async_store: AsyncEventStore | None = given if hasattr(given, "aclaim") else None

    def __repr__(self) -> str:
        return f"<Receiver of {', '.join(sorted(self._clients))}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its clients."""
        return tuple(self._clients)

    @property
    def wsgi(self) -> WsgiApp:
        """This receiver as a WSGI application. Raises `ConfigurationError` if its handler or its store is async."""
        self._plain_store()
        return WsgiApp(self)

    @property
    def asgi(self) -> AsgiApp:
        """This receiver as an ASGI application."""
        return AsgiApp(self)

    def receive(self, request: CallbackRequest, read: Callable[[], Body] | None = None) -> CallbackResponse:
        """Handle a push and give the answer to it. A failure of the handler is an answer too.

        ``read`` gives the body, for an adapter that reads it only of requests that are let in; without it the
        request's own counts. Raises `ConfigurationError` if the handler or the store is async.
        """
        store = self._plain_store()
        running = push(self._clients, self._guard, request)
        return start(running) or finish(
            running, read() if read else request.body, partial(_claimed, store, self._handle)
        )

    async def receive_async(
        self, request: CallbackRequest, read: Callable[[], Awaitable[Body]] | None = None
    ) -> CallbackResponse:
        """`receive` for an event loop, which is never blocked: a plain handler runs in a thread.

        So does a store that is neither an `AsyncEventStore` nor `MemoryEvents`, from the beginning of a claim to its end.
        """
        running = push(self._clients, self._guard, request)
        if answer := start(running):
            return answer
        body = await read() if read else request.body
        handler = self._async_handler
        if self._async_store is not None:
            handle_later = partial(_claimed_later, self._async_store, handler or self._handle_in_thread)
            return await finish_async(running, body, handle_later)
        store = self._store
        assert store is not None
        if handler is None:
            return await asyncio.to_thread(finish, running, body, partial(_claimed, store, self._handle))
        if isinstance(store, MemoryEvents):
            return await finish_async(running, body, partial(_claimed_at_once, store, handler))
        loop = asyncio.get_running_loop()

        def handle(event: Event) -> object:
            return asyncio.run_coroutine_threadsafe(handler(event), loop).result()

        return await asyncio.to_thread(finish, running, body, partial(_claimed, store, handle))

    async def _handle_in_thread(self, event: Event) -> None:
        await asyncio.to_thread(self._handle, event)

    def _handle(self, event: Event) -> None:
        given = self._handler(event)
        if inspect.isawaitable(given):
            if inspect.iscoroutine(given):
                given.close()
            raise ConfigurationError("the handler gave back an awaitable, so nothing was done: write it as async def")

    def _plain_store(self) -> EventStore:
        if self._async_handler:
            raise ConfigurationError("an async handler needs the ASGI adapter, receiver.asgi, or receive_async()")
        if self._store is None:
            raise ConfigurationError("an async store needs the ASGI adapter, receiver.asgi, or receive_async()")
        return self._store


def _claimed(store: EventStore, handle: Callable[[Event], object], event: Event) -> None:
    with store.claim(event.key) as is_new:
        if is_new:
            handle(event)


async def _claimed_at_once(store: MemoryEvents, handle: AsyncHandler, event: Event) -> None:
    with store.claim(event.key) as is_new:
        if is_new:
            await handle(event)


async def _claimed_later(store: AsyncEventStore, handle: AsyncHandler, event: Event) -> None:
    async with store.aclaim(event.key) as is_new:
        if is_new:
            await handle(event)


def _checked_clients(clients: Mapping[str, Parser | str]) -> dict[str, Parser]:
    if not clients:
        raise ConfigurationError("a receiver needs clients: {'every8d': 'every8d://user:password@'}")
    connected: dict[str, Parser] = {}
    for name, given in clients.items():
        if not is_segment(name):
            raise ConfigurationError(f"{name!r} is part of a URL: letters, digits and - . _ ~ only")
        client = connect(given) if isinstance(given, str) else given
        if not (client.info.can(Capability.PUSHED_REPORTS) or client.info.can(Capability.PUSHED_INBOUND)):
            raise Unsupported(client.info.name, Capability.PUSHED_REPORTS.value, "ask it: client.reports()")
        connected[name] = client
    return connected


def _is_async(handler: Handler) -> bool:
    """Whether the handler is to be awaited. Raises `ConfigurationError` for what would do nothing when called."""
    if not callable(handler):
        raise ConfigurationError("the handler is a function of one event")
    for function in (handler, type(handler).__call__):
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError("the handler has a yield in it, so calling it would do nothing")
        if inspect.iscoroutinefunction(function):
            return True
    return False
