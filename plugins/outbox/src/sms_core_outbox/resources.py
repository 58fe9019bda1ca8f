"""What the rooms of an outbox share in one process: its database, accounts, hashes, and this process's ledger."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine

from sms_core import SessionStore
from sms_core.errors import ConfigurationError
from sms_core.processes import PerProcess
from sms_core_outbox import migrations, pauses
from sms_core_outbox.accounts import Accounts, Given
from sms_core_outbox.databases import CACHE, Database
from sms_core_outbox.deadlines import DEFAULT_DEADLINE
from sms_core_outbox.hashing import Hashes, key_beside
from sms_core_outbox.holders import OwnHolder
from sms_core_outbox.ledger import Ledger, OnAlarm
from sms_core_outbox.logins import SharedLogins
from sms_core_outbox.rates import Rate
from sms_core_outbox.senders import Sender
from sms_core_outbox.tracing import NoTraces, Traces
from sms_core_outbox.worker import Worker

HASH_KEY_VARIABLE = "SMS_OUTBOX_HASH_KEY"


class Resources:
    """The arguments of `Outbox`, made into what its rooms work with. Threads may share it.

    ``connect`` makes an account's client of its name and DSN. ``wakers`` are called with the account for
    which something was put.
    Raises `ConfigurationError`.
    """

    def __init__(
        self,
        database: str | Engine | Database,
        *,
        accounts: Given[Sender],
        connect: Callable[[str, str], Sender],
        hash_key: str | bytes | None,
        on_alarm: OnAlarm | None,
        concurrency: int,
        rates: Mapping[str, Rate] | None,
        state: str | Path | None,
        traces: Traces | None,
        pretenders: Collection[str],
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError("concurrency is 1 or more")
        self.database = database if isinstance(database, Database) else Database(database)
        self.accounts: Accounts[Sender] = Accounts(accounts, connect)
        for name in rates or ():
            self.accounts.name_of(name)  # raises for one that there is none of
        self.pretenders = frozenset(pretenders)
        self.on_alarm = on_alarm
        self.traces = traces or NoTraces()
        self.concurrency = concurrency
        self.rates = dict(rates or {})
        if self.accounts.names is not None:  # the rate of an account of several vendors is that of each of them
            for name in self.rates.copy():
                for carrier in self.accounts.carriers_of(name):
                    self.rates.setdefault(carrier, self.rates[name])
        self._folder = _state_folder(self.database, state)
        self.hashes = _hashes(self.database, self._folder, hash_key)
        self.wakers: list[Callable[[str], object]] = []
        self.workers: WeakSet[Worker] = WeakSet()
        self._checked_in = 0
        self._ledger: Ledger | None = None
        self._lock = PerProcess(threading.Lock(), lambda _: threading.Lock())

    def close(self) -> None:
        """Stop workers, say that nothing of this process is under way, and close connections and the clients made here."""
        for worker in list(self.workers):
            if worker.is_running:  # else it would go on, on connections that nobody closes
                worker.stop()
        with self._lock.get():
            ledger, self._ledger = self._ledger, None
        if ledger is not None and ledger.holder.about.pid == os.getpid():
            ledger.close()
        for client in self.accounts.forget_own().values():
            client.close()
        self.database.close()

    def writing(self, given: Any, *, cache: int = CACHE) -> AbstractContextManager[Connection]:
        """A transaction that writes: the caller's own one, or without it one that is committed at the end of the block.

        ``cache`` is SQLite's in our own, in KiB.
        """
        self.check(given)
        return self.database.write(cache=cache) if given is None else self.database.joined(given)

    def reading(self, given: Any) -> AbstractContextManager[Connection]:
        """A transaction that reads, likewise."""
        self.check(given)
        return self.database.read() if given is None else self.database.joined(given)

    def check(self, given: Any = None) -> None:
        """Look at the tables, once in each process. Raises `ConfigurationError` where they are not this version's."""
        if self._checked_in == os.getpid():
            return
        with self.database.read() as connection:
            adopts = migrations.are_to_adopt(connection)
            if not adopts:
                migrations.check(connection, self.database, self.hashes)
        if adopts and given is not None:  # SQLite would wait for the caller's transaction, and it for us
            with self.database.joined(given) as connection:
                migrations.note(connection, self.database, self.hashes)
            return  # it may be rolled back
        if adopts:
            migrations.adopt(self.database, self.hashes)
        self._checked_in = os.getpid()

    def ledger(self) -> Ledger:
        """This process's ledger; a child process has another holder than its parent."""
        with self._lock.get():
            if self._ledger is None or self._ledger.holder.about.pid != os.getpid():
                holder = OwnHolder(self._folder)
                self._ledger = Ledger(self.database, holder, self.on_alarm, DEFAULT_DEADLINE)
            return self._ledger

    def ours(self, names: Iterable[str]) -> list[str]:
        """Those of the accounts that this outbox is for."""
        return [name for name in names if self.accounts.knows(name)]

    def sessions(self, name: str) -> SessionStore | None:
        """Where the account's client keeps its login; None for a database in memory, of which there are no other users."""
        if self.database.is_memory or self._folder is None:
            return None

        def pause(because: str) -> None:
            with self.database.write() as connection:
                alarms = pauses.pause(self.database, connection, name, because=because, by="login")
            self.ledger().raise_alarms(alarms)

        return SharedLogins(self.database, self._folder, name, pause)


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
