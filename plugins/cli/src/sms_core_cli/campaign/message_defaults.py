"""What all rows of a campaign have in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import field, frozen

from sms_core.model import Media, Message, Recipient, VendorOptions


@frozen
class MessageDefaults:
    """What holds for every row. ``text`` (a template) replaces the rows' own; the rest is as in a `Message`."""

    text: str | None = field(default=None, repr=False)
    subject: str = ""
    send_at: datetime | None = None
    validity: timedelta | None = None
    media: Media | None = None
    options: tuple[VendorOptions, ...] = ()

    def message(self, text: str, to: str | Recipient | Iterable[str | Recipient]) -> Message:
        """A message to these recipients with all these fields but the text. Raises `InvalidMessage`."""
        return Message(
            text,
            to,
            subject=self.subject,
            send_at=self.send_at,
            validity=self.validity,
            media=self.media,
            options=self.options,
        )
