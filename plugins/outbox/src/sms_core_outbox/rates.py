"""How fast an account may send, all workers of a database together."""

from __future__ import annotations

import math

from attrs import field, frozen
from sqlalchemy import Connection, func, select, update

from sms_core.errors import ConfigurationError
from sms_core_outbox.databases import Database
from sms_core_outbox.schema import account, is_state, row
from sms_core_outbox.states import State

SECOND = 1_000_000


@frozen
class Rate:
    """``per_second`` is how many texts an account may send in a second, ``in_flight`` how many may be under way at once.

    None sets no limit. All workers of a database share it, so give each of them the same. Raises `ConfigurationError`.
    """

    per_second: float | None = field(default=None)
    in_flight: int | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        """Refuse what would never send."""
        if self.per_second is not None and not 0 < self.per_second < math.inf:
            raise ConfigurationError("per_second is greater than 0")
        if self.in_flight is not None and self.in_flight < 1:
            raise ConfigurationError("in_flight is 1 or more")


@frozen
class NotYet:
    """Nothing may be claimed before so many ``seconds`` have passed."""

    seconds: float


def most_rows(database: Database, connection: Connection, name: str, rate: Rate, now: int) -> int | NotYet:
    """How many rows of an account may be claimed now. The account is the transaction's alone from here on.

    A claim takes a second's worth at most, and what follows it waits for as long as that takes; time that was not used is
    lost, so no burst follows a pause.
    """
    database.lock(connection, ("rate", name))
    most = 1 << 30
    if rate.in_flight is not None:
        under_way = select(func.count()).where(is_state(row.c.state, State.SENDING), row.c.account == name)
        most = max(0, rate.in_flight - connection.execute(under_way).scalar_one())
    if rate.per_second is not None:
        next_at = connection.execute(select(account.c.next_at).where(account.c.name == name)).scalar()
        if next_at is not None and next_at > now:
            return NotYet((next_at - now) / SECOND)
        most = min(most, max(1, int(rate.per_second)))
    return most


def note_claimed(database: Database, connection: Connection, name: str, rate: Rate, count: int, now: int) -> None:
    """Let what follows these rows wait. Belongs into the transaction of `most_rows`."""
    if rate.per_second is None:
        return
    connection.execute(database.insert_or_ignore(account).values(name=name))
    next_at = now + int(count / rate.per_second * SECOND)
    connection.execute(update(account).where(account.c.name == name).values(next_at=next_at))
