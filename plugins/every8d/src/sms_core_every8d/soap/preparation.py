"""What the SOAP API cannot carry is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from sms_core import InvalidMessage, Message, Recipient
from sms_core.provider import Destination, forbidden_in, options_of
from sms_core.text import utf16_length
from sms_core_every8d.http.options import SendOptions

LONGEST_NAME = 50  # 2.3, NAME


def prepare(message: Message, destinations: tuple[Destination, ...]) -> None:
    """Raise `InvalidMessage`, naming the field."""
    if options_of(message, SendOptions) != SendOptions():
        raise InvalidMessage("options", "event_id and skip_duplicates are of EVERY8D's HTTP API: use every8d://")
    _check_emails(message, destinations)
    _check_characters("subject", message.subject)
    _check_characters("text", message.text)
    for position, recipient in enumerate(message.to):
        for field, value in _texts(recipient):
            _check_characters(f"to[{position}].{field}", value)
    for destination in destinations:
        length = utf16_length(destination.name)
        if length > LONGEST_NAME:
            reason = f"is {length} characters long: EVERY8D takes {LONGEST_NAME}"
            raise InvalidMessage(f"{destination.path}.name", reason)


def _check_emails(message: Message, destinations: tuple[Destination, ...]) -> None:
    """Only sendParamSMS (2.3) has emails, and it has neither a validity nor a picture."""
    if message.validity is None and message.media is None:
        return
    if any(destination.email for destination in destinations):
        reason = "media" if message.media is not None else "validity"
        raise InvalidMessage("to", f"has emails, which EVERY8D's SOAP API does not take together with {reason}")


def _texts(recipient: Recipient) -> Iterator[tuple[str, str]]:
    yield "name", recipient.name
    yield "email", recipient.email
    yield "text", recipient.text or ""
    for name, value in recipient.params:
        yield f"params[{name!r}]", str(value)


def _check_characters(field: str, value: str) -> None:
    forbidden = forbidden_in(value)
    if forbidden:
        reason = f"holds the control character U+{ord(forbidden):04X}, which XML cannot carry"
        raise InvalidMessage(field, reason)
