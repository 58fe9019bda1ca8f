"""The database of a file's runs: an outbox, and the campaigns' own tables beside it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import (
    ARRAY,
    URL,
    ColumnElement,
    Connection,
    Engine,
    String,
    any_,
    cast,
    create_engine,
    func,
    inspect,
    select,
)

from sms_core.client import Client
from sms_core_cli.campaign.places import Place
from sms_core_cli.campaign.schema import metadata, run
from sms_core_outbox import Outbox, Rate

PATIENCE = 60
"""Seconds to wait while another process writes to an SQLite file."""


class Store:
    """Opens a place; as a context manager it is closed at the end. Threads may share it.

    ``account`` is what sends: a DSN, or a client. Each run is an account of its own in the outbox, so that a pause stops
    one run and no other. ``concurrency`` is how many requests are side by side, ``per_second`` how many texts may go.
    Raises `ConfigurationError`.
    """

    def __init__(
        self, place: Place, account: str | Client, *, concurrency: int = 4, per_second: float | None = None
    ) -> None:
        self.place = place
        self.concurrency = concurrency
        self.per_second = per_second
        self._account = account
        self._engine: Engine | None = None
        self._outbox: Outbox | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and clients."""
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @property
    def exists(self) -> bool:
        """Whether the tables are there."""
        if isinstance(self.place.database, Path) and not self.place.database.exists():
            return False
        with self.reading() as connection:
            return inspect(connection).has_table(run.name)

    @property
    def outbox(self) -> Outbox:
        """The outbox, opened when it is first needed."""
        if self._outbox is None:
            self._outbox = self._open(None)
        return self._outbox

    def sender(self, account: str) -> Outbox:
        """Another one on the same database, in which this account keeps its rate: for one pass of sending."""
        rates = None if self.per_second is None else {account: Rate(per_second=self.per_second)}
        return self._open(rates)

    def _open(self, rates: Mapping[str, Rate] | None) -> Outbox:
        database = self.place.database
        if isinstance(database, Path) and self._engine is None:
            # An engine rather than a URL, in which a file's name could mean something.
            self._engine = create_engine(
                URL.create("sqlite", database=str(database)),
                connect_args={"timeout": PATIENCE, "check_same_thread": False},
                hide_parameters=True,
            )
        return Outbox(self._engine or str(database), accounts=self._find, concurrency=self.concurrency, rates=rates)

    def _find(self, _: str) -> str | Client:
        return self._account

    def create(self) -> None:
        """Make what is missing: the file, which nobody else may read, and the tables."""
        path = self.place.database
        if isinstance(path, Path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self.outbox.create()
        with self.writing() as connection:
            lock(connection)
            metadata.create_all(connection)

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that is committed at the end of the block; `Outbox.put_many` takes it as its ``connection``."""
        with self.outbox.engine.begin() as connection, self.outbox.joined(connection) as joined:
            yield joined

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that reads."""
        with self.outbox.engine.connect() as connection:
            yield connection


def among(connection: Connection, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Whether a column holds one of these: a condition of one parameter, where ``in_`` would write one for each value."""
    if connection.dialect.name == "sqlite":
        found = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(found.c.value))
    return column == any_(cast(list(values), ARRAY(String)))


def lock(connection: Connection) -> None:
    """Be alone with the campaigns' tables until the transaction ends. On SQLite it is so anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7249812)")
