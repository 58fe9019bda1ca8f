"""The rows of a file as they were read and planned, on the disk until a person has said yes.

A file of a million rows does not fit into memory, and it may change while a person looks at the preview. So its rows are
kept in a temporary database, which nobody else can open and which is gone with the process.
"""

from __future__ import annotations

import enum
import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from attrs import define, field, frozen

from sms_core_cli.campaign.row_results import RowOutcome

IDENTITY_SIZE = 16
"""Bytes of the hash that tells a row's number and text."""
_SEPARATOR = "\x1f"
_CACHE = "PRAGMA cache_size = -8000;"
"""8 MB: hashes lie all over their index, whose pages the 2 MB that SQLite takes would read and write again and again."""
_TABLES = """
CREATE TABLE staged (
    place INTEGER PRIMARY KEY, number INTEGER, identity TEXT, occurrence INTEGER, who TEXT, cells TEXT, kind TEXT,
    reference TEXT, addressee BLOB, points INTEGER, outcome TEXT, error TEXT
);
CREATE INDEX staged_identity ON staged (identity);
CREATE INDEX staged_reference ON staged (reference) WHERE reference != '';
CREATE TABLE seen (identity TEXT, occurrence INTEGER, PRIMARY KEY (identity, occurrence)) WITHOUT ROWID;
CREATE TABLE gone (identity TEXT, occurrence INTEGER, who TEXT, place INTEGER, outbox_row INTEGER);
CREATE TABLE added (who TEXT, place INTEGER);
"""


class Kind(enum.Enum):
    """What is to be done with a row."""

    NEW = "new"
    """It can be put."""
    AGAIN = "again"
    """It was put before and not accepted, and is to be put once more."""
    KNOWN = "known"
    """The run has it."""
    LEFT_OUT = "left_out"
    """It is refused here, or repeats another."""


@define
class StagedRow:
    """One row, as far as it is known. ``place`` orders the rows and counts from 0; ``identity`` and ``who`` are plain hashes.

    ``cells`` are a JSON array. ``reference`` is what the file says; "" where it says none. ``addressee`` is what
    `addressees.to_bytes` makes of one. ``points`` are thousandths.
    """

    place: int
    number: int
    identity: str
    who: str
    cells: str = field(repr=False)
    reference: str = ""
    occurrence: int = 1
    kind: Kind = Kind.NEW
    addressee: bytes = field(default=b"", repr=False)
    points: int | None = None
    outcome: RowOutcome = RowOutcome.NOT_SENT
    error: str = ""


@frozen
class Changes:
    """How a file differs from what its run has, in rows; ``taken_back`` of those removed or edited still wait."""

    added: int = 0
    removed: int = 0
    edited: int = 0
    taken_back: int = 0


def identity_of(number: str, text: str) -> str:
    """What tells a row: its number and its rendered text."""
    return hash_of(f"{number}{_SEPARATOR}{text}")


