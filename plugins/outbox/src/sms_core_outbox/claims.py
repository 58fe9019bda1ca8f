"""The claim: rows that wait become rows that one holder is sending, and nobody else may.

It is committed before anything is sent. Whoever comes later finds ``SENDING`` and leaves the row alone. A claim may begin
to send for `CLAIM_AGE` only, counted by its holder from before it asked; so after that time and a call's deadline nothing
of it can be under way any more, unless its process was stopped in between.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, frozen
from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select, true, tuple_, update

from sms_core.clocks import BeginBefore
from sms_core_outbox import jumps, routes
from sms_core_outbox.databases import Database
from sms_core_outbox.forgetting import forget_codes
from sms_core_outbox.histories import note_changes
from sms_core_outbox.membership import is_one_of
from sms_core_outbox.messages import LoadedRow
from sms_core_outbox.rates import NotYet, Rate, most_rows, note_claimed, take_turns
from sms_core_outbox.schema import account, is_state, put, row
from sms_core_outbox.states import State

CLAIM_AGE = 10.0
"""Seconds. A request of a claim that has not begun by then does not begin."""
SECOND = 1_000_000
SWEEP = 1000
"""How many rows that are too late one transaction takes."""
FIRST_PAGE = 32
"""How many rows a claim reads at least, to see how many are alike."""
FEW = 8
"""One of so many rows of a page has to join others for the next page to be worth reading."""

_earlier = row.alias("earlier")
_before_it = (
    select(_earlier.c.id)
    .where(
        _earlier.c.account == row.c.account,
        _earlier.c.number_hash == row.c.number_hash,
        _earlier.c.purpose == row.c.purpose,
        _earlier.c.urgency == row.c.urgency,
        _earlier.c.id < row.c.id,
        is_state(_earlier.c.state, State.READY, State.SENDING),
        _earlier.c.due_at <= bindparam("now"),
    )
    .limit(1)
    .scalar_subquery()
)
"""One number gets the texts of one lane in the order of their puts, and no request holds a number twice.

A subquery and no ``EXISTS``, of which PostgreSQL makes a join: as long as it has no statistics of a new table, it then reads
all rows that wait for each row that it finds.
"""

_urgency = row.c.urgency
_waiting = and_(is_state(row.c.state, State.READY), row.c.account == bindparam("account"))
_highest = select(_urgency).where(_waiting).order_by(_urgency.desc()).limit(1)
_lowest = select(_urgency).where(_waiting).order_by(_urgency).limit(1)
"""In order and no ``max`` or ``min``: for these PostgreSQL reads all rows that wait, as long as it has no statistics."""
_next_urgency = _highest.where(_urgency < bindparam("below"))
_outlook = select(
    exists().where(account.c.name == bindparam("account"), account.c.paused_at.is_not(None)).label("is_paused"),
    _highest.scalar_subquery().label("highest"),
    _lowest.scalar_subquery().label("lowest"),
)
"""What one question tells before a claim: whether the account pauses, and the urgencies between which its lanes lie."""
loaded_columns = (
    row.c.id,
    row.c.put_id,
    row.c.reference,
    row.c.number,
    row.c.text,
    row.c.recipient,
    put.c.text.label("put_text"),
    put.c.fields.label("put_fields"),
    put.c.form,
    row.c.likeness,
    row.c.purpose,
    row.c.urgency,
    row.c.send_at,
    row.c.deadline_at,
    row.c.claimed_at,
    put.c.trace,
)
"""The fields of a `LoadedRow`, in their order."""
has_text = or_(row.c.text.is_(None), row.c.text != "")
"""False for what was blanked: no vendor can be asked about it. It may be unknown again, where its batch was another's."""
_candidates = (
    select(*loaded_columns, row.c.ready_at)
    .join_from(row, put, row.c.put_id == put.c.id)
    .where(
        is_state(row.c.state, State.READY),
        row.c.account == bindparam("account"),
        row.c.urgency == bindparam("urgency"),
        row.c.ready_at <= bindparam("ready"),
        tuple_(row.c.ready_at, row.c.id) > tuple_(bindparam("after"), bindparam("after_id")),
        _before_it.is_(None),
    )
    .order_by(row.c.ready_at, row.c.id)
    .limit(bindparam("count"))
    .with_for_update(of=row, skip_locked=True)  # SQLite, which has one writer at a time, leaves it out
)
_of_open_lanes = _candidates.where(~is_one_of(row.c.purpose, "closed"))
_replayable = (
    select(*loaded_columns)
    .join_from(row, put, row.c.put_id == put.c.id)
    .where(
        is_state(row.c.state, State.UNKNOWN),
        row.c.account == bindparam("account"),
        row.c.first_claimed_at > bindparam("since"),
        row.c.claimed_at < bindparam("before"),
        row.c.deadline_at > bindparam("now"),
        row.c.batch_id.is_(None),
        has_text,
    )
    .order_by(row.c.id)
    .limit(bindparam("count"))
    .with_for_update(of=row, skip_locked=True)
)
_mark = (
    update(row)
    .where(is_one_of(row.c.id, "ids"))
    .values(
        state=State.SENDING.value,
        claim=bindparam("token"),
        holder=bindparam("holder"),
        claimed_at=bindparam("now"),
        first_claimed_at=func.coalesce(row.c.first_claimed_at, bindparam("now")),
        attempts=row.c.attempts + 1,
        is_replay=bindparam("is_replay"),
        changed_at=bindparam("now"),
    )
)
_release = (
    update(row)
    .where(is_state(row.c.state, State.SENDING), row.c.holder == bindparam("of"), row.c.claim == bindparam("token"))
    .values(state=State.READY.value, claim=None, holder=None, changed_at=bindparam("now"))
    .returning(row.c.id)
)
_too_late = (
    select(row.c.id)
    .where(is_state(row.c.state, State.READY), row.c.deadline_at <= bindparam("now"))
    .limit(SWEEP)
    .with_for_update(skip_locked=True)
)
_give_up = update(row).where(is_one_of(row.c.id, "ids"))


