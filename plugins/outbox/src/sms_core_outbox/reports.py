"""Reports meet rows: what vendors push, or tell when asked, kept and folded into each row's delivery status.

Whose report is whose, and which status counts, is for `sms_core.tracking` to say. A report and the result of its send
lock the same rows, so that the later of the two sees the other. What fits no row yet is kept, and looked at again when a
result is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import Connection, RowMapping, bindparam, delete, or_, select, update

from sms_core.callbacks import event_key
from sms_core.model import DeliveryReport, Outcome, RecipientOutcome, SendResult
from sms_core.numbers import to_e164
from sms_core.serialize import from_json, to_json
from sms_core.tracking import Key, MessageState, fold
from sms_core_outbox.databases import Database
from sms_core_outbox.hashing import Hashes
from sms_core_outbox.membership import is_one_of
from sms_core_outbox.puts import to_moment
from sms_core_outbox.schema import ID_LENGTH, as_stored, event, history, row
from sms_core_outbox.states import State

BY = "report"
LONGEST_KEY = 200
"""Characters of an event's key; a longer one is told by its hash."""
REDIRECTED = "redirected to "
"""How the history says that a plugin sent a row to another number than its own."""
KEPT_FOR = 7 * 24 * 3600 * 1_000_000
"""Microseconds for which an event waits for its row."""

_OUTCOMES = {
    State.READY: Outcome.NOT_SENT,
    State.SENDING: Outcome.UNKNOWN,
    State.ACCEPTED: Outcome.ACCEPTED,
    State.REFUSED: Outcome.REFUSED,
    State.UNKNOWN: Outcome.UNKNOWN,
    State.NOT_SENT: Outcome.NOT_SENT,
    State.CANCELLED: Outcome.NOT_SENT,
}
_SETTLED_BY_REPORTS = (State.UNKNOWN, State.NOT_SENT, State.READY, State.REFUSED)
"""A row in one of these states that was claimed before has been taken, if a report says so. A claimed row waits for its
holder's word."""

_of_number = (
    select(
        row.c.id,
        row.c.reference,
        row.c.state,
        row.c.batch_id,
        row.c.attempts,
        row.c.first_claimed_at,
        row.c.claimed_at,
        row.c.status,
    )
    .where(row.c.account == bindparam("account"), row.c.number_hash == bindparam("number_hash"), row.c.attempts > 0)
    .where(
        or_(
            is_one_of(row.c.batch_id, "batches"),
            is_one_of(row.c.reference, "references"),
            row.c.batch_id.is_(None),
        )
    )
    .order_by(row.c.id)
    .with_for_update()
)
_events_of = select(event.c.data).where(
    event.c.account == bindparam("account"), event.c.number_hash == bindparam("number_hash")
)
_redirected_in = (
    select(row.c.id, row.c.number, row.c.number_hash, row.c.reference)
    .join(history, history.c.row_id == row.c.id)
    .where(row.c.account == bindparam("account"), row.c.batch_id == bindparam("batch"), row.c.forgotten_at.is_(None))
    .where(history.c.is_answer, history.c.why.startswith(REDIRECTED, autoescape=True))
    .distinct()
)
_events_in = select(event.c.id, event.c.number_hash, event.c.reference, event.c.data).where(
    event.c.account == bindparam("account"), event.c.batch_id == bindparam("batch")
)
_change = (
    update(row)
    .where(row.c.id == bindparam("row"))
    .values(
        state=bindparam("new_state"),
        batch_id=bindparam("new_batch"),
        status=bindparam("new_status"),
        changed_at=bindparam("now"),
    )
)


def record(database: Database, connection: Connection, hashes: Hashes, account: str, report: DeliveryReport) -> None:
    """Keep a report, once, and fold it into the row that it is of."""
    report = attrs.evolve(
        report, batch_id=as_stored(report.batch_id[:ID_LENGTH]), reference=as_stored(report.reference[:ID_LENGTH])
    )
    number = _e164(report.number)
    number_hash = hashes.number(number)
    now = database.now(connection)
    database.lock(connection, (account, report.batch_id))
    key = as_stored(report.key) or event_key("outbox", to_json(report))
    connection.execute(
        database.insert_or_ignore(event).values(
            account=account,
            key=key if len(key) <= LONGEST_KEY else event_key("outbox", key),
            number_hash=number_hash,
            batch_id=report.batch_id,
            reference=report.reference,
            data=_stored(report, number),
            received_at=now,
        )
    )
    rows = refold(database, connection, account, number_hash)
    if not any(_is_named(found, report) for found in rows):
        adopt_events(database, connection, account, {report.batch_id})


def _is_named(found: RowMapping, report: DeliveryReport) -> bool:
    return bool(found["reference"] == report.reference) or bool(
        report.batch_id and found["batch_id"] == report.batch_id
    )


