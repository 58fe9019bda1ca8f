"""One-time codes: how they are used, and how they are attacked."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sms_core
from sms_core import ConfigurationError, InvalidMessage, NotSent, TransportError
from sms_core.testing import FakeTransport, memory_exchange
from sms_core.text import count_segments
from sms_core_outbox import AsyncOutbox, Outbox, State
from sms_core_policy import (
    AsyncOneTimeCodes,
    Duplicates,
    LimitReached,
    MemoryStore,
    OneTimeCodes,
    Store,
    Surge,
    TaiwanRules,
    TicketState,
    Verdict,
    Window,
)
from sms_core_policy.stores import SqlStore
from tests.support.tiny import Tiny, Vendor, bind

KEY = "a-key-of-the-application"
NUMBER = "0900000001"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DSN = "memory://one-time-codes"


def texts(number: str = NUMBER) -> list[str]:
    return [
        message.text for message in memory_exchange("one-time-codes").accepted if message.number.endswith(number[1:])
    ]


def sent_code(number: str = NUMBER) -> str:
    found = re.search(r"\d{6}", texts(number)[-1])
    assert found is not None
    return found[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.fixture
def sms() -> Iterator[sms_core.Client]:
    memory_exchange("one-time-codes").reset()
    with sms_core.connect(DSN, plugins=[TaiwanRules(senders=["互動資通"]), Duplicates(MemoryStore())]) as client:
        yield client


@pytest.fixture
def make(sms: sms_core.Client, clock: Any) -> Callable[..., OneTimeCodes]:
    def do(store: Store | None = None, **named: Any) -> OneTimeCodes:
        return OneTimeCodes(sms, store or MemoryStore(), **{"key": KEY, "sender": "互動資通", "clock": clock, **named})

    return do


def test_a_code_is_right_once(make: Callable[..., OneTimeCodes], store: Store, clock: Any) -> None:
    codes = make(store)
    ticket = codes.start(NUMBER, "login")
    assert ticket.state is TicketState.SENT
    assert ticket.ask_again_at - clock.now == pytest.approx(MINUTE, abs=SECOND)
    code = sent_code()
    assert "互動資通" in texts()[0]
    assert count_segments(texts()[0]).count == 1
    assert not codes.check(NUMBER, "other", code)
    assert not codes.check("0900000002", "login", code)
    full_width = code[3:].translate({digit: digit + 0xFEE0 for digit in range(ord("0"), ord("9") + 1)})
    assert codes.check("０９０００００００１", "login", f" {code[:3]}-{full_width} ").verdict is Verdict.RIGHT
    assert codes.check(NUMBER, "login", code).verdict is Verdict.EXPIRED


def test_wrong_codes_are_counted_and_then_the_right_one_is_worth_nothing(
    make: Callable[..., OneTimeCodes], store: Store
) -> None:
    codes = make(store)
    codes.start(NUMBER)
    code = sent_code()
    checked = [codes.check(NUMBER, "login", wrong(code)) for _ in range(5)]
    assert [answer.tries_left for answer in checked] == [4, 3, 2, 1, 0]
    assert [answer.verdict for answer in checked] == [Verdict.WRONG] * 5
    assert codes.check(NUMBER, "login", code).verdict is Verdict.TOO_MANY


def test_a_resend_carries_the_same_code_with_a_mark_and_a_reference_of_its_own(
    make: Callable[..., OneTimeCodes], clock: Any
) -> None:
    codes = make()
    first = codes.start(NUMBER)
    assert codes.start(NUMBER).state is TicketState.WAIT
    clock.move(MINUTE)
    second = codes.start(NUMBER)
    assert second.state is TicketState.SENT
    assert first.reference != second.reference
    assert texts()[1] != texts()[0]
    assert sent_code() in texts()[0]
    assert codes.check(NUMBER, "login", sent_code())


def test_after_its_lifetime_a_code_is_expired_and_the_next_is_another(
    make: Callable[..., OneTimeCodes], clock: Any
) -> None:
    codes = make(digits=8)
    codes.start(NUMBER)
    clock.move(timedelta(minutes=5))
    assert codes.check(NUMBER, "login", re.findall(r"\d{8}", texts()[0])[0]).verdict is Verdict.EXPIRED
    codes.start(NUMBER)
    assert re.findall(r"\d{8}", texts()[1]) != re.findall(r"\d{8}", texts()[0])


def test_a_new_code_after_too_many_tries_gives_no_endless_guesses(
    make: Callable[..., OneTimeCodes], clock: Any
) -> None:
    codes = make(tries_a_day=12)
    verdicts: Counter[Verdict] = Counter()
    for _ in range(4):
        codes.start(NUMBER)
        for _ in range(5):
            verdicts[codes.check(NUMBER, "login", wrong(sent_code())).verdict] += 1
        clock.move(MINUTE)
    assert verdicts == {Verdict.WRONG: 12, Verdict.TOO_MANY: 8}
    clock.move(timedelta(hours=2))
    codes.start(NUMBER)
    assert codes.check(NUMBER, "login", sent_code()).verdict is Verdict.TOO_MANY


def test_parallel_guesses_get_no_more_answers_than_there_are_tries(
    make: Callable[..., OneTimeCodes], store: Store
) -> None:
    codes = make(store, tries_a_day=1000)
    codes.start(NUMBER)
    code = sent_code()
    with ThreadPoolExecutor(32) as pool:
        answers = Counter(pool.map(lambda _: codes.check(NUMBER, "login", wrong(code)).tries_left, range(64)))
    assert [answers[left] for left in (4, 3, 2, 1)] == [1, 1, 1, 1]
    assert codes.check(NUMBER, "login", code).verdict is Verdict.TOO_MANY


def test_a_right_code_in_parallel_is_right_once(make: Callable[..., OneTimeCodes], store: Store) -> None:
    codes = make(store)
    codes.start(NUMBER)
    code = sent_code()
    with ThreadPoolExecutor(16) as pool:
        verdicts = Counter(pool.map(lambda _: codes.check(NUMBER, "login", code).verdict, range(16)))
    assert verdicts[Verdict.RIGHT] == 1


def test_parallel_starts_send_one_text(make: Callable[..., OneTimeCodes], store: Store) -> None:
    codes = make(store)
    with ThreadPoolExecutor(8) as pool:
        states = Counter(pool.map(lambda _: _state(codes), range(8)))
    assert states[TicketState.SENT] == 1
    assert len(texts()) == 1


def _state(codes: OneTimeCodes) -> TicketState | None:
    try:
        return codes.start(NUMBER).state
    except LimitReached:  # more at one moment than a number may ask for
        return None


def test_10000_numbers_of_one_prefix_are_stopped_with_an_alarm(
    make: Callable[..., OneTimeCodes], clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    surges: list[Surge] = []
    codes = make(on_surge=surges.append)
    caplog.set_level(logging.CRITICAL)
    refused = 0
    for number in range(10_000):
        try:
            codes.start(f"0912{number:06d}")
        except LimitReached as error:
            refused += 1
            assert error.retry_after == 600
    assert refused == 9_900
    assert surges == [Surge("+886912", 100, timedelta(minutes=10))], "one alarm, and not thousands"
    assert codes.start("0933000000").state is TicketState.SENT
    clock.move(timedelta(minutes=11))
    for number in range(101):
        with suppress(LimitReached):
            codes.start(f"0912{number:06d}")
    assert len(surges) == 2


def test_an_address_that_asks_for_many_numbers_is_stopped(make: Callable[..., OneTimeCodes]) -> None:
    codes = make(limits=[Window(2, timedelta(hours=1), "address")])
    codes.start("0900000001", ip="2001:db8::1")
    codes.start("0900000002", ip="2001:db8::2")
    with pytest.raises(LimitReached, match="address"):
        codes.start("0900000003", ip="2001:db8::3")
    codes.start("0900000003", ip="192.0.2.1")
    codes.start("0900000004", ip="::ffff:192.0.2.1")
    with pytest.raises(LimitReached, match="address"):
        codes.start("0900000005", ip="::ffff:192.0.2.1")
    codes.start("0900000005", ip="::ffff:192.0.2.2")
    for number in range(3):
        codes.start(f"090000001{number}", ip="not an address")


@pytest.mark.parametrize("ahead", [timedelta(minutes=3), timedelta(hours=2), timedelta(days=400)])
def test_a_clock_set_forward_and_back_gives_no_code_a_second_life(
    ahead: timedelta, make: Callable[..., OneTimeCodes], store: Store, clock: Any
) -> None:
    codes = make(store)
    codes.start(NUMBER)
    used, guessed = sent_code(), "0900000002"
    assert codes.check(NUMBER, "login", used)
    codes.start(guessed)
    for _ in range(5):
        codes.check(guessed, "login", wrong(sent_code(guessed)))

    clock.move(ahead)
    assert codes.check(NUMBER, "login", used).verdict is Verdict.EXPIRED
    assert not codes.check(guessed, "login", sent_code(guessed))
    codes.start(NUMBER)
    of_the_future = sent_code()

    clock.move(-ahead)
    assert not codes.check(guessed, "login", sent_code(guessed))
    assert codes.check(NUMBER, "login", used).verdict is Verdict.EXPIRED
    assert codes.check(NUMBER, "login", of_the_future).verdict is Verdict.EXPIRED
    clock.move(MINUTE)
    assert codes.start(NUMBER).state is TicketState.SENT, "and nobody is kept out"
    assert codes.check(NUMBER, "login", sent_code())


def test_a_clock_that_is_set_back_lengthens_no_life(make: Callable[..., OneTimeCodes], clock: Any) -> None:
    codes = make()
    codes.start(NUMBER)
    clock.move(-timedelta(hours=1))
    assert codes.check(NUMBER, "login", sent_code()).verdict is Verdict.EXPIRED
    clock.move(timedelta(hours=1) - 30 * SECOND)
    assert codes.check(NUMBER, "login", sent_code())


def test_the_store_has_neither_the_code_nor_the_number(make: Callable[..., OneTimeCodes]) -> None:
    store = MemoryStore()
    codes = make(store)
    ticket = codes.start(NUMBER, ip="192.0.2.1")
    kept = repr(store._texts) + repr({key: count.buckets for key, count in store._counts.items()})
    assert sent_code() not in kept
    assert "900000001" not in kept
    assert sent_code() not in repr(ticket)
    with_another_key = make(store, key="another key of 16 bytes")
    assert with_another_key.check(NUMBER, "login", sent_code()).verdict is Verdict.EXPIRED


def test_comparing_takes_as_long_whatever_is_right_about_a_guess(make: Callable[..., OneTimeCodes]) -> None:
    codes = make(tries=100_000, tries_a_day=100_000)
    codes.start(NUMBER)
    code = sent_code()
    nothing = "".join(str((int(digit) + 5) % 10) for digit in code)
    nearly = code[:5] + nothing[5]

    def fastest(guess: str) -> float:
        seconds = []
        for _ in range(100):
            began = time.perf_counter()
            assert not codes.check(NUMBER, "login", guess)
            seconds.append(time.perf_counter() - began)
        return min(seconds)

    assert 0.5 < fastest(nothing) / fastest(nearly) < 2


def test_what_surely_was_not_sent_may_be_asked_for_at_once_and_counts_for_nothing(clock: Any) -> None:
    vendor = Vendor(send=[TransportError("no way", sent=False)] * 7 + ["OK b1"])
    with bind(FakeTransport(vendor), Tiny(logs_in=False), retries=0) as sms:
        codes = OneTimeCodes(sms, MemoryStore(), key=KEY, sender="互動資通", clock=clock)
        for _ in range(7):
            with pytest.raises(NotSent):
                codes.start(NUMBER)
        assert codes.start(NUMBER).state is TicketState.SENT


def test_an_unknown_send_is_neither_a_failure_nor_sent_again_at_once(clock: Any) -> None:
    network = FakeTransport(Vendor(send=[TransportError("cut", sent=True), "OK b1"]))
    with bind(network, Tiny(logs_in=False), retries=0) as sms:
        codes = OneTimeCodes(sms, MemoryStore(), key=KEY, sender="互動資通", clock=clock)
        assert codes.start(NUMBER).state is TicketState.UNKNOWN
        assert codes.start(NUMBER).state is TicketState.WAIT
        assert len(network.requests) == 1
        clock.move(MINUTE)
        assert codes.start(NUMBER).state is TicketState.SENT


def test_through_an_outbox_the_text_is_blanked_once_it_is_final(tmp_path: Path) -> None:
    memory_exchange("one-time-codes").reset()
    with Outbox(f"sqlite:///{tmp_path}/outbox.db", accounts={"default": DSN}) as outbox:
        outbox.create()
        codes = OneTimeCodes(outbox, SqlStore(f"sqlite:///{tmp_path}/outbox.db"), key=KEY, sender="互動資通")
        ticket = codes.start(NUMBER)
        assert ticket.state is TicketState.QUEUED
        assert "您的驗證碼" in dump(tmp_path / "outbox.db")
        assert texts() == []
        outbox.drain()
        code = sent_code()
        (row,) = outbox.get(f"code-{ticket.reference}").rows
        assert row.state is State.ACCEPTED
        assert codes.check(NUMBER, "login", code)
    assert code not in dump(tmp_path / "outbox.db")


def dump(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return "\n".join(connection.iterdump())


def test_in_an_event_loop() -> None:
    memory_exchange("one-time-codes").reset()

    async def use() -> list[Any]:
        async with sms_core.connect_async(DSN) as sms:
            codes = AsyncOneTimeCodes(sms, MemoryStore(), key=KEY, sender="互動資通")
            tickets = await asyncio.gather(*(codes.start(NUMBER) for _ in range(3)))
            checked = [await codes.check(NUMBER, "login", sent_code()) for _ in range(2)]
            return [sorted(ticket.state.value for ticket in tickets), [answer.verdict for answer in checked]]

    assert asyncio.run(use()) == [["sent", "wait", "wait"], [Verdict.RIGHT, Verdict.EXPIRED]]


@pytest.mark.parametrize("kind", [Outbox, AsyncOutbox])
def test_in_an_event_loop_through_an_outbox_of_either_colour(kind: Any, tmp_path: Path) -> None:
    memory_exchange("one-time-codes").reset()
    url = f"sqlite:///{tmp_path}/outbox.db"

    async def use(outbox: Any) -> TicketState:
        codes = AsyncOneTimeCodes(outbox, MemoryStore(), key=KEY, sender="互動資通")
        return (await codes.start(NUMBER)).state

    async def use_awaited() -> TicketState:
        async with AsyncOutbox(url, accounts={"default": DSN}) as outbox:
            await outbox.create()
            return await use(outbox)

    if kind is AsyncOutbox:
        assert asyncio.run(use_awaited()) is TicketState.QUEUED
    with Outbox(url, accounts={"default": DSN}) as outbox:
        outbox.create()
        if kind is Outbox:
            assert asyncio.run(use(outbox)) is TicketState.QUEUED
        outbox.drain()
    assert len(texts()) == 1


def test_a_client_of_the_other_colour_is_refused_rather_than_never_awaited(sms: sms_core.Client) -> None:
    with pytest.raises(ConfigurationError, match="AsyncOneTimeCodes"):
        OneTimeCodes(sms_core.connect_async(DSN), MemoryStore(), key=KEY, sender="互動資通")
    with pytest.raises(ConfigurationError, match="OneTimeCodes"):
        AsyncOneTimeCodes(sms, MemoryStore(), key=KEY, sender="互動資通")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong_setting",
    [
        {"key": "short"},
        {"digits": 3},
        {"tries": 0},
        {"lifetime": timedelta()},
        {"sender": ""},
        {"tries_a_day": 0},
        {"text": "您的驗證碼是 {code}{resend}"},
        {"text": "【{sender}】您的驗證碼是 {code}{resend}{name}"},
        {"text": "【{sender}】您的驗證碼是 {code}{resend}{"},
        {"text": "【{sender}】您的驗證碼是 {code}{resend}" + "字" * 60},
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(
    make: Callable[..., OneTimeCodes], wrong_setting: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="OneTimeCodes"):
        make(**wrong_setting)


def test_what_is_no_number_is_refused_without_repeating_it(make: Callable[..., OneTimeCodes]) -> None:
    for ask in (lambda: make().start("12345678"), lambda: make().check("12345678", "login", "1")):
        with pytest.raises(InvalidMessage) as refused:
            ask()
        assert "12345678" not in str(refused.value)


def test_times_are_of_utc(make: Callable[..., OneTimeCodes]) -> None:
    assert make().start(NUMBER).expires_at.tzinfo is UTC
    assert isinstance(make().start(NUMBER).ask_again_at, datetime)
