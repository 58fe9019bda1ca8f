"""From a message to what is stored of it, and from stored rows to the message that a request is made of.

A put holds what its rows share, a row what is its own. So a claim can send some rows of a put, or rows of several puts
together: those share all but numbers, texts and references.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from json.encoder import encode_basestring
from typing import Any

import attrs
from attrs import field, frozen

from sms_core.errors import ConfigurationError
from sms_core.model import Message, Recipient
from sms_core.provider import Destination
from sms_core.serialize import from_data, to_data
from sms_core_outbox.planning import Planned, are_same, settings_of

FORM = 1
"""The version of what is stored of a message; others than this one are not read."""


@frozen
class StoredRow:
    """What is stored of a recipient. ``text`` is the final text where it is not the put's own."""

    position: int
    reference: str
    number: str = field(repr=False)
    text: str | None = field(repr=False)
    recipient: str | None = field(repr=False)
    send_at: datetime | None


@frozen
class StoredMessage:
    """What is stored of a message: its fields but for text and recipients as JSON, its rows, and their likeness.

    ``content`` is all that the caller gave, for the fingerprint. A reference that was made up is no part of it.
    """

    fields: str
    likeness: str
    content: str = field(repr=False)
    rows: tuple[StoredRow, ...]


@frozen
class _Template:
    """What messages to other people with other texts have in common, as JSON.

    ``shared`` is all of it, ``fields`` the same without the reference, which `Templates.to_stored` puts at its end.
    """

    settings: tuple[object, ...]
    shared: str
    likeness: str


class Templates:
    """Makes of messages what is stored of them. What a message shares with the one before it is serialised once for both."""

    def __init__(self) -> None:
        self._latest = _Template((), "", "")
        self._latest_message: Message | None = None

    def to_stored(self, message: Message, planned: Planned) -> StoredMessage:
        """What to store of a message as the caller gave it, which can be sent as it was planned."""
        template = self._template_of(planned.settings)
        given = [_data_of(recipient) for recipient in message.to]
        if len(message.to) == 1:  # it may have been planned together with others, and has a place among them
            rows = [_to_row(message, planned.rendered[0], 0, given[0], filled=bool(message.to[0].params))]
        else:
            filled = any(recipient.params for recipient in message.to)
            rows = [
                _to_row(message, found, found.position, given[found.position], filled=filled)
                for found in planned.rendered
            ]
        likeness = template.likeness
        for row in rows:
            if row.send_at is not None:
                likeness = ""  # nobody else's rows are to be part of a booking
        return StoredMessage(
            fields=f'{template.shared[:-1]},"reference":{_json_text(planned.reference)}}}',
            likeness=likeness,
            content=_content(message, template, given),
            rows=tuple(rows),
        )

    def content_of(self, message: Message) -> str:
        """`StoredMessage.content` of a message that has no plan."""
        return _content(message, self._template_of(message), [_data_of(recipient) for recipient in message.to])

    def _template_of(self, message: Message) -> _Template:
        if message is self._latest_message:
            return self._latest
        settings = settings_of(message)
        if not are_same(settings, self._latest.settings):
            self._latest = _to_template(message, settings)
        self._latest_message = message
        return self._latest


_OWN = ("text", "to", "reference")
_TEXTS = {"subject", "reference"}
"""The fields of a message that JSON holds as they are."""


def _content(message: Message, template: _Template, given: Sequence[Mapping[str, Any] | None]) -> str:
    """All that the caller gave. ``given`` are the recipients as `_data_of` has them."""
    recipients = _recipients_json(message.to, given)
    return f"{template.shared}\x1f[{_json_text(message.text)},{_json_text(message.reference)},{recipients}]"


def _recipients_json(recipients: Sequence[Recipient], given: Sequence[Mapping[str, Any] | None]) -> str:
    """All of recipients."""
    if None in given:
        return f"[{','.join(map(_recipient_json, recipients, given))}]"
    return _json(given)  # once for all, since each call makes an encoder


def _data_of(recipient: Recipient) -> Mapping[str, Any] | None:
    """All of a recipient as JSON has it; None where there is a number alone, as of most."""
    return None if _is_number_alone(recipient) else to_data(recipient)


