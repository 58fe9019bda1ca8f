"""What claims came to, written down. An answer is never dropped, however late it comes and whoever was faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, RowMapping, bindparam, exists, select, update

from sms_core.errors import SmsError
from sms_core.masking import mask, mask_numbers
from sms_core.serialize import to_json
from sms_core_outbox.claims import SECOND
from sms_core_outbox.databases import Database
from sms_core_outbox.forgetting import forget_codes
from sms_core_outbox.histories import note_changes
from sms_core_outbox.membership import is_one_of, values_of
from sms_core_outbox.model import Alarm
from sms_core_outbox.pauses import pause
from sms_core_outbox.puts import OTP
from sms_core_outbox.reports import REDIRECTED, adopt_events, refold_all
from sms_core_outbox.routes import next_of, note_reach
from sms_core_outbox.schema import ID_LENGTH, as_stored, event, history, row
from sms_core_outbox.states import State, after_answer

FIRST_BACKOFF = 5.0
"""Seconds before the second attempt; each later pause is twice as long."""
LONGEST_BACKOFF = 900.0
"""Seconds."""


def _as_batch(given: str | None) -> str | None:
    return None if given is None else as_stored(given[:ID_LENGTH])


@frozen
class Answer:
    """What one claim came to for one row.

    ``state`` is what it says of the row, ``READY`` where surely nothing was taken. ``pauses`` says that the account is to
    pause, ``retry_after`` is the vendor's word in seconds. Of one vendor of several, ``moves`` says that the next one may
    be tried, and ``rest`` how long this one rests now (`sms_core_outbox.routes.Onward`). ``sent_to`` is the number that it
    went to, where a plugin redirected it; reports name that one.
    """

    row_id: int
    claim: str
    state: State
    batch_id: str | None = field(default=None, converter=_as_batch)
    error: SmsError | None = None
    pauses: bool = False
    retry_after: float | None = None
    moves: bool = False
    rest: float | None = None
    sent_to: str = field(default="", repr=mask)

    @property
    def why(self) -> str:
        """The error's text, numbers masked; and where it was redirected to, by which `reports` know such a row."""
        if self.error:
            return mask_numbers(as_stored(str(self.error)))
        return f"{REDIRECTED}{mask(self.sent_to)}" if self.sent_to else ""


@define
class Stored:
    """What storing came to: how many rows have become what, and what is to be heard of."""

    counts: Counter[State] = field(factory=Counter)
    alarms: list[Alarm] = field(factory=list)


_found = (
    select(
        row.c.id,
        row.c.state,
        row.c.claim,
        row.c.batch_id,
        row.c.number_hash,
        row.c.attempts,
        row.c.deadline_at,
        row.c.is_replay,
        row.c.is_double,
        row.c.error,
        row.c.ready_at,
        row.c.purpose,
        row.c.account,
        row.c.route,
    )
    .where(is_one_of(row.c.id, "ids"))
    .order_by(row.c.id)  # one order for all, lest two transactions wait for each other
    .with_for_update()
)
_answers_of = select(history.c.row_id, history.c.claim, history.c.state, history.c.is_answer, history.c.batch_id).where(
    is_one_of(history.c.row_id, "ids"), history.c.claim.is_not(None)
)
_CHANGED = ("account", "state", "batch_id", "error", "is_double", "ready_at", "claim", "changed_at", "id")
_ENTRY = ("row_id", "at", "state", "by", "why", "claim", "batch_id", "is_answer")
_same_place = select(row.c.id, row.c.batch_id, row.c.number_hash).where(
    row.c.account == bindparam("account"),
    is_one_of(row.c.batch_id, "batches"),
    ~is_one_of(row.c.id, "ids"),
)
_batch, _number_hash = values_of("batches"), values_of("hashes")
_other_in_batch = (
    select(row.c.id)
    .where(row.c.account == bindparam("account"), row.c.batch_id == _batch.c.value, ~is_one_of(row.c.id, "ids"))
    .limit(1)
    .scalar_subquery()
)
_event_of_number = (
    select(event.c.id)
    .where(event.c.account == bindparam("account"), event.c.number_hash == _number_hash.c.value)
    .limit(1)
    .scalar_subquery()
)
_beside = select(
    exists().select_from(_batch).where(_other_in_batch.is_not(None)).label("has_others"),
    exists().select_from(_number_hash).where(_event_of_number.is_not(None)).label("has_events"),
)
"""What one question tells of most answers: that no other row has their batch, and that nothing was reported of them yet.

Each batch and number is looked up by itself: of a new table PostgreSQL has no statistics, and would read all of an account.
"""
_back_to_unknown = (
    update(row)
    .where(is_one_of(row.c.id, "ids"))
    .values(state=State.UNKNOWN.value, batch_id=None, changed_at=bindparam("now"))
)


