"""Putting: messages checked and stored, each once for its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select

from sms_core.errors import InvalidMessage
from sms_core.model import Message
from sms_core_outbox.databases import Database
from sms_core_outbox.errors import KeyConflict
from sms_core_outbox.hashing import Hashes
from sms_core_outbox.messages import FORM, StoredMessage, to_stored
from sms_core_outbox.model import Put, Row, Ticket
from sms_core_outbox.schema import KEY_LENGTH, put, row
from sms_core_outbox.senders import Sender
from sms_core_outbox.states import State

OTP = "otp"
"""The purpose of one-time codes: they overtake everything else, and are worth nothing after two minutes."""
DEFAULT_DEADLINES = {OTP: timedelta(minutes=2)}
DEFAULT_DEADLINE = timedelta(hours=24)
HIGHEST_PRIORITY = 1_000_000
OVERTAKING = 10 * HIGHEST_PRIORITY
"""Added to the priority of one-time codes; what comes of it orders the lanes."""
LONGEST = 100
"""Characters of an account's name, and of a purpose."""
LONGEST_REFERENCE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@frozen
class Prepared:
    """A put that was checked and can be stored."""

    given: Put
    account: str
    fingerprint: str
    stored: StoredMessage
    send_at: tuple[int | None, ...]


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def to_moment(micros: int) -> datetime:
    """The point in time, aware."""
    return _EPOCH + micros * _MICROSECOND


def check(given: Put) -> None:
    """Check what a put says beside its message. Raises `InvalidMessage`."""
    _check_text("key", given.key, KEY_LENGTH)
    if not given.key:
        raise InvalidMessage("key", "is empty: name what is sent, such as order-17-shipped")
    _check_text("purpose", given.purpose, LONGEST)
    if not isinstance(given.message, Message):
        raise InvalidMessage("message", f"needs a Message, not {type(given.message).__name__}")
    if not isinstance(given.priority, int) or abs(given.priority) > HIGHEST_PRIORITY:
        raise InvalidMessage("priority", f"needs a whole number up to {HIGHEST_PRIORITY}")
    for name, moment in (("not_before", given.not_before), ("deadline", given.deadline)):
        if isinstance(moment, datetime) and moment.utcoffset() is None:
            raise InvalidMessage(name, "needs an aware datetime, such as datetime.now(UTC) + timedelta(hours=1)")


def prepare(given: Put, account: str, client: Sender, hashes: Hashes) -> Prepared:
    """Make a put that was checked ready to be stored, without the database.

    Raises `InvalidMessage` or `Unsupported`, as the account's `send` would.
    """
    plan = client.plan(given.message)
    for destination in plan.rendered:
        _check_text(f"{destination.path}.reference", destination.reference, LONGEST_REFERENCE)
        _check_text(destination.text_path, destination.text, None)
    send_at = tuple(None if found.send_at is None else to_micros(found.send_at) for found in plan.rendered)
    return Prepared(given, account, hashes.message(given.message), to_stored(plan), send_at)


def _check_text(name: str, text: object, longest: int | None) -> None:
    if not isinstance(text, str):
        raise InvalidMessage(name, f"needs a str, not {type(text).__name__}")
    if longest is not None and len(text) > longest:
        raise InvalidMessage(name, f"is {len(text)} characters long: {longest} fit")
    if "\0" in text:
        raise InvalidMessage(name, "holds a NUL, which no database and no vendor takes")


@frozen
class _Times:
    """When the rows of a put may be sent, and until when they are worth it, in microseconds."""

    due_at: int
    deadlines: tuple[int, ...]


