"""Inserting many rows into SQLite with few statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection

BLOCKS = (1000, 100, 10, 1)
"""How many rows a statement of SQLite inserts: few sizes, since a connection keeps the statements that it has compiled."""
_MOST_VALUES = 32_766 if sqlite3.sqlite_version_info >= (3, 32) else 999
"""How many values a statement of SQLite takes (https://www.sqlite.org/limits.html, section 9)."""


def insert_in_blocks(connection: Connection, beginning: str, values: Sequence[tuple[Any, ...]], ending: str) -> int:
    """Insert rows into SQLite, many with one statement, and give how many rows that made.

    A statement for each row takes twice as long, and beside a thread that works far longer: the driver lets go of the
    interpreter while a statement runs, and has to wait for it each time.
    """
    places = "({})".format(", ".join("?" * len(values[0])))
    count = begun = 0
    for size in BLOCKS:
        if size * len(values[0]) > _MOST_VALUES:
            continue
        while len(values) - begun >= size:
            block = values[begun : begun + size]
            statement = f"{beginning} VALUES {', '.join([places] * size)}{ending}"
            count += connection.exec_driver_sql(statement, tuple(chain.from_iterable(block))).rowcount
            begun += size
    return count