def store(database: Database, connection: Connection, account: str, answers: Sequence[Answer], *, by: str) -> Stored:
    """Write answers down. Doing it twice changes nothing, so it may be tried again after a failure."""
    stored = Stored()
    batches = {answer.batch_id for answer in answers if answer.batch_id}
    database.lock(connection, *((account, batch) for batch in batches))
    ids = [answer.row_id for answer in answers]
    rows = {found["id"]: found for found in connection.execute(_found, {"ids": ids}).mappings()}
    question = {
        "account": account,
        "batches": list(batches),
        "ids": ids,
        "hashes": [found["number_hash"] for found in rows.values()],
    }
    now, beside = database.now_and(connection, _beside, question)
    told = _Told(connection, rows.values(), answers)
    changes: list[dict[str, Any]] = []
    entries: list[tuple[Any, ...]] = []
    for answer in answers:
        found = rows.get(answer.row_id)
        if found is None or not told.knows(answer, found):
            stored.alarms.append(_without_row(account, answer))
            continue
        if told.has_heard(answer, found):
            continue
        entries.append(_entry(answer, now, by))
        change = _change_of(found, answer, account, now, is_double=told.is_double(answer, found))
        if change is not None:
            changes.append(change)
            if change["state"] == State.READY.value and change["account"] != found["account"]:
                entries.append(_goes_on(change, now, by))
            stored.counts[State(change["state"])] += 1
            if change["is_double"] and not found["is_double"]:
                stored.alarms.append(_double(account, answer))
    if beside.has_others:
        _displace(connection, account, batches, changes, rows.values(), now)
    database.insert_all(connection, history, _ENTRY, entries)
    database.update_all(connection, row, _CHANGED, [tuple(map(change.__getitem__, _CHANGED)) for change in changes])
    told_of = {change["id"] for change in changes}
    if beside.has_events:
        refold_all(database, connection, account, {rows[row_id]["number_hash"] for row_id in told_of})
    adopt_events(database, connection, account, {answer.batch_id or "" for answer in answers if answer.sent_to})
    forget_codes(connection, [row_id for row_id in told_of if rows[row_id]["purpose"] == OTP])
    for reason in _reasons_to_pause(answers):
        stored.alarms.extend(pause(database, connection, account, because=reason, by=by))
    note_reach(database, connection, account, answers, now)
    return stored


def _change_of(found: RowMapping, answer: Answer, account: str, now: int, *, is_double: bool) -> dict[str, Any] | None:
    """What an answer of an account's vendor makes of a row; None where it stays as it is."""
    own = found["claim"] == answer.claim
    state = after_answer(State(found["state"]), answer.state, own=own, is_replay=found["is_replay"])
    if state is None:
        return None
    ready_at = found["ready_at"]
    claim = found["claim"]
    carrier = found["account"]
    following = next_of(found["route"], carrier) if answer.moves else None
    begins_anew = True
    if following is not None and state in (State.READY, State.REFUSED):
        following_carrier, begins_anew = following
        if state is State.READY or not begins_anew:  # refused by the last one, it is refused
            state, carrier = State.READY, following_carrier
    if state is State.READY:
        claim = None
        if begins_anew:
            ready_at = now + _pause_before_next(found["attempts"], answer)
        if found["deadline_at"] <= now:
            state, carrier = State.NOT_SENT, found["account"]
    error = as_stored(to_json(answer.error)) if answer.error is not None else None
    batch = found["batch_id"]
    if state in (State.ACCEPTED, State.UNKNOWN) and not (is_double and batch):
        # Of two batches the first one stays the row's; the history has both.
        batch = answer.batch_id or batch
        carrier = account
    return {
        "id": found["id"],
        "account": carrier,
        "state": state.value,
        "batch_id": batch,
        "error": None if state is State.ACCEPTED else error,
        "is_double": found["is_double"] or is_double,
        "ready_at": ready_at,
        "claim": claim,
        "changed_at": now,
    }


def _goes_on(change: Mapping[str, Any], now: int, by: str) -> tuple[Any, ...]:
    """In the order of `_ENTRY`."""
    return (change["id"], now, State.READY.value, by, f"it goes to {change['account']}", None, None, False)


def _pause_before_next(attempts: int, answer: Answer) -> int:
    """Microseconds. A row whose account pauses may go as soon as that ends."""
    if answer.pauses:
        return 0
    backoff = min(FIRST_BACKOFF * 2.0 ** min(attempts - 1, 20), LONGEST_BACKOFF)
    return int(max(backoff, answer.retry_after or 0.0) * SECOND)


