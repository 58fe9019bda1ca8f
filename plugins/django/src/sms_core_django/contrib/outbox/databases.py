"""Django's database as the outbox's.

Inside ``transaction.atomic()`` what the outbox stores and reads is a part of that transaction, as all of Django's own
statements are. Outside of it, and for whatever sends, the outbox has connections of its own to the same database.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections, transaction
from sqlalchemy import URL, Connection

from sms_core import ConfigurationError
from sms_core_outbox.databases import CACHE, Database

OPTIONS = (
    "application_name",
    "connect_timeout",
    "gssencmode",
    "options",
    "passfile",
    "service",
    "target_session_attrs",
)
"""What of Django's OPTIONS goes into the outbox's own connections to PostgreSQL, and all that begins with ``ssl``."""


class DjangoDatabase(Database):
    """The database of an alias of ``DATABASES``. Raises `ConfigurationError` for one that is no SQLite and no PostgreSQL."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        super().__init__(url_of(connections[alias]))

    @property
    def caller(self) -> Any:
        """This thread's connection of Django."""
        return connections[self._alias]

    @contextmanager
    def write(self, *, cache: int = CACHE) -> Generator[Connection, None, None]:
        """A part of the caller's transaction, or one of its own."""
        with self._caller_s_or(partial(super().write, cache=cache)) as connection:
            yield connection

    @contextmanager
    def read(self) -> Generator[Connection, None, None]:
        """The same for what reads."""
        with self._caller_s_or(super().read) as connection:
            yield connection

    @contextmanager
    def _caller_s_or(self, own: Any) -> Generator[Connection, None, None]:
        if self.caller.in_atomic_block:
            with self.joined(self.caller) as connection:
                yield connection
        elif self.is_memory:  # no other connection would see it
            with transaction.atomic(using=self._alias), self.joined(self.caller) as connection:
                yield connection
        else:
            with own() as connection:
                yield connection

    def prepare_file(self) -> None:
        """Not within a transaction: SQLite would wait for it in vain."""
        if not self.caller.in_atomic_block:
            super().prepare_file()

    def check_outside(self) -> None:
        """Raise `ConfigurationError` where what is sent could be rolled back, or where nobody else sees what was put."""
        if self.caller.in_atomic_block:
            raise ConfigurationError(
                "this is inside transaction.atomic(), and what was sent is not rolled back: do it outside; in a TestCase, "
                "drain(connection=connection)"
            )
        if self.is_memory:
            raise ConfigurationError(
                "the database is in memory: in transaction.atomic(), drain(connection=connection) sends what was put"
            )


def url_of(connection: Any) -> str | Any:
    """The URL of the outbox's own connections to the database of one of Django's."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        name = str(given["NAME"])
        return "sqlite://" if connection.is_in_memory_db() else URL.create("sqlite", database=name)
    if connection.vendor != "postgresql":
        raise ConfigurationError(f"the outbox is for SQLite and PostgreSQL, not for {connection.vendor}")
    options = given.get("OPTIONS") or {}
    query = {name: str(value) for name, value in options.items() if name in OPTIONS or name.startswith("ssl")}
    if given.get("HOST", "").startswith("/"):
        query["host"] = given["HOST"]
    return URL.create(
        "postgresql+psycopg",
        username=given.get("USER") or None,
        password=given.get("PASSWORD") or None,
        host=None if "host" in query else given.get("HOST") or None,
        port=int(given["PORT"]) if given.get("PORT") else None,
        database=given.get("NAME") or None,
        query=query,
    )
