"""One run of a file: what was put of it, what became of that, and its verbs.

The truth about a row is the outbox's: whether it was sent, from before its first byte to its last report. A run knows
which of its rows that is, keeps the file's cells beside it, and what was refused before anything was put.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sms_core.client import Client
from sms_core.errors import ConfigurationError, InvalidMessage, SmsError
from sms_core.model import DeliveryReport, DeliveryStatus
from sms_core.serialize import from_json
from sms_core_cli.campaign.estimate import THOUSANDTHS
from sms_core_cli.campaign.planning import RECIPIENT, KnownRow, Planned, chunk_size, from_text, message_of, refusal
from sms_core_cli.campaign.row_results import RowOutcome, RowResult
from sms_core_cli.campaign.schema import row, run
from sms_core_cli.campaign.staging import Kind, StagedRow
from sms_core_cli.campaign.store import Store, lock
from sms_core_outbox import Put, SettleResult, State
from sms_core_outbox import metadata as outbox_metadata

FIRST_RUN = "1"
"""The name of a file's first run, where nobody gives one."""
LONGEST_NAME = 100
DEADLINE = timedelta(days=30)
"""How long a row may wait to be sent, for points to be bought or a vendor to come back."""
PAGE = 1000
"""Rows that are read at once."""
HANDED_OUT = "may have been handed to the vendor, whose answer is not known yet"
BY_ITSELF = ("InsufficientCredit", "AuthenticationFailed")
"""How the reasons begin for which an outbox pauses an account by itself."""
OUT_OF_CREDIT = BY_ITSELF[0]

_sent = outbox_metadata.tables["sms_outbox_row"]
_history = outbox_metadata.tables["sms_outbox_history"]
_event = outbox_metadata.tables["sms_outbox_event"]
_account = outbox_metadata.tables["sms_outbox_account"]

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
class RunRow:
    """A row of the file and what is known of it. ``number`` is its number in a spreadsheet."""

    number: int
    cells: tuple[str, ...]
    result: RowResult


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


