"""The promise under fire: what the vendor really accepted is exactly what the result says, before settling and after."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import sms_core
from sms_core import Client, Message, Outcome, Recipient, SendError, SendResult, SmsError
from sms_core.http import Response
from sms_core.testing import FakeTransport, check_promise
from sms_core_sandbox import Sandbox
from sms_core_sandbox.faults import KINDS, RequestInfo
from sms_core_twilio import SendOptions

NUMBERS = [f"+8869000000{n:02}" for n in range(1, 9)]

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


def booked(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, send_at=datetime.now(UTC) + timedelta(days=1))


def with_picture(text: str, numbers: list[str]) -> Message:
    return Message(text, numbers, options=SendOptions(from_="Shop", media_urls="https://example.com/a.png"))


SENDS: list[Callable[[str, list[str]], Message]] = [plain, personal, booked, with_picture]
READS: list[Callable[[Client, str], Any]] = [
    lambda sms, sid: sms.balance(),
    lambda sms, sid: sms.check(),
    lambda sms, sid: list(sms.reports(sid)),
]


def client(box: Sandbox, kind: str = "", **options: Any) -> Client:
    patience = MOST_PATIENCE if kind in {"slow", "late"} else ENOUGH
    return sms_core.connect(box.dsn("twilio", read_timeout=patience, **options), sleep=lambda seconds: None)


def send(sms: Client, message: Message) -> SendResult:
    try:
        return sms.send(message)
    except SendError as error:
        return error.result


def settle(box: Sandbox, sms: Client, result: SendResult, mark: str) -> SendResult:
    """Ask Twilio, and hold the answer against what it really has."""
    settled = sms.settle(result)
    check(box, mark, settled)
    known = {one.batch_id: one.number for one in box.exchange.accepted}
    for before, after in zip(result.outcomes, settled.outcomes, strict=True):
        assert after == before or (before.outcome, after.outcome) == (Outcome.UNKNOWN, Outcome.ACCEPTED)
        assert after.outcome is not Outcome.ACCEPTED or known[after.batch_id or ""] == after.number
    return settled


def check(box: Sandbox, mark: str, result: SendResult) -> None:
    """The promise, and that what was accepted has a sid."""
    check_promise(box.exchange, result, mark)
    assert all(row.batch_id for row in result.outcomes if row.outcome is Outcome.ACCEPTED)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["twilio"]) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


def is_create(info: RequestInfo) -> bool:
    return info.method == "POST"


@pytest.mark.parametrize("make", SENDS)
@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_each_send(box: Sandbox, kind: str, make: Callable[[str, list[str]], Message]) -> None:
    box.faults.add(kind, match=is_create, times=1, after=0, seconds=3 * MOST_PATIENCE)
    with client(box, kind) as sms:
        result = send(sms, make("mark", NUMBERS[:3]))
        check(box, "mark", result)
        unknown = [row for row in result.outcomes if row.outcome is Outcome.UNKNOWN]
        assert kind in OUTCOMES_LEFT_OPEN or not unknown
        settled = settle(box, sms, result, "mark")
        left = [row for row in settled.outcomes if row.outcome is Outcome.UNKNOWN]
        assert len(left) == (len(unknown) if not KINDS[kind] else 0), "Twilio can tell what it has, not what it has not"


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kind", [*IN_TIME, "slow"])
def test_each_fault_in_each_read(box: Sandbox, kind: str, read: Callable[[Client, str], Any]) -> None:
    with client(box, kind) as sms:
        sid = sms.send("mark", NUMBERS[0]).batch_id or ""
        undisturbed = read(sms, sid)
        box.faults.add(kind, match=lambda info: info.method == "GET", times=1, seconds=3 * MOST_PATIENCE)
        try:
            assert read(sms, sid) == undisturbed
        except SmsError as error:
            assert not isinstance(error, SendError)


def test_too_many_requests_are_repeated_and_sent_once(box: Sandbox) -> None:
    box.faults.add("429", match=is_create, times=2)
    with client(box) as sms:
        assert sms.send("mark", NUMBERS[:2]).accepted == 2
    assert [one.number for one in box.exchange.accepted] == NUMBERS[:2]


def test_a_suspended_account_ends_the_send_and_what_went_out_is_told(box: Sandbox) -> None:
    box.exchange.set_credit("sandbox", Decimal("0.015"))  # two texts
    with client(box) as sms, pytest.raises(sms_core.PartiallySent) as caught:
        sms.send("mark", NUMBERS[:4])
    outcomes = [row.outcome.value for row in caught.value.result.outcomes]
    assert outcomes == ["accepted", "accepted", "refused", "not_sent"]
    check(box, "mark", caught.value.result)


def test_a_refused_recipient_does_not_stop_the_others(box: Sandbox) -> None:
    with client(box) as sms, pytest.raises(sms_core.PartiallySent) as caught:
        sms.send("mark", [NUMBERS[0], "+886900000909", "+15005550004", NUMBERS[1]])
    outcomes = [row.outcome.value for row in caught.value.result.outcomes]
    assert outcomes == ["accepted", "refused", "refused", "accepted"]
    check(box, "mark", caught.value.result)


def test_settling_names_no_message_that_the_caller_knows_from_elsewhere(box: Sandbox) -> None:
    """Sent again after a doubt: the second one is no proof of the first."""
    box.faults.add("drop_before", match=is_create, times=1)
    with client(box) as sms:
        doubtful = send(sms, plain("mark", NUMBERS[:1]))
        again = sms.send("mark", NUMBERS[0])
        settled = sms.settle(doubtful, known_batches=[again.batch_id or ""])
        assert [row.outcome for row in settled.outcomes] == [Outcome.UNKNOWN]


def test_settling_names_no_message_of_earlier(box: Sandbox) -> None:
    with client(box) as sms:
        first = sms.send("mark", NUMBERS[0])
    box.clock.advance(minutes=1)
    box.faults.add("drop_before", match=is_create, times=1)
    with sms_core.connect(box.dsn("twilio"), clock=box.clock.now) as sms:
        doubtful = send(sms, plain("mark", NUMBERS[:1]))
        assert sms.settle(doubtful) == doubtful
    assert first.accepted == 1


@pytest.mark.parametrize("status", [408, 409, 500, 504])
def test_what_leaves_open_what_happened_is_unknown_even_in_json(status: int) -> None:
    body = b'{"status": %d, "code": 20500, "message": "Request Timeout"}' % status
    network = FakeTransport(lambda request: Response(status, body=body))
    dsn = "twilio://AC00000000000000000000000000000000:token@?from=%2B886900000009"
    with sms_core.connect(dsn, transport=network) as sms, pytest.raises(sms_core.OutcomeUnknown):
        sms.send("mark", NUMBERS[0])
    assert len(network.requests) == 1


def test_many_threads_with_a_wrong_password_show_it_once(box: Sandbox) -> None:
    dsn = box.dsn("twilio", password="wrong")
    with sms_core.connect(dsn) as sms, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: send(sms, plain(f"mark {n}", NUMBERS[:1])), range(16)))
    assert {row.outcome for result in results for row in result.outcomes} <= {Outcome.REFUSED, Outcome.NOT_SENT}
    assert (box.exchange.login_count, box.exchange.accepted) == (1, ())


RUNS = 1000
THREADS = 4


def test_random_runs(box: Sandbox) -> None:
    """Seeded runs, several threads at a time, any fault in any request, and each settled at its end."""
    generators = {f"run {seed}": random.Random(seed) for seed in range(RUNS)}
    kinds = [*IN_TIME * 4, "slow", None, *[None] * 3 * len(IN_TIME)]
    lock = threading.Lock()
    dice = random.Random(4711)

    def choose(info: RequestInfo) -> str | None:
        with lock:
            return dice.choice(kinds)

    box.faults.choose = choose
    findings: list[tuple[str, SendResult]] = []
    settled: list[SendResult] = []

    def one(mark: str) -> None:
        chance = generators[mark]
        numbers = chance.sample(NUMBERS, chance.randint(1, 2))
        message = chance.choice(SENDS)(f"{mark}|", numbers)
        with client(box, "slow") as sms:
            result = send(sms, message)
            findings.append((f"{mark}|", result))
            try:
                settled.append(settle(box, sms, result, f"{mark}|"))
            except SmsError as error:
                assert not isinstance(error, SendError)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, generators))
    assert len(findings) == RUNS
    for mark, result in findings:
        check(box, mark, result)
    rows = Counter(row.outcome for _, result in findings for row in result.outcomes)
    assert set(rows) == set(Outcome), "the runs did not reach every outcome"
    assert len(settled) > RUNS / 2
