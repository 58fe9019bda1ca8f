"""How an unknown row becomes known: the vendor is asked, or a person decides. Neither sends anything.

A row is asked about by itself wherever other batches of its number are known, since those must not be mistaken for its
own; what has none goes together, each number once. What was found out is written down only where the row is still as it
was, and no batch is given to two rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import field, frozen
from sqlalchemy import Connection, bindparam, select, update

from sms_core.errors import InsufficientCredit, SmsError
from sms_core.model import Message, Outcome, RecipientOutcome, SendResult
from sms_core.serialize import from_json
from sms_core_outbox import jumps
from sms_core_outbox.claims import CLAIM_AGE, SECOND, has_text, loaded_columns
from sms_core_outbox.databases import Database
from sms_core_outbox.deadlines import DEFAULT_DEADLINE, deadline_of
from sms_core_outbox.errors import OutboxError, StateChanged, check_who_and_why
from sms_core_outbox.forgetting import forget_codes
from sms_core_outbox.histories import note_changes
from sms_core_outbox.membership import is_one_of
from sms_core_outbox.messages import LoadedRow, to_message
from sms_core_outbox.model import Alarm
from sms_core_outbox.pauses import pause
from sms_core_outbox.puts import to_moment
from sms_core_outbox.recovery import is_proven_over
from sms_core_outbox.schema import history, is_state, put, row
from sms_core_outbox.states import State

BY = "settling"
PATIENCE = 120.0
"""Seconds after everything of a dead claim has to be over, before the vendor's not knowing it counts."""
CHUNK = 500
"""How many unknown rows are looked at together."""


@frozen
class Doubt:
    """An unknown row: what was claimed, what its holder said last, and the batches of its number that are others'.

    ``is_answered`` says that its holder heard that the outcome is unknown; else the holder was lost with its claim.
    """

    row: LoadedRow = field(repr=False)
    claim: str
    holder: str
    batch_id: str | None
    error: SmsError | None
    is_answered: bool
    is_over: bool
    known_batches: frozenset[str]


_unknown = (
    select(*loaded_columns, row.c.claim, row.c.holder, row.c.batch_id, row.c.error, row.c.number_hash)
    .join_from(row, put, row.c.put_id == put.c.id)
    .where(
        is_state(row.c.state, State.UNKNOWN),
        row.c.account == bindparam("account"),
        row.c.id > bindparam("after"),
        has_text,
    )
    .order_by(row.c.id)
    .limit(CHUNK)
)
_batches_of_numbers = (
    select(row.c.id, row.c.number_hash, row.c.batch_id)
    .where(
        row.c.account == bindparam("account"),
        is_one_of(row.c.number_hash, "numbers"),
        row.c.batch_id.is_not(None),
    )
    .union(
        select(row.c.id, row.c.number_hash, history.c.batch_id)
        .join_from(row, history, history.c.row_id == row.c.id)
        .where(
            row.c.account == bindparam("account"),
            is_one_of(row.c.number_hash, "numbers"),
            history.c.batch_id.is_not(None),
        )
    )
)
_answered = select(history.c.row_id, history.c.claim).where(is_one_of(history.c.row_id, "ids"), history.c.is_answer)


def doubts(connection: Connection, account: str, *, after: int) -> list[Doubt]:
    """The unknown rows of an account with a higher id than ``after``, some hundreds at most."""
    found = connection.execute(_unknown, {"account": account, "after": after}).all()
    if not found:
        return []
    numbers = sorted({entry.number_hash for entry in found})
    batches = connection.execute(_batches_of_numbers, {"account": account, "numbers": numbers}).all()
    ids = [entry.id for entry in found]
    answered = {(entry.row_id, entry.claim) for entry in connection.execute(_answered, {"ids": ids})}
    over = {name: is_proven_over(connection, name) for name in {entry.holder for entry in found} if name}
    return [_doubt(entry, batches, answered, over) for entry in found]


