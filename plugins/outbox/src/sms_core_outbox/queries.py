"""What is asked of the tables, and the values that are made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from sms_core.errors import SmsError
from sms_core.model import DeliveryStatus
from sms_core.serialize import from_json
from sms_core_outbox.errors import UnknownKey
from sms_core_outbox.model import Change, Row, Ticket
from sms_core_outbox.puts import to_moment
from sms_core_outbox.schema import history, is_state, put, row
from sms_core_outbox.states import State
from sms_core_outbox.vendors import vendor_of

_rows = select(row, put.c.key, put.c.account.label("put_account")).join_from(row, put, row.c.put_id == put.c.id)


def ticket(connection: Connection, account: str, key: str) -> Ticket:
    """What stands under a key, with each row's history. Raises `UnknownKey`."""
    of_key = select(put).where(put.c.account == account, put.c.key == key)
    # PostgreSQL takes no NUL in a question, and no key holds one.
    found = None if "\0" in key else connection.execute(of_key).mappings().first()
    if found is None:
        raise UnknownKey(f"account {account!r} has nothing under the key {key!r}")
    rows = connection.execute(_rows.where(row.c.put_id == found["id"]).order_by(row.c.position)).mappings().all()
    changes = _histories(connection, found["id"])
    return Ticket(
        key=key,
        account=account,
        purpose=found["purpose"],
        priority=found["priority"],
        put_at=to_moment(found["created_at"]),
        rows=tuple(_row(entry, _whole_history(found, changes.get(entry["id"], ()))) for entry in rows),
    )


def find(
    connection: Connection,
    *,
    carriers: Sequence[str] | None = None,
    number_hash: str | None = None,
    batch: str | None = None,
    state: State | None = None,
    limit: int,
) -> list[Row]:
    """Rows by what is known of them, the latest first, without their histories."""
    question: Select[Any] = _rows
    if carriers is not None:
        question = question.where(row.c.account.in_(carriers))
    if number_hash is not None:
        question = question.where(row.c.number_hash == number_hash)
    if batch is not None:
        question = question.where(row.c.batch_id == batch)
    if state is not None:
        question = question.where(is_state(row.c.state, state))
    question = question.order_by(row.c.id.desc()).limit(limit)
    return [_row(entry, ()) for entry in connection.execute(question).mappings()]


def _histories(connection: Connection, put_id: int) -> dict[int, list[Change]]:
    question = (
        select(history)
        .join_from(history, row, history.c.row_id == row.c.id)
        .where(row.c.put_id == put_id)
        .order_by(history.c.at, history.c.id)
    )
    found: dict[int, list[Change]] = {}
    for entry in connection.execute(question):
        change = Change(to_moment(entry.at), State(entry.state), entry.by, entry.why, entry.batch_id)
        found.setdefault(entry.row_id, []).append(change)
    return found


def _whole_history(of_put: RowMapping, changes: Iterable[Change]) -> tuple[Change, ...]:
    return (Change(to_moment(of_put["created_at"]), State.READY, "put"), *changes)


def _row(found: RowMapping, changes: tuple[Change, ...]) -> Row:
    return Row(
        id=found["id"],
        key=found["key"],
        account=found["put_account"],
        vendor=vendor_of(found["account"], found["put_account"]),
        number=found["number"],
        reference=found["reference"],
        state=State(found["state"]),
        not_before=to_moment(found["ready_at"]),
        deadline=to_moment(found["deadline_at"]),
        attempts=found["attempts"],
        batch_id=found["batch_id"],
        is_double=found["is_double"],
        error=_error(found["error"]),
        status=None if found["status"] is None else DeliveryStatus(found["status"]),
        history=changes,
    )


def _error(text: str | None) -> SmsError | None:
    return None if text is None else from_json(text, SmsError)


def json_of(value: object) -> str:
    """JSON as it is stored."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
