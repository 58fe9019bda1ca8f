"""The promise under fire: what the vendor really accepted is exactly what the result says."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import sms_core
import sms_core_mitake
from sms_core import Client, DeliveryStatus, Message, Outcome, Recipient, SendError, SendResult, SmsError
from sms_core.testing import check_promise
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import KINDS

NUMBERS = [f"+8869000000{n:02}" for n in range(1, 9)]
OPTIONS = sms_core_mitake.SendOptions(report_url="https://example.org/sms", object_id="May")

OUTCOMES_LEFT_OPEN = frozenset(KINDS) - {"429", "403"}
"""After these a client cannot know; after the others the vendor has said that it did nothing."""
MOST_PATIENCE = 0.3
"""Seconds until a client gives up where the vendor is slow; its answer comes later than that."""
ENOUGH = 10.0
"""Seconds until it does elsewhere, however busy the machine is."""
IN_TIME = [kind for kind in KINDS if kind not in {"slow", "late"}]


def plain(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers)


def personal(text: str, numbers: list[str]) -> Message:
    return Message("", [Recipient(number, text=f"{text} {n % 2}") for n, number in enumerate(numbers)])


def alone(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers[:1], options=OPTIONS)


def two_lines(text: str, numbers: list[str]) -> Message:
    return Message(f"{text}\n第二行", numbers, options=OPTIONS)


def booked(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, send_at=datetime.now(UTC) + timedelta(days=1))


SENDS: list[Callable[[str, list[str]], Message]] = [plain, personal, alone, two_lines, booked]
READS: list[Callable[[Client, SendResult], Any]] = [
    lambda sms, result: sms.balance(),
    lambda sms, result: sms.check(),
    lambda sms, result: list(sms.reports(result)),
]


def client(box: Sandbox, kind: str = "", **options: Any) -> Client:
    patience = MOST_PATIENCE if kind in {"slow", "late"} else ENOUGH
    return sms_core.connect(box.dsn("mitake", read_timeout=patience, **options), sleep=lambda seconds: None)


def send(sms: Client, message: Message) -> SendResult:
    try:
        return sms.send(message)
    except SendError as error:
        return error.result


def check(box: Sandbox, mark: str, result: SendResult) -> None:
    """The promise, and that what was accepted has a batch."""
    check_promise(box.exchange, result, mark)
    assert all(row.batch_id for row in result.outcomes if row.outcome is Outcome.ACCEPTED)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["mitake"]) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


@pytest.mark.parametrize("make", SENDS)
@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_each_send(box: Sandbox, kind: str, make: Callable[[str, list[str]], Message]) -> None:
    box.faults.add(kind, match="send", times=1, after=1, seconds=3 * MOST_PATIENCE)
    with client(box, kind, batch_size=2) as sms:
        result = send(sms, make("mark", NUMBERS[:3]))
        check(box, "mark", result)
        unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
        assert kind in OUTCOMES_LEFT_OPEN or not unknown
        assert sms.settle(result).outcomes == result.outcomes, "this vendor has no evidence to give"


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_each_read(box: Sandbox, kind: str, read: Callable[[Client, SendResult], Any]) -> None:
    with client(box, kind) as sms:
        result = sms.send(personal("mark", NUMBERS[:3]))
        undisturbed = read(sms, result)
        box.faults.add(kind, match="SmQuery", times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert read(sms, result) == undisturbed
        except SmsError as error:
            assert not isinstance(error, SendError)
        assert box.faults.applied
    check(box, "mark", result)


@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_a_cancel(box: Sandbox, kind: str) -> None:
    """A cancel is not repeated once it may have been read; the points come back once or not at all."""
    with client(box, kind) as sms:
        before = sms.balance().credit
        batch = sms.send(booked("mark", NUMBERS[:1])).batches[0]
        box.faults.add(kind, match="SmCancel", times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert sms.cancel(batch).count == 1
        except SmsError as error:
            assert not isinstance(error, SendError)
        cancelled = box.exchange.messages[0].status is DeliveryStatus.CANCELLED
        assert sms.balance().credit == (before if cancelled else before - 1)


def test_points_that_run_out_in_the_middle(box: Sandbox) -> None:
    """Each SMS has a verdict of its own."""
    box.exchange.set_credit("sandbox", 3)
    with client(box) as sms:
        with pytest.raises(sms_core.PartiallySent) as caught:
            sms.send(plain("mark", NUMBERS[:5]))
        assert sms.balance().credit == 0
    rows = caught.value.result.outcomes
    assert [row.outcome.value for row in rows] == ["accepted"] * 3 + ["refused"] * 2
    assert all(isinstance(row.error, sms_core.InsufficientCredit) for row in rows[3:])
    check(box, "mark", caught.value.result)


def test_a_wrong_number_keeps_nobody_else_from_theirs(box: Sandbox) -> None:
    with client(box) as sms, pytest.raises(sms_core.PartiallySent) as caught:
        sms.send(plain("mark", [NUMBERS[0], "+886900000909", NUMBERS[1]]))
    assert [row.outcome.value for row in caught.value.result.outcomes] == ["accepted", "refused", "accepted"]
    check(box, "mark", caught.value.result)


def test_many_threads_with_a_wrong_password_show_it_once(box: Sandbox) -> None:
    dsn = box.dsn("mitake", password="wrong")
    with sms_core.connect(dsn) as sms, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: send(sms, plain(f"mark {n}", NUMBERS[:1])), range(16)))
    assert {row.outcome for result in results for row in result.outcomes} <= {Outcome.REFUSED, Outcome.NOT_SENT}
    assert (box.exchange.login_count, box.exchange.accepted) == (1, ())


RUNS = 1000
THREADS = 4


def test_random_runs(box: Sandbox) -> None:
    """Seeded runs, several threads at a time, any fault in any request."""
    generators = {f"run {seed}": random.Random(seed) for seed in range(RUNS)}
    kinds = [*IN_TIME * 4, "slow", None, *[None] * 3 * len(IN_TIME)]
    lock = threading.Lock()
    dice = random.Random(4711)

    def choose(info: object) -> str | None:
        with lock:
            return dice.choice(kinds)

    box.faults.choose = choose
    findings: list[tuple[str, SendResult]] = []

    def one(mark: str) -> None:
        chance = generators[mark]
        numbers = chance.sample(NUMBERS, chance.randint(1, 5))
        message = chance.choice(SENDS)(f"{mark}|", numbers)
        with client(box, "slow", batch_size=chance.randint(1, 4)) as sms:
            findings.append((f"{mark}|", send(sms, message)))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, generators))
    assert len(findings) == RUNS
    for mark, result in findings:
        check(box, mark, result)
    rows = Counter(row.outcome for _, result in findings for row in result.outcomes)
    assert set(rows) == set(Outcome), "the runs did not reach every outcome"
