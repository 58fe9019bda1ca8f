"""What is wrong with an outbox as it stands: what a check, a health address or a periodic job tells of."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from sms_core_outbox.databases import Database
from sms_core_outbox.model import Alarm
from sms_core_outbox.pauses import paused
from sms_core_outbox.schema import is_state, row, worker
from sms_core_outbox.states import State

MINUTE = 60_000_000
UNSEEN_FOR = 5 * MINUTE
"""Microseconds after which a worker is missed. One that lives is noted every ten seconds, a job whenever it runs."""
UNKNOWN_FOR = 15 * MINUTE
"""Microseconds for which a row may be unknown, before somebody hears of it: settling needs a while."""


def standing_alarms(database: Database, connection: Connection) -> list[Alarm]:
    """The alarms that stand now: accounts that pause, rows that are unknown for long, no worker."""
    now = database.now(connection)
    alarms = [
        Alarm("paused", name, f"nothing of account {name!r} is sent until resume(): {because}")
        for name, because in paused(connection).items()
    ]
    unknown = (
        select(row.c.account, func.count().label("count"))
        .where(is_state(row.c.state, State.UNKNOWN), row.c.changed_at < now - UNKNOWN_FOR)
        .group_by(row.c.account)
        .order_by(row.c.account)
    )
    for found in connection.execute(unknown):
        minutes = UNKNOWN_FOR // MINUTE
        text = f"rows of account {found.account!r} that are unknown for more than {minutes} minutes: {found.count}"
        alarms.append(Alarm("unknown", found.account, text))
    seen_at = connection.execute(select(func.max(worker.c.seen_at))).scalar()
    if seen_at is None or seen_at < now - UNSEEN_FOR:
        alarms.append(Alarm("no_worker", "", f"no worker was seen for {UNSEEN_FOR // MINUTE} minutes"))
    return alarms
