"""Whether an account pauses, which all workers of all machines heed before they claim."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from sms_core_outbox.databases import Database
from sms_core_outbox.model import Alarm
from sms_core_outbox.schema import account


def pause(database: Database, connection: Connection, name: str, *, because: str, by: str) -> list[Alarm]:
    """Let an account pause. Gives the alarm, unless it pauses already: then the first reason stays."""
    connection.execute(database.insert_or_ignore(account).values(name=name))
    changed = connection.execute(
        update(account)
        .where(account.c.name == name, account.c.paused_at.is_(None))
        .values(paused_at=database.now(connection), paused_by=by, because=because)
    )
    if not changed.rowcount:
        return []
    return [Alarm("paused", name, f"nothing of account {name!r} is sent until resume(): {because}")]


def hold(connection: Connection, name: str, *, because: str, by: str) -> None:
    """Make the pause of an account a person's, whatever it paused for."""
    connection.execute(update(account).where(account.c.name == name).values(paused_by=by, because=because))


def resume(connection: Connection, name: str) -> bool:
    """Let an account go on. Gives whether it paused."""
    changed = connection.execute(
        update(account)
        .where(account.c.name == name, account.c.paused_at.is_not(None))
        .values(paused_at=None, paused_by=None, because=None, rests_until=None)
    )
    return changed.rowcount > 0


def paused(connection: Connection) -> dict[str, str]:
    """The accounts that pause, and why."""
    found = select(account.c.name, account.c.because).where(account.c.paused_at.is_not(None)).order_by(account.c.name)
    return {entry.name: entry.because or "" for entry in connection.execute(found)}
