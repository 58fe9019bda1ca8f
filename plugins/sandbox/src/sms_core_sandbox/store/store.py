"""The tables and who writes them."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from sms_core.errors import ConfigurationError
from sms_core.http import Request, Response
from sms_core.serialize import from_data, from_json, to_data, to_json
from sms_core.testing import Approved, Exchange, Remembered, Reply, StoredMessage
from sms_core.testing.exchange import Change
from sms_core_sandbox.pusher import PushAttempt
from sms_core_sandbox.store.blanking import Blanking, show_message
from sms_core_sandbox.store.records import CallRecord, current_call
from sms_core_sandbox.store.schema import COST_UNIT, SCHEMA, TABLES, VERSION

CALLS_IN_MEMORY = 10_000
"""Requests, and pushes, that a store in memory keeps."""
PRUNE_EVERY = 256
"""Requests, or pushes, between two looks at how many there are."""

PRIMARY_CODE = 0xFF
"""The part of SQLite's extended error codes that is the kind of error."""

_UPSERT = """
INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (serial) DO UPDATE SET status = excluded.status, cost = excluded.cost, state = excluded.state
"""
_NEW_PHONE = """
INSERT INTO phones VALUES (?, ?, 1) ON CONFLICT (number) DO UPDATE SET place = excluded.place, total = total + 1
"""
_FORGET_REMEMBERED = """
DELETE FROM remembered
WHERE batch_id = ? AND NOT EXISTS (SELECT 1 FROM messages WHERE batch_id = ? AND serial != ?)
"""


