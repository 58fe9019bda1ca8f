"""The tables made, checked and brought up to date; or adopted, where migrations of others do that."""

from __future__ import annotations

from sqlalchemy import Connection, delete, inspect, select, text, update

from sms_core.errors import ConfigurationError
from sms_core_outbox.databases import Database
from sms_core_outbox.hashing import Hashes
from sms_core_outbox.schema import VERSION, meta, metadata

STEPS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE sms_outbox_row ADD COLUMN route TEXT",
        "ALTER TABLE sms_outbox_put ADD COLUMN trace VARCHAR(55)",
        "ALTER TABLE sms_outbox_account ADD COLUMN rests_until BIGINT",
    ),
}
"""The statements that bring tables of a version to the next one."""
FACTS = ("version", "hash_key_check")
"""What `meta` says of the tables themselves."""


def create(database: Database, hashes: Hashes) -> None:
    """Make the tables that are missing. Raises `ConfigurationError` where there are others of another version."""
    database.prepare_file()
    with database.write() as connection:
        database.lock(connection, ("create",))
        if _version(connection) is None:
            metadata.create_all(connection)
            note(connection, database, hashes)
        check(connection, database, hashes)


def migrate(database: Database, hashes: Hashes) -> None:
    """Bring the tables to this version, and make them where there are none."""
    create_first = False
    with database.write() as connection:
        database.lock(connection, ("create",))
        version = _version(connection)
        if version is None:
            create_first = True
        while version is not None and version < VERSION:
            for statement in STEPS[version]:
                connection.execute(text(statement))
            version += 1
            connection.execute(update(meta).where(meta.c.name == "version").values(value=str(version)))
    if create_first:
        create(database, hashes)


def adopt(database: Database, hashes: Hashes) -> None:
    """Take tables that the migrations of Django or Alembic have made, or brought up to date, for ones of this version.

    Raises `ConfigurationError` where they lack something, or were written with another hash key.
    """
    database.prepare_file()
    with database.write() as connection:
        database.lock(connection, ("create",))
        note(connection, database, hashes)
        check(connection, database, hashes)


def note(connection: Connection, database: Database, hashes: Hashes) -> None:
    """Note the tables' version, and by which hash key they are written where nobody has noted one yet."""
    lacking = _lacking(connection)
    if lacking:
        raise ConfigurationError(
            f"{database.name} lacks {', '.join(lacking)}: bring it up to date with your migrations"
        )
    known = _fact(connection, "hash_key_check") or hashes.check
    values = [{"name": "version", "value": str(VERSION)}, {"name": "hash_key_check", "value": known}]
    connection.execute(delete(meta).where(meta.c.name.in_(FACTS)))
    connection.execute(meta.insert(), values)


def are_to_adopt(connection: Connection) -> bool:
    """Whether there are tables that nobody has adopted: whose migrations are not the outbox's own."""
    return inspect(connection).has_table(meta.name) and _version(connection) is None


def check(connection: Connection, database: Database, hashes: Hashes) -> None:
    """Raise `ConfigurationError` unless the tables are there, of this version, and written with this hash key."""
    version = _version(connection)
    if version is None:
        raise ConfigurationError(f"{database.name} holds no outbox yet: outbox.create() makes it")
    if version < VERSION:
        raise ConfigurationError(f"{database.name} is of version {version}, and this is {VERSION}: outbox.migrate()")
    if version > VERSION:
        raise ConfigurationError(
            f"{database.name} is of version {version}: update sms-core-outbox, which knows {VERSION}"
        )
    if _fact(connection, "hash_key_check") != hashes.check:
        raise ConfigurationError(f"{database.name} was written with another hash_key")


def _lacking(connection: Connection) -> list[str]:
    """The tables and columns that are not there."""
    inspector = inspect(connection)
    lacking = []
    for table in metadata.sorted_tables:
        if not inspector.has_table(table.name):
            lacking.append(table.name)
            continue
        there = {column["name"] for column in inspector.get_columns(table.name)}
        lacking += [f"{table.name}.{column.name}" for column in table.columns if column.name not in there]
    return lacking


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(meta.name):
        return None
    version = _fact(connection, "version")
    return None if version is None else int(version)


def _fact(connection: Connection, name: str) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar()