class Run:
    """A run in a store. Threads may share it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store = store
        self.id = run_id
        self.account = f"campaign-{run_id}"
        with store.reading() as connection:
            found = connection.execute(select(run).where(run.c.id == run_id)).mappings().one()
        self.name: str = found["name"]
        self.begun_at: int = found["begun_at"]

    def _field(self, name: str) -> str:
        with self.store.reading() as connection:
            return str(connection.execute(select(run.c[name]).where(run.c.id == self.id)).scalar_one())

    @property
    def digest(self) -> str:
        """What tells the file as all of it was put; "" before that."""
        return self._field("digest")

    @property
    def headers(self) -> tuple[str, ...]:
        """The file's header row."""
        return tuple(json.loads(self._field("headers")))

    @property
    def results(self) -> tuple[str, str]:
        """Where the result file was written last, and the digest of what was written; "" each if nowhere."""
        return self._field("results"), self._field("results_digest")

    def note_results(self, connection: Connection, path: str, digest: str) -> None:
        """Note that the result file was written."""
        connection.execute(update(run).where(run.c.id == self.id).values(results=path, results_digest=digest))

    # What planning asks

    def hash(self, text: str) -> str:
        """A keyed hash, in which nobody finds a number again who has the database alone."""
        return self.store.outbox.hash(text)

    def look_up(self, identities: Collection[str]) -> Mapping[tuple[str, int], KnownRow]:
        """The run's rows with these identities, by identity and occurrence."""
        plain = {self.hash(identity): identity for identity in identities}
        question = (
            select(row.c.identity, row.c.occurrence, row.c.outcome, _sent.c.state)
            .select_from(row.outerjoin(_sent, row.c.outbox_row == _sent.c.id))
            .where(row.c.run_id == self.id, row.c.identity.in_(plain))
        )
        with self.store.reading() as connection:
            found = connection.execute(question).all()
        return {(plain[entry.identity], entry.occurrence): _known(entry) for entry in found}

    def told(self) -> Iterator[list[tuple[str, int, str, int, int | None]]]:
        """All rows that the file had, in chunks: identity, occurrence, who, place, the outbox's row."""
        columns = select(row.c.identity, row.c.occurrence, row.c.who, row.c.place, row.c.outbox_row)
        for page in self._pages(columns):
            yield [(e.identity, e.occurrence, e.who, e.place, e.outbox_row) for e in page]

    def _pages(self, columns: Any) -> Iterator[Sequence[Any]]:
        """The file's rows in its order; each page is a transaction of its own, for a reader holds up the log's end."""
        after = -1
        while True:
            question = columns.where(row.c.run_id == self.id, row.c.place > after).order_by(row.c.place).limit(PAGE)
            with self.store.reading() as connection:
                page = connection.execute(question).all()
            if not page:
                return
            yield page
            after = page[-1].place

    def count_waiting(self, rows: Collection[int]) -> int:
        """How many of these rows of the outbox wait."""
        question = select(func.count()).where(_sent.c.id.in_(rows), _sent.c.state == State.READY.value)
        with self.store.reading() as connection:
            return int(connection.execute(question).scalar_one())

    # Putting

    def add(self, planned: Planned, client: Client, progress: Callable[[int], object] = lambda _: None) -> int:
        """Put what is new in a planned file, take back what it has no more, and keep its rows. Gives how many were put.

        However many processes do this with one file, each row is put once. ``progress`` is told how many rows were dealt
        with since it was told last.
        """
        count = 0
        for chunk in planned.staging.chunks(chunk_size(client), Kind.NEW, Kind.AGAIN):
            count += self._put(planned, chunk)
            progress(len(chunk))
        if self.digest != planned.digest:
            for chunk in planned.staging.chunks(PAGE, Kind.LEFT_OUT, Kind.KNOWN):
                self._keep(chunk)
            self._let_go(planned)
        with self.store.writing() as connection:
            values = {"headers": json.dumps(planned.headers, ensure_ascii=False), "digest": planned.digest}
            connection.execute(update(run).where(run.c.id == self.id).values(values))
        return count

    def _put(self, planned: Planned, chunk: list[StagedRow]) -> int:
        """Put rows, unless another process has done so meanwhile: the lock, the look and the put are one transaction."""
        identities = {staged.place: self.hash(staged.identity) for staged in chunk}
        with self.store.writing() as connection:
            lock(connection)
            known = self._states(connection, set(identities.values()))
            wanted = [
                staged
                for staged in chunk
                if _is_to_put(staged, known.get((identities[staged.place], staged.occurrence)))
            ]
            stored, refused = self._put_now(connection, planned, wanted)
            values = []
            for staged in wanted:
                why = refused.get(staged.place, "")
                outcome = RowOutcome.REFUSED_HERE if why else RowOutcome.NOT_SENT
                staged.outcome, staged.error = outcome, why
                values.append(self._values(staged, identities[staged.place], stored.get(staged.place)))
            self._upsert(connection, values, with_outcome=True)
        return len(stored)

    def _put_now(
        self, connection: Connection, planned: Planned, rows: list[StagedRow]
    ) -> tuple[dict[int, tuple[int, str]], dict[int, str]]:
        """Put these rows as one message. Gives the outbox's id and the reference of each by place, and why some were not."""
        refused: dict[int, str] = {}
        while rows:
            addressees = [from_text(staged.recipient) for staged in rows]
            message = message_of(planned.defaults, addressees)
            key = f"{self.account}-{secrets.token_hex(8)}"
            try:
                (ticket,) = self.store.outbox.put_many(
                    [Put(message, key, self.account, deadline=DEADLINE)], connection=connection
                )
            except InvalidMessage as error:
                named = RECIPIENT.match(error.field)
                if named is None:
                    raise
                # A time that passed while a person looked at the preview.
                refused[rows[int(named[1])].place] = refusal(error)
                rows = [staged for staged in rows if staged.place not in refused]
                continue
            places = {found.reference: staged.place for found, staged in zip(addressees, rows, strict=True)}
            return {places[sent.reference]: (sent.id, sent.reference) for sent in ticket.rows}, refused
        return {}, refused

    def _states(self, connection: Connection, identities: Collection[str]) -> dict[tuple[str, int], State | None]:
        """The states of these rows in the outbox, None for one that was not put."""
        question = (
            select(row.c.identity, row.c.occurrence, _sent.c.state)
            .select_from(row.outerjoin(_sent, row.c.outbox_row == _sent.c.id))
            .where(row.c.run_id == self.id, row.c.identity.in_(identities))
        )
        return {
            (entry.identity, entry.occurrence): None if entry.state is None else State(entry.state)
            for entry in connection.execute(question)
        }

    def _keep(self, chunk: list[StagedRow]) -> None:
        """Keep the cells and places of rows that are not put, or not any more."""
        with self.store.writing() as connection:
            lock(connection)
            for with_outcome in (True, False):
                values = [
                    self._values(staged, self.hash(staged.identity), None)
                    for staged in chunk
                    if (staged.kind is Kind.LEFT_OUT) is with_outcome
                ]
                self._upsert(connection, values, with_outcome=with_outcome)

    def _values(self, staged: StagedRow, identity: str, stored: tuple[int, str] | None) -> dict[str, Any]:
        sent, reference = stored or (None, staged.reference)
        return {
            "run_id": self.id,
            "identity": identity,
            "occurrence": staged.occurrence,
            "who": self.hash(staged.who),
            "place": staged.place,
            "number": staged.number,
            "cells": staged.cells,
            "reference": reference,
            "outbox_row": sent,
            "outcome": staged.outcome.value,
            "error": staged.error,
            "points": staged.points,
        }

    def _upsert(self, connection: Connection, values: list[dict[str, Any]], *, with_outcome: bool) -> None:
        """Write rows down. Without their outcome, what they were put as stays."""
        if not values:
            return
        new = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(row)
        changed = ["place", "number", "cells"]
        if with_outcome:
            changed += ["reference", "outcome", "error", "points"]
        updates: dict[str, Any] = {name: new.excluded[name] for name in changed}
        if with_outcome:
            updates["outbox_row"] = func.coalesce(new.excluded.outbox_row, row.c.outbox_row)
        keys = [row.c.run_id, row.c.identity, row.c.occurrence]
        statement = new.on_conflict_do_update(index_elements=keys, set_=updates)
        compiled = statement.compile(dialect=connection.dialect, column_keys=list(values[0]))
        parameters: list[Any] = values
        if compiled.positional:
            names = compiled.positiontup or ()
            parameters = [tuple(of_row[name] for name in names) for of_row in values]
        # The driver gets the values as they are, which spares SQLAlchemy's work on each of them.
        connection.exec_driver_sql(str(compiled), parameters)

    def _let_go(self, planned: Planned) -> None:
        """Take back rows that the file has no more, as far as they wait, and export them no more."""
        gone = list(planned.staging.gone())
        for start in range(0, len(gone), PAGE):
            part = gone[start : start + PAGE]
            with self.store.writing() as connection:
                lock(connection)
                sent = [found for _, _, found in part if found is not None]
                self.store.outbox.take_back(sent, by="campaign", connection=connection)
                for identity, occurrence, _ in part:
                    place = (row.c.identity == identity) & (row.c.occurrence == occurrence)
                    connection.execute(update(row).where(row.c.run_id == self.id, place).values(place=None))

    # Looking

    def overview(self) -> Overview:
        """The run at a glance, with a few counts."""
        is_there = row.c.place.is_not(None)
        question = (
            select(
                is_there.label("is_there"),
                row.c.outcome,
                _sent.c.state,
                _sent.c.status,
                func.count().label("rows"),
                func.sum(row.c.points).label("points"),
                func.count(row.c.points).label("priced"),
            )
            .select_from(row.outerjoin(_sent, row.c.outbox_row == _sent.c.id))
            .where(row.c.run_id == self.id)
            .group_by(is_there, row.c.outcome, _sent.c.state, _sent.c.status)
        )
        states: Counter[State] = Counter()
        counts: Counter[RowOutcome] = Counter()
        removed: Counter[RowOutcome] = Counter()
        statuses: Counter[DeliveryStatus] = Counter()
        points: Decimal | None = Decimal()
        with self.store.reading() as connection:
            for entry in connection.execute(question):
                state = None if entry.state is None else State(entry.state)
                outcome = RowOutcome(entry.outcome) if state is None else OUTCOMES[state]
                (counts if entry.is_there else removed)[outcome] += entry.rows
                if state is not None:
                    states[state] += entry.rows
                if entry.status is not None and entry.is_there:
                    statuses[DeliveryStatus(entry.status)] += entry.rows
                if state is State.READY and points is not None:
                    points = (
                        points + Decimal(int(entry.points or 0)) / THOUSANDTHS if entry.priced == entry.rows else None
                    )
        return Overview(states, counts, statuses, removed, points)

    def states(self) -> Counter[State]:
        """The outbox's rows by state: what sending looks at again and again."""
        question = select(_sent.c.state, func.count()).where(_sent.c.account == self.account).group_by(_sent.c.state)
        with self.store.reading() as connection:
            return Counter({State(state): count for state, count in connection.execute(question)})

    def next_try(self) -> int | None:
        """When the next row that waits may be tried, in microseconds; None where none waits."""
        question = select(func.min(_sent.c.ready_at)).where(
            _sent.c.account == self.account, _sent.c.state == State.READY.value
        )
        with self.store.reading() as connection:
            return connection.execute(question).scalar()

    def pause(self) -> Pause | None:
        """Whether the run pauses."""
        question = select(_account).where(_account.c.name == self.account, _account.c.paused_at.is_not(None))
        with self.store.reading() as connection:
            found = connection.execute(question).mappings().first()
        if found is None:
            return None
        because = found["because"] or ""
        return Pause(because, found["paused_at"], because.startswith(BY_ITSELF))

    def rows(self) -> Iterator[RunRow]:
        """Each row of the file in its order, with what is known of it."""
        columns = select(
            row,
            *(_sent.c[name].label(f"sent_{name}") for name in _OF_THE_OUTBOX),
        ).select_from(row.outerjoin(_sent, row.c.outbox_row == _sent.c.id))
        pause = self.pause()
        for page in self._pages(columns):
            told = self._told_by_history(page)
            reports = self._reports(page)
            for entry in page:
                result = _result(entry, told.get(entry.outbox_row, ""), reports.get(entry.outbox_row), pause)
                yield RunRow(entry.number, tuple(json.loads(entry.cells)), result)

    def _told_by_history(self, page: Sequence[Any]) -> dict[int, str]:
        """Why rows are unknown or ended unsent, where no answer said it: the last word of their histories."""
        ids = [entry.outbox_row for entry in page if entry.sent_state in _WITHOUT_ANSWER and not entry.sent_error]
        if not ids:
            return {}
        question = select(_history.c.row_id, _history.c.why).where(_history.c.row_id.in_(ids)).order_by(_history.c.id)
        with self.store.reading() as connection:
            return {entry.row_id: entry.why for entry in connection.execute(question)}

    def _reports(self, page: Sequence[Any]) -> dict[int, DeliveryReport]:
        """The report that gave each row its status."""
        reported = [entry for entry in page if entry.sent_status is not None]
        if not reported:
            return {}
        question = select(_event.c.number_hash, _event.c.data).where(
            _event.c.account == self.account,
            _event.c.number_hash.in_({entry.sent_number_hash for entry in reported}),
        )
        by_number: dict[str, list[DeliveryReport]] = {}
        with self.store.reading() as connection:
            for found in connection.execute(question.order_by(_event.c.id)):
                by_number.setdefault(found.number_hash, []).append(from_json(found.data, DeliveryReport))
        reports = {}
        for entry in reported:
            for report in by_number.get(entry.sent_number_hash, ()):
                is_its_own = report.batch_id == entry.sent_batch_id or report.reference == entry.sent_reference
                if is_its_own and report.status.value == entry.sent_status:
                    reports[entry.outbox_row] = report
        return reports

    # The verbs

    def hold(self, because: str, by: str) -> None:
        """Send nothing more of this run, whoever sends it, until `go_on`. What is under way is finished."""
        self.store.outbox.pause(self.account, because=because, by=by)

    def go_on(self) -> bool:
        """Let the run go on. Gives whether it paused."""
        return self.store.outbox.resume(self.account)

    def settle(self) -> SettleResult:
        """Ask the vendor about rows whose outcome is unknown. Sends nothing. Raises what `Outbox.settle` does."""
        return self.store.outbox.settle(account=self.account)

    def forget(self) -> int:
        """Blank numbers, texts and cells of rows that have ended. Gives how many.

        What became of them and the keyed hashes stay, so the same file sends nothing twice.
        """
        self.store.outbox.forget(before=timedelta(), account=self.account)
        ended = select(_sent.c.id).where(_sent.c.account == self.account, _sent.c.forgotten_at.is_not(None))
        is_over: ColumnElement[bool] = or_(row.c.outbox_row.is_(None), row.c.outbox_row.in_(ended))
        values = {"cells": "[]", "reference": "", "error": ""}
        with self.store.writing() as connection:
            done = connection.execute(
                update(row).where(row.c.run_id == self.id, row.c.cells != "[]", is_over).values(values)
            )
        return done.rowcount

    # Reports

    def record(self, report: DeliveryReport) -> None:
        """Keep a delivery report, whichever way it came, and however early."""
        self.store.outbox.record(report, account=self.account)

    def fetch_reports(self, client: Client) -> None:
        """Ask the vendor for the reports of every batch with a row that has no final one. Raises as reads do."""
        reports = iter(client.reports(self._awaited()))
        while True:
            part = [report for report, _ in zip(reports, range(PAGE), strict=False)]
            if not part:
                return
            with self.store.writing() as connection:
                for report in part:
                    self.store.outbox.record(report, account=self.account, connection=connection)

    def awaits_reports(self) -> bool:
        """Whether an accepted row has no final status yet."""
        with self.store.reading() as connection:
            return connection.execute(select(_sent.c.id).where(*self._is_awaited()).limit(1)).first() is not None

    def _is_awaited(self) -> tuple[ColumnElement[bool], ...]:
        final = [status.value for status in DeliveryStatus if status.is_final]
        without = or_(_sent.c.status.is_(None), _sent.c.status.not_in(final))
        return _sent.c.account == self.account, _sent.c.state == State.ACCEPTED.value, without

    def _awaited(self) -> dict[str, list[str]]:
        """The batches of the rows that await a report, each with the numbers of all its rows."""
        batches = select(_sent.c.batch_id).where(*self._is_awaited(), _sent.c.batch_id.is_not(None))
        question = (
            select(_sent.c.batch_id, _sent.c.number)
            .where(_sent.c.account == self.account, _sent.c.batch_id.in_(batches))
            .order_by(_sent.c.id)
        )
        awaited: dict[str, dict[str, None]] = {}
        with self.store.reading() as connection:
            for entry in connection.execute(question):
                awaited.setdefault(entry.batch_id, {})[entry.number] = None
        return {batch: list(numbers) for batch, numbers in awaited.items()}


