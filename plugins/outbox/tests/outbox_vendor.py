"""The vendor Tiny without a network: what it took, and an answer for each request as a test decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from sms_core import Client, ProviderInfo, TransportError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from tests.support.tiny import INFO, TOKEN, Tiny, bind, fields_of, operation_of

HASH_KEY = "a key of the tests alone"
ACCEPT = "accept"
Answer = str | Exception | Callable[[Request], Response]
"""``accept``; another word of Tiny's wire; an error, as a network raises it; or a function."""


@attrs.define
class Vendor:
    """``answers`` are for the sends in turn; after them every send is accepted. ``taken`` is what it took, in order."""

    answers: list[Answer] = attrs.field(factory=list)
    taken: list[tuple[str, str]] = attrs.field(factory=list)
    requests: list[list[str]] = attrs.field(factory=list)
    batches: dict[str, list[str]] = attrs.field(factory=dict)
    questions: list[tuple[str, Any]] = attrs.field(factory=list)
    found: str = ""
    refusal: str = ""
    recipients: int = 3
    info: ProviderInfo = INFO
    ahead: timedelta = timedelta(0)
    _serial: Any = attrs.field(factory=lambda: itertools.count(1))

    def client(self, **options: Any) -> Client:
        """A client of it, whose clock is the real one, or as far ``ahead`` of it as the vendor's."""
        limits = attrs.evolve(self.info.limits, recipients=self.recipients)
        plugin = Tiny(attrs.evolve(self.info, limits=limits))
        return bind(FakeTransport(self._answer), plugin, clock=lambda: datetime.now(UTC) + self.ahead, **options)

    def take(self, request: Request) -> str:
        """Take a send, and give its batch."""
        fields = fields_of(request)
        self.taken.extend(zip(fields["numbers"], fields["texts"], strict=True))
        batch = f"b{next(self._serial)}"
        self.batches[batch] = fields["numbers"]
        return batch

    def _answer(self, request: Request) -> Response:
        operation = operation_of(request)
        if operation == "login":
            return _words(f"OK {TOKEN}")
        if operation != "send":
            self.questions.append((operation, fields_of(request)))
            return _words(self.refusal or f"OK {self.found}")
        self.requests.append(fields_of(request)["numbers"])
        answer = self.answers.pop(0) if self.answers else ACCEPT
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        if answer == ACCEPT:
            return _words(f"OK {self.take(request)}")
        return _words(answer)


def _words(text: str) -> Response:
    return Response(200, body=text.encode())


def accepted_but_unheard(vendor: Vendor) -> Callable[[Request], Response]:
    """The vendor takes it, and the connection breaks before its answer."""

    def act(request: Request) -> Response:
        vendor.take(request)
        raise TransportError("cut off", sent=True)

    return act
