"""A run at a glance: what its rows have become, as the outbox knows it, and whether it pauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from attrs import frozen
from sqlalchemy import func, select

from sms_core.model import DeliveryStatus
from sms_core_cli.campaign.estimate import THOUSANDTHS
from sms_core_cli.campaign.kept import Kept
from sms_core_cli.campaign.row_results import RowOutcome
from sms_core_cli.campaign.schema import account, row, sent
from sms_core_outbox import State

BY_ITSELF = ("InsufficientCredit", "AuthenticationFailed")
"""How the reasons begin for which an outbox pauses an account by itself."""
OUT_OF_CREDIT = BY_ITSELF[0]

OUTCOMES: Mapping[State, RowOutcome] = {
    State.READY: RowOutcome.NOT_SENT,
    State.SENDING: RowOutcome.UNKNOWN,
    State.ACCEPTED: RowOutcome.ACCEPTED,
    State.REFUSED: RowOutcome.REFUSED,
    State.UNKNOWN: RowOutcome.UNKNOWN,
    State.NOT_SENT: RowOutcome.NOT_SENT,
    State.CANCELLED: RowOutcome.NOT_SENT,
}
"""What a row of the outbox is to a campaign."""
ENDED_UNSENT = (State.REFUSED, State.NOT_SENT, State.CANCELLED)
OPEN = (State.READY, State.SENDING, State.UNKNOWN)


@frozen
class Pause:
    """That a run sends nothing, why, and since when (microseconds). ``by_itself`` is False where a person said so."""

    because: str
    since: int
    by_itself: bool


@frozen
class Overview:
    """A run at a glance. ``states`` are the outbox's rows by state; ``counts`` the file's rows by outcome.

    ``statuses`` are delivery statuses, ``removed`` rows that the file has no more by outcome. ``waiting_points`` is what
    the rows that wait cost, None where there is no price list.
    """

    states: Counter[State]
    counts: Counter[RowOutcome]
    statuses: Counter[DeliveryStatus]
    removed: Counter[RowOutcome]
    waiting_points: Decimal | None

    @property
    def is_finished(self) -> bool:
        """Whether all that was put has ended; False where nothing was put."""
        return bool(self.states) and not any(self.states[state] for state in OPEN)


def overview_of(kept: Kept) -> Overview:
    """The run at a glance, with a few counts."""
    is_there = row.c.place.is_not(None)
    question = (
        select(
            is_there.label("is_there"),
            row.c.outcome,
            sent.c.state,
            sent.c.status,
            func.count().label("rows"),
            func.sum(row.c.points).label("points"),
            func.count(row.c.points).label("priced"),
        )
        .select_from(row.outerjoin(sent, row.c.outbox_row == sent.c.id))
        .where(row.c.run_id == kept.id)
        .group_by(is_there, row.c.outcome, sent.c.state, sent.c.status)
    )
    states: Counter[State] = Counter()
    counts: Counter[RowOutcome] = Counter()
    removed: Counter[RowOutcome] = Counter()
    statuses: Counter[DeliveryStatus] = Counter()
    points: Decimal | None = Decimal()
    with kept.store.reading() as connection:
        for entry in connection.execute(question):
            state = None if entry.state is None else State(entry.state)
            outcome = RowOutcome(entry.outcome) if state is None else OUTCOMES[state]
            (counts if entry.is_there else removed)[outcome] += entry.rows
            if state is not None:
                states[state] += entry.rows
            if entry.status is not None and entry.is_there:
                statuses[DeliveryStatus(entry.status)] += entry.rows
            if state is State.READY and points is not None:
                points = points + Decimal(int(entry.points or 0)) / THOUSANDTHS if entry.priced == entry.rows else None
    return Overview(states, counts, statuses, removed, points)


def states_of(kept: Kept) -> Counter[State]:
    """The outbox's rows by state: what sending looks at again and again."""
    question = select(sent.c.state, func.count()).where(sent.c.account == kept.account).group_by(sent.c.state)
    with kept.store.reading() as connection:
        return Counter({State(state): count for state, count in connection.execute(question)})


def pause_of(kept: Kept) -> Pause | None:
    """Whether the run pauses."""
    question = select(account).where(account.c.name == kept.account, account.c.paused_at.is_not(None))
    with kept.store.reading() as connection:
        found = connection.execute(question).mappings().first()
    if found is None:
        return None
    because = found["because"] or ""
    return Pause(because, found["paused_at"], because.startswith(BY_ITSELF))
