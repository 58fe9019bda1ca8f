"""procrastinate wakes the outbox: with a real PostgreSQL, and workers that are killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import procrastinate
import pytest
import sqlalchemy
from engine_vendor import PATIENCE, open_outbox, taken, wait_until, worker
from sqlalchemy.orm import Session

from sms_core import ConfigurationError, Message
from sms_core_outbox import Outbox, Put, State
from sms_core_outbox.engines.procrastinate import Jobs

A, B = "+886900000001", "+886900000002"
SCRIPT = "procrastinate_worker.py"


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


@pytest.fixture
def outbox(url: str, tmp_path: Path) -> Iterator[Outbox]:
    with open_outbox(url, tmp_path) as outbox:
        outbox.create()
        yield outbox


@pytest.fixture
def jobs(outbox: Outbox) -> Iterator[Jobs]:
    jobs = Jobs(outbox, rows=2)
    app = jobs.make_app()
    with app.open():
        app.schema_manager.apply_schema()
        yield jobs


def queued(outbox: Outbox) -> list[tuple[str, str, str | None]]:
    """Name, status and lock of each job in the tables."""
    with outbox.engine.connect() as connection:
        question = sqlalchemy.text("SELECT task_name, status::text, lock FROM procrastinate_jobs ORDER BY id")
        return [(name, status, lock) for name, status, lock in connection.execute(question)]


def test_a_job_is_there_with_the_commit_and_not_before(outbox: Outbox, jobs: Jobs) -> None:
    with Session(outbox.engine) as session:
        jobs.put(Message("hi", A), key="rolled back", connection=session)
        session.rollback()
    assert queued(outbox) == []
    with Session(outbox.engine) as mine, Session(outbox.engine) as another:
        for key in ("one", "two"):
            jobs.put(Message("hi", A), key=key, connection=mine)
        jobs.put(Message("hi", B), key="three", connection=another)  # which waits for nobody
        assert queued(outbox) == []
        another.commit()
        mine.commit()
    # One for each transaction: the first one's may have run before the second one's commit.
    assert queued(outbox) == [("sms:drain", "todo", None)] * 2


def test_a_job_waits_once_for_what_is_stored_by_itself(outbox: Outbox, jobs: Jobs) -> None:
    jobs.put_many([Put(Message("hi", A), f"k{number}") for number in range(3)])
    jobs.put(Message("hi", B), key="b")
    jobs.put(Message("hi", B), key="b")
    assert queued(outbox) == [("sms:drain", "todo", None)]


def test_a_put_is_stored_though_no_job_can_be(outbox: Outbox) -> None:
    jobs = Jobs(outbox)
    app = jobs.make_app()
    with app.open():  # in a database that procrastinate has no tables in
        jobs.put(Message("hi", A), key="k")
    assert outbox.get("k").rows[0].state is State.READY


def test_a_worker_sends_all_in_jobs_of_some_rows(outbox: Outbox, tmp_path: Path) -> None:
    numbers = [f"+88690000000{number}" for number in range(7)]
    jobs = Jobs(outbox, rows=2)
    app = jobs.make_app()
    with app.open():
        app.schema_manager.apply_schema()
        jobs.put_many([Put(Message("hi", number), number) for number in numbers])
    app.run_worker(wait=False, listen_notify=False, install_signal_handlers=False)
    assert sorted(taken(tmp_path)) == numbers
    assert [status for name, status, _ in queued(outbox) if name == "sms:drain"] == ["succeeded"] * 4


def test_the_tasks_join_an_app_that_exists(outbox: Outbox, jobs: Jobs) -> None:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo="postgresql://nobody@127.0.0.1:1/x"))
    app.add_tasks_from(Jobs(outbox).blueprint, namespace="texts")
    names = {name for name in app.tasks if name.startswith("texts:")}
    assert names == {f"texts:{name}" for name in ("drain", "drain_all", "settle", "poll", "watch", "rescue")}
    assert {task.lock for task in app.tasks.values() if task.name in names} == {None}


def test_sqlite_has_no_place_for_it(tmp_path: Path) -> None:
    with open_outbox(f"sqlite:///{tmp_path}/sms.db", tmp_path) as outbox, pytest.raises(ConfigurationError):
        Jobs(outbox).make_app()


def test_nothing_waits_for_a_killed_worker(url: str, outbox: Outbox, jobs: Jobs, tmp_path: Path) -> None:
    jobs.put(Message("hi", A), key="first")
    with worker(SCRIPT, tmp_path, url, "hold") as killed:
        killed.wait_for("sending")
        killed.kill()
    # The one that was put, a periodic one, or both.
    held = {name for name, status, _ in queued(outbox) if status == "doing" and name.startswith("sms:drain")}
    assert held
    assert outbox.get("first").rows[0].state is State.SENDING
    jobs.put(Message("hi", B), key="second")
    with worker(SCRIPT, tmp_path, url) as another:
        wait_until(lambda: outbox.get("second").rows[0].state is State.ACCEPTED)
        wait_until(lambda: {(name, "failed", None) for name in held} <= set(queued(outbox)))
        wait_until(lambda: outbox.get("first").rows[0].state is State.UNKNOWN)
        another.wait_for("alarm unknown")
        another.process.terminate()
        another.process.wait(PATIENCE)
    # The rescue ended the job, and nobody sent the row again.
    assert taken(tmp_path) == [B]
