"""What was sent, and what became of it: one SQLite file, which all threads and processes of the application share.

The examples for Flask, FastAPI and Celery have this module in common: ``PYTHONPATH=../shared`` finds it there. In a
project of your own it is a module like any other.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

from sms_core import DeliveryReport, Preview, SendResult
from sms_core.tracking import STATUS_ORDER
from sms_core.webhooks import Event

SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS message (
    reference TEXT, number TEXT, text TEXT, outcome TEXT DEFAULT 'unknown', batch_id TEXT,
    PRIMARY KEY (reference, number)
);
CREATE TABLE IF NOT EXISTS report (batch_id TEXT, number TEXT, status TEXT, rank INTEGER);
CREATE TABLE IF NOT EXISTS reply (batch_id TEXT, number TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS handled (key TEXT PRIMARY KEY);
COMMIT;
"""

# Reports come late, doubled and in any order, even before the send has returned: so all are kept, and the highest
# in `sms_core.tracking.STATUS_ORDER` is the status.
MESSAGES = """
SELECT reference, number, text, outcome, (
    SELECT status FROM report WHERE report.batch_id = message.batch_id AND report.number = message.number
    ORDER BY rank DESC, report.rowid DESC LIMIT 1
) AS status
FROM message ORDER BY message.rowid
"""


class Ledger:
    """The file. It is an `sms_core.webhooks.EventStore` too: an event's rows and its mark are kept or lost together."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._current = threading.local()
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection, None, None]:
        """Keep all that is written in a ``with`` block, or nothing if it ends by an error or a kill."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def claim(self, key: str) -> Generator[bool, None, None]:
        """Mark an event as handled, in the transaction in which `add` writes. See `EventStore.claim`."""
        with self.transaction() as self._current.connection:
            done = self._current.connection.execute("INSERT OR IGNORE INTO handled VALUES (?)", (key,))
            yield done.rowcount == 1

    def add(self, event: Event) -> None:
        """Write what an event tells, within `claim`: this is the handler."""
        connection: sqlite3.Connection = self._current.connection
        if isinstance(event, DeliveryReport):
            row = (event.batch_id, event.number, event.status.value, STATUS_ORDER.index(event.status))
            connection.execute("INSERT INTO report VALUES (?, ?, ?, ?)", row)
        else:
            connection.execute("INSERT INTO reply VALUES (?, ?, ?)", (event.batch_id, event.number, event.text))

    def begin(self, reference: str, preview: Preview) -> bool:
        """Write down who is about to get a text, as unknown until `finish`. False if this was begun before."""
        rows = [(reference, recipient.number, recipient.text) for recipient in preview.recipients]
        with self.transaction() as connection:
            insert = "INSERT OR IGNORE INTO message (reference, number, text) VALUES (?, ?, ?)"
            return connection.executemany(insert, rows).rowcount > 0

    def finish(self, reference: str, result: SendResult) -> None:
        """Write down what a send came to."""
        rows = [(row.outcome.value, row.batch_id, reference, row.number) for row in result.outcomes]
        with self.transaction() as connection:
            update = "UPDATE message SET outcome = ?, batch_id = ? WHERE reference = ? AND number = ?"
            connection.executemany(update, rows)

    def messages(self) -> list[dict[str, Any]]:
        """Every message: reference, number, text, the outcome of its send, the status (None before a report)."""
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute(MESSAGES)]

    def replies(self) -> list[dict[str, Any]]:
        """Every reply: batch_id, number, text."""
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute("SELECT * FROM reply")]
