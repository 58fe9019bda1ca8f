"""The values that go in and come out: messages, results, reports. Frozen, picklable, without behaviour.

Their ``repr`` may end in a log, so it masks numbers and leaves texts out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from sms_core.caller_errors import InvalidMessage, SmsError
from sms_core.masking import mask, mask_numbers
from sms_core.moments import is_tellable


def _length(text: str | bytes | None) -> str:
    return "None" if text is None else f"<{len(text)} long>"


def _aware(instance: object, attribute: attrs.Attribute[Any], value: datetime | None) -> None:
    del instance
    if value is None:
        return
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidMessage(attribute.name, "needs an aware datetime, such as datetime.now(UTC) + timedelta(hours=1)")
    if not is_tellable(value):
        raise InvalidMessage(attribute.name, f"is in the year {value.year}, which cannot be told in every time zone")


def _text(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    del instance
    if not isinstance(value, str):
        raise InvalidMessage(attribute.name, f"needs a str, not {type(value).__name__}")


def _optional_text(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None:
        _text(instance, attribute, value)


def _to_params(value: Mapping[str, object] | Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    if value == ():
        return ()
    # What almost every row of a long list has is asked for first: a dict, of strings.
    if isinstance(value, dict | Mapping):
        pairs = tuple(value.items())
    elif isinstance(value, Iterable):
        pairs = tuple(value)
    else:
        raise InvalidMessage("params", f"needs a mapping of names to values, not {type(value).__name__}")
    for name, filling in pairs:
        if not isinstance(filling, str) and not isinstance(filling, int | float | Decimal | date):
            raise InvalidMessage(f"params[{name!r}]", f"needs text or a number, not {type(filling).__name__}")
    return tuple((str(name), str(filling)) for name, filling in pairs)


@frozen
class Recipient:
    """One person to reach.

    ``number`` is E.164 (``+886900000001``) or Taiwan's ``09…``, spaces and dashes allowed. ``text`` is this
    person's own text instead of the message's; ``params`` (a mapping, or pairs) fill ``{name}`` in the text.
    ``reference`` is your own id for this recipient; where the vendor carries it, reports bring it back.
    ``name`` and ``email`` are for vendors that keep them beside the message.
    """

    number: str = field(validator=_text, repr=mask)
    name: str = field(default="", validator=_text, repr=False)
    email: str = field(default="", validator=_text, repr=False)
    text: str | None = field(default=None, validator=_optional_text, repr=_length)
    params: tuple[tuple[str, str], ...] = field(default=(), converter=_to_params, repr=False)
    reference: str = field(default="", validator=_text)
    send_at: datetime | None = field(default=None, validator=_aware)


def _to_format(text: str) -> str:
    if not isinstance(text, str):
        raise InvalidMessage("media.format", f"needs a file ending such as 'jpg', not {type(text).__name__}")
    return text.lower()


def _bytes(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    del instance
    if not isinstance(value, bytes):
        raise InvalidMessage(f"media.{attribute.name}", f"needs bytes, not {type(value).__name__}")


@frozen
class Media:
    """An MMS picture: its bytes, and its format as a file ending without the dot (``jpg``, ``png``)."""

    content: bytes = field(validator=_bytes, repr=_length)
    format: str = field(converter=_to_format)

    @classmethod
    def from_file(cls, path: str | Path) -> Media:
        """Read a picture; its format is the file's ending. Raises `OSError` as `open` does."""
        file = Path(path)
        return cls(file.read_bytes(), file.suffix.removeprefix("."))


@frozen
class VendorOptions:
    """The base of each vendor's ``SendOptions``: wishes that only one vendor understands."""

    @property
    def extra_characters(self) -> int:
        """How many characters the vendor adds to the text for these options; they count for the price."""
        return 0

    @property
    def price_factor(self) -> int:
        """How many times as much a text costs with these options."""
        return 1

    @property
    def taiwan_only(self) -> bool:
        """True if the vendor sends a message with these options within Taiwan only."""
        return False

    @property
    def needs_text(self) -> bool:
        """False if these options bring all that there is to send, so that the text may be empty."""
        return True

    @property
    def one_text_per_request(self) -> bool:
        """True if these options need requests in which every recipient gets the same text."""
        return False


@frozen
class UnreadOptions(VendorOptions):
    """Options of a vendor's package that was not imported where they were read; ``fields`` is their JSON.

    An error that crossed to another process may hold some. A message with them is not sent before they can be read:
    import the package whose class ``kind`` names.
    """

    kind: str
    fields: Mapping[str, Any] = field(repr=False)


def _to_recipients(value: str | Recipient | Iterable[str | Recipient]) -> tuple[Recipient, ...]:
    if isinstance(value, str):
        return (Recipient(value),)
    if isinstance(value, Recipient):
        return (value,)
    if not isinstance(value, Iterable):
        raise InvalidMessage("to", f"needs a number, a Recipient or several, not {type(value).__name__}")
    recipients: list[Recipient] = []
    for position, recipient in enumerate(value):
        if isinstance(recipient, Recipient):
            recipients.append(recipient)
        elif isinstance(recipient, str):
            recipients.append(Recipient(recipient))
        else:
            raise InvalidMessage(f"to[{position}]", f"needs a str or a Recipient, not {type(recipient).__name__}")
    if not recipients:
        raise InvalidMessage("to", "is empty: name at least one recipient")
    return tuple(recipients)


