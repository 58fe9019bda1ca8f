"""Which events were handled: the store that keeps a repeated push from being handled twice."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Protocol

from attrs import define, field

from sms_core.errors import ConfigurationError, SmsError
from sms_core.model import DeliveryReport, InboundMessage
from sms_core.processes import PerProcess

Event = DeliveryReport | InboundMessage


class EventInProgress(SmsError):
    """Another worker has this event in hand right now, so nobody knows yet whether it will be handled."""


class EventStore(Protocol):
    """Remembers which events were handled, by their ``key``."""

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """Take an event in hand while a ``with`` block lasts.

        Enters with True if the event is to be handled now, with False if it was handled before. A normal end of
        the block means handled; an end by an exception does not. Entering raises `EventInProgress` while another
        worker has the event in hand. A store in a database can open a transaction here, so that what the handler
        writes and the mark are kept or lost together; the block begins and ends in one thread.
        """
        ...


class AsyncEventStore(Protocol):
    """The same for an event loop: the ASGI face then uses no thread for it. A store may be both."""

    def aclaim(self, key: str) -> AbstractAsyncContextManager[bool]:
        """As `EventStore.claim`, for ``async with``; the block begins and ends in one task."""
        ...


class MemoryEvents:
    """The last ``capacity`` handled events, in this process; threads may share it.

    A restart forgets all, and another process knows nothing of them: then a repeated push is handled again. A forked
    child begins with what its parent knew.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        _check_capacity(capacity)
        self._known = PerProcess(_Known(capacity), _Known.for_child)

    def __repr__(self) -> str:
        known = self._known.get()
        return f"<MemoryEvents: {len(known.handled)} of {known.capacity}>"

    def claim(self, key: str) -> AbstractContextManager[bool]:
        """Take an event in hand. See `EventStore.claim`."""
        return _Claim(self._known.get(), key)


@define
class _Known:
    """The keys of `MemoryEvents`. Whoever looks at them holds the lock."""

    capacity: int
    handled: OrderedDict[str, None] = field(factory=OrderedDict)
    in_hand: set[str] = field(factory=set)
    lock: threading.Lock = field(factory=threading.Lock)

    def for_child(self) -> _Known:
        """What a child process knows: what was handled. What its parent has in hand, its parent handles."""
        return _Known(self.capacity, self.handled.copy())


@define
class _Claim:
    """What `MemoryEvents.claim` gives. Every push makes one, and a class is faster than `contextlib.contextmanager`."""

    known: _Known
    key: str
    is_new: bool = False

    def __enter__(self) -> bool:
        known = self.known
        with known.lock:
            if self.key in known.handled:
                return False
            if self.key in known.in_hand:
                raise EventInProgress("another thread or task has this event in hand")
            known.in_hand.add(self.key)
        self.is_new = True
        return True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.is_new:
            return
        known = self.known
        with known.lock:
            known.in_hand.discard(self.key)
            if kind is None:
                known.handled[self.key] = None
                if len(known.handled) > known.capacity:
                    known.handled.popitem(last=False)


_TABLE = "CREATE TABLE IF NOT EXISTS handled (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE)"


class SqliteEvents:
    """The last ``capacity`` handled events in an SQLite file, shared by all threads and processes of a machine.

    It survives restarts: an event whose handler was killed in its middle is handled again. It holds the file's write
    lock while a handler runs, so one event is handled at a time: the others wait up to ``patience`` seconds, and then
    the vendor has to come again. Give it a file of its own: a handler that writes to the same file would wait for
    itself.

    Raises `ConfigurationError` for a file that SQLite cannot use.
    """

    def __init__(self, path: str | Path, *, capacity: int = 1_000_000, patience: float = 5.0) -> None:
        _check_capacity(capacity)
        self._path = path
        self._capacity = capacity
        self._patience = patience
        try:
            with closing(self._connect()) as connection:
                connection.execute(_TABLE)
        except sqlite3.Error as error:
            raise ConfigurationError(f"the events cannot be kept in {path}: {error}") from error

    def __repr__(self) -> str:
        return f"<SqliteEvents in {self._path}>"

    @contextmanager
    def claim(self, key: str) -> Generator[bool, None, None]:
        """Take an event in hand. See `EventStore.claim`."""
        with closing(self._connect()) as connection:
            if self._is_handled(connection, key) or not self._take(connection, key):
                yield False
                return
            # A connection that is closed without a commit forgets the mark, and so does a process that is killed.
            yield True
            connection.execute("DELETE FROM handled WHERE id <= last_insert_rowid() - ?", (self._capacity,))
            connection.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=self._patience, isolation_level=None)

    def _is_handled(self, connection: sqlite3.Connection, key: str) -> bool:
        return connection.execute("SELECT 1 FROM handled WHERE key = ?", (key,)).fetchone() is not None

    def _take(self, connection: sqlite3.Connection, key: str) -> bool:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise EventInProgress("the events are in another worker's hand") from error
        taken = connection.execute("INSERT OR IGNORE INTO handled (key) VALUES (?)", (key,)).rowcount == 1
        if not taken:
            connection.execute("ROLLBACK")
        return taken


def _check_capacity(capacity: int) -> None:
    if capacity < 1:
        raise ConfigurationError("the capacity of a store of events is 1 or more")