def hash_of(text: str) -> str:
    """A hash of a text, which is not to be guessed from it once an outbox's key was added."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=IDENTITY_SIZE).hexdigest()


class Staging:
    """The rows, in the order of their places."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(f"PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; {_CACHE} {_TABLES}")
        self._digest = blake2b(digest_size=IDENTITY_SIZE)
        self.changes = Changes()

    def close(self) -> None:
        """Forget them."""
        self._database.close()

    @property
    def digest(self) -> str:
        """What tells these rows from others, and their order."""
        return self._digest.hexdigest()

    def number(self, rows: Collection[StagedRow]) -> None:
        """Give these rows, which come next, their occurrences."""
        counts = Counter(self._counts({row.identity for row in rows}))
        for row in rows:
            counts[row.identity] += 1
            row.occurrence = counts[row.identity]

    def _counts(self, identities: Collection[str]) -> dict[str, int]:
        question = "SELECT identity, count(*) FROM staged WHERE identity IN (SELECT value FROM json_each(?)) GROUP BY 1"
        return dict(self._database.execute(question, [json.dumps(list(identities))]))

    def sent_by(self, identities: Collection[str]) -> dict[str, int]:
        """The numbers of the rows with these identities that are sent, or were."""
        question = (
            "SELECT identity, number FROM staged "
            "WHERE kind != 'left_out' AND identity IN (SELECT value FROM json_each(?))"
        )
        return dict(self._database.execute(question, [json.dumps(list(identities))]))

    def owners_of(self, references: Collection[str]) -> dict[str, int]:
        """The numbers of the rows that can be sent and have these references."""
        question = (
            "SELECT reference, number FROM staged "
            "WHERE reference IN (SELECT value FROM json_each(?)) AND reference != '' AND kind != 'left_out'"
        )
        return dict(self._database.execute(question, [json.dumps(list(references))]))

    def add(self, rows: Iterable[StagedRow]) -> None:
        """Keep rows."""
        values = []
        for row in rows:
            self._digest.update(f"{row.identity}{row.occurrence}{row.cells}\n".encode("utf-8", "surrogatepass"))
            values.append(
                (
                    row.place,
                    row.number,
                    row.identity,
                    row.occurrence,
                    row.who,
                    row.cells,
                    row.kind.value,
                    row.reference,
                    row.addressee,
                    row.points,
                    row.outcome.value,
                    row.error,
                )
            )
        self._write("INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _write(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of these in one transaction: one for each of them takes ten times as long."""
        self._database.execute("BEGIN")
        self._database.executemany(statement, values)
        self._database.execute("COMMIT")

    def count(self, *kinds: Kind) -> int:
        """How many rows are of these kinds."""
        names = json.dumps([kind.value for kind in kinds])
        question = "SELECT count(*) FROM staged WHERE kind IN (SELECT value FROM json_each(?))"
        return int(self._database.execute(question, [names]).fetchone()[0])

    def chunks(self, size: int, *kinds: Kind) -> Iterator[list[StagedRow]]:
        """The rows of these kinds in order, so many at a time."""
        names = json.dumps([kind.value for kind in kinds])
        after = -1
        question = (
            "SELECT place, number, identity, occurrence, who, cells, kind, reference, addressee, points, outcome, error "
            "FROM staged WHERE place > ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY place LIMIT ?"
        )
        while found := self._database.execute(question, [after, names, size]).fetchall():
            after = found[-1][0]
            yield [_row(entry) for entry in found]

    # How the file differs from what a run has

    def see(self, keys: Iterable[tuple[str, int]]) -> None:
        """Note rows of the run that the file has, by the run's own identities and occurrences."""
        self._write("INSERT OR IGNORE INTO seen VALUES (?, ?)", keys)

    def miss(self, known: Iterable[tuple[str, int, str, int, int | None]]) -> None:
        """Note which of these rows of the run the file has no more: identity, occurrence, who, place, the outbox's row."""
        self._write(
            "INSERT INTO gone SELECT ?1, ?2, ?3, ?4, ?5 "
            "WHERE NOT EXISTS (SELECT 1 FROM seen WHERE identity = ?1 AND occurrence = ?2)",
            known,
        )

    def note_added(self, rows: Iterable[tuple[str, int]]) -> None:
        """Note rows that the run has not: who, as the run hashes it, and the place."""
        self._write("INSERT INTO added VALUES (?, ?)", rows)

    def compare(self) -> Changes:
        """What was noted, in counts. A row that went and one that came are an edited one if number or place are the same."""
        added = self._one("SELECT count(*) FROM added")
        removed = self._one("SELECT count(*) FROM gone")
        same_number = self._one(
            "SELECT coalesce(sum(min(a.n, g.n)), 0) FROM (SELECT who, count(*) n FROM added GROUP BY who) a "
            "JOIN (SELECT who, count(*) n FROM gone GROUP BY who) g ON a.who = g.who"
        )
        same_place = self._one(
            "SELECT count(*) FROM added JOIN gone ON added.place = gone.place "
            "WHERE added.who NOT IN (SELECT who FROM gone) AND gone.who NOT IN (SELECT who FROM added)"
        )
        edited = same_number + same_place
        return Changes(added - edited, removed - edited, edited)

    def _one(self, question: str) -> int:
        return int(self._database.execute(question).fetchone()[0])

    def gone(self, size: int) -> Iterator[list[tuple[str, int, int | None]]]:
        """The rows of the run that the file has no more, so many at a time: identity, occurrence, the outbox's row."""
        found = self._database.execute("SELECT identity, occurrence, outbox_row FROM gone")
        while page := found.fetchmany(size):
            yield page


def _row(entry: Sequence[Any]) -> StagedRow:
    place, number, identity, occurrence, who, cells, kind, reference, addressee, points, outcome, error = entry
    return StagedRow(
        place=place,
        number=number,
        identity=identity,
        occurrence=occurrence,
        who=who,
        cells=cells,
        kind=Kind(kind),
        reference=reference,
        addressee=addressee,
        points=points,
        outcome=RowOutcome(outcome),
        error=error,
    )