def new_token() -> str:
    """What tells a claim from any other."""
    return secrets.token_hex(16)


@define
class Group:
    """Rows that can share a request."""

    rows: list[LoadedRow] = field(factory=list)
    references: set[str] = field(factory=set)
    numbers: set[str] = field(factory=set, repr=False)

    def takes(self, found: LoadedRow, size: int) -> bool:
        """Whether this row can join them: reports have to tell it from the others by its reference and by its number."""
        is_new = found.reference not in self.references and found.number not in self.numbers
        return len(self.rows) < size and is_new

    def add(self, found: LoadedRow) -> None:
        """Let a row join."""
        self.rows.append(found)
        self.references.add(found.reference)
        self.numbers.add(found.number)


@frozen
class Claim:
    """Rows that this holder alone may send now, grouped into what can share a request.

    Nothing of it may begin after ``limit``. ``now`` is when it was made, by the database's clock.
    """

    token: str
    account: str
    now: int
    limit: BeginBefore
    groups: tuple[tuple[LoadedRow, ...], ...]

    @property
    def rows(self) -> Iterator[LoadedRow]:
        """All of them."""
        return (found for group in self.groups for found in group)


@frozen
class Wish:
    """What a claim is to take: so many groups at most, each of ``size`` rows at most, and so many ``rows`` in all.

    ``before`` (microseconds) leaves out what was not ready then. With ``replay_within`` (microseconds) it takes unknown
    rows whose first claim is no older, to be asked again under their keys. ``rate`` is the account's, whoever claims.
    ``rest`` is for one vendor of several: how long (seconds) it rests if it cannot be reached.
    """

    account: str
    groups: int
    size: int
    rows: int
    before: int | None = None
    replay_within: int | None = None
    rate: Rate | None = None
    rest: float | None = None


@frozen
class PassedOn:
    """Nothing was claimed, for the vendor rests: so many rows that waited there wait at others now."""

    count: int


