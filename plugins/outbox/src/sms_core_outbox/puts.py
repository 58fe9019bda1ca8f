"""Storing puts that were prepared, each once for its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import attrs
from sqlalchemy import Connection, select

from sms_core.errors import InvalidMessage
from sms_core_outbox.databases import Database
from sms_core_outbox.errors import KeyConflict
from sms_core_outbox.hashing import Hashes
from sms_core_outbox.messages import FORM
from sms_core_outbox.model import Put, Row, Ticket
from sms_core_outbox.preparing import HIGHEST_PRIORITY, PreparedPut
from sms_core_outbox.routes import to_route
from sms_core_outbox.schema import put, row
from sms_core_outbox.states import State
from sms_core_outbox.vendors import vendor_of

OTP = "otp"
"""The purpose of one-time codes: they overtake everything else, and are worth nothing after two minutes."""
DEFAULT_DEADLINES = {OTP: timedelta(minutes=2)}
DEFAULT_DEADLINE = timedelta(hours=24)
OVERTAKING = 10 * HIGHEST_PRIORITY
"""Added to the priority of one-time codes; what comes of it orders the lanes."""
_READY = State.READY.value
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=1024)  # the rows of a put share theirs
def to_moment(micros: int) -> datetime:
    """The point in time, aware."""
    return _EPOCH + micros * _MICROSECOND


def _times(given: Put, now: int) -> tuple[int, int]:
    """When a put may be sent, and until when it is worth it, in microseconds."""
    due_at = now if given.not_before is None else max(now, to_micros(given.not_before))
    if isinstance(given.deadline, datetime):
        deadline = to_micros(given.deadline)
        if deadline <= due_at:
            raise InvalidMessage("deadline", "has passed already, or lies before not_before")
        return due_at, deadline
    span = given.deadline
    if span is None:
        span = DEFAULT_DEADLINES.get(given.purpose, DEFAULT_DEADLINE)
    if span <= timedelta():
        raise InvalidMessage("deadline", "needs a positive timedelta, or a point in time")
    deadline = due_at + span // _MICROSECOND
    if deadline > _LATEST:
        raise InvalidMessage("deadline", "lies beyond the year 9999")
    return due_at, deadline


def urgency_of(purpose: str, priority: int) -> int:
    """What orders the lanes: the higher, the sooner."""
    return priority + (OVERTAKING if purpose == OTP else 0)


_PUT_COLUMNS = (
    "id",
    "account",
    "key",
    "fingerprint",
    "purpose",
    "priority",
    "created_at",
    "form",
    "text",
    "fields",
    "trace",
)
_ROW_COLUMNS = (
    "id",
    "put_id",
    "account",
    "purpose",
    "urgency",
    "position",
    "reference",
    "number",
    "number_hash",
    "text",
    "recipient",
    "likeness",
    "send_at",
    "due_at",
    "deadline_at",
    "state",
    "ready_at",
    "attempts",
    "is_replay",
    "is_double",
    "changed_at",
    "route",
)


def store(
    database: Database,
    connection: Connection,
    prepared: Sequence[PreparedPut],
    hashes: Hashes,
    trace: str | None = None,
) -> list[Ticket]:
    """Store what is new, and give the ticket of each. Raises `KeyConflict` before anything of them is stored.

    `InvalidMessage` is raised too, where the database's clock says that a deadline has passed. The ticket of what was
    there already holds no rows.
    """
    count = sum([len(item.stored.rows) for item in prepared])
    now, ids, row_ids = database.now_and_ids(connection, len(prepared), count)
    times = [_times(item.given, now) for item in prepared]
    values = [_put_values(item, put_id, now, trace) for item, put_id in zip(prepared, ids, strict=True)]
    inserted = database.insert_all(connection, put, _PUT_COLUMNS, values, ignore=True)
    new = [True] * len(prepared) if inserted == len(prepared) else _new(connection, prepared, ids)
    left_ids = iter(row_ids)
    row_values: list[tuple[Any, ...]] = []
    tickets: list[Ticket] = []
    for item, put_id, item_times, is_new in zip(prepared, ids, times, new, strict=True):
        rows: list[Row] = []
        if is_new:
            _add_rows(item, put_id, item_times, now, left_ids, hashes, row_values, rows)
        tickets.append(_ticket(item, now, tuple(rows), is_new=is_new))
    if row_values:
        database.insert_all(connection, row, _ROW_COLUMNS, row_values)
        carrier = _ROW_COLUMNS.index("account")
        database.notify(connection, sorted({values_of_row[carrier] for values_of_row in row_values}))
    return tickets


def _put_values(item: PreparedPut, put_id: int, now: int, trace: str | None) -> tuple[Any, ...]:
    """In the order of `_PUT_COLUMNS`."""
    given, stored = item.given, item.stored
    return (
        put_id,
        item.account,
        given.key,
        item.fingerprint,
        given.purpose,
        given.priority,
        now,
        FORM,
        given.message.text,
        stored.fields,
        trace,
    )


def _new(connection: Connection, prepared: Sequence[PreparedPut], ids: Sequence[int]) -> list[bool]:
    """Which of them were not there before. Raises `KeyConflict`."""
    standing = known(connection, [(item.account, item.given.key) for item in prepared])
    new = []
    for item, put_id in zip(prepared, ids, strict=True):
        stored_id, fingerprint = standing[item.account, item.given.key]
        if fingerprint != item.fingerprint:
            raise KeyConflict(f"the key {item.given.key!r} of account {item.account!r} stands for another message")
        new.append(stored_id == put_id)
    return new


def known(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, str]]:
    """The id and the fingerprint that each account's key stands for."""
    keys_of: dict[str, list[str]] = {}
    for account, key in keys:
        keys_of.setdefault(account, []).append(key)
    found = {}
    for account, of_account in keys_of.items():
        columns = select(put.c.key, put.c.id, put.c.fingerprint)
        for entry in connection.execute(columns.where(put.c.account == account, put.c.key.in_(of_account))):
            found[account, entry.key] = (entry.id, entry.fingerprint)
    return found


