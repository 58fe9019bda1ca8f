"""The values of an `Exchange`: accounts, drafts, stored messages, batches, replies; and what it raises."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from typing import Any

from attrs import define, field, frozen

from sms_core.masking import mask
from sms_core.model import DeliveryStatus
from sms_core.testing.behaviours import Behaviour
from sms_core.testing.carriers import Approved

LOGINS_BEFORE_BLOCKED = 10
"""Wrong passwords in a row after which an account is blocked, as EVERY8D does it."""


class LoginRefused(Exception):
    """A login with an unknown user, with a wrong password, or of a blocked account.

    ``reason`` says which: ``"user"``, ``"password"`` or ``"blocked"``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"login refused: {reason}")
        self.reason = reason


class NoSuchBatch(LookupError):
    """The account has no batch of this id."""


class NotBooked(LookupError):
    """Nothing of the batch is waiting any more: it was sent or cancelled."""


@frozen
class AccountState:
    """An account at one moment. ``credit`` is in the vendor's own unit: points, or money.

    ``international`` says whether it may send abroad, ``vendor`` whose it is. ``keys`` are API keys with their secrets.
    With ``approved`` the carriers check its texts.
    """

    user: str
    password: str = field(repr=False)
    credit: Decimal
    failed_logins: int = 0
    international: bool = True
    vendor: str = ""
    keys: Mapping[str, str] = field(factory=dict, repr=False)
    approved: Approved | None = None

    @property
    def blocked(self) -> bool:
        """Whether too many wrong passwords came in a row."""
        return self.failed_logins >= LOGINS_BEFORE_BLOCKED


@frozen
class Draft:
    """One message as it is submitted: ``number`` in E.164, ``cost`` in points as the vendor's price table has it.

    ``behaviour`` overrides the one that the number's ending chooses. ``report_url`` and ``reply_url`` are where this send
    wants its reports and replies: "" where it names none, None where the vendor has an address of the account instead.
    """

    number: str = field(repr=mask)
    text: str = field(repr=False)
    cost: Decimal = Decimal(1)
    reference: str = ""
    name: str = field(default="", repr=False)
    send_at: datetime | None = None
    behaviour: Behaviour | None = None
    report_url: str | None = field(default=None, repr=False)
    reply_url: str | None = field(default=None, repr=False)


@frozen
class StoredMessage:
    """One message in the exchange at one moment.

    ``position`` counts from 1 within the batch, ``serial`` within the exchange. ``sent_at`` and ``done_at`` (aware) are
    None until then. ``face`` names who took it, ``vendor`` whose account paid, ``kind`` is ``"SMS"`` or ``"MMS"``.
    ``filtered`` says that it went through the duplicate filter. ``report_url`` and ``reply_url`` are those of its
    `Draft`. ``notes`` say what a person who waits for a report should know.
    """

    user: str
    batch_id: str
    position: int
    number: str = field(repr=mask)
    text: str = field(repr=False)
    reference: str
    name: str = field(repr=False)
    subject: str = field(repr=False)
    kind: str
    face: str
    cost: Decimal
    accepted_at: datetime
    send_at: datetime
    behaviour: Behaviour
    status: DeliveryStatus
    media: bytes | None = field(default=None, repr=False)
    sent_at: datetime | None = None
    done_at: datetime | None = None
    serial: int = 0
    filtered: bool = False
    vendor: str = ""
    report_url: str | None = field(default=None, repr=False)
    reply_url: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def has_arrived(self) -> bool:
        """Whether the text is on the handset: the report of that may still be to come, or never come."""
        if self.sent_at is None:
            return False
        return DeliveryStatus.DELIVERED in {self.status, self.behaviour.status} or self.behaviour.status is None


@frozen
class Reply:
    """A text that a recipient sent back, and the message that it answers."""

    message: StoredMessage
    text: str = field(repr=False)
    received_at: datetime


@frozen
class Remembered:
    """What a vendor's face keeps beside the exchange's own values, of one of its users' batches: ``value`` is JSON's data."""

    vendor: str
    user: str
    key: str
    value: Any = field(repr=False)
    batch_id: str


@frozen
class Accepted:
    """One message that was really accepted, and so is paid and will be sent."""

    number: str = field(repr=mask)
    text: str = field(repr=False)
    batch_id: str
    reference: str
    vendor: str = ""


@frozen
class Batch:
    """What a submission came to.

    ``sent`` were accepted, for ``unsent`` the points did not suffice; ``credit`` is left. ``duplicates`` are the
    drafts that the filter held back, each with the batch that had its text before. ``batch_id`` is "" if nothing
    was left to take.
    """

    batch_id: str
    messages: tuple[StoredMessage, ...]
    sent: int
    unsent: int
    cost: Decimal
    credit: Decimal
    duplicates: tuple[tuple[Draft, str], ...] = ()


@frozen
class Cancelled:
    """A cancelled booking: how many messages, how many points came back."""

    count: int
    refunded: Decimal


@define
class Allowance:
    """How many more messages are accepted before the vendor says that the points have run out."""

    left: int


Push = StoredMessage | Reply
"""What a customer may be told: a message whose status has changed, or a reply."""

_current: ContextVar[Allowance | None] = ContextVar("sms_core_testing_allowance", default=None)


@contextmanager
def credit_for(allowance: Allowance) -> Generator[None, None, None]:
    """Within this block (and this thread or task) the points run out when the allowance has."""
    token = _current.set(allowance)
    try:
        yield
    finally:
        _current.reset(token)


def current_allowance() -> Allowance | None:
    """The allowance of the `credit_for` block that this code runs in."""
    return _current.get()