def take(
    database: Database, connection: Connection, wish: Wish, *, token: str, holder: str, limit: BeginBefore
) -> Claim | NotYet | PassedOn | None:
    """Claim rows; None where none is to be sent now. It counts once the transaction is committed."""
    now, outlook = database.now_and(connection, _outlook, {"account": wish.account})
    if wish.rest is None:
        stands = routes.Standing(outlook.is_paused)
    else:
        stands = routes.standing(database, connection, wish.account, now)
    if stands.rests and (count := routes.pass_on(connection, wish.account, now, by=holder)):
        return PassedOn(count)
    if stands.rests or stands.is_paused:
        return None
    if stands.is_trial:
        wish = evolve(wish, groups=1, rows=1)
    lanes: dict[str, int | NotYet] = {}
    rate = wish.rate
    if rate is not None:
        take_turns(database, connection, wish.account)
        most = most_rows(database, connection, wish.account, rate, now)
        if isinstance(most, NotYet):
            return most
        wish = evolve(wish, rows=min(wish.rows, most))
        for purpose, of_lane in rate.lanes.items():
            lanes[purpose] = most_rows(database, connection, wish.account, of_lane, now, purpose=purpose)
    left = {purpose: 0 if isinstance(found, NotYet) else found for purpose, found in lanes.items()}
    closed = [purpose for purpose, count in left.items() if not count]
    is_replay = wish.replay_within is not None
    ready = _ready_rows(connection, wish, now, closed, outlook)
    pages = _unknown_rows(database, connection, wish, now) if is_replay else ready
    groups = _choose(pages, wish, left)
    if not groups:
        return min((found for found in lanes.values() if isinstance(found, NotYet)), default=None)
    if stands.is_trial and wish.rest is not None:  # nobody else tries it meanwhile
        routes.let_rest(database, connection, wish.account, now + int(wish.rest * SECOND))
    _mark_claimed(connection, wish, groups, now, token=token, holder=holder)
    return Claim(token, wish.account, now, limit, tuple(tuple(group.rows) for group in groups))


def _mark_claimed(
    connection: Connection, wish: Wish, groups: Sequence[Group], now: int, *, token: str, holder: str
) -> None:
    is_replay = wish.replay_within is not None
    rate = wish.rate
    ids = [found.id for group in groups for found in group.rows]
    mark = {"ids": ids, "token": token, "holder": holder, "now": now, "is_replay": is_replay}
    connection.execute(_mark, mark)
    if rate is not None:
        note_claimed(connection, wish.account, rate, len(ids), now)
        count_of = Counter(found.purpose for group in groups for found in group.rows)
        for purpose, of_lane in rate.lanes.items():
            note_claimed(connection, wish.account, of_lane, count_of[purpose], now, purpose=purpose)
    why = "asked again under its key" if is_replay else ""
    note_changes(connection, ids, State.SENDING, at=now, by=holder, why=why, claim=token)


def is_paused(connection: Connection, name: str) -> bool:
    """Whether nothing of this account is to be sent."""
    paused = select(true()).where(account.c.name == name, account.c.paused_at.is_not(None))
    return connection.execute(paused).first() is not None


_next_account = (
    select(row.c.account)
    .where(is_state(row.c.state, State.READY), row.c.account > bindparam("after"))
    .order_by(row.c.account)
    .limit(1)
)
_has_ready = (
    select(row.c.id)
    .where(
        is_state(row.c.state, State.READY), row.c.account == bindparam("account"), row.c.ready_at <= bindparam("now")
    )
    .limit(1)
)


def accounts_to_send(database: Database, connection: Connection) -> list[str]:
    """The accounts that have something to send now, and do not pause; or whose rows may go to another vendor."""
    now = database.now(connection)
    names: list[str] = []
    name: str | None = ""
    while True:
        name = connection.execute(_next_account, {"after": name}).scalar()
        if name is None:
            return names
        ready = connection.execute(_has_ready, {"account": name, "now": now}).first()
        if ready is not None and (not is_paused(connection, name) or routes.rests(connection, name, now)):
            names.append(name)