def _doubt(
    entry: Any,
    batches: Iterable[Any],
    answered: set[tuple[int, str]],
    over: dict[str, bool],
) -> Doubt:
    of_others = {other.batch_id for other in batches if other.number_hash == entry.number_hash and other.id != entry.id}
    return Doubt(
        row=LoadedRow(*entry[: len(loaded_columns)]),
        claim=entry.claim,
        holder=entry.holder or "",
        batch_id=entry.batch_id,
        error=None if entry.error is None else from_json(entry.error, SmsError),
        is_answered=(entry.id, entry.claim) in answered,
        is_over=over.get(entry.holder, False),
        known_batches=frozenset(of_others),
    )


def each_number_once(found: Iterable[Doubt]) -> list[Doubt]:
    """The first of the rows of each number."""
    first: dict[str, Doubt] = {}
    for doubt in found:
        first.setdefault(doubt.row.number, doubt)
    return list(first.values())


def questions(found: Sequence[Doubt]) -> Iterator[list[Doubt]]:
    """Which of these rows, each of another number, to ask about together: those of one claim with equal settings."""
    together: dict[object, list[Doubt]] = {}
    for doubt in found:
        alike = (doubt.row.likeness or doubt.row.put_id, doubt.claim)
        group = together.setdefault(alike, [])
        if doubt.known_batches or any(doubt.row.reference == other.row.reference for other in group):
            yield [doubt]
        else:
            group.append(doubt)
    yield from filter(None, together.values())


def as_result(asked: Sequence[Doubt]) -> SendResult:
    """What `sms_core.Client.settle` is asked with."""
    message: Message = to_message([doubt.row for doubt in asked])
    outcomes = tuple(
        RecipientOutcome(doubt.row.number, Outcome.UNKNOWN, doubt.batch_id, doubt.row.reference, doubt.error)
        for doubt in asked
    )
    batches = tuple(dict.fromkeys(doubt.batch_id for doubt in asked if doubt.batch_id))
    begun = min(doubt.row.claimed_at or 0 for doubt in asked)
    return SendResult(outcomes, batches=batches, message=message, sent_at=to_moment(begun))


def counts(doubt: Doubt, outcome: Outcome, *, now: int, deadline: float, anchor: jumps.Anchor) -> bool:
    """Whether what the vendor says of a row counts.

    An acceptance does. "Not sent" is said by absence, and while the holder of a claim may live, the vendor may still be
    sent it: so its end has to be proven, and the vendor to have had time to end its work. Vendors remember texts for a
    while only, so absence proves nothing either of a row whose age nobody knows, after the database's clock was set back.
    """
    if outcome is Outcome.UNKNOWN:
        return False
    if outcome is Outcome.ACCEPTED:
        return True
    claimed_at = doubt.row.claimed_at or now
    if outcome is Outcome.NOT_SENT and not anchor.knows_age_of(claimed_at, now):
        return False
    if doubt.is_answered:
        return True
    since = max(claimed_at, anchor.jumped_at) + int((CLAIM_AGE + deadline + PATIENCE) * SECOND)
    return doubt.is_over and now >= since


_still_unknown = (
    select(row.c.id, row.c.number_hash, row.c.deadline_at)
    .where(row.c.id == bindparam("row"), row.c.claim == bindparam("claim"), is_state(row.c.state, State.UNKNOWN))
    .with_for_update()
)
_same_batch = select(row.c.id).where(
    row.c.account == bindparam("account"),
    row.c.batch_id == bindparam("batch"),
    row.c.number_hash == bindparam("number_hash"),
    row.c.id != bindparam("row"),
)