_OF_THE_OUTBOX = ("state", "batch_id", "reference", "error", "claimed_at", "status", "number_hash")
_WITHOUT_ANSWER = (State.UNKNOWN.value, State.NOT_SENT.value, State.CANCELLED.value)


def _known(entry: Any) -> KnownRow:
    if entry.state is None:
        return KnownRow(entry.identity, RowOutcome(entry.outcome), is_put=False)
    state = State(entry.state)
    return KnownRow(
        entry.identity,
        OUTCOMES[state],
        is_put=True,
        waits=state is State.READY,
        can_be_put_again=state in ENDED_UNSENT,
    )


def _is_to_put(staged: StagedRow, state: State | None) -> bool:
    """Whether a row is still to be put, now that nobody else can put it. ``state`` is None where nobody has."""
    return state is None or (staged.kind is Kind.AGAIN and state in ENDED_UNSENT)


def _result(entry: Any, told: str, report: DeliveryReport | None, pause: Pause | None) -> RowResult:
    if entry.sent_state is None:
        return RowResult(RowOutcome(entry.outcome), reference=entry.reference, error=entry.error)
    state = State(entry.sent_state)
    error = told
    if entry.sent_error:
        error = str(from_json(entry.sent_error, SmsError))
    if state is State.SENDING:
        error = HANDED_OUT
    elif state is State.READY and pause is not None:
        error = error or f"the run pauses: {pause.because}"
    elif state is State.ACCEPTED:
        error = ""
    sent_at = None
    if OUTCOMES[state] is not RowOutcome.NOT_SENT and entry.sent_claimed_at is not None:
        sent_at = datetime.fromtimestamp(entry.sent_claimed_at / 1_000_000).astimezone()
    return RowResult(
        outcome=OUTCOMES[state],
        batch_id=entry.sent_batch_id or "",
        reference=entry.reference,
        error=error,
        sent_at=sent_at,
        status=None if entry.sent_status is None else DeliveryStatus(entry.sent_status),
        vendor_code=report.vendor_code if report else "",
        vendor_text=report.vendor_text if report else "",
        done_at=report.done_at if report else None,
    )