def _ready_rows(
    connection: Connection, wish: Wish, now: int, closed: Sequence[str], outlook: Any
) -> Iterator[list[LoadedRow]]:
    """Rows that may be sent, the most urgent lane first, in pages. Those of ``closed`` purposes wait for their rate.

    The first page holds what single sends need: whoever reads a row locks it for others. Later ones are for full requests.
    """
    ready = now if wish.before is None else min(now, wish.before)
    question = {"account": wish.account, "now": now, "ready": ready, **({"closed": closed} if closed else {})}
    candidates = _of_open_lanes if closed else _candidates
    urgency = outlook.highest
    left = wish.rows
    while left > 0 and urgency is not None:
        count = min(max(FIRST_PAGE, wish.groups + wish.groups // FEW), left)
        place = {"after": -1, "after_id": -1}
        while left > 0:
            page = {**question, **place, "urgency": urgency, "count": count}
            found: Sequence[Any] = connection.execute(candidates, page).all()
            yield [LoadedRow(*entry[:-1]) for entry in found]  # the last column is ``ready_at``
            left -= len(found)
            if len(found) < count:
                break
            place = {"after": found[-1].ready_at, "after_id": found[-1].id}
            count = min(4 * count, left)
        if urgency == outlook.lowest:  # of most accounts there is one lane
            return
        urgency = connection.execute(_next_urgency, {"account": wish.account, "below": urgency}).scalar()


def _unknown_rows(database: Database, connection: Connection, wish: Wish, now: int) -> Iterator[list[LoadedRow]]:
    """Unknown rows whose key the vendor still knows, and that are still worth it.

    What was claimed before the database's clock was set back may be older than it looks, and is left out.
    """
    before = now if wish.before is None else wish.before  # a row is asked again once in a pass
    question = {
        "account": wish.account,
        "since": max(now - (wish.replay_within or 0), jumps.look(database, connection).unsure_until),
        "before": before,
        "now": now,
        "count": wish.rows,
    }
    found: Sequence[Any] = connection.execute(_replayable, question).all()
    yield [LoadedRow(*entry) for entry in found]


def _choose(pages: Iterable[Sequence[LoadedRow]], wish: Wish, left: Mapping[str, int]) -> list[Group]:
    """The first rows, as many as fill so many groups. Those of a booking are their put's alone.

    ``left`` is how many rows of a purpose may go, where its lane has a rate.

    A page few of whose rows joined a group is the last one: what else would fit is left to later claims.
    """
    groups: list[Group] = []
    open_groups: dict[object, Group] = {}
    taken = Counter[str]()
    for page in pages:
        joined = 0
        for candidate in page:
            purpose = candidate.purpose
            if purpose in left and taken[purpose] >= left[purpose]:
                continue
            alike = (candidate.likeness or candidate.put_id, purpose, candidate.urgency)
            group = open_groups.get(alike)
            if group is None or not group.takes(candidate, wish.size):
                if len(groups) == wish.groups:
                    continue
                group = open_groups[alike] = Group()
                groups.append(group)
            else:
                joined += 1
            group.add(candidate)
            taken[purpose] += 1
        if len(groups) == wish.groups and FEW * joined < len(page):
            break
    return groups


def release(database: Database, connection: Connection, token: str, *, by: str) -> int:
    """Give back the rows of a claim of which surely nothing was sent. Gives how many there were."""
    now = database.now(connection)
    ids = connection.execute(_release, {"token": token, "of": by, "now": now}).scalars().all()
    why = "the claim's commit was not heard, so nothing of it was sent"
    note_changes(connection, ids, State.READY, at=now, by=by, why=why)
    return len(ids)


def give_up_late_ones(database: Database, connection: Connection, *, by: str) -> int:
    """End the waiting of rows whose deadline has passed. Gives how many those were."""
    now = database.now(connection)
    ids: Sequence[int] = connection.execute(_too_late, {"now": now}).scalars().all()
    end_waiting(connection, ids, State.NOT_SENT, at=now, by=by, why="too late: its deadline has passed")
    return len(ids)


def end_waiting(
    connection: Connection, ids: Collection[int], state: State, *, at: int, by: str, why: str, error: str | None = None
) -> None:
    """Let rows that the transaction holds end in this state."""
    if not ids:
        return
    values: dict[str, Any] = {"state": state.value, "changed_at": at}
    if error is not None:
        values["error"] = error
    connection.execute(_give_up.values(**values), {"ids": list(ids)})
    note_changes(connection, ids, state, at=at, by=by, why=why)
    forget_codes(connection, ids)