class Store:
    """Keeps what it is told in ``file``, or in memory. Threads may share it.

    Of more messages than ``keep`` the oldest are forgotten, with what belongs to them; None keeps all. A file survives the
    end of the process, however it comes: what was answered is in it.

    Raises `ConfigurationError` for a file that is not a store, or that another sandbox has open.
    """

    def __init__(self, exchange: Exchange, file: Path | None = None, *, keep: int | None = None) -> None:
        self._exchange = exchange
        self._keep = keep
        self._calls_kept = None if file else CALLS_IN_MEMORY
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], object]] = []
        self._connection = _open(file)
        self._newest = self._number("SELECT MAX(serial) FROM messages")
        self._oldest = self._number("SELECT MIN(serial) FROM messages")
        self._calls = self._number("SELECT MAX(id) FROM calls")
        self._accounts: dict[tuple[str, str], tuple[object, ...]] = {}
        self.blank = Blanking(
            lambda: _secrets(exchange),
            lambda token: exchange.session_user(token) is not None,
        )

    def listen(self, listener: Callable[[], object]) -> None:
        """Have ``listener()`` called after each change, in the thread that made it: be quick."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """The rows of a question."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def _number(self, sql: str) -> int:
        return self.query(sql)[0][0] or 0

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        with self._lock:
            self._connection.close()

    # The exchange's messages

    def restore(self) -> None:
        """Hand what is in the file to the exchange."""
        messages = (_message(row) for row in self.query("SELECT state, media FROM messages ORDER BY serial"))
        states = {message.serial: message for message in messages}
        replies = [
            Reply(states[row["serial"]], row["text"], datetime.fromisoformat(row["received_at"]))
            for row in self.query("SELECT * FROM replies ORDER BY id")
            if row["serial"] in states
        ]
        remembered = [
            Remembered(row["vendor"], row["user"], row["key"], json.loads(row["value"]), row["batch_id"])
            for row in self.query("SELECT * FROM remembered")
        ]
        self._exchange.restore(states.values(), replies, remembered)
        known = {(account.vendor, account.user) for account in self._exchange.accounts}
        for row in self.query("SELECT * FROM accounts"):
            if (row["vendor"], row["user"]) in known:
                exchange = self._exchange.of(row["vendor"])
                exchange.set_credit(row["user"], Decimal(row["credit"]))
                exchange.set_international(row["user"], allowed=bool(row["international"]))
                approved = None if row["approved"] is None else from_json(row["approved"], Approved)
                exchange.set_approved(row["user"], approved)

    def write(self, changes: Sequence[Change]) -> None:
        """Keep what changed, in one transaction; nothing at all means a reset."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                if changes:
                    self._write(changes)
                    self.write_accounts()
                    self._prune_messages()
                else:
                    self._empty()
        self._changed()

    def _write(self, changes: Sequence[Change]) -> None:
        last: dict[int, StoredMessage] = {}
        history = []
        replies = []
        for change in changes:
            if isinstance(change, Reply):
                replies.append(change)
                continue
            if isinstance(change, Remembered):
                self._write_remembered(change)
                continue
            last[change.serial] = change
            history.append((change.serial, change.status.value, _when(change).isoformat()))
        call = current_call.get()
        new = [message for message in last.values() if message.serial > self._newest]
        self._connection.executemany(_UPSERT, [_row(message, call) for message in last.values()])
        self._connection.executemany("INSERT INTO history VALUES (?, ?, ?)", history)
        self._connection.executemany(_NEW_PHONE, [(message.number, message.serial) for message in new])
        self._newest = max([self._newest, *last])
        self._oldest = self._oldest or min(last, default=0)
        for reply in replies:
            message = reply.message
            row = (self._newest, message.serial, message.number, reply.text, reply.received_at.isoformat())
            self._connection.execute("INSERT INTO replies VALUES (NULL, ?, ?, ?, ?, ?)", row)
            moved = (self._newest, message.number)
            self._connection.execute("UPDATE phones SET place = MAX(place, ?) WHERE number = ?", moved)

    def _write_remembered(self, remembered: Remembered) -> None:
        value = json.dumps(remembered.value, ensure_ascii=False)
        row = (remembered.vendor, remembered.user, remembered.key, value, remembered.batch_id)
        self._connection.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?, ?, ?, ?)", row)

    def write_accounts(self) -> None:
        """Keep what accounts have and may, as far as it changed. Passwords are not kept."""
        with self._lock:
            for account in self._exchange.accounts:
                owner = (account.vendor, account.user)
                approved = None if account.approved is None else to_json(account.approved)
                row = (*owner, str(account.credit), account.international, approved)
                if self._accounts.get(owner) != row:
                    self._accounts[owner] = row
                    self._connection.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?)", row)

    def _prune_messages(self) -> None:
        while self._keep is not None and self._newest - self._oldest >= self._keep:
            for row in self.query("SELECT number, batch_id FROM messages WHERE serial = ?", [self._oldest]):
                last = (row["batch_id"], row["batch_id"], self._oldest)
                self._connection.execute(_FORGET_REMEMBERED, last)
                self._connection.execute("UPDATE phones SET total = total - 1 WHERE number = ?", [row["number"]])
                self._connection.execute("DELETE FROM phones WHERE number = ? AND total = 0", [row["number"]])
            for table in ("messages", "history", "replies", "attempts"):
                self._connection.execute(f"DELETE FROM {table} WHERE serial = ?", [self._oldest])  # noqa: S608 - names of ours
            self._oldest += 1

    def _empty(self) -> None:
        for table in TABLES:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
        self._oldest = 0
        self._accounts.clear()

    # Requests and pushes

    def next_call(self) -> int:
        """The number of the request that comes now."""
        with self._lock:
            self._calls += 1
            return self._calls

    def add_call(self, call: CallRecord) -> None:
        """Keep a request and its answer."""
        fields = json.dumps(call.fields, ensure_ascii=False)
        row = (*attrs.astuple(attrs.evolve(call, at=call.at.isoformat()))[:-1], fields)  # type: ignore[arg-type]
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._prune("calls", call.number)
        self._changed()

    def add_attempt(self, attempt: PushAttempt) -> None:
        """Keep a try to push."""
        request = show_request(attempt.request) if attempt.request else ""
        response = show_response(attempt.response) if attempt.response else ""
        row = (
            attempt.serial,
            (attempt.at or datetime.now(UTC)).isoformat(),
            attempt.face,
            attempt.attempt,
            attempt.taken,
            attempt.status,
            self.blank(request),
            self.blank(response),
            self.blank(attempt.error),
        )
        with self._lock:
            added = self._connection.execute("INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._prune("attempts", added.lastrowid or 0)
        self._changed()

    def _prune(self, table: str, newest: int) -> None:
        if self._calls_kept is not None and newest % PRUNE_EVERY == 0:
            self._connection.execute(f"DELETE FROM {table} WHERE id <= ?", [newest - self._calls_kept])  # noqa: S608 - the same


def _secrets(exchange: Exchange) -> Iterable[str]:
    for account in exchange.accounts:
        yield account.password
        yield from account.keys.values()


def _open(file: Path | None) -> sqlite3.Connection:
    try:
        # Every statement is its own transaction but where one begins: what was written stands.
        connection = sqlite3.connect(file or ":memory:", timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise ConfigurationError(f"the sandbox cannot keep its messages in {file}: {error}") from error
    connection.row_factory = sqlite3.Row
    try:
        _prepare(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, file: Path | None) -> None:
    """Take the file for this process alone, and make its tables where there are none. Raises `ConfigurationError`."""
    try:
        # SQLite has the operating system lock the file until it is closed or the process ends, however it ends. Two
        # sandboxes on one file would each know half of what was sent.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # WAL in the page cache of the operating system outlives a killed process; the sandbox is for tests and does not
        # promise more than that.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN EXCLUSIVE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        is_new = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & PRIMARY_CODE in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise ConfigurationError(f"another sandbox has {file} open: stop that one, or name another file") from error
        raise ConfigurationError(f"the sandbox cannot keep its messages in {file}: {error}") from error
    except sqlite3.Error as error:
        raise ConfigurationError(f"the sandbox cannot keep its messages in {file}: {error}") from error
    if is_new:
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    elif version != VERSION:
        raise ConfigurationError(f"{file} is no store of this version of the sandbox: name another file")


def _when(message: StoredMessage) -> datetime:
    """When a message came into the state that it is in."""
    return message.done_at or message.sent_at or message.accepted_at


def _row(message: StoredMessage, call: int | None) -> tuple[Any, ...]:
    state = to_data(attrs.evolve(message, media=None))
    return (
        message.serial,
        message.number,
        message.face,
        message.batch_id,
        message.position,
        message.status.value,
        int(message.cost / COST_UNIT),
        f"{message.subject}\n{message.text}" if message.subject else message.text,
        message.accepted_at.isoformat(),
        json.dumps(state, ensure_ascii=False),
        message.media,
        call,
    )


def _message(row: sqlite3.Row) -> StoredMessage:
    return attrs.evolve(from_data(json.loads(row["state"]), StoredMessage), media=row["media"])


def show_request(request: Request) -> str:
    """A push as text."""
    return show_message(f"{request.method} {request.url}", request.headers.items(), request.body or b"")


def show_response(response: Response) -> str:
    """A receiver's answer as text."""
    return show_message(f"HTTP {response.status}", _pairs(response.headers), response.body)


def _pairs(headers: Any) -> Iterable[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in headers.items()]
