"""What the SOAP API cannot carry is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from sms_core import InvalidMessage, Message
from sms_core.provider import Destination, forbidden_in, options_of
from sms_core.text import utf16_length
from sms_core_every8d.http.options import SendOptions

LONGEST_NAME = 50  # 2.3, NAME


def check(message: Message, destinations: tuple[Destination, ...]) -> None:
    """Raise `InvalidMessage`, naming the field."""
    if options_of(message, SendOptions) != SendOptions():
        raise InvalidMessage("options", "event_id and skip_duplicates are of EVERY8D's HTTP API: use every8d://")
    if (message.validity is not None or message.media is not None) and any(one.email for one in destinations):
        wish = "media" if message.media is not None else "validity"
        raise InvalidMessage("to", f"has emails, which EVERY8D's SOAP API does not take together with {wish}")
    for field, value in _texts(message):
        if forbidden := forbidden_in(value):
            raise InvalidMessage(field, f"holds the control character U+{ord(forbidden):04X}, which XML cannot carry")
    for position, one in enumerate(message.to):
        if utf16_length(one.name) > LONGEST_NAME:
            reason = f"is {utf16_length(one.name)} characters long: EVERY8D takes {LONGEST_NAME}"
            raise InvalidMessage(f"to[{position}].name", reason)


def _texts(message: Message) -> Iterator[tuple[str, str]]:
    yield "subject", message.subject
    yield "text", message.text
    for position, one in enumerate(message.to):
        yield f"to[{position}].name", one.name
        yield f"to[{position}].email", one.email
        yield f"to[{position}].text", one.text or ""
        yield from ((f"to[{position}].params[{name!r}]", str(value)) for name, value in one.params)
