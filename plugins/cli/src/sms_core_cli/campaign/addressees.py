"""Whom a row is sent to, and what: from a row that was read to a recipient of a message."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import define

from sms_core.model import Message, Recipient
from sms_core_cli.campaign.message_defaults import MessageDefaults


@define
class Addressee:
    """A recipient as its row has it, with its text. It is one of a message once it is known whether all share a text."""

    number: str
    name: str
    email: str
    text: str
    params: Mapping[str, str]
    reference: str
    send_at: datetime | None

    def recipient(self, *, of_shared_text: bool) -> Recipient:
        """One to whom the message's own text goes, or another."""
        return Recipient(
            self.number,
            self.name,
            self.email,
            None if of_shared_text else self.text,
            self.params,
            self.reference,
            self.send_at,
        )


def message_of(defaults: MessageDefaults, addressees: Sequence[Addressee]) -> Message:
    """A message to these rows. A template that all share becomes the message's, so that a vendor with fields can fill them.

    A text without params may look like another's template: ``{{name}}`` has become ``{name}``.
    """
    texts = {(addressee.text, bool(addressee.params)) for addressee in addressees}
    is_shared = len(texts) == 1
    text = addressees[0].text if is_shared else ""
    return defaults.message(text, [addressee.recipient(of_shared_text=is_shared) for addressee in addressees])


def to_bytes(addressee: Addressee) -> bytes:
    """An addressee for `from_bytes` of the same process. JSON would take three times as long, for each row twice."""
    sent = None if addressee.send_at is None else addressee.send_at.isoformat()
    params = dict(addressee.params)
    own = (addressee.number, addressee.name, addressee.email, addressee.text, params, addressee.reference)
    return marshal.dumps((*own, sent))


def from_bytes(stored: bytes) -> Addressee:
    """The addressee that `to_bytes` wrote."""
    # This process wrote it, where nobody else can write.
    number, name, email, text, params, reference, sent = marshal.loads(stored)  # noqa: S302
    send_at = None if sent is None else datetime.fromisoformat(sent)
    return Addressee(number, name, email, text, params, reference, send_at)
