"""The tables that Django's migrations make are those that the outbox makes itself, on both kinds of database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import sqlalchemy
from django.core.management import call_command
from django.db import connections
from django.db.utils import ConnectionHandler
from sqlalchemy import Engine, inspect

from sms_core_django.contrib.outbox.databases import url_of
from sms_core_outbox import metadata
from tests.support.postgresql import postgresql_server


def described(engine: Engine) -> dict[str, Any]:
    """All of the outbox's tables: columns with their types, keys, constraints and indexes with their conditions."""
    inspector = inspect(engine)
    found: dict[str, Any] = {}
    for table in metadata.sorted_tables:
        columns = {
            column["name"]: (type_of(column["type"]), column["nullable"])
            for column in inspector.get_columns(table.name)
        }
        indexes = {
            index["name"]: (
                index["column_names"],
                index["unique"],
                condition(index["dialect_options"].get(f"{engine.dialect.name}_where")),
            )
            for index in inspector.get_indexes(table.name)
            if not index.get("duplicates_constraint")
        }
        unique = {entry["name"]: entry["column_names"] for entry in inspector.get_unique_constraints(table.name)}
        foreign: list[Any] = [
            (entry["constrained_columns"], entry["referred_table"], entry["referred_columns"], entry["options"])
            for entry in inspector.get_foreign_keys(table.name)
        ]
        if engine.dialect.name == "sqlite":  # SQLAlchemy reads no ON DELETE that stands beside its column
            with engine.connect() as connection:
                question = f'SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list(\'{table.name}\')'
                foreign = [tuple(entry) for entry in connection.execute(sqlalchemy.text(question))]
        primary = inspector.get_pk_constraint(table.name)["constrained_columns"]
        checks = [entry["sqltext"] for entry in inspector.get_check_constraints(table.name)]
        found[table.name] = (columns, indexes, unique, foreign, primary, checks)
    return found


def type_of(given: Any) -> str:
    """A type, without what makes no difference."""
    name = str(given)
    return {"BIGINT": "INTEGER", "BOOL": "BOOLEAN"}.get(name, name)


def condition(given: Any) -> str:
    return re.sub(r'["()\s]|sms_outbox_row\.', "", str(given))


@contextmanager
def django_s(entry: dict[str, Any]) -> Iterator[Engine]:
    """A database that Django has migrated, as SQLAlchemy sees it."""
    with ExitStack() as closing:
        connections["other"] = ConnectionHandler({"default": entry})["default"]
        connections["other"].alias = "other"
        closing.callback(connections.__delitem__, "other")
        closing.callback(connections["other"].close)
        connections.databases["other"] = connections["other"].settings_dict
        closing.callback(connections.databases.pop, "other")
        call_command("migrate", "sms_outbox", database="other", verbosity=0)
        engine = sqlalchemy.create_engine(url_of(connections["other"]))
        closing.callback(engine.dispose)
        yield engine


@contextmanager
def its_own(url: str) -> Iterator[Engine]:
    """A database in which the outbox has made its tables."""
    engine = sqlalchemy.create_engine(url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_tables_are_the_same_on_sqlite(tmp_path: Path) -> None:
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "django.sqlite3"}
    with django_s(entry) as django, its_own(f"sqlite:///{tmp_path}/own.sqlite3") as own:
        assert described(django) == described(own)


def test_tables_are_the_same_on_postgresql() -> None:
    with postgresql_server() as url:
        folder = sqlalchemy.make_url(url).query["host"]
        with its_own(url) as own:
            expected = described(own)
            metadata.drop_all(own)
        entry = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "sms", "HOST": folder}
        with django_s(entry) as django:
            assert described(django) == expected


def test_the_migrations_are_all_there() -> None:
    call_command("makemigrations", "sms_outbox", check=True, dry_run=True, stdout=StringIO())
