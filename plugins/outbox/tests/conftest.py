"""What the tests of the outbox share: a database of each kind, and a vendor whose answers a test decides."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

# pytest's importlib mode leaves the path alone. At the end, so that nothing installed is hidden.
sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from outbox_databases import make_tables, new_database, new_schema
from outbox_vendor import HASH_KEY, Vendor

from sms_core_outbox import Outbox
from tests.support.postgresql import postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server; its URL."""
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite with the outbox's tables."""
    file = tmp_path_factory.mktemp("tables") / "sms.db"
    make_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind that nobody has used. Its tables are there already but for one, which takes time.

    `Outbox.create` finds that it has something to do, and makes the one that is missing.
    """
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_tables"), tmp_path / "sms.db")
        return f"sqlite:///{tmp_path}/sms.db"
    return new_schema(request.getfixturevalue("postgresql"))


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
