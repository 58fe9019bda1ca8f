"""The outbox at a glance."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, true

from sms_core_outbox.databases import Database
from sms_core_outbox.model import LaneStats, Stats, WorkerStats
from sms_core_outbox.pauses import paused
from sms_core_outbox.puts import OTP, OVERTAKING, to_moment
from sms_core_outbox.recovery import is_proven_over
from sms_core_outbox.routes import resting
from sms_core_outbox.schema import is_state, row, worker
from sms_core_outbox.states import State

_lanes = (
    select(
        row.c.account, row.c.purpose, row.c.urgency, func.count().label("depth"), func.min(row.c.due_at).label("oldest")
    )
    .where(is_state(row.c.state, State.READY))
    .group_by(row.c.account, row.c.purpose, row.c.urgency)
    .order_by(row.c.account, row.c.urgency.desc(), row.c.purpose)
)


def stats(database: Database, connection: Connection) -> Stats:
    """What is in the tables now."""
    counts = connection.execute(select(row.c.state, func.count()).group_by(row.c.state)).all()
    oldest = connection.execute(select(func.min(row.c.claimed_at)).where(is_state(row.c.state, State.UNKNOWN))).scalar()
    doubles = connection.execute(select(func.count()).where(row.c.is_double == true())).scalar_one()
    workers = connection.execute(
        select(worker).where(worker.c.ended_at.is_(None)).order_by(worker.c.seen_at.desc())
    ).all()
    return Stats(
        counts={State(state): count for state, count in counts},
        lanes=tuple(
            LaneStats(
                account=found.account,
                purpose=found.purpose,
                priority=found.urgency - (OVERTAKING if found.purpose == OTP else 0),
                depth=found.depth,
                oldest=to_moment(found.oldest),
            )
            for found in connection.execute(_lanes)
        ),
        oldest_unknown=None if oldest is None else to_moment(oldest),
        paused=paused(connection),
        doubles=doubles,
        workers=tuple(
            WorkerStats(
                found.name, found.host, found.pid, to_moment(found.seen_at), is_proven_over(connection, found.name)
            )
            for found in workers
        ),
        resting={name: to_moment(until) for name, until in resting(connection, database.now(connection)).items()},
    )
