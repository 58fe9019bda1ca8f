"""Nothing is lost between a process and its database: a claim whose commit was not heard, results that were not taken."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from outbox_vendor import Vendor
from sqlalchemy import Connection

from sms_core import InvalidMessage, Message, hookimpl
from sms_core.provider import Flow, Operation
from sms_core.testing import memory_exchange
from sms_core_outbox import DatabaseUnavailable, Outbox, Put, State
from sms_core_outbox.databases import Database

A, B = "+886900000001", "+886900000002"


@contextmanager
def unheard(monkeypatch: pytest.MonkeyPatch, *, is_claim: Callable[[Connection], bool]) -> Iterator[None]:
    """The next transaction of this kind is committed, and the connection breaks before that is heard."""
    write = Database.write

    @contextmanager
    def lossy(self: Database) -> Iterator[Any]:
        with write(self) as connection:
            yield connection
            lost = is_claim(connection)
        if lost:
            monkeypatch.setattr(Database, "write", write)
            raise DatabaseUnavailable("the connection broke")

    monkeypatch.setattr(Database, "write", lossy)
    yield
    monkeypatch.setattr(Database, "write", write)


def has_claimed(connection: Connection) -> bool:
    count = "SELECT count(*) FROM sms_outbox_row WHERE state = 'sending'"
    return bool(connection.exec_driver_sql(count).scalar())


def test_a_result_whose_commit_was_not_heard_is_stored_once(
    outbox: Outbox, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_answered(connection: Connection) -> bool:
        count = "SELECT count(*) FROM sms_outbox_row WHERE state = 'accepted'"
        return bool(connection.exec_driver_sql(count).scalar())

    outbox.put(Message("hi", A), key="k")
    with unheard(monkeypatch, is_claim=has_answered):
        outbox.drain()
    outbox.drain()
    (row,) = outbox.get("k").rows
    assert [change.state for change in row.history] == [State.READY, State.SENDING, State.ACCEPTED]
    assert not row.is_double


def rename(outbox: Outbox, name: str, other: str) -> None:
    with outbox._database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {other}")


class RefusesAfterwards:
    """A plugin of an application's that raises what others raise before anything is sent."""

    @hookimpl(wrapper=True)
    def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        return self.around((yield))

    def around(self, flow: Flow[Any]) -> Flow[Any]:
        yield from flow
        raise InvalidMessage("text", "comes too late")


def test_a_plugin_that_refuses_what_was_sent_hides_no_batch_id(open_outbox: Callable[..., Outbox]) -> None:
    exchange = memory_exchange("refuses-afterwards")
    exchange.reset()
    plugins = {"main": [RefusesAfterwards()]}
    outbox = open_outbox(accounts={"main": "memory://refuses-afterwards"}, plugins=plugins)
    outbox.put_many([Put(Message("hi", A), key="a"), Put(Message("hi", B), key="b")])
    outbox.drain()
    outbox.drain()
    rows = [row for key in ("a", "b") for row in outbox.get(key).rows]
    assert [(row.state, row.batch_id is None) for row in rows] == [(State.ACCEPTED, False)] * 2
    assert sorted(accepted.number for accepted in exchange.accepted) == [A, B]
