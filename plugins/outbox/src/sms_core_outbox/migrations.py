"""The tables made, checked and brought up to date."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text, update

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


def create(database: Database, hashes: Hashes) -> None:
    """Make the tables that are missing. Raises `ConfigurationError` where there are others of another version."""
    database.prepare_file()
    with database.write() as connection:
        database.lock(connection, ("create",))
        if _version(connection) is None:
            metadata.create_all(connection)
            values = [
                {"name": "version", "value": str(VERSION)},
                {"name": "hash_key_check", "value": hashes.check},
            ]
            connection.execute(meta.insert(), values)
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
    known = connection.execute(select(meta.c.value).where(meta.c.name == "hash_key_check")).scalar_one()
    if known != hashes.check:
        raise ConfigurationError(f"{database.name} was written with another hash_key")


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(meta.name):
        return None
    return int(connection.execute(select(meta.c.value).where(meta.c.name == "version")).scalar_one())
