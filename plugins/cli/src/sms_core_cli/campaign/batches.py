"""Letters to single people, put together into as few messages as the vendor lets us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import attrs
from attrs import field, frozen

from sms_core._engine.preview import RecipientPreview
from sms_core.model import Media, Message, Recipient, VendorOptions
from sms_core.provider import Capability, ProviderInfo


@frozen
class Wishes:
    """What holds for every row. ``text`` (a template) replaces the rows' own; the rest is as in a `Message`."""

    text: str | None = field(default=None, repr=False)
    subject: str = ""
    send_at: datetime | None = None
    validity: timedelta | None = None
    media: Media | None = None
    options: tuple[VendorOptions, ...] = ()

    def message(self, text: str, to: str | Recipient | Iterable[str | Recipient]) -> Message:
        """A message to these recipients, all else as wished. Raises `InvalidMessage`."""
        return Message(
            text,
            to,
            subject=self.subject,
            send_at=self.send_at,
            validity=self.validity,
            media=self.media,
            options=self.options,
        )


@frozen
class Letter:
    """What one row comes to. ``position`` counts rows from 0; ``text`` is the recipient's template.

    ``preview`` is the letter as it goes out: its number in E.164, its text filled in.
    """

    position: int
    recipient: Recipient
    text: str = field(repr=False)
    preview: RecipientPreview


@frozen
class Batch:
    """One message, and the letters in it, in the order of its recipients."""

    message: Message
    letters: tuple[Letter, ...] = field(repr=lambda letters: f"<{len(letters)} letters>")


def make_batches(letters: Sequence[Letter], wishes: Wishes, info: ProviderInfo) -> tuple[Batch, ...]:
    """As few messages as possible, each of one request's size: personal texts together where the vendor can."""
    apart = not info.can(Capability.PERSONAL) or any(one.one_text_per_request for one in wishes.options)
    groups: dict[object, list[Letter]] = {}
    for letter in letters:
        groups.setdefault((letter.preview.text, letter.recipient.send_at) if apart else None, []).append(letter)
    return tuple(_batch(chunk, wishes) for group in groups.values() for chunk in _chunks(group, info.limits.recipients))


def _chunks(letters: Sequence[Letter], size: int) -> Iterator[tuple[Letter, ...]]:
    for start in range(0, len(letters), size):
        yield tuple(letters[start : start + size])


def _batch(letters: tuple[Letter, ...], wishes: Wishes) -> Batch:
    """A template that all share stays the message's, so that a vendor with fields of its own can fill them.

    A text without params may look like another's template: ``{{name}}`` has become ``{name}``.
    """
    texts = {(letter.text, bool(letter.recipient.params)) for letter in letters}
    if len(texts) == 1:
        return Batch(wishes.message(letters[0].text, [one.recipient for one in letters]), letters)
    recipients = [attrs.evolve(one.recipient, text=one.text) for one in letters]
    return Batch(wishes.message("", recipients), letters)
