"""What the tests of the outbox share: a database of each kind, and a vendor whose answers a test decides."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy

# pytest's importlib mode leaves the path alone. At the end, so that nothing installed is hidden.
sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from outbox_vendor import HASH_KEY, Vendor

from sms_core_outbox import Outbox
from tests.support.postgresql import postgresql_server

_names = (f"outbox_{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server; its URL."""
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind that nobody has used."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sms.db"
    return new_schema(request.getfixturevalue("postgresql"))


def new_schema(server: str) -> str:
    """Nearly a database of its own: its tables are apart from all others. It takes neither time nor place."""
    parsed = sqlalchemy.make_url(server)
    name = next(_names)
    with psycopg.connect(host=parsed.query["host"], user="sms", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"


def new_database(server: str) -> str:
    """A database of its own in a server; its URL."""
    parsed = sqlalchemy.make_url(server)
    name = next(_names)
    with psycopg.connect(host=parsed.query["host"], user="sms", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def postgresql_url(postgresql: str) -> str:
    """A database of PostgreSQL that nobody has used."""
    return new_database(postgresql)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def open_outbox(url: str, vendor: Vendor, tmp_path: Path) -> Iterator[Callable[..., Outbox]]:
    """Open outboxes on one database, each as another process would; they are closed with the test."""
    with ExitStack() as opened:

        def start(**options: Any) -> Outbox:
            given = {
                "accounts": {"main": vendor.client()},
                "hash_key": HASH_KEY,
                "state": tmp_path / "state",
                **options,
            }
            outbox = opened.enter_context(Outbox(url, **given))
            outbox.create()
            return outbox

        yield start


@pytest.fixture
def outbox(open_outbox: Callable[..., Outbox]) -> Outbox:
    return open_outbox()
