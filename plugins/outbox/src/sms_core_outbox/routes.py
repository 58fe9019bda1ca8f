"""How a row goes from one vendor of its account to the next, in the transaction of whoever holds it.

A row's route has the carriers that may carry it, in order. It goes on from the one where it is when that one surely did not
take it; behind the last one it begins anew, after a pause. What waits at a vendor that rests goes to the first one that
does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import frozen
from sqlalchemy import Connection, bindparam, or_, select, update

from sms_core.errors import SmsError, TransportError, VendorError
from sms_core.model import Outcome
from sms_core_outbox.databases import Database
from sms_core_outbox.histories import note_changes
from sms_core_outbox.membership import is_one_of
from sms_core_outbox.schema import account, is_state, row
from sms_core_outbox.states import OF_THE_MESSAGE, State

SECOND = 1_000_000
FOR_EVER = 1 << 62
"""A time that does not come: a vendor that pauses rests until `Outbox.resume`."""
MOST = 1000
"""How many rows one transaction passes on."""


@frozen
class Onward:
    """After what a row goes on: ``also_after`` are errors of a refusal. ``rest`` is how long a vendor out of reach rests."""

    also_after: tuple[type[VendorError], ...]
    rest: float

    def is_free(self, outcome: Outcome, error: SmsError | None) -> bool:
        """Whether this vendor surely took nothing, so that the next one may be tried."""
        if outcome is Outcome.NOT_SENT:
            return True
        return outcome is Outcome.REFUSED and isinstance(error, (*OF_THE_MESSAGE, *self.also_after))

    def rest_after(self, outcome: Outcome, error: SmsError | None) -> float | None:
        """Seconds that the vendor rests now: none where it was reached; None where nobody tried to.

        What was too late to begin counts as out of reach: a connection that takes so long is none.
        """
        if isinstance(error, OF_THE_MESSAGE):
            return None
        if outcome is not Outcome.NOT_SENT:
            return 0.0
        return self.rest if isinstance(error, TransportError) and not error.sent else None


def to_route(carriers: Sequence[str]) -> str | None:
    """A route as it is stored; None for a single carrier."""
    return json.dumps(carriers, ensure_ascii=False) if len(carriers) > 1 else None


def next_of(route: str | None, carrier: str) -> tuple[str, bool] | None:
    """The carrier after this one, and whether it comes before it, since the route begins anew; None without a route."""
    if route is None:
        return None
    carriers: list[str] = json.loads(route)
    place = carriers.index(carrier) + 1 if carrier in carriers else 0
    return (carriers[place], False) if place < len(carriers) else (carriers[0], True)


@frozen
class Standing:
    """How a vendor stands: whether it pauses, whether it rests, and whether one row alone may try it after its rest."""

    is_paused: bool = False
    rests: bool = False
    is_trial: bool = False


def standing(database: Database, connection: Connection, carrier: str, now: int) -> Standing:
    """How a carrier stands now. After its rest, it is the transaction's alone from here on."""
    found = _read(connection, carrier, now)
    if not found.is_trial:
        return found
    database.lock(connection, ("trial", carrier))
    return _read(connection, carrier, now)


_columns = select(account.c.paused_at, account.c.rests_until).where(account.c.name == bindparam("name"))


def _read(connection: Connection, carrier: str, now: int) -> Standing:
    found = connection.execute(_columns, {"name": carrier}).first()
    if found is None:
        return Standing()
    rests = found.rests_until is not None and found.rests_until > now
    return Standing(found.paused_at is not None, rests, found.rests_until is not None and not rests)


def rests(connection: Connection, carrier: str, now: int) -> bool:
    """Whether what waits there may go to others."""
    return _read(connection, carrier, now).rests


def resting(connection: Connection, now: int) -> dict[str, int]:
    """Until when each vendor rests that could not be reached (microseconds). One that pauses does so until `resume`."""
    found = select(account.c.name, account.c.rests_until).where(
        account.c.rests_until > now, account.c.rests_until < FOR_EVER
    )
    return {entry.name: entry.rests_until for entry in connection.execute(found.order_by(account.c.name))}


def let_rest(database: Database, connection: Connection, carrier: str, until: int) -> None:
    """Let a vendor rest until a time, and what waits there go to others."""
    connection.execute(database.insert_or_ignore(account).values(name=carrier))
    connection.execute(update(account).where(account.c.name == carrier).values(rests_until=until))


_reached = (
    update(account)
    .where(account.c.name == bindparam("carrier"), account.c.rests_until < FOR_EVER)
    .values(rests_until=None)
)


class Told(Protocol):
    """What an answer says of a vendor."""

    @property
    def moves(self) -> bool:
        """Whether the row goes on."""
        ...

    @property
    def pauses(self) -> bool:
        """Whether the vendor is to pause."""
        ...

    @property
    def rest(self) -> float | None:
        """As `Onward.rest_after` gives it."""
        ...


def note_reach(database: Database, connection: Connection, carrier: str, told: Iterable[Told], now: int) -> None:
    """Write down of a vendor of several whether it could be reached."""
    told = list(told)
    rests = [answer.rest for answer in told if answer.rest is not None]
    if any(answer.pauses and answer.moves for answer in told):
        let_rest(database, connection, carrier, FOR_EVER)
    elif 0.0 in rests:  # of several at once, the one that was heard counts
        connection.execute(_reached, {"carrier": carrier})
    elif rests:
        let_rest(database, connection, carrier, now + int(max(rests) * SECOND))


_waiting = (
    select(row.c.id, row.c.route)
    .where(
        is_state(row.c.state, State.READY),
        row.c.account == bindparam("carrier"),
        row.c.ready_at <= bindparam("now"),
        row.c.route.is_not(None),
    )
    .limit(MOST)
    .with_for_update(skip_locked=True)
)
_closed = select(account.c.name).where(or_(account.c.paused_at.is_not(None), account.c.rests_until > bindparam("now")))
_move = update(row).where(is_one_of(row.c.id, "ids"))


def pass_on(connection: Connection, carrier: str, now: int, *, by: str) -> int:
    """Give rows that wait at a vendor that rests to the first one of their routes that does not. Gives how many."""
    closed = {carrier, *connection.execute(_closed, {"now": now}).scalars()}
    rows_for: dict[str, list[int]] = {}
    for waiting in connection.execute(_waiting, {"carrier": carrier, "now": now}):
        for other in json.loads(waiting.route):
            if other not in closed:
                rows_for.setdefault(other, []).append(waiting.id)
                break
    for other, ids in rows_for.items():
        connection.execute(_move.values(account=other, changed_at=now), {"ids": ids})
        note_changes(connection, ids, State.READY, at=now, by=by, why=f"{carrier} rests: it goes to {other}")
    return sum(map(len, rows_for.values()))
