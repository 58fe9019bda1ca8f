"""What is written of each change of a row."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, false, select

from sms_core_outbox.membership import is_one_of
from sms_core_outbox.schema import history, row
from sms_core_outbox.states import State

_COLUMNS = ("at", "state", "by", "why", "claim", "batch_id")
_note = history.insert().from_select(
    ["row_id", *_COLUMNS, "is_answer"],
    select(row.c.id, *(bindparam(name, type_=history.c[name].type) for name in _COLUMNS), false())
    .where(is_one_of(row.c.id, "ids"))
    .order_by(row.c.id),
)
"""One statement, however many rows they are."""


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
    if ids := list(ids):
        connection.execute(_note, {"ids": ids, **same})
