"""Django's database connection, lent to SQLAlchemy for as long as a ``with`` block lasts.

The transaction stays Django's: what SQLAlchemy says of its begin, commit, rollback and end does not reach the driver.
Nothing here imports Django; its connection is known by its shape.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from sms_core.errors import ConfigurationError

URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
"""By what Django calls the vendor."""
_SHAPE = ("vendor", "ensure_connection", "in_atomic_block", "settings_dict")
_WITHHELD = frozenset(
    (
        "commit",
        "rollback",
        "close",
        "create_function",  # SQLAlchemy's REGEXP would take the place of Django's
        "add_notice_handler",
    )
)


def is_django(given: Any) -> bool:
    """Whether this is one of ``django.db.connections``."""
    return all(hasattr(given, name) for name in _SHAPE)


def is_in_django_transaction(path: Path) -> bool:
    """Whether this thread is inside Django's ``transaction.atomic()`` on this SQLite file. It may have written or not."""
    django = sys.modules.get("django.db")
    if django is None:
        return False
    return any(
        found.vendor == "sqlite" and found.in_atomic_block and Path(found.settings_dict["NAME"]).absolute() == path
        for found in django.connections.all(initialized_only=True)
    )


@contextmanager
def lent(given: Any) -> Generator[Connection, None, None]:
    """Django's connection as SQLAlchemy's. Raises `ConfigurationError` outside of ``transaction.atomic()``."""
    if given.vendor not in URLS:
        raise ConfigurationError(f"the outbox is for SQLite and PostgreSQL, not for {given.vendor}")
    if not given.in_atomic_block:
        raise ConfigurationError("connection= joins a transaction: call it inside transaction.atomic()")
    given.ensure_connection()
    with _lender(given.vendor).connect(given.connection) as connection:
        yield connection


class _Lender:
    """An engine whose connections are whatever the thread lends it. It is kept, with its compiled statements."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {} if url.startswith("sqlite") else {"use_native_hstore": False}
        self._current = threading.local()
        self._engine = sqlalchemy.create_engine(
            url, creator=lambda: self._current.driver, poolclass=NullPool, hide_parameters=True, **options
        )

    @contextmanager
    def connect(self, driver: Any) -> Generator[Connection, None, None]:
        self._current.driver = _Driver(driver)
        with self._engine.connect() as connection:
            yield connection


@cache
def _lender(vendor: str) -> _Lender:
    return _Lender(URLS[vendor])


class _Driver:
    """The driver's connection, but for what would end Django's transaction or change its connection."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return _ignore if name in _WITHHELD else getattr(self._driver, name)


def _ignore(*_: Any, **__: Any) -> None:
    """It is Django's to do, or not to be done."""
