"""Each store, in turn: in memory, SQLite, PostgreSQL, Redis."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sms_core_policy.stores import MemoryStore, RedisStore, SqlStore, Store

# At the end, so that an installed sms_core is tested and not the folder of this name.
sys.path.append(str(Path(__file__).parents[3]))

from tests.support.postgresql import postgresql_server
from tests.support.redis import redis_server


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


SHARED = ["sqlite", "postgresql", "redis"]


def open_store(place: str) -> RedisStore | SqlStore:
    """The store at this place."""
    return RedisStore(place) if place.startswith("redis") else SqlStore(place)


def emptied(store: RedisStore | SqlStore) -> RedisStore | SqlStore:
    """The store without what another test left."""
    if isinstance(store, RedisStore):
        store._server.flushall()
    else:
        store.sweep(datetime(9999, 1, 1, tzinfo=UTC))
    return store


@pytest.fixture
def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Where a store of this kind may be, with nothing in it."""

    def do(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/policy.db"
        place = str(request.getfixturevalue("redis_url" if kind == "redis" else "postgresql"))
        emptied(open_store(place)).close()
        return place

    return do


@pytest.fixture(params=["memory", *SHARED])
def store(request: pytest.FixtureRequest, place_of: Callable[[str], str]) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    opened = open_store(place_of(request.param))
    yield opened
    opened.close()
