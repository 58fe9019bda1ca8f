"""Putting a planned file into its run: what is new is put, what the file has no more is taken back.

The lock, the look at what is there and the put are one transaction, so that each row is put once, whoever puts it.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from attrs import frozen
from sqlalchemy import Connection, select, update

from sms_core.client import Client
from sms_core.errors import InvalidMessage
from sms_core_cli.campaign.addressees import from_bytes, message_of
from sms_core_cli.campaign.kept import PAGE, Kept
from sms_core_cli.campaign.overview import ENDED_UNSENT
from sms_core_cli.campaign.planning import Planned, chunk_size
from sms_core_cli.campaign.refusals import RECIPIENT, refusal
from sms_core_cli.campaign.row_results import RowOutcome
from sms_core_cli.campaign.schema import row, run, sent
from sms_core_cli.campaign.staging import Kind, StagedRow
from sms_core_cli.campaign.store import among, lock
from sms_core_outbox import Put, State
from sms_core_outbox.blocks import insert_in_blocks

DEADLINE = timedelta(days=30)
"""How long a row may wait to be sent, for points to be bought or a vendor to come back."""
AT_ONCE = 1000
"""About how many rows are put at once."""
TOGETHER = 10
"""How many times as many one transaction takes. The hashes by which rows are found lie all over their indexes, so that each
transaction writes most pages of those anew, however few its rows."""

_COLUMNS = (
    "run_id",
    "identity",
    "occurrence",
    "who",
    "place",
    "number",
    "cells",
    "reference",
    "outbox_row",
    "outcome",
    "error",
    "points",
)
_UPDATES = [f"{name} = excluded.{name}" for name in ("place", "number", "cells")]
_UPDATES_WITH_OUTCOME = [
    *(f"{name} = excluded.{name}" for name in ("reference", "outcome", "error", "points")),
    "outbox_row = coalesce(excluded.outbox_row, known.outbox_row)",
]


@frozen
class Putting:
    """A planned file on its way into a run. ``digest`` tells the file as all of it was put before."""

    kept: Kept
    planned: Planned
    digest: str

    def put(self, client: Client, progress: Callable[[int], object]) -> int:
        """Put what is new in a planned file, take back what it has no more, and keep its rows. Gives how many were put.

        However many processes do this with one file, each row is put once. ``progress`` is told how many rows were dealt
        with since it was told last.
        """
        count = 0
        chunks = self.planned.staging.chunks(chunk_size(client, AT_ONCE), Kind.NEW, Kind.AGAIN)
        has_more = True
        while has_more:
            has_more = False
            with self.kept.store.writing() as connection:
                lock(connection)
                for chunk in itertools.islice(chunks, TOGETHER):
                    count += self._put(connection, chunk)
                    progress(len(chunk))
                    has_more = True
        if self.digest != self.planned.digest:
            for chunk in self.planned.staging.chunks(PAGE, Kind.LEFT_OUT, Kind.KNOWN):
                self._keep(chunk)
            self._let_go()
        with self.kept.store.writing() as connection:
            values = {"headers": json.dumps(self.planned.headers, ensure_ascii=False), "digest": self.planned.digest}
            connection.execute(update(run).where(run.c.id == self.kept.id).values(values))
        return count

    def _put(self, connection: Connection, chunk: list[StagedRow]) -> int:
        """Put rows, but for those that another process has put meanwhile."""
        identities = {staged.place: self.kept.hash(staged.identity) for staged in chunk}
        known = self._states(connection, set(identities.values()))
        wanted = [
            staged for staged in chunk if _is_to_put(staged, known.get((identities[staged.place], staged.occurrence)))
        ]
        stored, refused = self._put_now(connection, wanted)
        values = []
        for staged in wanted:
            why = refused.get(staged.place, "")
            staged.outcome = RowOutcome.REFUSED_HERE if why else RowOutcome.NOT_SENT
            staged.error = why
            values.append(self._values(staged, identities[staged.place], stored.get(staged.place)))
        self._upsert(connection, values, with_outcome=True)
        return len(stored)

    def _put_now(
        self, connection: Connection, rows: list[StagedRow]
    ) -> tuple[dict[int, tuple[int, str]], dict[int, str]]:
        """Put these rows as one message. Gives the outbox's id and the reference of each by place, and why some were not."""
        refused: dict[int, str] = {}
        while rows:
            addressees = [from_bytes(staged.addressee) for staged in rows]
            message = message_of(self.planned.defaults, addressees)
            key = f"{self.kept.account}-{secrets.token_hex(8)}"
            try:
                (ticket,) = self.kept.store.outbox.put_many(
                    [Put(message, key, self.kept.account, deadline=DEADLINE)], connection=connection
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
            select(row.c.identity, row.c.occurrence, sent.c.state)
            .select_from(row.outerjoin(sent, row.c.outbox_row == sent.c.id))
            .where(row.c.run_id == self.kept.id, among(connection, row.c.identity, identities))
        )
        return {
            (entry.identity, entry.occurrence): None if entry.state is None else State(entry.state)
            for entry in connection.execute(question)
        }

    def _keep(self, chunk: list[StagedRow]) -> None:
        """Keep the cells and places of rows that are not put, or not any more."""
        with self.kept.store.writing() as connection:
            lock(connection)
            for with_outcome in (True, False):
                values = [
                    self._values(staged, self.kept.hash(staged.identity), None)
                    for staged in chunk
                    if (staged.kind is Kind.LEFT_OUT) is with_outcome
                ]
                self._upsert(connection, values, with_outcome=with_outcome)

    def _values(self, staged: StagedRow, identity: str, stored: tuple[int, str] | None) -> tuple[Any, ...]:
        """In the order of `_COLUMNS`."""
        sent, reference = stored or (None, staged.reference)
        return (
            self.kept.id,
            identity,
            staged.occurrence,
            self.kept.hash(staged.who),
            staged.place,
            staged.number,
            staged.cells,
            reference,
            sent,
            staged.outcome.value,
            staged.error,
            staged.points,
        )

    def _upsert(self, connection: Connection, values: list[tuple[Any, ...]], *, with_outcome: bool) -> None:
        """Write rows down. Without their outcome, what they were put as stays."""
        if not values:
            return
        updates = ", ".join(_UPDATES + _UPDATES_WITH_OUTCOME if with_outcome else _UPDATES)
        # The driver gets the values as they are, which spares SQLAlchemy's work on each of them.
        beginning = f"INSERT INTO {row.name} AS known ({', '.join(_COLUMNS)})"
        ending = f" ON CONFLICT (run_id, identity, occurrence) DO UPDATE SET {updates}"
        if connection.dialect.name == "sqlite":
            insert_in_blocks(connection, beginning, values, ending)
        else:
            places = ", ".join(["%s"] * len(_COLUMNS))
            connection.exec_driver_sql(f"{beginning} VALUES ({places}){ending}", values)

    def _let_go(self) -> None:
        """Take back rows that the file has no more, as far as they wait, and export them no more."""
        for part in self.planned.staging.gone(PAGE):
            with self.kept.store.writing() as connection:
                lock(connection)
                sent = [found for _, _, found in part if found is not None]
                self.kept.store.outbox.take_back(sent, by="campaign", connection=connection)
                for identity, occurrence, _ in part:
                    place = (row.c.identity == identity) & (row.c.occurrence == occurrence)
                    connection.execute(update(row).where(row.c.run_id == self.kept.id, place).values(place=None))


def _is_to_put(staged: StagedRow, state: State | None) -> bool:
    """Whether a row is still to be put, now that nobody else can put it. ``state`` is None where nobody has."""
    return state is None or (staged.kind is Kind.AGAIN and state in ENDED_UNSENT)
