"""Reports fetched: which batches are to be asked about, so that a vendor is asked seldom and in the end enough.

A batch is asked about 1, 5 and 30 minutes after it was sent, then each hour, until all its rows have a final status or
three days have passed. The tables keep up to when an account was asked; so it does not matter how often, or on how many
machines, somebody asks for what is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from attrs import define, field
from sqlalchemy import Connection, and_, or_, select, update

from sms_core_outbox.databases import Database
from sms_core_outbox.schema import has_no_final_status, is_state, meta, put, row
from sms_core_outbox.states import State

MINUTE = 60_000_000
HOUR = 60 * MINUTE
AFTER = (1 * MINUTE, 5 * MINUTE, 30 * MINUTE)
LAST = 72 * HOUR
"""Microseconds after which nothing is asked any more."""


@define
class Batch:
    """A batch with rows that have no final status, and when it went (microseconds): booked ones at their time."""

    batch_id: str
    went_at: int
    numbers: list[str] = field(factory=list)
    is_mms: bool = False
    """Whether it is of pictures: some vendors tell of those elsewhere (EVERY8D's MMS/GetDeliveryStatus)."""


_is_open = and_(
    is_state(row.c.state, State.ACCEPTED),
    has_no_final_status(row.c.status),
    row.c.batch_id.is_not(None),
    row.c.forgotten_at.is_(None),
)


def accounts_to_poll(connection: Connection) -> list[str]:
    """The accounts that have rows without a final status."""
    return list(connection.execute(select(row.c.account).distinct().where(_is_open).order_by(row.c.account)).scalars())


def take_due(database: Database, connection: Connection, account: str, *, limit: int) -> list[Batch]:
    """The batches of an account to be asked about now, the ones that are due longest first. Nobody else gets them.

    Beyond ``limit`` they stay due. What is taken and then not asked comes again with its next turn.
    """
    database.lock(connection, ("poll", account))
    now = database.now(connection)
    name = _name("polled", account)
    since = min(now, _asked_until(database, connection, name))  # later, it is from before the clock was set back
    open_batches = _open_batches(connection, account, now)
    due = [(turn, batch) for batch in open_batches if (turn := turn_in(batch.went_at, since, now))]
    due.sort(key=lambda found: found[0])
    until = now if len(due) <= limit else due[limit - 1][0]
    connection.execute(update(meta).where(meta.c.name == name).values(value=str(until)))
    return [batch for _, batch in due[:limit]]


def take_turn(database: Database, connection: Connection, account: str) -> tuple[int, int]:
    """Since when and until when it is the caller's to ask about unknown rows of an account, and nobody else's."""
    database.lock(connection, ("settle", account))
    now = database.now(connection)
    name = _name("settled", account)
    since = min(now, _asked_until(database, connection, name))
    connection.execute(update(meta).where(meta.c.name == name).values(value=str(now)))
    return since, now


def turn_in(went_at: int, since: int, now: int) -> int | None:
    """When, after ``since`` and until ``now``, it was the turn last of what went at a time; None if it was not."""
    age = min(now - went_at, LAST)
    passed = [after for after in AFTER if after <= age]
    if age >= HOUR:
        passed.append(age - age % HOUR)
    turn = went_at + max(passed, default=0)
    return turn if passed and turn > since else None


def _open_batches(connection: Connection, account: str, now: int) -> Iterable[Batch]:
    # Within a string of JSON, this would have its quotes escaped.
    is_mms = put.c.fields.like('%"media":{%').label("is_mms")
    question = (
        select(row.c.batch_id, row.c.number, row.c.claimed_at, row.c.send_at, is_mms)
        .join_from(row, put, row.c.put_id == put.c.id)
        .where(
            row.c.account == account,
            _is_open,
            # An hour more than the last turn, so that a turn is not missed between two questions.
            or_(row.c.claimed_at > now - LAST - HOUR, row.c.send_at > now - LAST - HOUR),
        )
    )
    found: dict[str, Batch] = {}
    for entry in connection.execute(question):
        went_at = max(entry.claimed_at or 0, entry.send_at or 0)
        batch = found.setdefault(entry.batch_id, Batch(entry.batch_id, went_at, is_mms=bool(entry.is_mms)))
        batch.numbers.append(entry.number)
    return found.values()


def _asked_until(database: Database, connection: Connection, name: str) -> int:
    connection.execute(database.insert_or_ignore(meta).values(name=name, value="0"))
    return int(connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar_one())


def _name(what: str, account: str) -> str:
    """The account's entry among the outbox's own values, whose names are short."""
    return f"{what}:{blake2b(account.encode(), digest_size=16).hexdigest()}"
