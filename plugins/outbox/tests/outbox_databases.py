"""Databases for the tests of the outbox, made in a fraction of the time that the outbox takes for it.

The tables are there already but for one: `Outbox.create` finds that it has something to do, and makes that.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import psycopg
import sqlalchemy

from sms_core_outbox.schema import meta, metadata

TABLES = [table for table in metadata.sorted_tables if table is not meta]
_names = (f"outbox_{number}" for number in itertools.count())


def make_tables(url: str) -> None:
    """Make the tables in a database."""
    engine = sqlalchemy.create_engine(url)
    metadata.create_all(engine, TABLES)
    engine.dispose()


def new_schema(server: str) -> str:
    """Nearly a database of its own: its tables are apart from all others. It takes neither time nor place."""
    name = next(_names)
    with connect(server) as connection:
        connection.execute(f"CREATE SCHEMA {name}; SET search_path TO {name}; {_statements()}")
    return f"{server}&options=-csearch_path%3D{name}"


@functools.cache
def _statements() -> str:
    """What makes the tables in PostgreSQL."""
    made: list[str] = []
    engine = sqlalchemy.create_mock_engine(
        "postgresql+psycopg://", lambda statement, *_: made.append(str(statement.compile(dialect=engine.dialect)))
    )
    metadata.create_all(engine, TABLES, checkfirst=False)
    return ";".join(made)


def connect(server: str) -> psycopg.Connection[Any]:
    """A connection to a server's own database."""
    host = sqlalchemy.make_url(server).query["host"]
    return psycopg.connect(host=str(host), user="sms", dbname="postgres", autocommit=True)


def new_database(server: str) -> str:
    """A database of its own in a server; its URL."""
    name = next(_names)
    with connect(server) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")
