"""An account's rate and cap hold for all workers of a database together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from outbox_vendor import Vendor

from sms_core import ConfigurationError, Message
from sms_core.http import Request, Response
from sms_core_outbox import Outbox, Put, Rate, State
from sms_core_outbox.rates import wait_of_question

PATIENCE = 20.0


def puts(count: int) -> list[Put]:
    return [Put(Message(f"text {number}", f"+8869000000{number:02}"), f"k{number}") for number in range(count)]


def test_workers_share_the_rate_of_their_account(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    rates = {"main": Rate(per_second=20)}
    workers = [open_outbox(rates=rates) for _ in range(3)]
    workers[0].put_many(puts(40))
    begun = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda outbox: outbox.drain(), workers))
    assert sum(result.accepted for result in results) == 40
    assert time.monotonic() - begun >= 1.0  # the second twenty wait for the first
    with workers[1]._database.read() as connection:
        statement = "SELECT count(DISTINCT claimed_at) FROM sms_outbox_row"
        assert connection.exec_driver_sql(statement).scalar_one() == 2


def test_workers_share_the_cap_of_their_account(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    vendor.recipients = 1
    rates = {"main": Rate(in_flight=2)}
    first, second = open_outbox(rates=rates), open_outbox(rates=rates)
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def answer_slowly(request: Request) -> Response:
        arrived.release()
        assert go_on.wait(PATIENCE)
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [answer_slowly, answer_slowly]
    first.put_many(puts(3))
    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(first.drain)
        assert arrived.acquire(timeout=PATIENCE)
        assert arrived.acquire(timeout=PATIENCE)
        assert second.drain().claimed == 0
        go_on.set()
        assert draining.result(PATIENCE).accepted == 3


def test_a_pass_that_waits_for_the_rate_can_be_stopped(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    outbox = open_outbox(rates={"main": Rate(per_second=0.001)})
    outbox.put_many(puts(2))
    result = outbox.drain_until(lambda: bool(vendor.taken))
    assert result.accepted == 1


def test_a_lane_has_a_rate_of_its_own_and_others_pass_it(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    slow = Rate(lanes={"campaign": Rate(per_second=0.001)})
    outbox = open_outbox(rates={"main": slow})
    outbox.put_many(Put(given.message, f"c{n}", purpose="campaign", priority=9) for n, given in enumerate(puts(3)))
    outbox.put_many(Put(given.message, f"o{n}") for n, given in enumerate(puts(3)))
    result = outbox.drain_until(lambda: len(vendor.taken) >= 4)
    assert result.accepted == 4
    assert [outbox.get(f"c{n}").rows[0].state for n in range(3)] == [State.ACCEPTED, State.READY, State.READY]


def test_a_lane_has_a_cap_of_its_own(open_outbox: Callable[..., Outbox], vendor: Vendor) -> None:
    vendor.recipients = 1
    outbox = open_outbox(rates={"main": Rate(lanes={"campaign": Rate(in_flight=1)})})
    other = open_outbox()
    seen: list[int] = []

    def count_claimed(request: Request) -> Response:
        with other._database.read() as connection:
            statement = "SELECT count(*) FROM sms_outbox_row WHERE state = 'sending' AND purpose = 'campaign'"
            seen.append(connection.exec_driver_sql(statement).scalar_one())
        return Response(200, body=f"OK {vendor.take(request)}".encode())

    vendor.answers = [count_claimed] * 3
    outbox.put_many(Put(given.message, given.key, purpose="campaign") for given in puts(3))
    assert outbox.drain().accepted == 3
    assert seen == [1, 1, 1]


def test_questions_have_a_rate_that_workers_share(open_outbox: Callable[..., Outbox]) -> None:
    outboxes = [open_outbox(rates={"main": Rate(questions_per_second=0.01)}) for _ in range(2)]
    waits = []
    for outbox in outboxes * 2:
        with outbox._database.write() as connection:
            waits.append(wait_of_question(outbox._database, connection, "main", 0.01))
    assert waits[0] == 0
    assert waits[3] == pytest.approx(300, abs=60)
    assert waits == sorted(waits)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_second": 0},
        {"per_second": float("inf")},
        {"in_flight": 0},
        {"questions_per_second": 0},
        {"lanes": {"": Rate(lanes={"a": Rate()})}},
    ],
)
def test_a_rate_that_never_sends_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        Rate(**wrong)  # type: ignore[arg-type]


def test_a_rate_of_an_account_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no account 'mian'"):
        Outbox("sqlite://", accounts={"main": "memory://"}, rates={"mian": Rate(per_second=1)})
