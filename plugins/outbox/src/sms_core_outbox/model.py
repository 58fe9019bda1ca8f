"""The values that go into an outbox and come out of it. Their ``repr`` masks numbers and leaves texts out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, TypedDict

from attrs import field, frozen

from sms_core.errors import SmsError
from sms_core.masking import mask
from sms_core.model import DeliveryStatus, Message
from sms_core_outbox.states import State


class PutOptions(TypedDict, total=False):
    """What `put` takes beside a message and its key, under the same names in each of its forms.

    ``account`` may be left out where there is one. Of two lanes (``purpose``, ``priority``) the one with the higher
    priority goes first, and one-time codes (``purpose="otp"``) before all others. Nothing is sent before ``not_before``
    or after ``deadline``: by default 24 hours after it may go, for one-time codes 2 minutes.
    """

    account: str | None
    purpose: str
    priority: int
    not_before: datetime | None
    deadline: datetime | timedelta | None


@frozen
class Put:
    """One call of `Outbox.put`, for `Outbox.put_many`; its fields are the arguments of that, see `PutOptions`."""

    message: Message
    key: str
    account: str | None = None
    purpose: str = ""
    priority: int = 0
    not_before: datetime | None = None
    deadline: datetime | timedelta | None = None


@frozen
class Change:
    """One entry of a row's history: when (aware), what it became, by whom and why.

    Where a worker's answer came too late to change the row, ``state`` is what the answer said.
    """

    at: datetime
    state: State
    by: str
    why: str = ""
    batch_id: str | None = None


@frozen
class Row:
    """One recipient of a put.

    ``vendor`` is the one at which it is, of an account of several (`Failover`), else "". ``status`` is where the message is, as far as reports tell. ``error`` is why the last attempt was not accepted.
    ``is_double`` says that two sends of it were accepted, or may have been. Times are aware. ``history`` has the changes in
    order; it is empty where many rows are given at once (`Outbox.find`).
    """

    id: int
    key: str
    account: str
    number: str = field(repr=mask)
    reference: str
    state: State
    not_before: datetime
    deadline: datetime
    attempts: int = 0
    batch_id: str | None = None
    is_double: bool = False
    error: SmsError | None = None
    status: DeliveryStatus | None = None
    vendor: str = ""
    history: tuple[Change, ...] = field(default=(), repr=False)


@frozen
class Ticket:
    """What was put under a key. ``is_new`` is False where the same message was there already."""

    key: str
    account: str
    purpose: str
    priority: int
    put_at: datetime
    rows: tuple[Row, ...]
    is_new: bool = False


@frozen
class DrainResult:
    """What a pass came to: how many rows it claimed, and what they have become.

    ``retried`` are those that wait again, ``too_late`` those whose deadline had passed, ``cancelled`` by others meanwhile.
    ``cost`` and ``balance`` are points, as far as the vendors told with their answers; ``notes`` say what they could not do
    quite as asked.
    """

    claimed: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    not_sent: int = 0
    retried: int = 0
    too_late: int = 0
    cost: Decimal | None = None
    balance: Decimal | None = None
    notes: tuple[str, ...] = ()


AlarmKind = Literal["paused", "double", "configuration", "without_row", "unknown", "no_worker"]


@frozen
class Alarm:
    """Something that a person should hear of at once.

    ``paused``: an account sends nothing more. ``double``: two sends of a row were accepted, or may have been.
    ``configuration``: there is no client for an account. ``unknown``: a worker was lost with its claims, or rows are
    unknown for long. ``without_row``: an answer to a row that was purged. ``no_worker``: nobody sends; its account is "".
    """

    kind: AlarmKind
    account: str
    text: str
    key: str = ""


@frozen
class SettleResult:
    """What settling came to, in rows: how many were asked about, and what those have become.

    ``ready`` are those that surely were not taken and wait to be sent again. ``unknown`` are those that stay.
    """

    asked: int = 0
    accepted: int = 0
    ready: int = 0
    not_sent: int = 0
    unknown: int = 0


@frozen
class PollResult:
    """What asking for reports came to: how many batches were asked about, and how many reports were kept."""

    asked: int = 0
    reports: int = 0


@frozen
class CancelledRow:
    """What `Outbox.cancel` came to for a row. ``why`` says why it was not taken back; "" where it was."""

    row: Row
    done: bool
    why: str = ""


@frozen
class LaneStats:
    """What waits in a lane: how many rows are ready, and since when the oldest could have gone."""

    account: str
    purpose: str
    priority: int
    depth: int
    oldest: datetime


@frozen
class WorkerStats:
    """A process that claims rows, and when it was last seen. ``is_over`` says that its end is proven."""

    name: str
    host: str
    pid: int
    seen_at: datetime
    is_over: bool


@frozen
class Stats:
    """The outbox at a glance. ``counts`` are rows by state, ``paused`` the reasons by account; times are aware.

    ``resting`` has until when a vendor of an account of several rests, ``main/every8d``, since it could not be reached.
    """

    counts: Mapping[State, int]
    lanes: tuple[LaneStats, ...]
    oldest_unknown: datetime | None
    paused: Mapping[str, str]
    doubles: int
    workers: tuple[WorkerStats, ...]
    resting: Mapping[str, datetime] = field(factory=dict)
