"""A child process that is forked while other threads of its parent are at work on SQLite."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from outbox_vendor import Vendor

from sms_core import Client, ConfigurationError, Message
from sms_core_outbox import Outbox, Put
from sms_core_outbox.forks import WITHIN
from tests.support.forks import in_children

A = "+886900000001"
PATIENCE = 20.0


def put_from_child(outbox: Outbox, key: str) -> int:
    outbox.put(Message("from a child", A), key=key)
    return len(outbox.find(limit=10_000))


def test_a_fork_waits_for_a_transaction_of_another_thread(outbox: Outbox) -> None:
    begun = threading.Event()

    def hold() -> None:
        with outbox._database.write():
            begun.set()
            time.sleep(0.5)  # the fork falls into it

    holder = threading.Thread(target=hold)
    holder.start()
    assert begun.wait(PATIENCE)
    assert in_children(1, lambda _: put_from_child(outbox, "child"), patience=PATIENCE) == [1]
    holder.join(PATIENCE)
    outbox.put(Message("from the parent", A), key="parent")
    assert len(outbox.find()) == 2


def test_children_of_a_busy_process_can_use_the_outbox(outbox: Outbox) -> None:
    over = threading.Event()
    puts: list[str] = []

    def put(name: str) -> None:
        while not over.is_set():
            puts.append(f"{name}{len(puts)}")
            outbox.put(Message("from a thread", A), key=puts[-1])
            outbox.stats()

    threads = [threading.Thread(target=put, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            assert in_children(1, lambda _, key=f"child{number}": put_from_child(outbox, key), patience=PATIENCE) != [0]
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert {row.key for row in outbox.find(limit=10_000)} == {*puts, *(f"child{number}" for number in range(5))}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_child_forked_within_its_parents_transaction_says_so(outbox: Outbox, vendor: Vendor) -> None:
    said = []

    def look(_: int) -> str:
        with pytest.raises(ConfigurationError, match="forked while a transaction"):
            outbox.put(Message("from the child", A), key="child")
        return "said"

    def forking() -> Iterator[Put]:
        yield Put(Message("before", A), "before")
        said.extend(in_children(1, look, patience=PATIENCE))
        yield Put(Message("after", A), "after")

    outbox.put_many(forking())
    assert said == ["said"]
    assert outbox.drain().accepted == 2
    assert [text for _, text in vendor.taken] == ["before", "after"]


def test_a_child_forked_in_c_never_hangs(
    url: str, open_outbox: Callable[..., Outbox], vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As uWSGI forks, without Python's hooks, while another thread is in the middle of a put."""
    begun, go_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def find(name: str) -> Client:
        if os.getpid() == parent:
            begun.set()
            assert go_on.wait(PATIENCE)
        return vendor.client()

    outbox = open_outbox(accounts=find)
    putting = threading.Thread(target=outbox.put, args=(Message("hi", A),), kwargs={"key": "parent", "account": "main"})
    putting.start()
    try:
        assert begun.wait(PATIENCE)
        monkeypatch.setattr(os, "fork", ctypes.PyDLL(None).fork)
        (said,) = in_children(1, lambda _: put_or_say(outbox), patience=PATIENCE)
    finally:
        go_on.set()
        putting.join(PATIENCE)
    assert said == (WITHIN if url.startswith("sqlite") else "put")


def put_or_say(outbox: Outbox) -> str:
    try:
        outbox.put(Message("from a child", A), key="child", account="main")
    except ConfigurationError as error:
        return str(error)
    return "put"
