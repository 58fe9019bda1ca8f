"""One refused login stops the workers of all machines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from outbox_vendor import HASH_KEY

from sms_core import Message, NotSent
from sms_core.testing import Exchange, memory_exchange
from sms_core_outbox import Alarm, Outbox, Put, State

WORKERS = 6


@pytest.fixture
def exchange() -> Exchange:
    exchange = memory_exchange("logins")
    exchange.reset()
    exchange.add_account("UID", "right", 1000)
    return exchange


def test_many_workers_show_a_wrong_password_once(url: str, tmp_path: Path, exchange: Exchange) -> None:
    alarms: list[Alarm] = []

    def open_worker() -> Outbox:
        accounts = {"main": "memory://UID:wrong@logins"}
        state = tmp_path / "state"
        return Outbox(url, accounts=accounts, hash_key=HASH_KEY, state=state, on_alarm=alarms.append, concurrency=1)

    workers = [open_worker() for _ in range(WORKERS)]
    workers[0].create()
    workers[0].put_many(
        Put(Message(f"text {number}", f"+88690000000{number}", subject=str(number)), f"k{number}")
        for number in range(6)
    )
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(Outbox.drain, workers))
    assert exchange.login_count == 1
    assert [alarm.kind for alarm in alarms] == ["paused"]
    assert {row.state for row in workers[0].find()} == {State.READY}
    assert "AuthenticationFailed" in workers[0].stats().paused["main"]
    for outbox in workers:
        outbox.close()


def test_after_resume_the_right_password_sends(url: str, tmp_path: Path, exchange: Exchange) -> None:
    def open_with(password: str) -> Outbox:
        accounts = {"main": f"memory://UID:{password}@logins"}
        return Outbox(url, accounts=accounts, hash_key=HASH_KEY, state=tmp_path / "state")

    with open_with("wrong") as wrong, open_with("right") as right:
        wrong.create()
        wrong.put(Message("hi", "+886900000001"), key="k")
        wrong.drain()
        assert right.drain().claimed == 0
        assert right.resume()
        assert right.drain().accepted == 1
        wrong.put(Message("ho", "+886900000001"), key="k2")
        assert wrong.drain().retried == 1
    assert exchange.login_count == 3


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_where_the_database_is_away_nobody_logs_in_and_nothing_is_sent(
    url: str, tmp_path: Path, exchange: Exchange
) -> None:
    accounts = {"main": "memory://UID:right@logins"}
    with Outbox(url, accounts=accounts, hash_key=HASH_KEY, state=tmp_path / "state") as outbox:
        outbox.create()
        with outbox._database.write() as connection:
            connection.exec_driver_sql("ALTER TABLE sms_outbox_account RENAME TO away")
        with pytest.raises(NotSent):
            outbox._accounts.client("main").send(Message("hi", "+886900000001"))  # type: ignore[arg-type]
    assert exchange.login_count == 0