def adopt_events(database: Database, connection: Connection, account: str, batches: Collection[str]) -> None:
    """Give events of these batches to the rows that a plugin redirected, whose number no report names.

    A row is known by its reference, or as the only one of its batch.
    """
    for batch in filter(None, batches):
        _adopt_events(database, connection, account, batch)


def _adopt_events(database: Database, connection: Connection, account: str, batch: str) -> None:
    place = {"account": account, "batch": batch}
    rows = connection.execute(_redirected_in, place).mappings().all()
    if not rows:
        return
    hashes = {found["number_hash"] for found in rows}
    for stray in connection.execute(_events_in, place).mappings().all():
        named = [found for found in rows if found["reference"] == stray["reference"]] or rows
        if stray["number_hash"] in hashes or len(named) > 1:
            continue
        (found,) = named
        report = from_json(stray["data"], DeliveryReport)
        values = {"number_hash": found["number_hash"], "data": _stored(report, found["number"])}
        connection.execute(update(event).where(event.c.id == stray["id"]).values(values))
    for number_hash in hashes:
        refold(database, connection, account, number_hash)


def _e164(number: str) -> str:
    try:
        return to_e164(number)
    except ValueError:
        return number  # as it came: its form could not be read


def _stored(report: DeliveryReport, number: str) -> str:
    return as_stored(to_json(attrs.evolve(report, number=number, raw={})))


def refold_all(database: Database, connection: Connection, account: str, hashes: Collection[str]) -> None:
    """Look at the events of these numbers again, after results of theirs were stored."""
    if not hashes:
        return
    found = select(event.c.number_hash).where(event.c.account == account, event.c.number_hash.in_(hashes)).distinct()
    for number_hash in connection.execute(found).scalars().all():
        refold(database, connection, account, number_hash)


def refold(database: Database, connection: Connection, account: str, number_hash: str) -> Sequence[RowMapping]:
    """Fold the events of a number into its rows, and give those."""
    place = {"account": account, "number_hash": number_hash}
    reports = [from_json(data, DeliveryReport) for data in connection.execute(_events_of, place).scalars()]
    if not reports:
        return ()
    number = reports[0].number
    question = {
        **place,
        "batches": sorted({report.batch_id for report in reports if report.batch_id}),
        "references": sorted({report.reference for report in reports if report.reference}),
    }
    rows = connection.execute(_of_number, question).mappings().all()
    references = _references(rows)
    states = fold([_as_result(found, number, references[found["id"]]) for found in rows], reports)
    now = database.now(connection)
    for found in rows:
        _apply(connection, found, states[Key(number, references[found["id"]])], now)
    return rows


def _references(rows: Iterable[RowMapping]) -> dict[int, str]:
    """What tells the rows apart: their references, but where two have the same, reports are matched by batch alone."""
    counts = Counter(found["reference"] for found in rows)
    return {
        found["id"]: found["reference"] if counts[found["reference"]] == 1 else f"row {found['id']}" for found in rows
    }


def _as_result(found: RowMapping, number: str, reference: str) -> SendResult:
    outcome = RecipientOutcome(number, _OUTCOMES[State(found["state"])], found["batch_id"], reference)
    return SendResult((outcome,), sent_at=to_moment(found["claimed_at"] or found["first_claimed_at"]))


def _apply(connection: Connection, found: RowMapping, known: MessageState, now: int) -> None:
    if known.report is None:
        return
    state = State(found["state"])
    batch = found["batch_id"]
    status = known.report.status.value
    if state in _SETTLED_BY_REPORTS and known.outcome is Outcome.ACCEPTED:
        state = State.ACCEPTED
        batch = known.batch_id or batch
    if (state.value, status) == (found["state"], found["status"]):
        return
    values: Mapping[str, Any] = {
        "row": found["id"],
        "new_state": state.value,
        "new_batch": batch,
        "new_status": status,
        "now": now,
    }
    connection.execute(_change, values)
    why = f"reported as {status}"
    entry = {"row_id": found["id"], "at": now, "state": state.value, "by": BY, "why": why, "batch_id": batch}
    connection.execute(history.insert().values(**entry, is_answer=False))


def forget_unmatched(connection: Connection, *, now: int) -> int:
    """Drop events older than seven days that belong to no row. Gives how many those were."""
    belongs = select(row.c.id).where(
        row.c.account == event.c.account,
        row.c.number_hash == event.c.number_hash,
        or_(row.c.batch_id == event.c.batch_id, row.c.reference == event.c.reference),
    )
    gone = delete(event).where(event.c.received_at < now - KEPT_FOR, ~belongs.exists())
    return connection.execute(gone).rowcount