def _add_rows(
    item: PreparedPut,
    put_id: int,
    times: tuple[int, int],
    now: int,
    ids: Iterator[int],
    hashes: Hashes,
    values: list[tuple[Any, ...]],
    rows: list[Row],
) -> None:
    """Add an item's rows: ``values`` as they are stored, in the order of `_ROW_COLUMNS`, and ``rows`` as users see them."""
    given, account = item.given, item.account
    due_at, latest = times
    urgency = urgency_of(given.purpose, given.priority)
    not_before = to_moment(due_at)
    routes = item.routes or ((account,),) * len(item.stored.rows)
    for stored, route in zip(item.stored.rows, routes, strict=True):
        row_id = next(ids)
        send_at, deadline = None, latest
        if stored.send_at is not None:
            send_at = to_micros(stored.send_at)
            if not isinstance(given.deadline, datetime):
                deadline = latest + max(0, send_at - due_at)
        values.append(
            (
                row_id,
                put_id,
                route[0],
                given.purpose,
                urgency,
                stored.position,
                stored.reference,
                stored.number,
                hashes.number(stored.number),
                stored.text,
                stored.recipient,
                item.stored.likeness,
                send_at,
                due_at,
                deadline,
                _READY,
                due_at,
                0,
                False,
                False,
                now,
                to_route(route),
            )
        )
        found = Row(
            row_id, given.key, account, stored.number, stored.reference, State.READY, not_before, to_moment(deadline)
        )
        if route[0] != account:
            found = attrs.evolve(found, vendor=vendor_of(route[0], account))
        rows.append(found)


def _ticket(item: PreparedPut, now: int, rows: tuple[Row, ...], *, is_new: bool) -> Ticket:
    return Ticket(
        key=item.given.key,
        account=item.account,
        purpose=item.given.purpose,
        priority=item.given.priority,
        put_at=to_moment(now),
        rows=rows,
        is_new=is_new,
    )
