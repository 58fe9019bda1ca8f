"""A vendor for tests: the provider in memory with other limits, with rules of its own, and with a record of its work."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from sms_core import Capability, Client, Message, ProviderInfo, hookimpl
from sms_core.http import Request
from sms_core.provider import Destination, Flow, Operation, Provider, Send
from sms_core.testing import Exchange, connect_provider, memory, memory_exchange

_names = (f"vendor{number}" for number in itertools.count())

Prepare = Callable[[Message, tuple[Destination, ...]], tuple[Destination, ...]]


class Vendor:
    """``prepared`` are the references that it was asked to prepare, ``sent`` those of each request, in order.

    ``before_send`` and ``after_send`` are called in the thread of each request, the latter before its answer is known.
    ``recipients`` is how many a request may have.
    """

    def __init__(
        self,
        *,
        without: Iterable[Capability] = (),
        prepare: Prepare | None = None,
        before_send: Callable[[Send], object] = lambda _: None,
        after_send: Callable[[Send], object] = lambda _: None,
        recipients: int | None = None,
    ) -> None:
        self.name = next(_names)
        info = memory.INFO
        if recipients is not None:
            info = attrs.evolve(info, limits=attrs.evolve(info.limits, recipients=recipients))
        self.info: ProviderInfo = attrs.evolve(info, capabilities=info.capabilities - set(without))
        self.prepare = prepare
        self.before_send = before_send
        self.after_send = after_send
        self.prepared: list[str] = []
        self.sent: list[list[str]] = []

    def connect(self) -> Client:
        """A client of this vendor, with an exchange of its own."""
        return connect_provider(self, f"memory://{self.name}")

    @property
    def exchange(self) -> Exchange:
        """What its clients send to."""
        return memory_exchange(self.name)

    @hookimpl
    def sms_describe(self) -> ProviderInfo:
        return self.info

    @hookimpl
    def sms_prepare(self, message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        self.prepared.extend(destination.reference for destination in destinations)
        return destinations if self.prepare is None else self.prepare(message, destinations)

    @hookimpl
    def sms_send(self) -> Request:
        return memory.sms_send()

    @hookimpl
    def sms_parse_response(self) -> object:
        return memory.sms_parse_response()

    @hookimpl
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Any]:
        return self._perform(provider, operation)

    def _perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Any]:
        if not isinstance(operation, Send):
            return (yield from memory.sms_perform(provider, operation))
        self.before_send(operation)
        self.sent.append([destination.reference for destination in operation.destinations])
        result = yield from memory.sms_perform(provider, operation)
        self.after_send(operation)
        return result


def in_words(message: Message, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    """Send each word of a text as a message of its own, as a vendor without long messages does it."""
    del message
    parts = []
    for destination in destinations:
        words = destination.text.split(" ")
        for number, word in enumerate(words, 1):
            reference = destination.reference if len(words) == 1 else f"{destination.reference}/{number}"
            parts.append(attrs.evolve(destination, text=word, reference=reference))
    return tuple(parts)