# Finding runs


def runs_of(store: Store) -> list[Run]:
    """The runs of a store's file, the one that was begun last first."""
    if not store.exists:
        return []
    question = _newest_first(store)
    with store.reading() as connection:
        ids = connection.execute(question).scalars().all()
    return [Run(store, found) for found in ids]


def find_run(store: Store, name: str | None = None) -> Run | None:
    """The run of this name, or the one that was begun last; None if there is none."""
    return next((found for found in runs_of(store) if name is None or found.name == name), None)


def begin_run(store: Store, name: str | None = None) -> Run:
    """The run of this name, begun if there is none; by default the last one, or the first."""
    if name is not None and not 0 < len(name) <= LONGEST_NAME:
        raise ConfigurationError(f"a run's name has 1 to {LONGEST_NAME} characters")
    store.create()
    question = _newest_first(store)
    if name is not None:
        question = question.where(run.c.name == name)
    with store.writing() as connection:
        lock(connection)
        found = connection.execute(question.limit(1)).scalar()
        if found is None:
            found = secrets.token_hex(4)
            values = {
                "id": found,
                "source": store.place.source,
                "name": name or FIRST_RUN,
                "begun_at": time.time_ns() // 1000,
                "headers": "[]",
                "digest": "",
                "results": "",
                "results_digest": "",
            }
            connection.execute(insert(run).values(values))
    return Run(store, found)


def _newest_first(store: Store) -> Any:
    return select(run.c.id).where(run.c.source == store.place.source).order_by(run.c.begun_at.desc(), run.c.id)
