"""The promise under fire: what the vendor really accepted is exactly what the result says."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import sms_core
from sms_core import Client, DeliveryStatus, Message, Outcome, Recipient, SendError, SendResult, SmsError
from sms_core.testing import check_promise
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import KINDS
from sms_core_smsgo import SendOptions

NUMBERS = [f"+8869000000{n:02}" for n in range(1, 9)]
ABROAD = [f"+120255501{n:02}" for n in range(1, 6)]
OUTCOMES_LEFT_OPEN = frozenset(KINDS) - {"429", "403", "out_of_credit"}
"""After these a client cannot know; after the others the vendor has said that it did nothing."""
MOST_PATIENCE = 0.3
"""Seconds until a client gives up where the vendor is slow; its answer comes later than that."""
ENOUGH = 10.0
IN_TIME = [kind for kind in KINDS if kind not in {"slow", "late"}]
TYPES = ["json", "text", "xml"]


def plain(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers)


def personal(text: str, numbers: list[str]) -> Message:
    return Message("", [Recipient(number, text=f"{text} {n % 3}") for n, number in enumerate(numbers)])


def long(text: str, numbers: list[str]) -> Message:
    return Message(text + " 很長的簡訊" * 20, numbers)


def popup(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, options=SendOptions(popup=True))


SENDS: list[Callable[[str, list[str]], Message]] = [plain, personal, long, popup]


def client(box: Sandbox, kind: str = "", **options: object) -> Client:
    patience = MOST_PATIENCE if kind in {"slow", "late"} else ENOUGH
    return sms_core.connect(box.dsn("smsgo", read_timeout=patience, **options), sleep=lambda seconds: None)


def send(sms: Client, message: Message) -> SendResult:
    try:
        return sms.send(message)
    except SendError as error:
        return error.result


def check(box: Sandbox, mark: str, result: SendResult) -> None:
    check_promise(box.exchange, result, mark)
    assert all(row.batch_id for row in result.outcomes if row.outcome is Outcome.ACCEPTED)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["smsgo"]) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


@pytest.mark.parametrize("rtype", TYPES)
@pytest.mark.parametrize("make", SENDS)
@pytest.mark.parametrize("kind", IN_TIME)
def test_each_fault_in_each_send(
    box: Sandbox, kind: str, make: Callable[[str, list[str]], Message], rtype: str
) -> None:
    box.faults.add(kind, match="send", times=1, after=1)
    with client(box, kind, batch_size=2, rtype=rtype) as sms:
        result = send(sms, make("mark", NUMBERS[:3]))
    check(box, "mark", result)
    unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
    assert kind in OUTCOMES_LEFT_OPEN or not unknown


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["slow", "late"])
def test_an_answer_that_comes_too_late(box: Sandbox, kind: str, method: str) -> None:
    box.faults.add(kind, match="send", times=1, seconds=3 * MOST_PATIENCE)
    with client(box, kind, method=method) as sms:
        result = send(sms, plain("mark", NUMBERS[:2]))
    assert {row.outcome for row in result.outcomes} == {Outcome.UNKNOWN}
    assert box.exchange.wait_for(lambda: len(box.exchange.accepted) == 2)
    check(box, "mark", result)


READS: dict[str, Callable[[Client, SendResult], Any]] = {
    "query_point": lambda sms, result: sms.balance(),
    "query.asp": lambda sms, result: list(sms.reports(result)),
    "queryBulk": lambda sms, result: list(sms.reports(result.batches[0])),
}


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_each_read(box: Sandbox, path: str, kind: str) -> None:
    """In JSON, where half an answer is always seen; half of a bare number is a number."""
    with client(box, kind) as sms:
        result = sms.send("mark", NUMBERS[0])
        undisturbed = READS[path](sms, result)
        box.faults.add(kind, match=path, times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert READS[path](sms, result) == undisturbed
        except SmsError as error:
            assert not isinstance(error, SendError)
        assert box.faults.applied
    check(box, "mark", result)


@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_a_cancel(box: Sandbox, kind: str) -> None:
    """A cancel is not repeated once it may have been read; the points come back once or not at all."""
    with client(box, kind) as sms:
        before = sms.balance().credit
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        batch = sms.send("mark", NUMBERS[0], send_at=tomorrow).batches[0]
        box.faults.add(kind, match="cancel", times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert sms.cancel(batch).count == 1
        except SmsError as error:
            assert not isinstance(error, SendError)
        cancelled = box.exchange.messages[0].status is DeliveryStatus.CANCELLED
        assert sms.balance().credit == (before if cancelled else before - 1)


def test_a_split_text_that_fails_in_its_middle(box: Sandbox) -> None:
    text = "mark" + "字" * 200
    box.faults.add("drop_after", match=lambda info: len(box.exchange.accepted) >= 2, times=1)
    with client(box) as sms:
        result = send(sms, Message(text, ABROAD[:2], options=SendOptions(long_abroad="split")))
    found = Counter((row.number, row.outcome) for row in result.outcomes)
    for number in ABROAD[:2]:
        assert found[number, Outcome.ACCEPTED] == 1
        assert found[number, Outcome.UNKNOWN] == 1
        assert found[number, Outcome.NOT_SENT] == 2
    check(box, "", result)


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
    texts = itertools.count()
    findings: list[tuple[str, SendResult]] = []

    def one(mark: str) -> None:
        chance = generators[mark]
        make = chance.choice(SENDS)
        numbers = chance.sample(NUMBERS if make in {long, popup} else NUMBERS + ABROAD, chance.randint(1, 5))
        message = make(f"{mark}|{next(texts)}", numbers)
        options = {"rtype": chance.choice(TYPES), "method": chance.choice(["GET", "POST"])}
        with client(box, "slow", batch_size=chance.randint(1, 4), **options) as sms:
            findings.append((f"{mark}|", send(sms, message)))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, generators))
    assert len(findings) == RUNS
    for mark, result in findings:
        check(box, mark, result)
    assert {row.outcome for _, result in findings for row in result.outcomes} == set(Outcome)
