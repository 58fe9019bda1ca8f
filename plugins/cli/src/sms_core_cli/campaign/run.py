"""One run of a file: what was put of it, what became of that, and its verbs.

The truth about a row is the outbox's: whether it was sent, from before its first byte to its last report. A run knows
which of its rows that is, keeps the file's cells beside it, and what was refused before anything was put.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from sms_core.client import Client
from sms_core.errors import ConfigurationError
from sms_core.model import DeliveryReport
from sms_core_cli.campaign.awaiting import awaits_reports, fetch_reports
from sms_core_cli.campaign.kept import Kept
from sms_core_cli.campaign.known_rows import KnownRow
from sms_core_cli.campaign.overview import ENDED_UNSENT, OUTCOMES, Overview, Pause, overview_of, pause_of, states_of
from sms_core_cli.campaign.planning import Planned
from sms_core_cli.campaign.putting import Putting
from sms_core_cli.campaign.row_results import RowOutcome
from sms_core_cli.campaign.run_rows import RunRow, rows_of
from sms_core_cli.campaign.schema import row, run, sent
from sms_core_cli.campaign.store import Store, among, lock
from sms_core_outbox import SettleResult, State

FIRST_RUN = "1"
"""The name of a file's first run, where nobody gives one."""
LONGEST_NAME = 100


class Run:
    """A run in a store. Threads may share it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store = store
        self.id = run_id
        self.kept = Kept(store, run_id)
        with store.reading() as connection:
            found = connection.execute(select(run).where(run.c.id == run_id)).mappings().one()
        self.name: str = found["name"]
        self.begun_at: int = found["begun_at"]

    def _field(self, name: str) -> str:
        with self.store.reading() as connection:
            return str(connection.execute(select(run.c[name]).where(run.c.id == self.id)).scalar_one())

    @property
    def account(self) -> str:
        """What the run is called in the outbox."""
        return self.kept.account

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

    def claim_results(self, path: str) -> None:
        """Note where the result file is going to be, so that whoever finds it there knows whose it is."""
        with self.store.writing() as connection:
            lock(connection)
            elsewhere = (run.c.id == self.id) & (run.c.results != path)
            connection.execute(update(run).where(elsewhere).values(results=path, results_digest=""))

    def note_results(self, connection: Connection, path: str, digest: str) -> None:
        """Note that the result file was written."""
        connection.execute(update(run).where(run.c.id == self.id).values(results=path, results_digest=digest))

    # What planning asks

    def hash(self, text: str) -> str:
        """A keyed hash, in which nobody finds a number again who has the database alone."""
        return self.kept.hash(text)

    def look_up(self, identities: Collection[str]) -> Mapping[tuple[str, int], KnownRow]:
        """The run's rows with these identities, by identity and occurrence."""
        plain = {self.hash(identity): identity for identity in identities}
        question = (
            select(row.c.identity, row.c.occurrence, row.c.outcome, sent.c.state)
            .select_from(row.outerjoin(sent, row.c.outbox_row == sent.c.id))
            .where(row.c.run_id == self.id)
        )
        with self.store.reading() as connection:
            found = connection.execute(question.where(among(connection, row.c.identity, plain))).all()
        return {(plain[entry.identity], entry.occurrence): _known(entry) for entry in found}

    def told(self) -> Iterator[list[tuple[str, int, str, int, int | None]]]:
        """All rows that the file had, in chunks: identity, occurrence, who, place, the outbox's row."""
        columns = select(row.c.identity, row.c.occurrence, row.c.who, row.c.place, row.c.outbox_row)
        for page in self.kept.pages(columns):
            yield [(e.identity, e.occurrence, e.who, e.place, e.outbox_row) for e in page]

    def count_waiting(self, rows: Collection[int]) -> int:
        """How many of these rows of the outbox wait."""
        question = select(func.count()).where(sent.c.id.in_(rows), sent.c.state == State.READY.value)
        with self.store.reading() as connection:
            return int(connection.execute(question).scalar_one())

    # Putting

    def add(self, planned: Planned, client: Client, progress: Callable[[int], object] = lambda _: None) -> int:
        """Put what is new in a planned file, take back what it has no more, and keep its rows. Gives how many were put.

        However many processes do this with one file, each row is put once. ``progress`` is told how many rows were dealt
        with since it was told last.
        """
        return Putting(self.kept, planned, self.digest).put(client, progress)

    # Looking

    def overview(self) -> Overview:
        """The run at a glance, with a few counts."""
        return overview_of(self.kept)

    def states(self) -> Counter[State]:
        """The outbox's rows by state: what sending looks at again and again."""
        return states_of(self.kept)

    def pause(self) -> Pause | None:
        """Whether the run pauses."""
        return pause_of(self.kept)

    def rows(self) -> Iterator[RunRow]:
        """Each row of the file in its order, with what is known of it."""
        return rows_of(self.kept)

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
        ended = select(sent.c.id).where(sent.c.account == self.account, sent.c.forgotten_at.is_not(None))
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
        fetch_reports(self.kept, client)

    def awaits_reports(self) -> bool:
        """Whether an accepted row has no final status yet."""
        return awaits_reports(self.kept)


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
