"""Celery wakes the outbox: with a broker that speaks Redis' protocol, and workers in processes of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery_worker import VISIBLE_AGAIN, make
from engine_vendor import open_outbox, taken, wait_until, worker

from sms_core import Message
from sms_core_outbox import Outbox, Put, State
from sms_core_outbox.engines.celery import Jobs
from tests.support.redis import redis_server

A = "+886900000001"
SCRIPT = "celery_worker.py"
QUEUE = "celery"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/sms.db"


@pytest.fixture
def outbox(url: str, tmp_path: Path) -> Iterator[Outbox]:
    with open_outbox(url, tmp_path) as outbox:
        outbox.create()
        yield outbox


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with redis_server() as broker:
        yield broker


@pytest.fixture
def broker(server: str) -> str:
    with redis.Redis.from_url(server) as client:
        client.flushdb()
    return server


def give_away(jobs: Jobs, since: float) -> None:
    """Let the broker give away what nobody has acknowledged for long enough: any worker has it do so every ten seconds."""
    time.sleep(max(0.0, since + VISIBLE_AGAIN + 0.1 - time.monotonic()))
    with jobs.app.connection_for_write() as connection:
        connection.default_channel.qos.restore_visible(interval=1)


def test_a_task_of_a_killed_worker_comes_again_and_sends_nothing_twice(
    url: str, outbox: Outbox, broker: str, tmp_path: Path
) -> None:
    jobs = make(outbox, broker)
    jobs.put(Message("hi", A), key="k")
    with worker(SCRIPT, tmp_path, url, broker, "hold") as killed:
        killed.wait_for("sending")
        since = time.monotonic()
        killed.kill()
    give_away(jobs, since)
    with worker(SCRIPT, tmp_path, url, broker) as another:
        another.wait_for("sms.drain")
    assert outbox.get("k").rows[0].state is State.UNKNOWN
    assert taken(tmp_path) == []


def test_a_task_that_comes_again_while_it_runs_sends_nothing(
    url: str, outbox: Outbox, broker: str, tmp_path: Path
) -> None:
    jobs = make(outbox, broker)
    jobs.put(Message("hi", A), key="k")
    with worker(SCRIPT, tmp_path, url, broker, "hold") as slow:
        slow.wait_for("sending")
        give_away(jobs, time.monotonic())
        with worker(SCRIPT, tmp_path, url, broker) as another:
            another.wait_for("sms.drain")
        assert outbox.get("k").rows[0].state is State.SENDING
        (tmp_path / "go").touch()
        slow.wait_for("sms.drain")
    assert outbox.get("k").rows[0].state is State.ACCEPTED
    assert taken(tmp_path) == [A]


def test_a_broker_may_deliver_everything_twice(url: str, outbox: Outbox, broker: str, tmp_path: Path) -> None:
    numbers = [f"+88690000000{number}" for number in range(4)]
    jobs = make(outbox, broker)
    for number in numbers:
        jobs.put(Message("hi", number), key=number)
    with redis.Redis.from_url(broker) as client:
        client.rpush(QUEUE, *client.lrange(QUEUE, 0, -1))
        assert client.llen(QUEUE) == 2 * len(numbers)
    with worker(SCRIPT, tmp_path, url, broker) as one, worker(SCRIPT, tmp_path, url, broker) as two:
        wait_until(lambda: one.count("sms.drain") + two.count("sms.drain") >= 2 * len(numbers))
    assert sorted(taken(tmp_path)) == numbers
    assert {found.state for found in outbox.find()} == {State.ACCEPTED}


def test_a_put_is_stored_though_the_broker_is_away(outbox: Outbox) -> None:
    jobs = make(outbox, "amqp://127.0.0.1:1")
    jobs.app.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0.01}  # else it tries for six seconds
    jobs.put(Message("hi", A), key="k")
    assert outbox.get("k").rows[0].state is State.READY


def test_one_account_is_woken_once_for_many(outbox: Outbox, broker: str) -> None:
    jobs = make(outbox, broker)
    given = [Put(Message("hi", A), f"k{number}") for number in range(3)]
    jobs.put_many(given)
    jobs.put_many(given)  # of which nothing is new
    with redis.Redis.from_url(broker) as client:
        assert client.llen(QUEUE) == 1


def test_beat_runs_what_has_to_be_done_regularly(outbox: Outbox, broker: str) -> None:
    jobs = make(outbox, broker)
    schedule = {entry["task"]: entry["schedule"] for entry in jobs.app.conf.beat_schedule.values()}
    assert schedule == {"sms.drain": 10.0, "sms.settle": 300.0, "sms.poll": 60.0, "sms.watch": 60.0}
    for task in schedule:
        jobs.app.tasks[task].apply(throw=True)
    assert outbox.stats().workers != ()
