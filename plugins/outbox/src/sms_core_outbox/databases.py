"""One database, SQLite or PostgreSQL: its transactions, its clock, its locks, and the few statements that differ."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from weakref import WeakMethod, ref

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    Table,
    Transaction,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from sms_core.errors import ConfigurationError
from sms_core.processes import PerProcess
from sms_core_outbox import schema
from sms_core_outbox.arrays import as_array
from sms_core_outbox.blocks import insert_in_blocks
from sms_core_outbox.errors import DatabaseUnavailable
from sms_core_outbox.forks import WITHIN, gate
from sms_core_outbox.lent import is_django, is_in_django_transaction, lent
from sms_core_outbox.places import check_place

PATIENCE = 30
"""Seconds to wait for a lock of SQLite that another process holds."""
OF_OTHERS = 2.0
"""Seconds that another process's write may take, before the caller's own transaction is what is waited for."""
CACHE = 8_192
"""KiB of SQLite's cache, at most. Each connection has one, and a process several connections."""
CACHE_OF_MANY = 16_384
"""The same while many rows are put: SQLite writes pages that it has no room for to the log, and reads them again, which is a
sixth of the time of a large put.
"""
SERIALIZATION_FAILURE = "40001"
"""What PostgreSQL says under REPEATABLE READ where another transaction has changed the same (appendix A of its manual)."""
_SYNCHRONOUS = "sms_outbox.synchronous_commit"
"""Under which name a connection knows its server's default."""
KINDS = ("sqlite", "postgresql")
CHANNEL = "sms_outbox"
"""On which PostgreSQL tells workers that something was put."""
_CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_clock = literal_column(_CLOCK, BigInteger)
_now = select(_clock)
_now_and_ids = text(
    f"SELECT {_CLOCK},"  # noqa: S608 - names of our own
    f" ARRAY(SELECT nextval('{schema.put_ids.name}') FROM generate_series(1, :puts)),"
    f" ARRAY(SELECT nextval('{schema.row_ids.name}') FROM generate_series(1, :rows))"
)
_last_ids = select(
    select(func.max(schema.put.c.id)).scalar_subquery().label("put"),
    select(func.max(schema.row.c.id)).scalar_subquery().label("row"),
)
_take_locks = text("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS number")
_notify = text("SELECT pg_notify(:channel, name) FROM unnest(CAST(:accounts AS text[])) AS name")
_TAKE_WRITE_LOCK = "UPDATE sms_outbox_meta SET value = value WHERE name = 'version'"
_joined: ContextVar[tuple[tuple[ref[Transaction], Path | None], ...]] = ContextVar("_joined", default=())
"""The caller's own transactions on SQLite that were joined, each with its file."""