def _to_options(value: VendorOptions | Iterable[VendorOptions]) -> tuple[VendorOptions, ...]:
    if value == ():
        return ()
    if not isinstance(value, Iterable | VendorOptions):
        raise InvalidMessage("options", f"needs a vendor package's SendOptions, not {type(value).__name__}")
    options = (value,) if isinstance(value, VendorOptions) else tuple(value)
    for position, option in enumerate(options):
        if not isinstance(option, VendorOptions):
            hint = "needs a vendor package's SendOptions"
            raise InvalidMessage(f"options[{position}]", f"{hint}, not {type(option).__name__}")
    return options


def _positive(instance: object, attribute: attrs.Attribute[Any], value: timedelta | None) -> None:
    del instance
    if value is not None and (not isinstance(value, timedelta) or value <= timedelta()):
        raise InvalidMessage(attribute.name, "needs a positive timedelta, such as timedelta(hours=4)")


def _media(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    del instance
    if value is not None and not isinstance(value, Media):
        raise InvalidMessage(attribute.name, "needs a Media, such as Media.from_file('picture.jpg')")


@frozen
class Message:
    """What to send, and to whom.

    ``to`` is one number or `Recipient`, or many. ``send_at`` (aware) schedules; ``validity`` is how long the
    network keeps trying. ``media`` makes it an MMS. ``reference`` is your own id, made up where you give none.
    ``options`` holds vendors' own ``SendOptions``; each provider picks those of its own type.

    Raises `InvalidMessage`, naming the field.
    """

    text: str = field(validator=_text, repr=_length)
    to: tuple[Recipient, ...] = field(converter=_to_recipients, repr=lambda to: f"<{len(to)} recipients>")
    subject: str = field(default="", validator=_text, repr=_length)
    send_at: datetime | None = field(default=None, validator=_aware)
    validity: timedelta | None = field(default=None, validator=_positive)
    media: Media | None = field(default=None, validator=_media)
    reference: str = field(default="", validator=_text)
    options: tuple[VendorOptions, ...] = field(default=(), converter=_to_options)


class Outcome(enum.Enum):
    """What became of a send for one recipient."""

    ACCEPTED = "accepted"
    """The vendor took it."""
    REFUSED = "refused"
    """The vendor said no to it."""
    UNKNOWN = "unknown"
    """The vendor may have taken it. Never send it again blindly."""
    NOT_SENT = "not_sent"
    """It surely was not taken: sending it again is safe."""


@frozen
class RecipientOutcome:
    """What became of the send for one recipient. ``number`` is E.164; ``error`` says why it was not accepted."""

    number: str = field(repr=mask)
    outcome: Outcome
    batch_id: str | None = None
    reference: str = ""
    error: SmsError | None = None


@frozen
class Duplicate:
    """``to[position]`` repeated ``to[of]``, same number and same text, so it was sent once."""

    position: int
    of: int


@frozen
class SendResult:
    """What a send came to.

    ``outcomes`` has one row for each distinct recipient, in the order of ``message.to``; ``duplicates`` names
    the recipients that were left out because they repeat an earlier one. ``accepted`` and ``unsent`` count
    recipients as the vendor counted them; ``cost`` and ``balance`` are points, None where it does not say.
    ``raw`` holds the vendor's answers, one for each request. ``sent_at`` is when the send began. ``notes`` say
    what the vendor could not do quite as asked.
    """

    outcomes: tuple[RecipientOutcome, ...]
    accepted: int = 0
    unsent: int = 0
    cost: Decimal | None = None
    balance: Decimal | None = None
    batches: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    message: Message | None = field(default=None, repr=False)
    sent_at: datetime | None = None
    raw: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def batch_id(self) -> str | None:
        """The vendor's id of this send; where it took several requests, the first. None if nothing was taken."""
        return self.batches[0] if self.batches else None


class DeliveryStatus(enum.Enum):
    """Where a message is. ``is_final`` is True where the vendor will not report another status."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    SENT = "sent"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    NO_CREDIT = "no_credit"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether this is the end of the message's way."""
        return self not in _NOT_FINAL


_NOT_FINAL = {DeliveryStatus.ACCEPTED, DeliveryStatus.SCHEDULED, DeliveryStatus.SENT, DeliveryStatus.UNKNOWN}


@frozen
class DeliveryReport:
    """What the vendor reports of one message to one number.

    ``number`` is E.164 where the vendor's form can be read, else as it came. Times are aware, ``cost`` is in
    points. ``vendor_code`` and ``vendor_text`` are the vendor's own status; ``raw`` its fields as they came.
    ``key`` is the same each time the same report arrives.
    """

    number: str = field(repr=mask)
    status: DeliveryStatus
    batch_id: str
    reference: str = ""
    sent_at: datetime | None = None
    done_at: datetime | None = None
    cost: Decimal | None = None
    vendor_code: str = ""
    vendor_text: str = field(default="", repr=lambda text: repr(mask_numbers(text)))
    raw: Mapping[str, str] = field(factory=dict, repr=False)
    key: str = ""


@frozen
class InboundMessage:
    """A text that a recipient sent back (MO). ``key`` tells a repeated push."""

    number: str = field(repr=mask)
    text: str = field(repr=_length)
    batch_id: str
    received_at: datetime | None = None
    raw: Mapping[str, str] = field(factory=dict, repr=False)
    key: str = ""


@frozen
class Balance:
    """What is left on the account, in the vendor's points."""

    credit: Decimal


@frozen
class Cancellation:
    """What a cancelled booking came to: how many messages, and how many points came back."""

    count: int
    refunded: Decimal | None = None
