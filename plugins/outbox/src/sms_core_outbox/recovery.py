"""Claims whose holder is dead: they become unknown, never ready, for their holder may have sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, func, select, update

from sms_core_outbox import jumps
from sms_core_outbox.claims import CLAIM_AGE, SECOND
from sms_core_outbox.databases import Database
from sms_core_outbox.deadlines import deadline_of, forget_deadlines
from sms_core_outbox.histories import note_changes
from sms_core_outbox.holders import Holder, OwnHolder, has_ended
from sms_core_outbox.membership import is_one_of
from sms_core_outbox.reports import refold_all
from sms_core_outbox.schema import is_state, row, worker
from sms_core_outbox.states import State

_holders = (
    select(row.c.holder, func.min(row.c.claimed_at).label("since"))
    .where(is_state(row.c.state, State.SENDING))
    .group_by(row.c.holder)
)
_dead = (
    select(row.c.id, row.c.account, row.c.number_hash)
    .where(
        is_state(row.c.state, State.SENDING),
        row.c.holder == bindparam("holder"),
        row.c.claimed_at <= bindparam("before"),
        ~is_one_of(row.c.claim, "alive"),
    )
    .with_for_update(skip_locked=True)
)
_to_unknown = (
    update(row).where(is_one_of(row.c.id, "ids")).values(state=State.UNKNOWN.value, changed_at=bindparam("now"))
)


def give_up_dead_claims(
    database: Database, connection: Connection, *, deadline: float, by: str, alive: Collection[str]
) -> Counter[str]:
    """Make the rows of dead claims unknown. Gives how many those were of each account.

    A claim is dead when nothing of it can be under way: ``deadline`` is what a call may take (seconds) as far as the
    caller knows, and its holder may have noted a longer one. It is at once where its holder's end is proven. ``alive`` are the caller's own claims that are under way.
    """
    now = database.now(connection)
    jumped_at = jumps.look(database, connection).jumped_at
    lost: Counter[str] = Counter()
    for found in connection.execute(_holders).all():
        too_old = now - int((CLAIM_AGE + deadline_of(connection, found.holder, deadline)) * SECOND)
        is_sure = jumped_at <= too_old  # else the clock jumped, and ages count from then
        is_over = found.holder != by and is_proven_over(connection, found.holder)
        if not is_over and (found.since > too_old or not is_sure):
            continue
        before = now if is_over else too_old
        question = {"holder": found.holder, "before": before, "alive": list(alive)}
        dead = connection.execute(_dead, question).all()
        ids = [entry.id for entry in dead]
        if ids:
            connection.execute(_to_unknown, {"ids": ids, "now": now})
            why = "its worker ended" if is_over else "its worker has not been heard in time"
            note_changes(connection, ids, State.UNKNOWN, at=now, by=by, why=f"{why}, and may have sent it")
            lost.update(entry.account for entry in dead)
            for name in {entry.account for entry in dead}:
                refold_all(database, connection, name, {entry.number_hash for entry in dead if entry.account == name})
    return lost


def is_proven_over(connection: Connection, name: str) -> bool:
    """Whether a holder surely lives no more: it has said so itself, or its lock is free."""
    found = connection.execute(select(worker).where(worker.c.name == name)).first()
    if found is None:
        return False
    if found.ended_at is not None:
        return True
    path = None if found.lock_path is None else Path(found.lock_path)
    return has_ended(Holder(found.name, found.host, found.pid, found.boot, path))


def register(database: Database, connection: Connection, holder: OwnHolder) -> None:
    """Write down a holder before its first claim."""
    about = holder.about
    now = database.now(connection)
    connection.execute(
        database.insert_or_ignore(worker).values(
            name=about.name,
            host=about.host,
            pid=about.pid,
            boot=about.boot,
            lock_path=None if about.lock_path is None else str(about.lock_path),
            started_at=now,
            seen_at=now,
        )
    )


def is_known(connection: Connection, stem: str) -> bool:
    """Whether the holder whose files have this name, without their ending, was at work in this database."""
    found = select(worker.c.name).where(func.replace(worker.c.name, ":", "-") == stem)
    return connection.execute(found).first() is not None


def note_seen(database: Database, connection: Connection, name: str) -> None:
    """Write down that a holder is at work."""
    connection.execute(update(worker).where(worker.c.name == name).values(seen_at=database.now(connection)))


def note_end(database: Database, connection: Connection, name: str) -> bool:
    """Write down a holder's own last word: nothing of it is under way. Gives whether any row still names it."""
    connection.execute(update(worker).where(worker.c.name == name).values(ended_at=database.now(connection)))
    named = select(row.c.id).where(is_state(row.c.state, State.SENDING), row.c.holder == name).limit(1)
    return connection.execute(named).first() is not None


def forget_workers(connection: Connection, *, before: int) -> Iterable[Path]:
    """Forget workers that have ended and that no row needs. Gives their files."""
    needed = select(row.c.holder).where(is_state(row.c.state, State.SENDING, State.UNKNOWN), row.c.holder.is_not(None))
    gone = worker.c.ended_at < before, worker.c.name.not_in(needed)
    found = connection.execute(select(worker.c.name, worker.c.lock_path).where(*gone)).all()
    connection.execute(delete(worker).where(*gone))
    forget_deadlines(connection, [entry.name for entry in found])
    return [Path(entry.lock_path) for entry in found if entry.lock_path]
