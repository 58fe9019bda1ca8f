"""`Outbox`: what users call."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextvars import copy_context
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from sqlalchemy import Connection, Engine, select

from sms_core import Client, connect
from sms_core.errors import ConfigurationError, SmsError
from sms_core.model import Message
from sms_core.numbers import to_e164
from sms_core_outbox import migrations, pauses, puts, queries
from sms_core_outbox.accounts import Accounts, Given
from sms_core_outbox.databases import Database
from sms_core_outbox.hashing import Hashes, key_beside
from sms_core_outbox.holders import OwnHolder
from sms_core_outbox.ledger import Ledger, OnAlarm
from sms_core_outbox.model import Alarm, DrainResult, Put, Row, Ticket
from sms_core_outbox.passes import AccountPass, Landed, Tally, run_dry
from sms_core_outbox.schema import is_state, row
from sms_core_outbox.states import State

HASH_KEY_VARIABLE = "SMS_OUTBOX_HASH_KEY"
DEFAULT_DEADLINE = 60.0
"""Seconds that a call may take, of accounts that this process does not know."""
CHUNK = 1000
"""How many puts are stored at once."""
MOST_FOUND = 1000
"""How many rows `find` gives at most, unless told otherwise."""


class Outbox:
    """A home for every send: one table that is the truth about it. Threads may share it; a child process may use it too.

    ``database`` is a URL (``sqlite:///sms.db``, ``postgresql+psycopg://…``, ``sqlite://`` in memory for tests) or an
    SQLAlchemy engine. ``accounts`` are DSNs or clients by name, or a function that gives either for a name.
    ``hash_key`` is what numbers and messages are hashed with; without it the environment's ``SMS_OUTBOX_HASH_KEY``
    counts, or else a file beside the SQLite file, ``sms.db.outbox/hash-key``. ``on_alarm`` hears each `Alarm`, in the
    thread where it came up. ``concurrency`` is how many requests of an account are under way at once. ``state`` is a
    folder of this machine's disk for the locks by which a worker's end is proven; SQLite has one beside the file.

    Raises `ConfigurationError`. The tables are looked at when they are first needed.
    """

    def __init__(
        self,
        database: str | Engine,
        *,
        accounts: Given[Client],
        hash_key: str | bytes | None = None,
        on_alarm: OnAlarm | None = None,
        concurrency: int = 8,
        state: str | Path | None = None,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError("concurrency is 1 or more")
        self._database = Database(database)
        self._accounts: Accounts[Client] = Accounts(accounts, connect)
        self._on_alarm = on_alarm
        self._concurrency = concurrency
        self._folder = _state_folder(self._database, state)
        self._hashes = _hashes(self._database, self._folder, hash_key)
        self._checked_in = 0
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<Outbox in {self._database.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Say that nothing of this process is under way, and close connections and the clients that were made here."""
        with self._lock:
            ledger, self._ledger = self._ledger, None
        if ledger is not None and ledger.holder.about.pid == os.getpid():
            ledger.close()
        for client in self._accounts.forget_own().values():
            client.close()
        self._database.close()

    def create(self) -> None:
        """Make the tables, where there are none yet. Raises `ConfigurationError` for those of another version."""
        migrations.create(self._database, self._hashes)

    def migrate(self) -> None:
        """Bring the tables to this version."""
        migrations.migrate(self._database, self._hashes)

    # Putting and looking

    def put(
        self,
        message: Message,
        *,
        key: str,
        account: str | None = None,
        purpose: str = "",
        priority: int = 0,
        not_before: datetime | None = None,
        deadline: datetime | timedelta | None = None,
        connection: Any = None,
    ) -> Ticket:
        """Store a message, to be sent by a worker. The same message under the same key is stored once.

        ``key`` is your name for it, of 200 characters at most. Of two lanes (``purpose``, ``priority``) the one with the
        higher priority goes first, and one-time codes (``purpose="otp"``) before all others. Nothing is sent before
        ``not_before`` or after ``deadline`` (by default 24 hours after it may go, for one-time codes 2 minutes).
        ``connection``, an SQLAlchemy connection or session, puts it into your transaction: it is sent after your commit.

        Raises `KeyConflict` where the key stands for another message, and what `Client.plan` raises for one that the account
        cannot send; then nothing was stored.
        """
        given = Put(message, key, account, purpose, priority, not_before, deadline)
        return self.put_many([given], connection=connection)[0]

    def put_many(self, given: Iterable[Put], *, connection: Any = None) -> list[Ticket]:
        """Store many, all or none. Raises as `put` does."""
        tickets: list[Ticket] = []
        with self._writing(connection) as writing:
            source = iter(given)
            while chunk := list(itertools.islice(source, CHUNK)):
                tickets.extend(self._store(writing, chunk))
        if connection is None:
            for wake in self._wakers:
                wake()
        return tickets

    def _store(self, connection: Connection, chunk: list[Put]) -> list[Ticket]:
        prepared = []
        for given in chunk:
            name = self._accounts.name_of(given.account)
            prepared.append(puts.prepare(given, name, self._accounts.client(name), self._hashes))
        tickets = puts.store(self._database, connection, prepared, self._hashes)
        return [
            ticket if ticket.is_new else queries.ticket(connection, ticket.account, ticket.key) for ticket in tickets
        ]

    def get(self, key: str, *, account: str | None = None, connection: Any = None) -> Ticket:
        """What stands under a key: its rows, each with its history. Raises `UnknownKey`."""
        with self._reading(connection) as reading:
            return queries.ticket(reading, self._accounts.name_of(account), key)

    def find(
        self,
        *,
        number: str | None = None,
        batch: str | None = None,
        state: State | None = None,
        account: str | None = None,
        limit: int = MOST_FOUND,
    ) -> list[Row]:
        """Rows by number, batch id or state, the latest first, without their histories. Forgotten numbers are found too.

        Raises `ConfigurationError` for what is no number.
        """
        number_hash = None
        if number is not None:
            try:
                number_hash = self._hashes.number(to_e164(number))
            except ValueError as error:
                raise ConfigurationError(f"no number: {error}") from None
        with self._reading(None) as reading:
            return queries.find(
                reading, account=account, number_hash=number_hash, batch=batch, state=state, limit=limit
            )

    # Sending

    def drain(self, *, account: str | None = None, limit: int | None = None) -> DrainResult:
        """Send what can be sent now, once, and give what became of it; ``limit`` is the most rows to claim.

        It waits for no backoff and for no booked time. Raises `DatabaseUnavailable`. However it ends, what was under way is
        awaited and stored first.
        """
        self._check()
        ledger = self._own_ledger()
        tally = Tally(too_late=ledger.sweep())
        stop = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="sms-outbox") as pool:
            under_way = pool.submit(copy_context().run, self._drain, ledger, tally, account, limit, stop)
            try:
                under_way.result()
            except BaseException:
                stop.set()  # the pool waits for the end of the pass
                raise
        return _drained(tally)

    def _drain(
        self, ledger: Ledger, tally: Tally, account: str | None, limit: int | None, stop: threading.Event
    ) -> None:
        with self._database.read() as connection:
            now = self._database.now(connection)
        names = self._names_to_drain() if account is None else [self._accounts.name_of(account)]
        landed: SimpleQueue[Landed | None] = SimpleQueue()
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="sms-outbox-send") as pool:
            for name in names:  # one after the other, for the limit is one for all
                left = None if limit is None else limit - tally.claimed
                found = self._pass(name, ledger, tally, pool, landed)
                if found is None:
                    continue
                found.before, found.left = now, left
                run_dry(landed, {name: found}, stop.is_set)

    def _pass(
        self,
        name: str,
        ledger: Ledger,
        tally: Tally,
        pool: ThreadPoolExecutor,
        landed: SimpleQueue[Landed | None],
    ) -> AccountPass | None:
        """The pass of an account; None, with an alarm, where there is no client for it."""
        try:
            client = self._accounts.client(name)
        except SmsError as error:
            ledger.raise_alarms([Alarm("configuration", name, f"nothing of account {name!r} can be sent: {error}")])
            return None
        ledger.deadline = max(ledger.deadline, client.deadline)
        return AccountPass(name, client, ledger, tally, pool, landed, self._concurrency)

    def _names_to_drain(self) -> list[str]:
        """The accounts that have rows to send, of those that this outbox is for."""
        with self._database.read() as connection:
            found = connection.execute(select(row.c.account).distinct().where(is_state(row.c.state, State.READY)))
            names = sorted(found.scalars())
        known = self._accounts.names
        return names if known is None else [name for name in names if name in known]

    def pause(self, account: str | None = None, *, because: str, by: str = "") -> None:
        """Send nothing more of an account, on all machines, until `resume`. What is under way goes on."""
        name = self._accounts.name_of(account)
        with self._writing(None) as connection:
            pauses.pause(self._database, connection, name, because=because, by=by)

    def resume(self, account: str | None = None) -> bool:
        """Let an account go on. Gives whether it paused."""
        with self._writing(None) as connection:
            return pauses.resume(connection, self._accounts.name_of(account))

    # What the methods stand on

    def _writing(self, given: Any) -> AbstractContextManager[Connection]:
        self._check()
        return self._database.write() if given is None else self._database.joined(given)

    def _reading(self, given: Any) -> AbstractContextManager[Connection]:
        self._check()
        return self._database.read() if given is None else self._database.joined(given)

    def _check(self) -> None:
        """Look at the tables, once in each process."""
        if self._checked_in == os.getpid():
            return
        with self._database.read() as connection:
            migrations.check(connection, self._database, self._hashes)
        self._checked_in = os.getpid()

    def _own_ledger(self) -> Ledger:
        """This process's ledger; a child process has another holder than its parent."""
        with self._lock:
            if self._ledger is None or self._ledger.holder.about.pid != os.getpid():
                holder = OwnHolder(self._folder)
                self._ledger = Ledger(self._database, holder, self._on_alarm, DEFAULT_DEADLINE)
            return self._ledger


