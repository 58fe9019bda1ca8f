"""A password, a token, a whole number or a text is nowhere that it could be read by chance."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import attrs

from sms_core import MemorySessions
from sms_core.errors import AuthenticationFailed, CallbackRefused, SendError, TransportError
from sms_core.http import Response
from sms_core.model import DeliveryReport, InboundMessage, Message
from sms_core.numbers import to_e164
from sms_core.provider import Session
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.findings import Findings
from sms_core_kit.checks.logs import kept_logs
from sms_core_kit.plays import Played
from sms_core_kit.recordings import RecordedCallback, Recording
from sms_core_kit.subject import Answer, Subject

PASSWORD = "pass-WORD+/=%&"  # noqa: S105 - nobody's
TEXT = "祕密的內容 secret words"
NATIONAL = 9
"""So many of a number's last digits still tell whose it is."""
LONG_TEXT = 12
"""An ASCII text shorter than this may be in a module's name by chance."""
LONG_CHINESE_TEXT = 4
"""The same for any other text."""


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
        # Not its args: those are what it is made of again in another process, the numbers too.
        parts += traceback.format_exception(value)
    if isinstance(value, SendError):
        parts += [shown(value.result), *(shown(row.error) for row in value.result.outcomes)]
    return "\n".join(parts)


class SecretChecks(Checks):
    """Redaction in reprs, errors, tracebacks and logs."""

    def no_secret_of_a_recording_is_shown(self, recording: Recording) -> None:
        """What the recording came to, and its requests."""
        sessions = KeptSessions()
        with kept_logs() as logs:
            played = self.subject.play(recording, password=PASSWORD, sessions=sessions, logged=True)
        secrets = {*sessions.tokens, *_of_message(recording.message), *_of_rows(played.value), *_of_password()}
        _assert_hidden(secrets, _printed(played, recording.message), logs)

    def test_no_secret_is_shown_when_a_send_fails(self) -> None:
        """Not even if the vendor's answer repeats what it was asked, or where it redirects to."""
        findings = Findings()
        for name, make_answer in FAULTS.items():
            with findings.of(name):
                self._hides_all(make_answer)
        findings.tell()

    def _hides_all(self, make_answer: Callable[[Subject, set[str]], Answer]) -> None:
        subject, base = self.subject, self.subject.base
        to = attrs.evolve(subject.message().to[0], name="小明的名字")
        message = subject.message(TEXT, to=to)
        secrets = {*_of_message(message), *_of_password()}
        answer = make_answer(subject, secrets)
        recording = attrs.evolve(base, message=message)
        sessions = KeptSessions()
        account: dict[str, Any] = {"password": PASSWORD, "sessions": sessions, "logged": True}
        with kept_logs() as logs:
            played = subject.play(recording, subject.preamble(base), answer, **account)
        _assert_hidden({*secrets, *sessions.tokens}, [*_printed(played, message), subject], logs)

    def no_secret_of_a_push_is_shown(self, push: RecordedCallback) -> None:
        """Neither in its events nor in the error that refuses it."""
        sms, request = self.subject.callback(push), push.request.request()
        values: list[object] = [sms, request]
        secrets: set[str] = {TEXT}
        refused = [attrs.evolve(request, method="DELETE"), attrs.evolve(request, query=TEXT, body=b"")]
        with kept_logs() as logs:
            for pushed in (request, *refused):
                try:
                    callback = sms.parse_callback(pushed)
                except CallbackRefused as error:
                    values.append(error)
                else:
                    values += [callback, *callback.events]
                    secrets |= _of_rows(callback.events)
        _assert_hidden(secrets, values, logs)


def _echo(secrets: Iterable[str]) -> bytes:
    return " ".join(sorted(secrets)).encode()


def _own_words(subject: Subject, secrets: Iterable[str]) -> Response:
    """The vendor's own refusal of a send, with the numbers in its words."""
    numbers = " ".join(sorted(secret for secret in secrets if secret.lstrip("+").isdigit())).encode()
    for recording in subject.book.recordings:
        if recording.operation != "send" or recording.error is None or not recording.wire:
            continue
        answer = recording.answers()[-1]
        words = str(recording.error.get("vendor_text", "")).encode(recording.wire[-1].answer.charset)
        if words and isinstance(answer, Response) and words in answer.body:
            return attrs.evolve(answer, body=answer.body.replace(words, numbers))
    return Response(400, body=numbers)


def _redirect(_: Subject, secrets: Iterable[str]) -> Response:
    return Response(302, {"location": f"https://elsewhere.invalid/?all={quote_plus(_echo(secrets))}"})


FAULTS: Mapping[str, Callable[[Subject, set[str]], Answer]] = {
    "cut off": lambda _, __: TransportError("cut off", sent=True),
    "no connection": lambda _, __: TransportError("no connection", sent=False),
    "a refusal that names the number": _own_words,
    "a page that repeats all": lambda _, secrets: Response(200, body=b"<html>%s</html>" % _echo(secrets)),
    "an error that repeats all": lambda _, secrets: Response(500, body=_echo(secrets)),
    "a refusal that repeats all": lambda _, secrets: Response(403, body=_echo(secrets)),
    "a redirect that repeats all": _redirect,
}
"""What goes wrong: the answer, made of the subject and the secrets that the request had."""


def _of_password() -> set[str]:
    return {PASSWORD, quote(PASSWORD, safe=""), quote_plus(PASSWORD), "pass-WORD"}


def _of_number(number: str) -> set[str]:
    try:
        digits = to_e164(number)
    except ValueError:
        digits = number
    return {digits, digits[-NATIONAL:]} if len(digits) > NATIONAL else set()


def _of_text(text: str | None) -> set[str]:
    if not text:
        return set()
    shortest = LONG_TEXT if text.isascii() else LONG_CHINESE_TEXT
    return {text} if len(text) >= shortest else set()


def _of_message(message: Message | None) -> set[str]:
    if message is None:
        return set()
    found = _of_text(message.text)
    for recipient in message.to:
        found |= _of_number(recipient.number) | _of_text(recipient.text) | _of_text(recipient.name)
    return found


def _of_rows(value: object) -> set[str]:
    """Numbers and texts of reports and replies."""
    found: set[str] = set()
    for row in value if isinstance(value, list | tuple) else ():
        if isinstance(row, DeliveryReport | InboundMessage):
            found |= _of_number(row.number)
        if isinstance(row, InboundMessage):
            found |= _of_text(row.text)
    return found


def _printed(played: Played, message: Message | None) -> list[object]:
    return [played.value, played.error, message, *played.requests]


def _assert_hidden(secrets: set[str], values: Iterable[object], logs: Iterable[logging.LogRecord]) -> None:
    shown_texts = "\n".join(shown(value) for value in values if value is not None)
    logged_texts = "\n".join(map(_logged, logs))
    for secret in sorted(filter(None, secrets)):
        assert secret not in shown_texts, f"{secret!r} is shown in a repr, error or traceback"
        assert secret not in logged_texts, f"{secret!r} is shown in the log"


def _logged(record: logging.LogRecord) -> str:
    """All that a record holds but its times in seconds, whose digits may happen to be those of a number."""
    fields = {name: value for name, value in record.__dict__.items() if not isinstance(value, float)}
    if isinstance(record.args, tuple):
        fields["args"] = [value for value in record.args if not isinstance(value, float)]
    return f"{logging.Formatter().format(record)} {fields!r}"
