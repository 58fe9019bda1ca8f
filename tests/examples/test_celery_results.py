"""Errors and results of tasks, read by another process from a result backend that speaks JSON: all of it real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

import sms_core
from sms_core import Outcome, SendResult, SmsError
from sms_core.serialize import from_data
from sms_core_sandbox import Sandbox
from tests.support.children import child
from tests.support.redis import redis_server

GOOD, OTHER, REFUSED = "+886900000001", "+886900000002", "+886900000909"
DEADLINE = 120.0
NOBODY = "every8d://nobody:nothing@127.0.0.1:1?scheme=http&retries=0"


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
def tasks(redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Celery]:
    """The application as another process knows it: by the names of its tasks."""
    command = [sys.executable, "-m", "celery", "-A", "failing_tasks", "worker", "--concurrency", "1"]
    folder = tmp_path_factory.mktemp("celery")
    environment = {**os.environ, "REDIS_URL": redis, "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    log = folder / "log"
    with (
        log.open("w") as out,
        child(
            [*command, "--without-mingle", "--without-gossip"],
            cwd=Path(__file__).parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        ),
        Celery("caller", broker=redis, backend=redis) as app,
    ):
        yield app


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(filter_sees_all=True) as running:
        yield running


def outcome(app: Celery, task: str, *arguments: Any) -> Any:
    return app.send_task(f"failing_tasks.{task}", arguments).get(DEADLINE)


def error_of(app: Celery, task: str, *arguments: Any) -> SmsError:
    with pytest.raises(SmsError) as caught:
        outcome(app, task, *arguments)
    return caught.value


def test_a_failed_send_comes_back_as_its_class_with_each_recipients_outcome(tasks: Celery, box: Sandbox) -> None:
    dsn = box.dsn("every8d", batch_size=1, retries=0)
    partly = error_of(tasks, "send", dsn, [GOOD, REFUSED])
    assert type(partly) is sms_core.PartiallySent
    assert [(row.number, row.outcome) for row in partly.result.outcomes] == [
        (GOOD, Outcome.ACCEPTED),
        (REFUSED, Outcome.REFUSED),
    ]
    assert partly.result.batch_id == box.exchange.accepted[-1].batch_id
    assert isinstance(partly.result.outcomes[1].error, sms_core.VendorError)

    for task in ("send", "send_again"):
        unsent = error_of(tasks, task, NOBODY, [GOOD])
        assert type(unsent) is sms_core.NotSent
        assert [row.outcome for row in unsent.result.outcomes] == [Outcome.NOT_SENT]

    refused = error_of(tasks, "send", dsn, [REFUSED])
    assert isinstance(refused, sms_core.VendorError)
    assert refused.vendor_text
    assert [row.outcome for row in refused.result.outcomes] == [Outcome.REFUSED]


def test_an_unknown_outcome_can_be_settled_where_it_is_read(tasks: Celery, box: Sandbox) -> None:
    dsn = box.dsn("every8d", retries=0)
    box.faults.add("drop_after", match="Send")
    unknown = error_of(tasks, "send", dsn, [OTHER])
    assert type(unknown) is sms_core.OutcomeUnknown
    assert "settle()" in str(unknown)
    with sms_core.connect(dsn) as sms:
        settled = sms.settle(unknown)
    assert [(row.number, row.outcome) for row in settled.outcomes] == [(OTHER, Outcome.ACCEPTED)]


def test_what_was_wrong_before_anything_was_sent_comes_back_too(tasks: Celery, box: Sandbox) -> None:
    wrong = error_of(tasks, "send", box.dsn("every8d"), ["0900"])
    assert isinstance(wrong, sms_core.InvalidMessage)
    assert wrong.field == "to[0].number"
    assert type(error_of(tasks, "send", "nobody://", [GOOD])) is sms_core.ConfigurationError


def test_a_result_comes_back_as_data(tasks: Celery, box: Sandbox) -> None:
    result = from_data(outcome(tasks, "send", box.dsn("every8d"), [GOOD]), SendResult)
    assert result.batch_id == box.exchange.accepted[-1].batch_id