def _state_folder(database: Database, given: str | Path | None) -> Path | None:
    """Where locks, spilled results and perhaps the hash key lie; None for a database in memory."""
    if database.is_memory:
        return None
    if given is not None:
        return Path(given)
    if database.path is not None:
        return database.path.absolute().with_name(f"{database.path.name}.outbox")
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "sms-core-outbox"


def _hashes(database: Database, folder: Path | None, given: str | bytes | None) -> Hashes:
    given = given or os.environ.get(HASH_KEY_VARIABLE)
    if given is not None:
        return Hashes(given.encode() if isinstance(given, str) else given)
    if database.is_memory:
        return Hashes(secrets.token_bytes(32))
    if not database.is_sqlite or folder is None:
        hint = f"secrets.token_hex(32) makes one; give it as hash_key= or in the environment as {HASH_KEY_VARIABLE}"
        raise ConfigurationError(f"an outbox on PostgreSQL needs a hash key, the same on all machines: {hint}")
    try:
        return Hashes(key_beside(folder))
    except OSError as error:
        raise ConfigurationError(f"{folder}: the hash key cannot be kept here: {error.strerror}") from error


def _drained(tally: Tally) -> DrainResult:
    counts: Counter[State] = tally.counts
    return DrainResult(
        claimed=tally.claimed,
        accepted=counts[State.ACCEPTED],
        refused=counts[State.REFUSED],
        unknown=counts[State.UNKNOWN],
        not_sent=counts[State.NOT_SENT],
        retried=counts[State.READY],
        too_late=tally.too_late,
    )
