"""How fast an account may send and ask, all workers of a database together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b

from attrs import field, frozen
from sqlalchemy import Connection, func, select, update

from sms_core.errors import ConfigurationError
from sms_core_outbox.databases import Database
from sms_core_outbox.schema import is_state, meta, row
from sms_core_outbox.states import State

SECOND = 1_000_000
NO_LIMIT = 1 << 30
MOST_WHO_ASK = 1000
"""Workers that wait for their turn at once, each with one question."""


@frozen
class Rate:
    """``per_second`` is how many texts an account may send in a second, ``in_flight`` how many may be under way at once.

    ``questions_per_second`` is how many questions `Outbox.settle` and `Outbox.poll` may ask its vendor in a second.
    ``lanes`` narrows the first two for the texts of a purpose. None sets no limit. All workers of a database share it,
    so give each of them the same. Raises `ConfigurationError`.
    """

    per_second: float | None = field(default=None)
    in_flight: int | None = field(default=None)
    questions_per_second: float | None = field(default=None)
    lanes: Mapping[str, Rate] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse what would never send."""
        for name in ("per_second", "questions_per_second"):
            found = getattr(self, name)
            if found is not None and not 0 < found < math.inf:
                raise ConfigurationError(f"{name} is greater than 0")
        if self.in_flight is not None and self.in_flight < 1:
            raise ConfigurationError("in_flight is 1 or more")
        if any(lane.lanes or lane.questions_per_second is not None for lane in self.lanes.values()):
            raise ConfigurationError("a lane has per_second and in_flight alone")


@frozen(order=True)
class NotYet:
    """Nothing may be claimed before so many ``seconds`` have passed."""

    seconds: float


def take_turns(database: Database, connection: Connection, name: str) -> None:
    """Be alone with an account's rate until the transaction ends."""
    database.lock(connection, ("rate", name))


def most_rows(
    database: Database, connection: Connection, name: str, rate: Rate, now: int, *, purpose: str | None = None
) -> int | NotYet:
    """How many rows of an account, or of one of its purposes, may be claimed now. Belongs between `take_turns` and commit.

    A claim takes a second's worth at most, and what follows it waits for as long as that takes; time that was not used is
    lost, so no burst follows a pause.
    """
    most = NO_LIMIT
    if rate.in_flight is not None:
        under_way = select(func.count()).where(is_state(row.c.state, State.SENDING), row.c.account == name)
        if purpose is not None:
            under_way = under_way.where(row.c.purpose == purpose)
        most = max(0, rate.in_flight - connection.execute(under_way).scalar_one())
    if rate.per_second is not None:
        next_at = _next_at(database, connection, "rate", name, purpose)
        longest = max(1.0, 1 / rate.per_second)
        if now < next_at <= now + longest * SECOND:  # beyond that lies what was noted before the clock was set back
            return NotYet((next_at - now) / SECOND)
        most = min(most, max(1, int(rate.per_second)))
    return most


def note_claimed(
    connection: Connection, name: str, rate: Rate, count: int, now: int, *, purpose: str | None = None
) -> None:
    """Let what follows these rows wait. Belongs into the transaction of `most_rows`."""
    if rate.per_second is not None and count:
        _set_next_at(connection, "rate", name, purpose, now + int(count / rate.per_second * SECOND))


def wait_of_question(database: Database, connection: Connection, name: str, per_second: float) -> float:
    """Take the turn of a question to an account's vendor. Gives the seconds until then."""
    take_turns(database, connection, name)
    now = database.now(connection)
    turn = max(now, _next_at(database, connection, "question", name, None))
    if turn > now + MOST_WHO_ASK / per_second * SECOND:  # it was noted before the clock was set back
        turn = now
    _set_next_at(connection, "question", name, None, turn + int(SECOND / per_second))
    return (turn - now) / SECOND


def _next_at(database: Database, connection: Connection, what: str, name: str, purpose: str | None) -> int:
    entry = _entry(what, name, purpose)
    connection.execute(database.insert_or_ignore(meta).values(name=entry, value="0"))
    return int(connection.execute(select(meta.c.value).where(meta.c.name == entry)).scalar_one())


def _set_next_at(connection: Connection, what: str, name: str, purpose: str | None, next_at: int) -> None:
    connection.execute(update(meta).where(meta.c.name == _entry(what, name, purpose)).values(value=str(next_at)))


def _entry(what: str, name: str, purpose: str | None) -> str:
    """The entry among the outbox's own values, whose names are short."""
    place = name if purpose is None else f"{name}\0{purpose}"
    return f"{what}:{blake2b(place.encode(), digest_size=15).hexdigest()}"
