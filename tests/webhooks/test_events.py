"""The stores: what is handled is handled once, whoever else is at it and whatever breaks off."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import ConfigurationError
from sms_core.webhooks import Event, EventInProgress, MemoryEvents, SqliteEvents
from sms_core.webhooks.events import EventStore
from tests.webhooks.serving import EVERY8D, PATIENCE, over_wsgi, receiver

MakeStore = Callable[..., EventStore]


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    if request.param == "memory":
        return MemoryEvents
    return lambda **options: SqliteEvents(tmp_path / "events.db", **options)


def is_new(store: EventStore, key: str) -> bool:
    with store.claim(key) as answer:
        return answer


def test_a_key_is_new_once(make: MakeStore) -> None:
    store = make()
    assert [is_new(store, key) for key in ("a", "b", "a", "b", "")] == [True, True, False, False, True]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_block_that_breaks_off_handles_nothing(make: MakeStore, error: type[BaseException]) -> None:
    store = make()
    with pytest.raises(error), store.claim("a"):
        raise error
    assert [is_new(store, "a") for _ in range(2)] == [True, False]


def test_a_failure_while_an_old_event_is_looked_at_changes_nothing(make: MakeStore) -> None:
    store = make()
    is_new(store, "a")
    with pytest.raises(ValueError, match="of the handler"), store.claim("a"):
        raise ValueError("of the handler")
    assert not is_new(store, "a")


def test_the_oldest_are_forgotten(make: MakeStore) -> None:
    store = make(capacity=3)
    assert all(is_new(store, key) for key in "abcd")
    assert [is_new(store, key) for key in "dcb"] == [False] * 3
    assert is_new(store, "a")


def test_a_capacity_of_nothing_is_refused(make: MakeStore) -> None:
    with pytest.raises(ConfigurationError, match="capacity"):
        make(capacity=0)


def test_what_another_has_in_hand_is_neither_new_nor_handled() -> None:
    store = MemoryEvents()
    with store.claim("a"):
        with pytest.raises(EventInProgress), store.claim("a"):
            pass
        assert is_new(store, "b")
    assert not is_new(store, "a")


def test_whoever_waits_in_vain_for_the_file_is_told_so(tmp_path: Path) -> None:
    store = SqliteEvents(tmp_path / "events.db", patience=0.01)
    with store.claim("a"), pytest.raises(EventInProgress), store.claim("b"):
        pass
    assert is_new(store, "b")
    with store.claim("c"):
        assert not is_new(store, "a")  # what is handled is known without waiting


def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"no database" * 1000)
    for path in (tmp_path / "no.db", tmp_path / "missing" / "events.db"):
        with pytest.raises(ConfigurationError, match="cannot be kept"):
            SqliteEvents(path)


def test_a_file_that_breaks_later_is_an_error_and_no_new_event(tmp_path: Path) -> None:
    store = SqliteEvents(tmp_path / "events.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "events.db")) as connection:
        connection.execute("DROP TABLE handled")
    with pytest.raises(sqlite3.OperationalError), store.claim("a"):
        pass


def test_a_repr_shows_no_keys(tmp_path: Path) -> None:
    memory, file = MemoryEvents(7), SqliteEvents(tmp_path / "events.db")
    is_new(memory, "a-key")
    assert repr(memory) == "<MemoryEvents: 1 of 7>"
    assert repr(file) == f"<SqliteEvents in {tmp_path / 'events.db'}>"


def test_sixteen_threads_that_push_one_event_have_it_handled_once(make: MakeStore) -> None:
    handled: list[Event] = []
    answers: list[int] = []
    together = threading.Barrier(16)

    def push(base: str) -> None:
        together.wait(PATIENCE)
        while (status := EVERY8D.send(base).status) == 503:
            answers.append(status)
        answers.append(status)

    with over_wsgi(receiver(handled.append, store=make())) as base:
        threads = [threading.Thread(target=push, args=(base,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(handled) == 1
    assert answers.count(200) == 16
    assert set(answers) <= {200, 503}


WORKER = """
import sys, time
from sms_core.webhooks import SqliteEvents

store = SqliteEvents(sys.argv[1], patience=20)
for number in range(50):
    with store.claim(str(number)) as is_new:
        if is_new:
            print(number, flush=True)
        if sys.argv[2:]:
            time.sleep(60)
"""


def worker(path: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WORKER, str(path), *more], stdout=subprocess.PIPE, text=True)


def test_processes_share_a_file(tmp_path: Path) -> None:
    processes = [worker(tmp_path / "events.db") for _ in range(3)]
    lines = [line for process in processes for line in process.communicate(timeout=60)[0].split()]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(lines, key=int) == [str(number) for number in range(50)]


def test_an_event_whose_handler_was_killed_is_handled_again(tmp_path: Path) -> None:
    with worker(tmp_path / "events.db", "stay") as process:
        assert process.stdout
        assert process.stdout.readline() == "0\n"
        process.send_signal(signal.SIGKILL)
    store = SqliteEvents(tmp_path / "events.db")
    assert [is_new(store, "0") for _ in range(2)] == [True, False]


def test_a_restart_forgets_nothing_of_a_file(tmp_path: Path) -> None:
    assert is_new(SqliteEvents(tmp_path / "events.db"), "a")
    assert not is_new(SqliteEvents(tmp_path / "events.db"), "a")


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans())))
def test_a_key_is_new_until_it_was_handled(steps: list[tuple[str, bool]]) -> None:
    store, handled = MemoryEvents(), set()
    for key, succeeds in steps:
        with contextlib.suppress(ValueError), store.claim(key) as answer:
            assert answer == (key not in handled)
            if not succeeds:
                raise ValueError
            handled.add(key)
