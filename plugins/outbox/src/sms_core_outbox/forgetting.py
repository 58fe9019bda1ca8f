"""Personal data that is no longer needed: blanked, or removed with all that is known of it.

What is blanked keeps its counts, states and the keyed hashes, by which a number can still be searched and a key still
tells a repeated put.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, select, update

from sms_core_outbox.puts import OTP
from sms_core_outbox.schema import event, history, is_state, put, row
from sms_core_outbox.states import State

CHUNK = 1000
"""How many rows one transaction takes."""

_FINAL = tuple(state for state in State if state.is_final)
_is_final = is_state(row.c.state, *_FINAL)


def forget(connection: Connection, *, before: int, now: int, account: str | None = None) -> int:
    """Blank numbers, texts and names of final rows that have not changed since ``before``, some of them. Gives how many."""
    old = select(row.c.id).where(_is_final, row.c.changed_at < before, row.c.forgotten_at.is_(None)).limit(CHUNK)
    if account is not None:
        old = old.where(row.c.account == account)
    return _blank(connection, list(connection.execute(old).scalars()), now)


def forget_codes(connection: Connection, ids: Collection[int]) -> None:
    """Blank the texts of one-time codes among these rows that are final."""
    if not ids:
        return
    codes = select(row.c.id, row.c.put_id).where(row.c.id.in_(ids), row.c.purpose == OTP, _is_final)
    found = connection.execute(codes).all()
    if found:
        connection.execute(update(row).where(row.c.id.in_([code.id for code in found])).values(text="", recipient=None))
        _blank_puts(connection, {code.put_id for code in found})


def _blank(connection: Connection, ids: list[int], now: int) -> int:
    if not ids:
        return 0
    rows = connection.execute(select(row.c.put_id, row.c.account, row.c.number_hash).where(row.c.id.in_(ids))).all()
    blank = {"number": "", "text": "", "recipient": None, "error": None, "forgotten_at": now}
    connection.execute(update(row).where(row.c.id.in_(ids)).values(**blank))
    connection.execute(update(history).where(history.c.row_id.in_(ids)).values(why=""))
    for name in {found.account for found in rows}:
        hashes = {found.number_hash for found in rows if found.account == name}
        kept = select(row.c.id).where(
            row.c.account == name, row.c.number_hash == event.c.number_hash, row.c.forgotten_at.is_(None)
        )
        events = delete(event).where(event.c.account == name, event.c.number_hash.in_(hashes), ~kept.exists())
        connection.execute(events)
    _blank_puts(connection, {found.put_id for found in rows})
    return len(ids)


def _blank_puts(connection: Connection, ids: set[int]) -> None:
    """Blank what the rows of a put share, once all of them are final."""
    still_open = select(row.c.id).where(row.c.put_id == put.c.id, ~_is_final)
    connection.execute(update(put).where(put.c.id.in_(ids), ~still_open.exists()).values(text="", fields="{}"))


def purge(connection: Connection, *, before: int) -> int:
    """Remove puts all of whose rows are final and have not changed since ``before``, some of them. Gives how many."""
    kept = select(row.c.id).where(row.c.put_id == put.c.id, (~_is_final) | (row.c.changed_at >= before))
    old = select(put.c.id).where(put.c.created_at < before, ~kept.exists()).limit(CHUNK)
    ids = list(connection.execute(old).scalars())
    if ids:
        rows = select(row.c.id).where(row.c.put_id.in_(ids))
        connection.execute(delete(history).where(history.c.row_id.in_(rows)))
        connection.execute(delete(row).where(row.c.put_id.in_(ids)))
        connection.execute(delete(put).where(put.c.id.in_(ids)))
    return len(ids)
