"""Sending beside and within a transaction of the caller's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy
from outbox_vendor import Vendor
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sms_core import ConfigurationError, Message, connect
from sms_core.testing import memory_exchange
from sms_core_outbox import Outbox, State, UnknownKey

A = "+886900000001"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = sqlalchemy.create_engine(url)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_draining_beside_an_open_write_of_ones_own_raises_at_once(
    outbox: Outbox, engine: Engine, vendor: Vendor
) -> None:
    with Session(engine) as session:
        outbox.put(Message("hi", A), key="k", connection=session)
        begun = time.monotonic()
        for wait_in_vain in (outbox.drain, outbox.settle):
            with pytest.raises(ConfigurationError, match="commit it first"):
                wait_in_vain()
        assert time.monotonic() - begun < 10  # SQLite would have waited for 30 s
        session.commit()
        session.execute(sqlalchemy.text("SELECT 1"))  # the next transaction, which has not written
        assert outbox.drain().accepted == 1
    assert vendor.taken == [(A, "hi")]


def test_a_test_case_sends_within_what_it_rolls_back(open_outbox: Callable[..., Outbox], engine: Engine) -> None:
    exchange = memory_exchange("joined")
    exchange.reset()
    with connect("memory://joined") as client:
        outbox = open_outbox(accounts={"main": client})
        with Session(engine) as session:
            outbox.put(Message("hi", A), key="k", connection=session)
            assert outbox.drain(connection=session).accepted == 1
            assert outbox.get("k", connection=session).rows[0].state is State.ACCEPTED
            assert [message.text for message in exchange.accepted] == ["hi"]
            session.rollback()
        with pytest.raises(UnknownKey):
            outbox.get("k")
        assert outbox.stats().workers == ()


def test_an_account_that_may_send_sends_nothing_that_may_be_rolled_back(
    outbox: Outbox, engine: Engine, vendor: Vendor
) -> None:
    with Session(engine) as session:
        outbox.put(Message("hi", A), key="k", connection=session)
        with pytest.raises(ConfigurationError, match="may send"):
            outbox.drain(connection=session)
        session.commit()
    assert vendor.taken == []
    assert outbox.get("k").rows[0].state is State.READY