class Database:
    """An engine and how to use it. Threads may share it; a child process opens connections of its own.

    Raises `ConfigurationError` for a database that cannot be used.
    """

    def __init__(self, given: str | Engine) -> None:
        self._given = given
        self._process = os.getpid()
        self._engine = _engine(given)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self.path = _file_of(self._engine) if self.is_sqlite else None
        self.is_memory = self.is_sqlite and self.path is None
        # Threads that write take turns here, which is fairer and faster than SQLite's own waiting. One connection holds a
        # database in memory, so there those that read do too.
        self._turn = threading.RLock()
        self._forking = PerProcess(threading.Lock(), lambda _: threading.Lock())
        if self.path is not None:
            check_place(self.path)
            gate.close_before_fork(WeakMethod(self._close_idle))

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        """The database as errors show it, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        self._look_for_fork()
        return self._engine

    def _look_for_fork(self) -> None:
        if self._process == os.getpid():
            return
        if self.is_memory:
            raise ConfigurationError("an outbox in memory stays in the process that made it")
        with self._forking.get():
            if self._process == os.getpid():
                return
            self._turn = threading.RLock()
            if isinstance(self._given, Engine):
                self._given.dispose(close=False)  # the parent's connections stay the parent's
            else:
                self._engine = _engine(self._given)
            self._process = os.getpid()  # last, since the child's other threads look at it alone

    def close(self) -> None:
        """Give up idle connections, if the engine is ours."""
        if not isinstance(self._given, Engine) and self._process == os.getpid():
            self._engine.dispose()

    def _close_idle(self) -> None:
        """Close the connections that nobody uses. Other kinds of pools would close those in use."""
        if self._process == os.getpid() and isinstance(self._engine.pool, QueuePool):
            self._engine.dispose()

    @contextmanager
    def write(self, *, cache: int = CACHE) -> Generator[Connection, None, None]:
        """A transaction that is committed at the end of the block, durably. Raises `DatabaseUnavailable`.

        ``cache`` is SQLite's, in KiB.
        """
        with told():
            if not self.is_sqlite:
                with self.engine.begin() as connection:
                    _commit_durably(connection)
                    yield connection
                return
            with self._own_turn(), self._sqlite_connection(cache) as connection:
                # Other writers are waited for here, and not in the middle, where SQLite may give up.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                process = os.getpid()
                try:
                    yield connection
                except BaseException:
                    if process == os.getpid():
                        connection.exec_driver_sql("ROLLBACK")
                    raise
                if process != os.getpid():  # the transaction is the parent's
                    raise ConfigurationError(WITHIN)
                connection.exec_driver_sql("COMMIT")

    @contextmanager
    def read(self) -> Generator[Connection, None, None]:
        """A transaction that reads. Raises `DatabaseUnavailable`."""
        with told():
            if not self.is_sqlite:
                with self.engine.connect() as connection:
                    yield connection
                return
            with self._alone_in_memory(), self._sqlite_connection() as connection:
                connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                finally:
                    connection.exec_driver_sql("ROLLBACK")

    @contextmanager
    def joined(self, given: Any) -> Generator[Connection, None, None]:
        """The caller's own transaction, of SQLAlchemy or of Django: the caller commits or rolls back."""
        if is_django(given):
            with told(), lent(given) as connection, self._savepoint(connection):
                yield connection
            return
        connection = _connection_of(given)
        with self._savepoint(connection):
            yield connection

    @contextmanager
    def _savepoint(self, connection: Connection) -> Generator[None, None, None]:
        if (connection.dialect.name == "sqlite") != self.is_sqlite:
            raise ConfigurationError(f"the connection is to {connection.dialect.name}, and the outbox in {self.name}")
        with told():
            if self.is_sqlite:
                connection.exec_driver_sql(_TAKE_WRITE_LOCK)
                self._note_joined(connection.get_transaction())
            with connection.begin_nested():  # what fails here leaves the caller's transaction as it was
                yield

    def _note_joined(self, transaction: Transaction | None) -> None:
        if transaction is not None:
            known = tuple(entry for entry in _joined.get() if _is_open(entry[0]()) and entry[0]() is not transaction)
            _joined.set((*known, (ref(transaction), self.path)))

    def _own_turn(self) -> threading.RLock:
        """This process's lock: a thread of the parent may have held another one."""
        self._look_for_fork()
        return self._turn

    @contextmanager
    def _alone_in_memory(self) -> Generator[None, None, None]:
        if not self.is_memory:
            yield
            return
        with self._own_turn():
            yield

    def check_outside(self) -> None:
        """Raise `ConfigurationError` within the caller's own open write on SQLite, which ours would wait for in vain."""
        is_open = any(path == self.path and _is_open(joined()) for joined, path in _joined.get())
        if is_open or (self.path and is_in_django_transaction(self.path.absolute()) and self._is_locked()):
            raise ConfigurationError(
                "your own transaction has put something and is still open, and SQLite has one writer at a time: "
                "commit it first"
            )

    def _is_locked(self) -> bool:
        """Whether somebody writes for longer than others would."""
        with gate.passed():
            probe = sqlite3.connect(str(self.path), timeout=OF_OTHERS, isolation_level=None)
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
            finally:
                probe.close()
        return False

    @contextmanager
    def _sqlite_connection(self, cache: int = CACHE) -> Generator[Connection, None, None]:
        with gate.passed(), self.engine.connect() as connection:
            # BEGIN and COMMIT are ours: left to the driver, a transaction begins with its first write.
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")  # noqa: PLW2901 - the same one
            connection.exec_driver_sql("PRAGMA synchronous = FULL")
            connection.exec_driver_sql("PRAGMA fullfsync = ON")  # without it, fsync on macOS does not reach the disk
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            connection.exec_driver_sql(f"PRAGMA cache_size = -{cache}")
            yield connection

    def prepare_file(self) -> None:
        """Switch an SQLite file to write-ahead logging, which stays with the file."""
        if self.is_memory or not self.is_sqlite:
            return
        with told(), self._sqlite_connection() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar_one()
        if mode != "wal":
            raise ConfigurationError(f"{self.name} keeps no write-ahead log (SQLite says {mode!r})")

    def now(self, connection: Connection) -> int:
        """Microseconds of UTC since 1970 by the database's clock, which for SQLite is this machine's."""
        if self.is_sqlite:
            return time.time_ns() // 1000
        return int(connection.execute(_now).scalar_one())

    def now_and(self, connection: Connection, question: Any, values: Mapping[str, Any]) -> tuple[int, Any]:
        """The same, and the one row that answers a question: in one statement, where the clock is the server's."""
        if self.is_sqlite:
            return self.now(connection), connection.execute(question, values).one()
        found = connection.execute(_with_clock(question), values).one()
        return int(found[-1]), found

    def lock(self, connection: Connection, *names: tuple[str, ...]) -> None:
        """Be alone with these names until the transaction ends. SQLite has one writer at a time anyway."""
        if self.is_sqlite:
            return
        if names:
            numbers = sorted({_lock_number(name) for name in names})  # in one order, lest two wait for each other
            connection.execute(_take_locks, {"numbers": as_array(numbers)})

    def notify(self, connection: Connection, accounts: Sequence[str]) -> None:
        """Wake workers of other processes for these accounts when the transaction is committed. On SQLite they poll."""
        if not self.is_sqlite:
            connection.execute(_notify, {"channel": CHANNEL, "accounts": list(accounts)})

    def insert_or_ignore(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that leaves out rows that are there already, without failing."""
        if self.is_sqlite:
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()

    def insert_all(
        self,
        connection: Connection,
        table: Table,
        columns: Sequence[str],
        values: Sequence[tuple[Any, ...]],
        *,
        ignore: bool = False,
    ) -> int:
        """Insert tuples of these columns as they are, in their order, and give how many rows that made.

        ``ignore`` leaves out rows that are there already. The driver gets the values as they are, which spares SQLAlchemy's
        work on each of them; PostgreSQL gets many rows as an array for each column, in one statement.
        """
        if not values:
            return 0
        beginning = f"INSERT INTO {table.name} ({_quoted(columns)})"
        ending = " ON CONFLICT DO NOTHING" if ignore else ""
        if self.is_sqlite:
            return insert_in_blocks(connection, beginning, values, ending)
        if len(values) == 1:
            places = ", ".join(["%s"] * len(columns))
            return connection.exec_driver_sql(f"{beginning} VALUES ({places}){ending}", list(values)).rowcount
        statement = f"{beginning} SELECT * FROM {_arrays(table, columns)}{ending}"  # noqa: S608 - names of our own
        return connection.exec_driver_sql(statement, _by_column(values)).rowcount

    def update_all(
        self, connection: Connection, table: Table, columns: Sequence[str], values: Sequence[tuple[Any, ...]]
    ) -> None:
        """Give rows new values: tuples of these columns, of which the last one is the row's id."""
        if not values:
            return
        *changed, key = columns
        if self.is_sqlite:
            setting = ", ".join(f'"{column}" = ?' for column in changed)
            statement = f'UPDATE {table.name} SET {setting} WHERE "{key}" = ?'  # noqa: S608 - names of our own
            connection.exec_driver_sql(statement, list(values))
            return
        setting = ", ".join(f'"{column}" = new."{column}"' for column in changed)
        source = f"{_arrays(table, columns)} AS new ({_quoted(columns)})"
        statement = f'UPDATE {table.name} SET {setting} FROM {source} WHERE {table.name}."{key}" = new."{key}"'  # noqa: S608
        connection.exec_driver_sql(statement, _by_column(values))

    def now_and_ids(self, connection: Connection, puts: int, rows: int) -> tuple[int, Sequence[int], Sequence[int]]:
        """The time as `now` gives it, and ids for so many new rows of `put` and of `row`, ascending.

        In SQLite nobody else can take them meanwhile.
        """
        if self.is_sqlite:
            last_put, last_row = connection.execute(_last_ids).one()
            return self.now(connection), _ids_after(last_put, puts), _ids_after(last_row, rows)
        now, put_ids, row_ids = connection.execute(_now_and_ids, {"puts": puts, "rows": rows}).one()
        return now, sorted(put_ids), sorted(row_ids)


@cache  # SQLAlchemy compiles a statement once, and knows it by its object
def _with_clock(question: Any) -> Any:  # a Select: its type parameters differ from one SQLAlchemy to the next
    return question.add_columns(_clock)


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _arrays(table: Table, columns: Sequence[str]) -> str:
    """An array of each column's values, as rows."""
    arrays = ", ".join(f"%s::{_kind_of(table.c[column])}[]" for column in columns)
    return f"unnest({arrays})"


def _kind_of(column: Column[Any]) -> str:
    if isinstance(column.type, Boolean):
        return "boolean"
    return "bigint" if isinstance(column.type, Integer) else "text"


def _by_column(values: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(map(as_array, zip(*values, strict=True)))


def _ids_after(last: int | None, count: int) -> range:
    first = 1 if last is None else last + 1
    return range(first, first + count)


class JoinedDatabase(Database):
    """The caller's own transaction in the place of a database: whatever is committed is committed with it, or never."""

    def __init__(self, database: Database, given: Any) -> None:
        super().__init__(database.engine)
        self._caller = given

    @contextmanager
    def write(self, *, cache: int = CACHE) -> Generator[Connection, None, None]:  # noqa: ARG002 - the caller's connection is theirs
        """A part of the caller's transaction."""
        with self.joined(self._caller) as connection:
            yield connection

    @contextmanager
    def read(self) -> Generator[Connection, None, None]:
        """The same."""
        with self.write() as connection:
            yield connection


@contextmanager
def told() -> Generator[None, None, None]:
    """Turn the driver's failures into `DatabaseUnavailable`, without a statement's parameters."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        error.hide_parameters = True  # numbers and texts: a caller's engine may show them
        if getattr(error.orig, "sqlstate", None) == SERIALIZATION_FAILURE:
            raise DatabaseUnavailable(
                "another transaction was faster: try this one again from its beginning"
            ) from error
        raise DatabaseUnavailable(f"the outbox's database failed: {_first_line(error)}") from error
    except DBAPIError as error:
        error.hide_parameters = True
        is_no_database = type(error.orig) is sqlite3.DatabaseError  # the file is none, or is damaged
        if is_no_database:
            raise DatabaseUnavailable(f"the outbox's database failed: {_first_line(error)}") from error
        if not error.connection_invalidated:
            raise
        raise DatabaseUnavailable(f"the outbox's database went away: {_first_line(error)}") from error


def _first_line(error: DBAPIError) -> str:
    return f"{type(error.orig).__name__}: {error.orig}".splitlines()[0]


def _commit_durably(connection: Connection) -> None:
    """Let a transaction of PostgreSQL count once it is on the disk, also where the server's default is not to wait for it.

    A claim that a crash of the server took back would be made again, and sent twice.
    """
    if _SYNCHRONOUS not in connection.info:  # asked once for each connection, which keeps what it began with
        connection.info[_SYNCHRONOUS] = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    if connection.info[_SYNCHRONOUS] == "off":
        connection.exec_driver_sql("SET LOCAL synchronous_commit = on")


def _engine(given: str | Engine) -> Engine:
    engine = given if isinstance(given, Engine) else _new_engine(given)
    if engine.dialect.name not in KINDS:
        raise _of_another_kind(engine.dialect.name)
    if engine.dialect.name == "postgresql" and engine.dialect.driver != "psycopg":
        raise ConfigurationError(f"write postgresql+psycopg://…: the driver {engine.dialect.driver!r} is not used here")
    return engine


def _of_another_kind(name: str) -> ConfigurationError:
    return ConfigurationError(f"the outbox is for SQLite and PostgreSQL, not for {name}")


def _new_engine(url: str) -> Engine:
    try:
        parsed = sqlalchemy.make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in KINDS:
            raise _of_another_kind(parsed.get_backend_name())
        options: dict[str, Any] = {}
        if parsed.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": PATIENCE, "check_same_thread": False}
            if parsed.database in (None, "", ":memory:"):
                options["poolclass"] = StaticPool
        else:
            options["pool_pre_ping"] = True
        return sqlalchemy.create_engine(parsed, hide_parameters=True, **options)
    except NoSuchModuleError as error:
        raise ConfigurationError(f"no such database driver: {error}") from error
    except ArgumentError as error:
        raise ConfigurationError("the outbox needs a URL such as sqlite:///sms.db or postgresql+psycopg://…") from error
    except ModuleNotFoundError as error:
        hint = "pip install 'sms-core-outbox[postgresql]'"
        raise ConfigurationError(f"the database's driver is not installed ({error.name}): {hint}") from error


def _file_of(engine: Engine) -> Path | None:
    name = engine.url.database
    if name in (None, "", ":memory:") or "mode=memory" in str(engine.url):
        return None
    return Path(str(name).removeprefix("file:"))


def _connection_of(given: Any) -> Connection:
    """What an SQLAlchemy connection or session writes with."""
    if isinstance(given, Connection):
        return given
    find = getattr(given, "connection", None)
    connection = find() if callable(find) else None
    if not isinstance(connection, Connection):
        raise ConfigurationError(
            f"connection= takes a connection or session of SQLAlchemy, or Django's connection, not {type(given).__name__}"
        )
    return connection


def _is_open(transaction: Transaction | None) -> bool:
    return transaction is not None and transaction.is_active


def _lock_number(name: tuple[str, ...]) -> int:
    digest = blake2b("\x1f".join(("sms-outbox", *name)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
