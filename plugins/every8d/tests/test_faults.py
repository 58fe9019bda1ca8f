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
import sms_core_every8d
from sms_core import (
    Client,
    DeliveryStatus,
    Media,
    Message,
    Outcome,
    OutcomeUnknown,
    Recipient,
    SendError,
    SendResult,
    SmsError,
)
from sms_core.testing import check_promise
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import KINDS

NUMBERS = [f"+8869000000{n:02}" for n in range(1, 9)]
FILTERED = sms_core_every8d.SendOptions(skip_duplicates=True)
PICTURE = Media(b"\x89PNG\r\n\x1a\npicture", "png")

OUTCOMES_LEFT_OPEN = frozenset(KINDS) - {"429", "403"}
"""After these a client cannot know; after the others the vendor has said that it did nothing."""
MOST_PATIENCE = 0.3
"""Seconds until a client gives up where the vendor is slow; its answer comes later than that."""
ENOUGH = 10.0
"""Seconds until it does elsewhere, however busy the machine is."""


def plain(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers)


def personal(text: str, numbers: list[str]) -> Message:
    return Message("", [Recipient(number, text=f"{text} {n % 3}") for n, number in enumerate(numbers)])


def with_params(text: str, numbers: list[str]) -> Message:
    return Message(
        text + " {name}", [Recipient(number, params={"name": f"{n % 2}"}) for n, number in enumerate(numbers)]
    )


def filtered(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, options=FILTERED)


def filtered_personal(text: str, numbers: list[str]) -> Message:
    to = [Recipient(number, text=f"{text} {n % 2}") for n, number in enumerate(numbers)]
    return Message("", to, options=FILTERED)


def mms(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, subject="subject", media=PICTURE)


def personal_mms(text: str, numbers: list[str]) -> Message:
    to = [Recipient(number, text=f"{text} {n}") for n, number in enumerate(numbers)]
    return Message("", to, subject="subject", media=PICTURE)


SENDS: list[Callable[[str, list[str]], Message]] = [
    plain,
    personal,
    with_params,
    filtered,
    filtered_personal,
    mms,
    personal_mms,
]


def client(box: Sandbox, kind: str = "", **options: object) -> Client:
    patience = MOST_PATIENCE if kind in {"slow", "late"} else ENOUGH
    dsn = box.dsn("every8d", read_timeout=patience, **options)
    return sms_core.connect(dsn, sleep=lambda seconds: None)


def send(sms: Client, message: Message) -> SendResult:
    try:
        return sms.send(message)
    except SendError as error:
        return error.result


def check(box: Sandbox, mark: str, result: SendResult) -> None:
    """The promise, and that what was accepted has a batch."""
    check_promise(box.exchange, result, mark)
    assert all(row.batch_id for row in result.outcomes if row.outcome is Outcome.ACCEPTED)


@pytest.fixture(scope="module", params=[False, True], ids=["filter sees filtered sends", "filter sees all"])
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(filter_sees_all=request.param) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


IN_TIME = [kind for kind in KINDS if kind not in {"slow", "late"}]


@pytest.mark.parametrize("make", SENDS)
@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_each_send(box: Sandbox, kind: str, make: Callable[[str, list[str]], Message]) -> None:
    box.faults.add(kind, match="Send", times=1, after=1, seconds=3 * MOST_PATIENCE)
    sees_all = box.exchange.filter_sees_all
    with client(box, kind, batch_size=2, filter_sees_all=str(sees_all).lower()) as sms:
        result = send(sms, make("mark", NUMBERS[:3]))
        check(box, "mark", result)
        unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
        assert kind in OUTCOMES_LEFT_OPEN or not unknown
        settled = sms.settle(result)
    check_promise(box.exchange, settled, "mark")
    left = [row for row in settled.outcomes if row.outcome is Outcome.UNKNOWN]
    assert len(left) <= len(unknown)
    if make in {filtered, filtered_personal} or (sees_all and make not in {mms, personal_mms}):
        assert not left, "the evidence was there"


READS: dict[str, Callable[[Client, str], Any]] = {
    "GetCredit": lambda sms, batch: sms.balance(),
    "GetDeliveryStatus": lambda sms, batch: list(sms.reports(batch)),
    "GetReplyMessage": lambda sms, batch: list(sms.inbound(batch)),
    "ConnectionHandler": lambda sms, batch: sms.check(),
}


# Half of a bare number, correctly framed, is a number: nobody can tell.
READ_FAULTS = [
    (path, kind) for path in READS for kind in [*IN_TIME, "slow"] if (path, kind) != ("GetCredit", "half_text")
]


