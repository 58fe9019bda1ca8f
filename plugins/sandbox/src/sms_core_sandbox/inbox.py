"""What arrived on the pretended phones, for a test that waits for it.

::

    with Sandbox() as box:
        ...  # whatever has your application send a code
        assert box.inbox.wait("0900-000-001", timeout=5).code == "123456"

`Inbox` looks into the exchange of a `Sandbox`, or into those behind ``memory://``.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from attrs import field, frozen

from sms_core.numbers import to_e164
from sms_core.testing import Exchange, StoredMessage
from sms_core_sandbox.codes import find_code

LOOK_AGAIN = 0.01
"""Seconds between two looks: there may be several exchanges, and one may be made only then."""
SHOWN = 10
"""How many texts a failure shows."""

Wanted = str | re.Pattern[str]
"""A part of a text, or a pattern that is somewhere in it."""


class NothingCame(AssertionError):
    """No such text arrived in time; the message shows what came instead."""


@frozen
class Received:
    """A text as it arrived on a phone. ``received_at`` is aware; ``message`` is what the exchange knows of it."""

    number: str
    text: str = field(repr=False)
    subject: str
    face: str
    batch_id: str
    reference: str
    received_at: datetime
    message: StoredMessage

    @property
    def code(self) -> str:
        """The one-time code in the text, by the rule of `sms_core_sandbox.codes`. Raises `AssertionError` without one."""
        code = find_code(self.text)
        if code is None:
            raise AssertionError(f"there is no code in the text to {self.number}: {self.text!r}")
        return code


class Inbox:
    """The phones of some exchanges. `wait` gives each text once. Threads may share it."""

    def __init__(self, exchanges: Callable[[], Iterable[Exchange]]) -> None:
        self._exchanges = exchanges
        self._lock = threading.Lock()
        self._given: set[tuple[int, int]] = set()

    def wait(self, number: str, *, timeout: float = 5.0, text: Wanted | None = None) -> Received:
        """The first text to this number that was not given yet; one that has arrived already counts.

        ``number`` may be written in any form. With ``text`` others are passed over: it is a part of the text, or a
        pattern. ``timeout`` is in seconds.

        Raises `NothingCame`, and `ValueError` for what is no number.
        """
        deadline = time.monotonic() + timeout
        while True:
            received = self.take(number, text)
            if received is not None:
                return received
            if time.monotonic() >= deadline:
                raise NothingCame(self.explain(number, text, timeout))
            time.sleep(LOOK_AGAIN)

    def take(self, number: str, text: Wanted | None = None) -> Received | None:
        """The same without waiting: None where nothing has arrived."""
        wanted = to_e164(number)
        with self._lock:
            arrived = [
                (message.sent_at, message.serial, id(exchange), message)
                for exchange in self._exchanges()
                for message in exchange.messages_to(wanted)
                if message.has_arrived and (id(exchange), message.serial) not in self._given and _fits(message, text)
            ]
            if not arrived:
                return None
            _, serial, exchange_id, message = min(arrived, key=lambda entry: entry[:3])
            self._given.add((exchange_id, serial))
        return _received(message)

    def messages(self, number: str = "") -> list[Received]:
        """Every text that arrived, on this phone or on any, also what `wait` has given."""
        wanted = to_e164(number) if number else ""
        found = []
        for exchange in self._exchanges():
            messages = exchange.messages_to(wanted) if wanted else exchange.messages
            found += [_received(message) for message in messages if message.has_arrived]
        return sorted(found, key=lambda received: received.received_at)

    def forget(self) -> None:
        """Forget which texts were given."""
        with self._lock:
            self._given.clear()

    def explain(self, number: str, text: Wanted | None = None, timeout: float = 0.0) -> str:
        """What came instead of such a text, for a person to read."""
        wanted = to_e164(number)
        lines = [f"no text{_described(text)} arrived at {wanted} within {timeout:g} s"]
        came = [
            f"  {message.number}  {self._why_not(exchange, message, wanted, text)}  {message.text!r}"
            for exchange in self._exchanges()
            for message in exchange.messages
        ]
        if not came:
            return f"{lines[0]}; nothing was sent at all"
        if len(came) > SHOWN:
            lines.append(f"what came instead, the last {SHOWN} of {len(came)}:")
        else:
            lines.append("what came instead:")
        return "\n".join([*lines, *came[-SHOWN:]])

    def _why_not(self, exchange: Exchange, message: StoredMessage, wanted: str, text: Wanted | None) -> str:
        if message.number != wanted:
            return "(another number)"
        if not message.has_arrived:
            return f"({message.status.value}: {message.behaviour.meaning})"
        if (id(exchange), message.serial) in self._given:
            return "(given already)"
        return "(another text)" if not _fits(message, text) else "(came just now)"


def _fits(message: StoredMessage, text: Wanted | None) -> bool:
    if text is None:
        return True
    if isinstance(text, str):
        return text in message.text
    return text.search(message.text) is not None


def _described(text: Wanted | None) -> str:
    if text is None:
        return ""
    return f" with {text!r}" if isinstance(text, str) else f" that matches {text.pattern!r}"


def _received(message: StoredMessage) -> Received:
    return Received(
        number=message.number,
        text=message.text,
        subject=message.subject,
        face=message.face,
        batch_id=message.batch_id,
        reference=message.reference,
        received_at=message.sent_at or message.accepted_at,
        message=message,
    )