def write_down(
    database: Database, connection: Connection, account: str, doubt: Doubt, told: RecipientOutcome
) -> tuple[State | None, list[Alarm]]:
    """Give a row what the vendor told of it. Gives what it has become, None where it stays unknown."""
    if told.batch_id:
        database.lock(connection, (account, told.batch_id))
    found = connection.execute(_still_unknown, {"row": doubt.row.id, "claim": doubt.claim}).first()
    if found is None:
        return None, []
    now = database.now(connection)
    values: dict[str, object] = {"changed_at": now}
    alarms: list[Alarm] = []
    why = "the vendor knows it"
    if told.outcome is Outcome.ACCEPTED:
        place = {"account": account, "batch": told.batch_id, "number_hash": found.number_hash, "row": doubt.row.id}
        if told.batch_id and connection.execute(_same_batch, place).first() is not None:
            return None, []
        state = State.ACCEPTED
        values |= {"batch_id": told.batch_id or doubt.batch_id, "error": None}
    else:
        why = "the vendor says that it was not taken"
        state = State.READY if found.deadline_at > now else State.NOT_SENT
        values |= {"claim": None, "holder": None, "ready_at": now}
        if isinstance(told.error, InsufficientCredit):
            alarms = pause(database, connection, account, because=f"InsufficientCredit: {told.error}", by=BY)
    connection.execute(update(row).where(row.c.id == doubt.row.id).values(state=state.value, **values))
    note_changes(connection, [doubt.row.id], state, at=now, by=BY, why=why, batch_id=told.batch_id)
    forget_codes(connection, [doubt.row.id])
    return state, alarms


DECISIONS = (State.ACCEPTED, State.REFUSED, State.NOT_SENT)
"""What a person can say of an unknown row."""

_for_person = (
    select(row.c.id, row.c.claim, row.c.holder, row.c.claimed_at, row.c.deadline_at)
    .where(row.c.id == bindparam("row"), is_state(row.c.state, State.UNKNOWN))
    .with_for_update()
)


def decide(
    database: Database,
    connection: Connection,
    row_id: int,
    outcome: State,
    *,
    because: str,
    by: str,
    resend: bool,
) -> State:
    """Let a person say what became of an unknown row. Gives what it is now.

    Raises `StateChanged` where it is not unknown any more, and `OutboxError` where ``resend`` may send it twice.
    """
    if outcome not in DECISIONS:
        raise OutboxError(f"a person says one of {', '.join(state.value for state in DECISIONS)}")
    if not because or not by:
        raise OutboxError("say who decides this, and because of what")
    check_who_and_why(by, because)
    if resend and outcome is not State.NOT_SENT:
        raise OutboxError("only what was not sent can be sent again")
    found = connection.execute(_for_person, {"row": row_id}).first()
    if found is None:
        raise StateChanged(f"row {row_id} is not unknown any more, or is not there")
    now = database.now(connection)
    state = outcome
    values: dict[str, object] = {"changed_at": now}
    if resend:
        begun = max(found.claimed_at, jumps.look(database, connection).jumped_at)
        against = _against_resending(connection, found.id, found.claim, found.holder, begun, now)
        if against:
            raise OutboxError(f"row {row_id} cannot be sent again yet: {against}")
        state = State.READY if found.deadline_at > now else State.NOT_SENT
        values |= {"claim": None, "holder": None, "ready_at": now}
    connection.execute(update(row).where(row.c.id == row_id).values(state=state.value, **values))
    note_changes(connection, [row_id], state, at=now, by=by, why=because)
    forget_codes(connection, [row_id])
    return state


def _against_resending(
    connection: Connection, row_id: int, claim: str, holder: str | None, claimed_at: int, now: int
) -> str:
    """What speaks against sending an unknown row again, in words; "" where nothing of it can be under way."""
    answered = connection.execute(_answered, {"ids": [row_id]}).all()
    if any(entry.claim == claim for entry in answered):
        return ""
    if holder and not is_proven_over(connection, holder):
        return f"its worker {holder} may live and may still send it"
    deadline = deadline_of(connection, holder, DEFAULT_DEADLINE)
    if now < claimed_at + int((CLAIM_AGE + deadline + PATIENCE) * SECOND):
        return "the vendor may still be at work on it: try again in a few minutes"
    return ""