class _Told:
    """What the histories of rows say of their claims. They are read only where a row had more than this one claim."""

    def __init__(self, connection: Connection, rows: Iterable[RowMapping], answers: Iterable[Answer]) -> None:
        token_of = {answer.row_id: answer.claim for answer in answers}
        unusual = [
            found["id"]
            for found in rows
            if found["claim"] != token_of[found["id"]] or found["attempts"] > 1 or found["state"] != State.SENDING.value
        ]
        self._unusual = set(unusual)
        self._claims: dict[int, set[str]] = {row_id: set() for row_id in unusual}
        self._answers: dict[tuple[int, str], set[str]] = {}
        self._batches: dict[tuple[int, str], str | None] = {}
        if unusual:
            for entry in connection.execute(_answers_of, {"ids": unusual}).mappings():
                self._claims[entry["row_id"]].add(entry["claim"])
                if entry["is_answer"]:
                    place = (entry["row_id"], entry["claim"])
                    self._answers.setdefault(place, set()).add(entry["state"])
                    self._batches[place] = entry["batch_id"] or self._batches.get(place)

    def knows(self, answer: Answer, found: RowMapping) -> bool:
        """Whether the row ever had this claim. One that was purged may have left its id to another row."""
        return found["id"] not in self._unusual or answer.claim in self._claims[found["id"]]

    def has_heard(self, answer: Answer, found: RowMapping) -> bool:
        """Whether this very answer was stored before."""
        return answer.state.value in self._answers.get((found["id"], answer.claim), ())

    def is_double(self, answer: Answer, found: RowMapping) -> bool:
        """Whether another claim of the row was accepted too; after a late answer, also whether the latest may have been."""
        row_id = found["id"]
        if answer.state is not State.ACCEPTED or row_id not in self._unusual:
            return False
        others = self._claims[row_id] - {answer.claim}
        accepted = [claim for claim in others if State.ACCEPTED.value in self._answers.get((row_id, claim), ())]
        if accepted:  # a replay is answered with the first one's batch
            return any(self._batches.get((row_id, claim)) != answer.batch_id for claim in accepted)
        return found["claim"] in others and self._may_be_taken(row_id, found["claim"])

    def _may_be_taken(self, row_id: int, claim: str) -> bool:
        told = self._answers.get((row_id, claim), set())
        return not told or State.UNKNOWN.value in told


def _entry(answer: Answer, now: int, by: str) -> tuple[Any, ...]:
    """In the order of `_ENTRY`."""
    return (answer.row_id, now, answer.state.value, by, answer.why, answer.claim, answer.batch_id, True)


def _displace(
    connection: Connection,
    account: str,
    batches: Collection[str],
    changes: Iterable[dict[str, Any]],
    rows: Iterable[RowMapping],
    now: int,
) -> None:
    """Take a batch from a row that settling had given it, where it turns out to be another row's.

    Two rows with the same number and text can be told apart by their own answers alone.
    """
    hash_of = {found["id"]: found["number_hash"] for found in rows}
    question = {"account": account, "batches": list(batches), "ids": list(hash_of)}
    others = connection.execute(_same_place, question).mappings().all()
    taken = {(change["batch_id"], hash_of[change["id"]]) for change in changes}
    found = {other["id"]: other["batch_id"] for other in others if (other["batch_id"], other["number_hash"]) in taken}
    by_own_answer = select(history.c.row_id, history.c.batch_id).where(
        history.c.row_id.in_(found), history.c.is_answer, history.c.state == State.ACCEPTED.value
    )
    own = {(entry.row_id, entry.batch_id) for entry in connection.execute(by_own_answer)}
    wrong = [row_id for row_id, batch in found.items() if (row_id, batch) not in own]
    if wrong:
        connection.execute(_back_to_unknown, {"ids": wrong, "now": now})
        why = "the batch by which it was settled is another row's"
        note_changes(connection, wrong, State.UNKNOWN, at=now, by="settling", why=why)


def _reasons_to_pause(answers: Iterable[Answer]) -> list[str]:
    """Why the account is to pause: the first reason, if there is one."""
    return [f"{type(answer.error).__name__}: {answer.why}" for answer in answers if answer.pauses][:1]


def _double(account: str, answer: Answer) -> Alarm:
    text = f"row {answer.row_id} was accepted, and another send of it was accepted too or may have been"
    return Alarm("double", account, text)


def _without_row(account: str, answer: Answer) -> Alarm:
    text = f"row {answer.row_id} is gone, and a late answer says: {answer.state.value}, batch {answer.batch_id}"
    return Alarm("without_row", account, text)
