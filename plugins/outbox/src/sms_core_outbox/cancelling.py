"""Taking back what was put under a key: rows that wait, and what the vendor holds booked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, select, update

from sms_core.errors import SmsError
from sms_core.masking import mask_numbers
from sms_core.model import DeliveryStatus
from sms_core_outbox import queries
from sms_core_outbox.claims import end_waiting
from sms_core_outbox.databases import Database
from sms_core_outbox.errors import check_who_and_why
from sms_core_outbox.histories import note_changes
from sms_core_outbox.model import CancelledRow, Row
from sms_core_outbox.resources import Resources
from sms_core_outbox.schema import is_state, put, row
from sms_core_outbox.states import State

WHY_NOT: Mapping[State, str] = {
    State.SENDING: "it is being sent",
    State.ACCEPTED: "the vendor took it, and it was not booked for later",
    State.REFUSED: "the vendor refused it already",
    State.UNKNOWN: "the vendor may have taken it",
    State.NOT_SENT: "it had ended unsent already",
    State.CANCELLED: "",
}
"""Why a row in this state was not taken back."""


def cancel(resources: Resources, name: str, key: str, *, by: str) -> list[CancelledRow]:
    """See `Outbox.cancel`."""
    check_who_and_why(by)
    database = resources.database
    with resources.writing(None) as connection:
        queries.ticket(connection, name, key)
        done = cancel_waiting(database, connection, name, key, by=by)
    with resources.reading(None) as connection:
        bookings = booked(database, connection, name, key)
    failures: dict[int, str] = {}
    for (carrier, batch), rows in bookings.items():
        ids = [row_id for row_id, _ in rows]
        try:
            resources.accounts.client(carrier).cancel({batch: [number for _, number in rows]})
        except SmsError as error:
            failures.update(dict.fromkeys(ids, mask_numbers(str(error))))
            continue
        done.update(ids)
        with resources.writing(None) as connection:
            note_cancelled(database, connection, ids, by=by)
    with resources.reading(None) as connection:
        ticket = queries.ticket(connection, name, key)
    return [
        CancelledRow(found, found.id in done, "" if found.id in done else failures.get(found.id) or why_not(found))
        for found in ticket.rows
    ]


def why_not(found: Row) -> str:
    """Why a row was not taken back, in words."""
    return WHY_NOT.get(found.state, "it was put back meanwhile")


def cancel_waiting(database: Database, connection: Connection, account: str, key: str, *, by: str) -> set[int]:
    """Cancel the rows of a put that wait. Gives their ids."""
    waiting = (
        select(row.c.id)
        .join_from(row, put, row.c.put_id == put.c.id)
        .where(put.c.account == account, put.c.key == key, is_state(row.c.state, State.READY))
        .with_for_update(of=row)
    )
    return _end(database, connection, set(connection.execute(waiting).scalars()), by=by)


def take_back(database: Database, connection: Connection, rows: Collection[int], *, by: str) -> set[int]:
    """Cancel those of these rows, given by their ids, that wait. Gives the ids of those that were."""
    check_who_and_why(by)
    waiting = select(row.c.id).where(row.c.id.in_(rows), is_state(row.c.state, State.READY)).with_for_update()
    return _end(database, connection, set(connection.execute(waiting).scalars()), by=by)


def _end(database: Database, connection: Connection, ids: set[int], *, by: str) -> set[int]:
    end_waiting(
        connection, ids, State.CANCELLED, at=database.now(connection), by=by, why="cancelled before it was sent"
    )
    return ids


def booked(
    database: Database, connection: Connection, account: str, key: str
) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """The batches of a put that a vendor holds for later, by carrier and id, each with the ids and numbers of its rows."""
    question = (
        select(row.c.id, row.c.account, row.c.batch_id, row.c.number)
        .join_from(row, put, row.c.put_id == put.c.id)
        .where(
            put.c.account == account,
            put.c.key == key,
            is_state(row.c.state, State.ACCEPTED),
            row.c.send_at > database.now(connection),
            row.c.batch_id.is_not(None),
        )
    )
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for entry in connection.execute(question):
        if entry.batch_id is not None:
            found.setdefault((entry.account, entry.batch_id), []).append((entry.id, entry.number))
    return found


def note_cancelled(database: Database, connection: Connection, ids: Iterable[int], *, by: str) -> None:
    """Write down that the vendor took a booking back. The row stays accepted; its delivery status says the rest."""
    ids = list(ids)
    now = database.now(connection)
    status = DeliveryStatus.CANCELLED.value
    connection.execute(update(row).where(row.c.id.in_(ids)).values(status=status, changed_at=now))
    note_changes(connection, ids, State.ACCEPTED, at=now, by=by, why="the vendor took the booking back")
