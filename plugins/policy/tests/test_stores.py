"""What every store does, alone and under threads and processes: none of a limit exceeded, none lost."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

import sms_core
from sms_core import ConfigurationError
from sms_core_policy import Duplicates, LimitReached, MemoryStore, Store, StoreUnavailable
from sms_core_policy.stores import Claim, RedisStore, SqlStore

HOUR = timedelta(hours=1)
SPENDING = Path(__file__).with_name("spending.py")
NOW = datetime.now(UTC)
LATER = NOW + HOUR


def spending() -> ModuleType:
    spec = importlib.util.spec_from_file_location("policy_spending", SPENDING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def claim(amount: int, most: int = 10, now: datetime = NOW, key: str = "k") -> Claim:
    return Claim.sliding(key, amount, most, HOUR, now)


def test_a_limit_is_taken_up_to_its_end_and_what_is_given_back_is_free_again(store: Store) -> None:
    assert store.take([claim(6)], NOW) is None
    assert store.take([claim(5)], NOW) == claim(5)
    assert store.take([claim(4)], NOW) is None
    store.give_back([claim(3)])
    assert store.used([claim(1)], NOW) == [7]
    store.give_back([claim(-1)])
    assert store.used([claim(1), claim(1, key="other")], NOW) == [8, 0]


def test_all_or_nothing_is_taken(store: Store) -> None:
    full = claim(11, key="a-full")
    assert store.take([claim(1, key="z"), full, claim(1, key="b")], NOW) == full
    assert store.used([claim(1, key="z"), full, claim(1, key="b")], NOW) == [0, 0, 0]
    assert store.take([], NOW) is None
    store.give_back([])
    assert store.used([], NOW) == []


def test_a_window_slides_and_is_never_too_short(store: Store) -> None:
    assert store.take([claim(10)], NOW) is None
    assert store.take([claim(1, now=NOW + HOUR)], NOW) is not None
    after = NOW + HOUR + HOUR / 60 + timedelta(seconds=1)
    assert store.take([claim(10, now=after)], after) is None


def test_a_text_is_swapped_only_for_what_stands_there(store: Store) -> None:
    assert store.swap("t", None, "1", LATER, NOW)
    assert not store.swap("t", None, "2", LATER, NOW)
    assert not store.swap("t", "0", "2", LATER, NOW)
    assert store.swap("t", "1", "2", LATER, NOW)
    assert store.get(["t", "other"], NOW) == {"t": "2"}
    assert store.swap("t", "2", None, LATER, NOW)
    assert store.get(["t"], NOW) == {}
    assert store.swap("t", None, None, LATER, NOW)


def test_one_of_many_swaps_wins(store: Store) -> None:
    assert store.swap("t", None, "0", LATER, NOW)
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: store.swap("t", "0", str(number), LATER, NOW), range(1, 33)))
    assert won.count(True) == 1
    assert store.get(["t"], NOW) == {"t": str(won.index(True) + 1)}


def test_texts_whose_time_is_over_are_gone(store: Store) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert store.swap("t", None, "1", past, past - HOUR)
    assert store.get(["t"], datetime.now(UTC)) == {}
    assert store.swap("t", None, "2", LATER, datetime.now(UTC))
    assert store.get(["t"], datetime.now(UTC)) == {"t": "2"}


def test_32_threads_exceed_nothing_and_lose_nothing(store: Store) -> None:
    module = spending()
    outcomes = module.spend(store, 64, 32)
    assert outcomes.total() == 64
    assert 0 < outcomes["accepted"] <= module.MOST
    assert module.used(store) == [outcomes["accepted"]] * 2
    assert outcomes["not sent"] > 0


def test_the_same_text_in_32_threads_goes_once(store: Store) -> None:
    duplicates = Duplicates(store)

    def is_sent(_: int) -> bool:
        try:
            return sms.send("x", to="0900000001").accepted == 1
        except LimitReached:
            return False

    with sms_core.connect("memory://same", plugins=[duplicates]) as sms, ThreadPoolExecutor(32) as pool:
        assert list(pool.map(is_sent, range(32))).count(True) == 1


def test_4_processes_exceed_nothing_and_lose_nothing(place_of: Callable[[str], str]) -> None:
    places = [place_of(kind) for kind in ("sqlite", "postgresql", "redis")]
    said = subprocess.run(
        [sys.executable, str(SPENDING), "4", "24", "4", *places],
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    module = spending()
    for place in places:
        outcomes = Counter[str]()
        for answer in answers:
            outcomes.update(answer[place])
        assert outcomes.total() == 96, place
        assert 0 < outcomes["accepted"] <= module.MOST, place
        assert outcomes["not sent"] > 0, place
        assert outcomes["duplicates"] > 0, place
        store = module.open_store(place)
        assert module.used(store) == [outcomes["accepted"]] * 2, place
        store.close()


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), timedelta(days=365)])
def test_a_clock_that_was_ahead_opens_no_limit_and_closes_none_for_long(store: Store, ahead: timedelta) -> None:
    for _ in range(9):
        assert store.take([claim(1)], NOW) is None
    then = NOW + ahead
    assert store.take([claim(1, now=then)], then) is None
    is_within_the_window = ahead < HOUR
    assert store.used([claim(1)], NOW) == [10 if is_within_the_window else 9]
    assert (store.take([claim(1)], NOW) is None) is not is_within_the_window
    for step in range(24):  # what is over leaves the store, and the window
        after = NOW + 2 * HOUR + step * timedelta(minutes=10)
        assert store.take([claim(1, most=7, now=after)], after) is None


def test_the_clock_of_the_application_counts_and_not_the_server_s(store: Store) -> None:
    long_ago = NOW - timedelta(days=400)
    assert store.take([claim(10, now=long_ago)], long_ago) is None
    assert store.take([claim(1, now=long_ago)], long_ago) is not None
    store.give_back([claim(1, now=long_ago)])
    assert store.used([claim(1, now=long_ago)], long_ago) == [9]
    assert store.swap("t", None, "1", long_ago + HOUR, long_ago)
    assert store.get(["t"], long_ago) == {"t": "1"}
    assert store.get(["t"], long_ago + HOUR) == {}


def test_many_expired_keys_leave_the_memory() -> None:
    store = MemoryStore()
    for number in range(3000):
        now = NOW + timedelta(seconds=number)
        store.take([Claim.sliding(f"k{number}", 1, 1, timedelta(seconds=10), now)], now)
        store.swap(f"t{number}", None, "x", now + timedelta(seconds=10), now)
    assert len(store._counts) + len(store._texts) < 2200


def test_a_store_that_fails_says_so_without_what_it_was_told(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/a.db", create=False)
    with pytest.raises(StoreUnavailable) as failed:
        store.take([claim(1, key="+886900000001")], NOW)
    assert str(failed.value) == "the database: OperationalError"
    with pytest.raises(StoreUnavailable, match="Redis: ConnectionError"):
        RedisStore("redis://127.0.0.1:1/0").get(["k"], NOW)


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", "strange://h"])
def test_a_database_that_cannot_be_used_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SqlStore"):
        SqlStore(url)


def test_the_tables_may_be_made_by_an_applications_migrations(tmp_path: Path) -> None:
    from sqlalchemy import create_engine  # noqa: PLC0415 - an extra's

    from sms_core_policy.stores.sql import metadata  # noqa: PLC0415 - the same

    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    metadata.create_all(engine)
    store = SqlStore(engine, create=False)
    assert store.take([claim(1)], NOW) is None
    SqlStore(engine)
    assert store.used([claim(1)], NOW) == [1]
    store.close()
    engine.dispose()
