"""A store in a database: SQLite or PostgreSQL, on its own or beside the outbox's tables.

A transaction takes the lock of each key, in the order of the keys, by writing to a row of it; so two of them that want
the same come one after the other, and none reads what another is about to change. SQLite locks the whole file with the
first write. READ COMMITTED is enough.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from sms_core import ConfigurationError
from sms_core_policy.stores.base import Claim, StoreUnavailable

metadata = MetaData()
"""The two tables, for migrations of an application that makes its tables itself."""
counts = Table(
    "sms_policy_count",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("bucket", BigInteger, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
texts = Table(
    "sms_policy_text",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("value", String, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

_LOCK = -(1 << 62)
"""The bucket of the row that a transaction writes first. No time is so early."""
_WAIT = 30.0
"""Seconds that a write waits for SQLite's lock."""
_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class SqlStore:
    """Counts and texts in a database, given as a URL or an `Engine`. Threads and processes may share the database.

    The tables are made if they are missing (``create=False`` leaves that to your migrations, see `metadata`). Rows whose
    time is over are dropped by `sweep`, which a job may call. Make a store in each process, not before a fork.
    """

    def __init__(self, database: str | Engine, *, create: bool = True) -> None:
        self._engine = _engine_of(database) if isinstance(database, str) else database
        name = self._engine.dialect.name
        if name not in _INSERTS:
            raise ConfigurationError(f"SqlStore keeps counts in SQLite or PostgreSQL, not in {name}")
        self._insert: Any = _INSERTS[name]
        self._is_sqlite = name == "sqlite"
        if create:
            self._create()

    def close(self) -> None:
        """Close the connections of a store that was made with a URL."""
        self._engine.dispose()

    def take(self, claims: Sequence[Claim], now: datetime) -> Claim | None:
        """Take all of these, or none and give the first that has no room."""
        del now
        with self._transaction() as connection:
            for claim in sorted(claims, key=lambda claim: claim.key):
                self._add(connection, claim, claim.amount)
                if self._used(connection, claim) > claim.most:
                    connection.rollback()
                    return claim
        return None

    def give_back(self, claims: Sequence[Claim]) -> None:
        """Give back the amounts of these."""
        with self._transaction() as connection:
            for claim in sorted(claims, key=lambda claim: claim.key):
                self._add(connection, claim, -claim.amount)

    def used(self, claims: Sequence[Claim], now: datetime) -> list[int]:
        """How much of each is used."""
        del now
        with self._transaction() as connection:
            return [self._used(connection, claim) for claim in claims]

    def get(self, keys: Iterable[str], now: datetime) -> dict[str, str]:
        """The texts under these keys."""
        wanted = list(keys)
        found: dict[str, str] = {}
        with self._transaction() as connection:
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                query = select(texts.c.key, texts.c.value).where(
                    texts.c.key.in_(part), texts.c.expires_at > _ticks(now)
                )
                found.update((row.key, row.value) for row in connection.execute(query))
        return found

    def swap(self, key: str, old: str | None, new: str | None, expires_at: datetime, now: datetime) -> bool:
        """Put ``new`` in place of ``old``, if that is what stands there."""
        is_it = (texts.c.key == key) & (texts.c.value == old) & (texts.c.expires_at > _ticks(now))
        values = {"key": key, "value": new, "expires_at": _ticks(expires_at)}
        with self._transaction() as connection:
            if old is None and new is None:
                return not connection.execute(
                    select(texts.c.key).where(texts.c.key == key, texts.c.expires_at > _ticks(now))
                ).all()
            if old is None:
                insert = self._insert(texts).values(values)
                change = insert.on_conflict_do_update(
                    index_elements=["key"], set_=values, where=texts.c.expires_at <= _ticks(now)
                ).returning(texts.c.key)
            elif new is None:
                change = delete(texts).where(is_it).returning(texts.c.key)
            else:
                change = texts.update().where(is_it).values(values).returning(texts.c.key)
            return bool(connection.execute(change).all())

    def sweep(self, now: datetime) -> None:
        """Drop the rows whose time is over."""
        with self._transaction() as connection:
            for table in (counts, texts):
                connection.execute(delete(table).where(table.c.expires_at <= _ticks(now)))

    def _create(self) -> None:
        """Make what is missing. Another process may be at it: PostgreSQL then fails the one that comes second, once."""
        for is_last in (False, True):
            try:
                with self._transaction() as connection:
                    for table in metadata.sorted_tables:
                        connection.execute(CreateTable(table, if_not_exists=True))
                        for index in table.indexes:
                            connection.execute(CreateIndex(index, if_not_exists=True))
            except StoreUnavailable:
                if is_last:
                    raise
            else:
                return

    def _add(self, connection: Connection, claim: Claim, amount: int) -> None:
        for bucket, more in ((_LOCK, 0), (claim.bucket, amount)):
            insert = self._insert(counts).values(
                key=claim.key, bucket=bucket, amount=more, expires_at=_ticks(claim.expires_at)
            )
            later = {"amount": counts.c.amount + more, "expires_at": _ticks(claim.expires_at)}
            connection.execute(insert.on_conflict_do_update(index_elements=["key", "bucket"], set_=later))

    def _used(self, connection: Connection, claim: Claim) -> int:
        query = select(func.coalesce(func.sum(counts.c.amount), 0)).where(
            counts.c.key == claim.key, counts.c.bucket.between(claim.since, claim.until)
        )
        return int(connection.execute(query).scalar_one())

    @contextmanager
    def _transaction(self) -> Generator[Connection, None, None]:
        with told(), self._engine.connect() as connection:
            if not self._is_sqlite:
                connection.execution_options(isolation_level="READ COMMITTED")
            yield connection
            connection.commit()  # what was rolled back stays so


@contextmanager
def told() -> Generator[None, None, None]:
    """Turn the database's failures into `StoreUnavailable`; their text has the statement with its values."""
    try:
        yield
    except SQLAlchemyError as error:
        failure = StoreUnavailable(f"the database: {type(error).__name__}")
    else:
        return
    raise failure


def _engine_of(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
        engine = create_engine(parsed, connect_args={"timeout": _WAIT}, hide_parameters=True)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise ConfigurationError(f"SqlStore needs a URL such as sqlite:///sms.db: {type(error).__name__}") from error
    with told(), engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # it stays with the file
    return engine


def _ticks(moment: datetime) -> int:
    """Microseconds of UTC."""
    return int(moment.astimezone(UTC).timestamp() * 1_000_000)