def _recipient_json(recipient: Recipient, given: Mapping[str, Any] | None) -> str:
    """All of a recipient; round a number alone the JSON is the same."""
    if given is None:
        return f"{_BEFORE_NUMBER}{_json_text(recipient.number)}{_AFTER_NUMBER}"
    return _json(given)


def _is_number_alone(recipient: Recipient) -> bool:
    own = recipient.name or recipient.email or recipient.params or recipient.reference or recipient.send_at
    return not own and recipient.text is None


def _to_template(message: Message, settings: tuple[object, ...]) -> _Template:
    shared = to_data(attrs.evolve(message, to=message.to[:1]))
    for name in _OWN:
        del shared[name]
    alike = {name: value for name, value in shared.items() if name != "send_at"}
    likeness = blake2b(_json(alike).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return _Template(settings, _json(shared), likeness)


def _to_row(
    message: Message, destination: Destination, position: int, given: Mapping[str, Any] | None, *, filled: bool
) -> StoredRow:
    """What is stored of a recipient: of its own fields those that say something."""
    recipient = message.to[position]
    own: dict[str, Any] = {}
    if given is not None:
        own = {name: value for name, value in given.items() if value and name not in ("number", "reference", "text")}
    text = None if destination.text == message.text else destination.text
    if recipient.text is None and filled and not recipient.params:
        text = destination.text  # sent without those that have params, its braces would stay as they are
    if recipient.text is not None:
        own["text"] = recipient.text
    return StoredRow(
        position=position,
        reference=destination.reference,
        number=destination.number,
        text=text,
        recipient=_json(own) if own else None,
        send_at=destination.send_at,
    )


@frozen
class LoadedRow:
    """A row as it is read for a request, with its put's text and fields. Times are microseconds.

    Its fields stand in the order of `sms_core_outbox.claims.loaded_columns`.
    """

    id: int
    put_id: int
    reference: str
    number: str = field(repr=False)
    text: str | None = field(repr=False)
    recipient: str | None = field(repr=False)
    put_text: str = field(repr=False)
    put_fields: str = field(repr=False)
    form: int
    likeness: str
    purpose: str
    urgency: int
    send_at: int | None
    deadline_at: int
    claimed_at: int | None = None
    trace: str | None = None


def to_message(rows: Sequence[LoadedRow]) -> Message:
    """The message to these rows, of one put or of several that share their ``likeness``.

    Raises `ConfigurationError` for what this version cannot read.
    """
    first = rows[0]
    if any(row.form != FORM for row in rows):
        raise ConfigurationError("the message was stored by another version of sms-core-outbox")
    fields = json.loads(first.put_fields)
    of_one_put = all(row.put_id == first.put_id for row in rows)
    if of_one_put:
        recipients: Iterable[Recipient] = (_recipient(row) for row in rows)
    else:
        recipients = (_with_final_text(row) for row in rows)
        fields["reference"] = ""  # this message is nobody's put: it gets one of its own, and rows keep theirs
    told = {name: value for name, value in fields.items() if value}
    if told.keys() <= _TEXTS:  # as of most: nothing else is to be read
        return Message(first.put_text, tuple(recipients), **told)
    nobody = {**fields, "text": first.put_text, "to": [{"number": _NUMBER}]}
    return attrs.evolve(from_data(nobody, Message), to=tuple(recipients))


def _recipient(row: LoadedRow) -> Recipient:
    if row.recipient is None and row.text is None:
        return Recipient(row.number, reference=row.reference)
    own = json.loads(row.recipient) if row.recipient else {}
    if "params" not in own and row.text is not None:
        own["text"] = row.text
    return from_data({**own, "number": row.number, "reference": row.reference}, Recipient)


def _with_final_text(row: LoadedRow) -> Recipient:
    own = json.loads(row.recipient) if row.recipient else {}
    text = row.put_text if row.text is None else row.text
    return Recipient(row.number, own.get("name", ""), own.get("email", ""), text=text, reference=row.reference)


_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_json_text = encode_basestring
"""What ``_json`` gives for a text, without its look for what it was given."""
_NUMBER = "+886900000000"
_BEFORE_NUMBER, _AFTER_NUMBER = _json(to_data(Recipient(_NUMBER))).split(_json(_NUMBER))