def _times(prepared: Prepared, now: int) -> _Times:
    given = prepared.given
    due_at = now if given.not_before is None else max(now, to_micros(given.not_before))
    if isinstance(given.deadline, datetime):
        deadline = to_micros(given.deadline)
        if deadline <= due_at:
            raise InvalidMessage("deadline", "has passed already, or lies before not_before")
        return _Times(due_at, (deadline,) * len(prepared.send_at))
    span = given.deadline
    if span is None:
        span = DEFAULT_DEADLINES.get(given.purpose, DEFAULT_DEADLINE)
    if span <= timedelta():
        raise InvalidMessage("deadline", "needs a positive timedelta, or a point in time")
    return _Times(due_at, tuple(max(due_at, booked or 0) + span // _MICROSECOND for booked in prepared.send_at))


def urgency_of(purpose: str, priority: int) -> int:
    """What orders the lanes: the higher, the sooner."""
    return priority + (OVERTAKING if purpose == OTP else 0)


def store(database: Database, connection: Connection, prepared: Sequence[Prepared], hashes: Hashes) -> list[Ticket]:
    """Store what is new, and give the ticket of each. Raises `KeyConflict` before anything of them is stored.

    `InvalidMessage` is raised too, where the database's clock says that a deadline has passed.
    """
    now = database.now(connection)
    times = [_times(item, now) for item in prepared]
    ids = database.next_ids(connection, put, len(prepared))
    connection.execute(
        database.insert_or_ignore(put),
        [_put_values(item, put_id, now) for item, put_id in zip(prepared, ids, strict=True)],
    )
    known = _known(connection, prepared)
    new: list[tuple[int, Prepared, _Times]] = []
    for item, put_id, found_times in zip(prepared, ids, times, strict=True):
        stored_id, fingerprint = known[item.account, item.given.key]
        if fingerprint != item.fingerprint:
            raise KeyConflict(f"the key {item.given.key!r} of account {item.account!r} stands for another message")
        if stored_id == put_id:
            new.append((put_id, item, found_times))
    values = _rows_values(database, connection, new, hashes, now)
    if values:
        connection.execute(row.insert(), values)
        database.notify(connection)
    rows_of: dict[tuple[str, str], list[Row]] = {}
    for item_values in values:
        place = (item_values["account"], item_values.pop("key"))
        rows_of.setdefault(place, []).append(_row(place[1], item_values))
    tickets = []
    for item, put_id in zip(prepared, ids, strict=True):
        place = (item.account, item.given.key)
        is_new = known[place][0] == put_id
        tickets.append(_ticket(item, now, tuple(rows_of[place]) if is_new else (), is_new=is_new))
    return tickets


def stands(connection: Connection, given: Put, account: str, hashes: Hashes) -> bool:
    """Whether this very message was put under its key before."""
    fingerprint = select(put.c.fingerprint).where(put.c.account == account, put.c.key == given.key)
    return connection.execute(fingerprint).scalar() == hashes.message(given.message)


def _put_values(item: Prepared, put_id: int, now: int) -> dict[str, Any]:
    return {
        "id": put_id,
        "account": item.account,
        "key": item.given.key,
        "fingerprint": item.fingerprint,
        "purpose": item.given.purpose,
        "priority": item.given.priority,
        "created_at": now,
        "form": FORM,
        "text": item.stored.text,
        "fields": item.stored.fields,
    }


def _known(connection: Connection, prepared: Iterable[Prepared]) -> dict[tuple[str, str], tuple[int, str]]:
    """The id and the fingerprint that each key stands for."""
    keys_of: dict[str, list[str]] = {}
    for item in prepared:
        keys_of.setdefault(item.account, []).append(item.given.key)
    known = {}
    for account, keys in keys_of.items():
        columns = select(put.c.key, put.c.id, put.c.fingerprint)
        for entry in connection.execute(columns.where(put.c.account == account, put.c.key.in_(keys))):
            known[account, entry.key] = (entry.id, entry.fingerprint)
    return known


def _rows_values(
    database: Database,
    connection: Connection,
    new: Sequence[tuple[int, Prepared, _Times]],
    hashes: Hashes,
    now: int,
) -> list[dict[str, Any]]:
    count = sum(len(item.stored.rows) for _, item, _ in new)
    ids = iter(database.next_ids(connection, row, count)) if count else iter(())
    values = []
    for put_id, item, times in new:
        urgency = urgency_of(item.given.purpose, item.given.priority)
        for stored, send_at, deadline in zip(item.stored.rows, item.send_at, times.deadlines, strict=True):
            values.append(
                {
                    "id": next(ids),
                    "put_id": put_id,
                    "account": item.account,
                    "key": item.given.key,
                    "purpose": item.given.purpose,
                    "urgency": urgency,
                    "position": stored.position,
                    "reference": stored.reference,
                    "number": stored.number,
                    "number_hash": hashes.number(stored.number),
                    "text": stored.text,
                    "recipient": stored.recipient,
                    "likeness": item.stored.likeness,
                    "send_at": send_at,
                    "due_at": times.due_at,
                    "deadline_at": deadline,
                    "state": State.READY.value,
                    "ready_at": times.due_at,
                    "changed_at": now,
                }
            )
    return values


def _row(key: str, values: dict[str, Any]) -> Row:
    return Row(
        id=values["id"],
        key=key,
        account=values["account"],
        number=values["number"],
        reference=values["reference"],
        state=State.READY,
        not_before=to_moment(values["due_at"]),
        deadline=to_moment(values["deadline_at"]),
    )


def _ticket(item: Prepared, now: int, rows: tuple[Row, ...], *, is_new: bool) -> Ticket:
    return Ticket(
        key=item.given.key,
        account=item.account,
        purpose=item.given.purpose,
        priority=item.given.priority,
        put_at=to_moment(now),
        rows=rows,
        is_new=is_new,
    )


Find = Callable[[str, str], Ticket]
"""Gives the ticket of an account and a key that are stored."""