@pytest.mark.parametrize(("path", "kind"), READ_FAULTS)
def test_each_fault_in_each_read(box: Sandbox, path: str, kind: str) -> None:
    with client(box, kind) as sms:
        result = sms.send("mark", NUMBERS[0])
        undisturbed = READS[path](sms, result.batches[0])
        box.faults.add(kind, match=path, times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert READS[path](sms, result.batches[0]) == undisturbed
        except SmsError as error:
            assert not isinstance(error, SendError)
    check(box, "mark", result)


@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_the_login(box: Sandbox, kind: str) -> None:
    """Nothing of a message leaves before the login has succeeded, so nothing is ever unknown."""
    box.faults.add(kind, match="ConnectionHandler", times=1, seconds=3 * MOST_PATIENCE)
    with client(box, kind) as sms:
        result = send(sms, plain("mark", NUMBERS[:2]))
    assert {row.outcome for row in result.outcomes} <= {Outcome.ACCEPTED, Outcome.NOT_SENT}
    check(box, "mark", result)


@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_a_cancel(box: Sandbox, kind: str) -> None:
    """A cancel is not repeated once it may have been read; the points come back once or not at all."""
    with client(box, kind) as sms:
        before = sms.balance().credit
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        batch = sms.send("mark", NUMBERS[0], send_at=tomorrow).batches[0]
        box.faults.add(kind, match="EraseBooking", times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert sms.cancel(batch).count == 1
        except SmsError as error:
            assert not isinstance(error, SendError)
        cancelled = box.exchange.messages[0].status is DeliveryStatus.CANCELLED
        assert sms.balance().credit == (before if cancelled else before - 1)


def test_a_vendor_that_acts_after_the_time_out(box: Sandbox) -> None:
    """Silence proves nothing while the vendor may still be at work."""
    box.faults.add("late", match="Send", times=1, seconds=3 * MOST_PATIENCE)
    with client(box, "late", filter_sees_all="true") as sms:
        with pytest.raises(OutcomeUnknown) as caught:
            sms.send(filtered("mark", NUMBERS[:1]))
        assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.UNKNOWN]
        assert box.exchange.wait_for(lambda: bool(box.exchange.accepted))
        assert [row.outcome for row in sms.settle(caught.value).outcomes] == [Outcome.ACCEPTED]


def test_a_batch_that_the_caller_knows_is_not_taken_for_this_one(box: Sandbox) -> None:
    """The same text went there before; this time the request was never read."""
    with client(box, filter_sees_all=str(box.exchange.filter_sees_all).lower()) as sms:
        earlier = sms.send(filtered("mark", NUMBERS[:1]))
        box.faults.add("drop_before", match="Send", times=1)
        with pytest.raises(OutcomeUnknown) as caught:
            sms.send(filtered("mark", NUMBERS[:1]))
        settled = sms.settle(caught.value, known_batches=earlier.batches)
    assert [row.outcome for row in settled.outcomes] == [Outcome.NOT_SENT]


def test_credit_that_runs_out_in_the_middle_is_settled_by_the_reports(box: Sandbox) -> None:
    box.exchange.set_credit("sandbox", 2)
    with client(box) as sms:
        with pytest.raises(OutcomeUnknown, match="no credit for 2 of 4") as caught:
            sms.send("mark", NUMBERS[:4])
        assert caught.value.result.accepted == 2
        settled = sms.settle(caught.value)
    check(box, "mark", settled)
    assert Counter(row.outcome.value for row in settled.outcomes) == {"accepted": 2, "refused": 2}


RUNS = 500
"""For each of the two kinds of filter."""
THREADS = 4


def test_random_runs(box: Sandbox) -> None:
    """1,000 seeded runs, several threads at a time, any fault in any request."""
    generators = {f"run {seed}": random.Random(seed) for seed in range(RUNS)}
    kinds = [kind for kind in IN_TIME for _ in range(4)] + ["slow", None, *[None] * 3 * len(IN_TIME)]
    lock = threading.Lock()
    dice = random.Random(4711)

    def choose(info: object) -> str | None:
        with lock:
            return dice.choice(kinds)

    box.faults.choose = choose
    texts = itertools.count()
    findings: list[tuple[str, SendResult, SendResult]] = []

    def one(mark: str) -> None:
        chance = generators[mark]
        numbers = chance.sample(NUMBERS, chance.randint(1, 5))
        message = chance.choice(SENDS)(f"{mark}|{next(texts)}", numbers)
        sees_all = box.exchange.filter_sees_all and chance.random() < 0.5
        auth = chance.choice(["token", "password"])
        with client(
            box, "slow", batch_size=chance.randint(1, 4), filter_sees_all=str(sees_all).lower(), auth=auth
        ) as sms:
            result = send(sms, message)
            try:
                settled = sms.settle(result)
            except SmsError:
                settled = result
        findings.append((f"{mark}|", result, settled))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, generators))
    assert len(findings) == RUNS
    for mark, result, settled in findings:
        check(box, mark, result)
        check_promise(box.exchange, settled, mark)
    rows = Counter(row.outcome for _, result, _ in findings for row in result.outcomes)
    assert set(rows) == set(Outcome), "the runs did not reach every outcome"
