"""How long a call of a holder may take: whoever judges its claims from elsewhere may have shorter deadlines of its own."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

from sqlalchemy import Connection, delete, select, update

from sms_core_outbox.databases import Database
from sms_core_outbox.schema import meta

DEFAULT_DEADLINE = 60.0
"""Seconds that a call may take, as far as nobody has noted that it may take longer."""


def note_deadline(database: Database, connection: Connection, holder: str, seconds: float) -> None:
    """Write down how long a holder's calls may take, before it claims with such a deadline."""
    name = _name(holder)
    connection.execute(database.insert_or_ignore(meta).values(name=name, value=str(seconds)))
    connection.execute(update(meta).where(meta.c.name == name).values(value=str(seconds)))


def deadline_of(connection: Connection, holder: str | None, known: float) -> float:
    """Seconds that a call of this holder may take; ``known`` is the longest deadline that the caller itself knows."""
    if holder is None:
        return known
    noted = connection.execute(select(meta.c.value).where(meta.c.name == _name(holder))).scalar()
    return known if noted is None else max(known, float(noted))


def forget_deadlines(connection: Connection, holders: Collection[str]) -> None:
    """Forget what holders noted that are forgotten themselves."""
    connection.execute(delete(meta).where(meta.c.name.in_([_name(holder) for holder in holders])))


def _name(holder: str) -> str:
    """The holder's entry among the outbox's own values, whose names are short."""
    return f"call:{blake2b(holder.encode(), digest_size=16).hexdigest()}"
