"""What is written of each change of a row."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from sms_core_outbox.schema import history
from sms_core_outbox.states import State


def note_changes(
    connection: Connection,
    ids: Iterable[int],
    state: State,
    *,
    at: int,
    by: str,
    why: str = "",
    claim: str | None = None,
    batch_id: str | None = None,
) -> None:
    """Note that these rows have become this, all for one reason."""
    same = {"at": at, "state": state.value, "by": by, "why": why, "claim": claim, "batch_id": batch_id}
    entries = [{"row_id": row_id, **same, "is_answer": False} for row_id in ids]
    if entries:
        connection.execute(history.insert(), entries)
