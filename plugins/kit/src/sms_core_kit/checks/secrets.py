"""A password, a token, a whole number or a text is nowhere that it could be read by chance."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import pytest

from sms_core import MemorySessions
from sms_core.errors import AuthenticationFailed, CallbackRefused, SendError, TransportError
from sms_core.http import Response
from sms_core.model import DeliveryReport, InboundMessage, Message, Recipient
from sms_core.numbers import to_e164
from sms_core.provider import Session
from sms_core_kit.checks.base import Checks
from sms_core_kit.exchanges import RecordedCallback, RecordedExchange
from sms_core_kit.subject import Played, Subject

PASSWORD = "pass-WORD+/=%&"  # noqa: S105 - nobody's
TEXT = "祕密的內容 secret words"
NATIONAL = 9
"""So many of a number's last digits still tell whose it is."""
LONG_TEXT = 12
"""An ASCII text shorter than this may be in a module's name by chance."""


class KeptSessions(MemorySessions):
    """Sessions that remember every token."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str] = []

    def put(self, key: str, found: Session | AuthenticationFailed | None) -> None:
        """Keep a session, and its token for good."""
        if isinstance(found, Session) and found.token:
            self.tokens.append(found.token)
        super().put(key, found)


def shown(value: object) -> str:
    """All that one is likely to print of a value: its repr and str, for an error its whole traceback too."""
    parts = [repr(value), str(value)]
    if isinstance(value, BaseException):
        parts += [*traceback.format_exception(value), repr(value.args)]
    if isinstance(value, SendError):
        parts += [shown(value.result), *(shown(row.error) for row in value.result.outcomes)]
    return "\n".join(parts)


class SecretChecks(Checks):
    """Redaction in reprs, errors, tracebacks and logs."""

    def test_no_secret_of_an_exchange_is_shown(
        self, exchange: RecordedExchange, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What the exchange came to, and its requests."""
        caplog.set_level(logging.DEBUG)
        sessions = KeptSessions()
        played = self.subject.play(exchange, password=PASSWORD, sessions=sessions, logged=True)
        secrets = {*sessions.tokens, *_of_message(exchange.message), *_of_rows(played.value)}
        _assert_hidden({*secrets, *_of_password()}, _printed(played, exchange.message), caplog)

    def test_no_secret_is_shown_when_a_send_fails(self, fault: str, caplog: pytest.LogCaptureFixture) -> None:
        """Not even if the vendor's answer repeats what it was asked, or where it redirects to."""
        caplog.set_level(logging.DEBUG)
        subject, base = self.subject, self.subject.base
        to = attrs.evolve(subject.message().to[0], name="小明的名字")
        message = subject.message(TEXT, to=to)
        sessions = KeptSessions()
        secrets = {*_of_message(message), *_of_password()}
        answer = FAULTS[fault](subject, secrets) if callable(FAULTS[fault]) else FAULTS[fault]
        exchange = attrs.evolve(base, message=message)
        whose: dict[str, Any] = {"password": PASSWORD, "sessions": sessions, "logged": True}
        played = subject.play(exchange, subject.preamble(base), answer, **whose)
        _assert_hidden({*secrets, *sessions.tokens}, [*_printed(played, message), subject], caplog)

    def test_no_secret_of_a_push_is_shown(
        self, recorded: RecordedCallback | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither in its events nor in the error that refuses it."""
        caplog.set_level(logging.DEBUG)
        if recorded is None:
            assert not self.subject.book.callbacks
            return
        sms, request = self.subject.callback(recorded), recorded.request.request()
        values: list[object] = [sms, request]
        secrets: set[str] = set()
        for one in (request, attrs.evolve(request, method="DELETE"), attrs.evolve(request, query=TEXT, body=b"")):
            try:
                callback = sms.parse_callback(one)
            except CallbackRefused as error:
                values.append(error)
            else:
                values += [callback, *callback.events]
                secrets |= {*_of_rows(callback.events)}
        _assert_hidden({*secrets, TEXT}, values, caplog)


def _echo(secrets: Iterable[str]) -> bytes:
    return " ".join(sorted(secrets)).encode()


def _own_words(subject: Subject, secrets: Iterable[str]) -> Response:
    """The vendor's own refusal of a send, with the numbers in its words."""
    numbers = " ".join(sorted(one for one in secrets if one.lstrip("+").isdigit())).encode()
    for one in subject.book.exchanges:
        words = str((one.error or {}).get("vendor_text", "")).encode(one.wire[-1].answer.charset) if one.wire else b""
        answer = one.wire[-1].answer.answer() if words and one.operation == "send" else None
        if isinstance(answer, Response) and words in answer.body:
            return attrs.evolve(answer, body=answer.body.replace(words, numbers))
    return Response(400, body=numbers)


FAULTS: dict[str, Any] = {
    "cut off": TransportError("cut off", sent=True),
    "no connection": TransportError("no connection", sent=False),
    "a refusal that names the number": _own_words,
    "a page that repeats all": lambda _, secrets: Response(200, body=b"<html>%s</html>" % _echo(secrets)),
    "an error that repeats all": lambda _, secrets: Response(500, body=_echo(secrets)),
    "a refusal that repeats all": lambda _, secrets: Response(403, body=_echo(secrets)),
    "a redirect that repeats all": lambda _, secrets: Response(
        302, {"location": f"https://elsewhere.invalid/?all={quote_plus(_echo(secrets))}"}
    ),
}
"""What goes wrong: an answer, or a function that makes one of the subject and the secrets that the request had."""


def _of_password() -> set[str]:
    return {PASSWORD, quote(PASSWORD, safe=""), quote_plus(PASSWORD), "pass-WORD"}


def _of_number(number: str) -> set[str]:
    try:
        digits = to_e164(number)
    except ValueError:
        digits = number
    return {digits, digits[-NATIONAL:]} if len(digits) > NATIONAL else set()


def _of_text(text: str | None) -> set[str]:
    long = text and ((not text.isascii() and len(text) > 3) or len(text) >= LONG_TEXT)  # noqa: PLR2004 - a word
    return {text} if text and long else set()


def _of_message(message: Message | None) -> set[str]:
    if message is None:
        return set()
    return _of_text(message.text).union(*(_of_recipient(one) for one in message.to))


def _of_recipient(one: Recipient) -> set[str]:
    return _of_number(one.number) | _of_text(one.text) | _of_text(one.name)


def _of_rows(value: object) -> set[str]:
    """Numbers and texts of reports and replies."""
    found: set[str] = set()
    for row in value if isinstance(value, list | tuple) else ():
        found |= _of_number(row.number) if isinstance(row, DeliveryReport | InboundMessage) else set()
        found |= _of_text(row.text) if isinstance(row, InboundMessage) else set()
    return found


def _printed(played: Played, message: Message | None) -> list[object]:
    return [played.value, played.error, message, *played.requests]


def _assert_hidden(secrets: set[str], values: Iterable[object], caplog: pytest.LogCaptureFixture) -> None:
    everything = [("a repr, error or traceback", shown(value)) for value in values if value is not None]
    everything += [("the log", caplog.text), *(("the log", repr(record.__dict__)) for record in caplog.records)]
    for secret in sorted(filter(None, secrets)):
        for where, text in everything:
            assert secret not in text, f"{secret!r} is shown in {where}"
