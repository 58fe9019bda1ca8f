"""What the HTTP API cannot carry is refused before anything is sent."""

from __future__ import annotations

from sms_core import InvalidMessage, Message
from sms_core.provider import Destination, options_of
from sms_core_every8d.http.options import SendOptions


def prepare(message: Message, destinations: tuple[Destination, ...]) -> None:
    """Raise `InvalidMessage` where the filter (2.5) lacks a field: it takes neither pictures nor emails."""
    if not options_of(message, SendOptions).skip_duplicates:
        return
    if message.media is not None:
        raise InvalidMessage("options", "skip_duplicates is for SMS: the filter takes no picture")
    for destination in destinations:
        if destination.email:
            reason = "cannot be had together with skip_duplicates: the filter takes no email"
            raise InvalidMessage(f"{destination.path}.email", reason)
