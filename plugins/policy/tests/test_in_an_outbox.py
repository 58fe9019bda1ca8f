"""Policies of an outbox's account: asked at the put, judged again and reserved at the claim, given back where nothing was sent."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy
from attrs import define, field

import sms_core
from sms_core import DeliveryReport, DeliveryStatus, InboundMessage, Message, TransportError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport, memory_exchange
from sms_core_outbox import AsyncOutbox, Outbox, Put, State
from sms_core_policy import (
    AllowList,
    Budget,
    DeliveryWatch,
    Duplicates,
    LimitReached,
    OptOut,
    PolicyRefused,
    Rate,
    Redirect,
    StoreUnavailable,
    TaiwanRules,
    Window,
    standings_of,
)
from sms_core_policy.stores import MemoryStore, SqlStore, Store
from tests.support.tiny import INFO, Tiny, bind, fields_of, text

HOUR = timedelta(hours=1)
A, B, C = "+886900000001", "+886900000002", "+886900000003"
SENT = "【互動資通】您好"
GONE = TransportError("no way", sent=False)
CUT = TransportError("cut", sent=True)
_schemas = (f"policy_{number}" for number in itertools.count())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, place_of: Callable[[str], str]) -> str:
    """A database for the outbox and the policies together."""
    place = place_of(request.param)
    if request.param == "sqlite":
        return place
    name = next(_schemas)
    server = sqlalchemy.make_url(place)
    with psycopg.connect(host=server.query["host"], user="sms", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{place}&options=-csearch_path%3D{name}"


on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For what is the same in either database."""


@define
class Network:
    """The vendor Tiny: an answer for each send in turn, then it takes everything."""

    answers: list[Any] = field(factory=list)
    taken: list[str] = field(factory=list)

    def __call__(self, request: Request) -> Response:
        answer = self.answers.pop(0) if self.answers else ""
        if isinstance(answer, Exception):
            raise answer
        if answer:
            return text(answer)
        self.taken += fields_of(request)["numbers"]
        return text(f"OK b{len(self.taken)}")


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = SqlStore(url)
    yield opened
    opened.close()


@pytest.fixture
def outbox_with(url: str, network: Network) -> Iterator[Callable[..., Outbox]]:
    """An outbox of one account with these policies."""
    opened: list[Outbox] = []

    def do(*policies: object) -> Outbox:
        client = bind(
            FakeTransport(network),
            Tiny(INFO, logs_in=False),
            middleware=policies,
            retries=0,
            clock=lambda: datetime.now(UTC),
        )
        outbox = Outbox(url, accounts={"main": client}, hash_key="a key of the tests alone", concurrency=1)
        opened.append(outbox)
        outbox.create()
        return outbox

    yield do
    for outbox in opened:
        outbox.close()


def put(outbox: Outbox, *numbers: str, words: str = SENT) -> None:
    outbox.put_many([Put(Message(words, number), f"{words}-{number}") for number in numbers])


def states(outbox: Outbox, *numbers: str, words: str = SENT) -> list[State]:
    return [outbox.get(f"{words}-{number}").rows[0].state for number in numbers]


def make_due(outbox: Outbox) -> None:
    """Let every backoff be over."""
    with outbox.engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE sms_outbox_row SET ready_at = 0 WHERE state = 'ready'"))


def used(policy: object) -> Decimal | None:
    return standings_of([policy], "tiny://")[0].used


REFUSING: list[Callable[[Store], object]] = [
    lambda store: TaiwanRules(senders=["店名"]),
    lambda store: AllowList([C]),
    lambda store: Budget(store, per_message=Decimal("0.5")),
    lambda store: Budget(store, per_day=Decimal("0.5")),
]


@pytest.mark.parametrize("make", REFUSING)
def test_a_put_that_a_policy_refuses_stores_nothing(
    make: Callable[[Store], object], store: Store, outbox_with: Callable[..., Outbox]
) -> None:
    outbox = outbox_with(make(store))
    with pytest.raises(PolicyRefused):
        put(outbox, A)
    assert outbox.find() == []


def test_what_is_refused_at_the_claim_is_final_and_the_others_are_sent(
    store: Store, outbox_with: Callable[..., Outbox], network: Network
) -> None:
    opt_out = OptOut(store, "offers")
    outbox = outbox_with(opt_out)
    put(outbox, A, B, C)
    opt_out.record(InboundMessage(B, "退訂", "b0"))
    outbox.drain()
    assert states(outbox, A, B, C) == [State.ACCEPTED, State.REFUSED, State.ACCEPTED]
    assert network.taken == [A, C]
    (row,) = outbox.get(f"{SENT}-{B}").rows
    assert "asked to get no more texts" in row.history[-1].why
    with pytest.raises(PolicyRefused):
        put(outbox, B, words="another")


class WithoutCheck:
    """A policy that is asked at the request alone, as where a number opts out after it was planned."""

    def __init__(self, policy: Any) -> None:
        self.sms_perform = policy.sms_perform


def test_a_refusal_of_one_at_the_last_moment_is_no_refusal_of_the_others(
    store: Store, outbox_with: Callable[..., Outbox], network: Network
) -> None:
    opt_out = OptOut(store, "offers")
    opt_out.add(B)
    outbox = outbox_with(WithoutCheck(opt_out))
    put(outbox, A, B, C)
    outbox.drain()
    assert states(outbox, A, B, C) == [State.ACCEPTED, State.REFUSED, State.ACCEPTED]
    assert sorted(network.taken) == [A, C]


@pytest.mark.parametrize("seen", [lambda policy: policy, WithoutCheck], ids=["planned", "raced"])
def test_a_rate_lets_through_what_it_has_room_for_and_the_rest_later(
    seen: Callable[[Any], object],
    store: Store,
    outbox_with: Callable[..., Outbox],
    network: Network,
    clock: Any,
) -> None:
    rate = Rate(store, Window(4, HOUR, "all"), clock=clock)
    outbox = outbox_with(seen(rate))
    numbers = [f"+88690000001{last}" for last in range(7)]
    put(outbox, *numbers)
    outbox.drain()
    assert sorted(states(outbox, *numbers), key=lambda state: state.value) == [State.ACCEPTED] * 4 + [State.READY] * 3
    assert used(rate) == 4
    assert outbox.drain().claimed == 0
    make_due(outbox)
    outbox.drain()
    assert len(network.taken) == 4
    clock.move(HOUR * 1.05)
    make_due(outbox)
    outbox.drain()
    assert states(outbox, *numbers) == [State.ACCEPTED] * 7
    assert sorted(network.taken) == numbers


def test_a_budget_waits_for_the_next_day(store: Store, outbox_with: Callable[..., Outbox], clock: Any) -> None:
    budget = Budget(store, per_day=3, per_message=2, account="shop", clock=clock)
    outbox = outbox_with(budget)
    numbers = [f"+88690000001{last}" for last in range(5)]
    put(outbox, *numbers)  # of one put each, in one request: a message's points are counted for each put
    outbox.drain()
    assert sorted(states(outbox, *numbers), key=lambda state: state.value) == [State.ACCEPTED] * 3 + [State.READY] * 2
    clock.move(timedelta(days=1))
    make_due(outbox)
    outbox.drain()
    assert states(outbox, *numbers) == [State.ACCEPTED] * 5


def test_what_was_not_sent_or_refused_is_given_back_and_what_is_unknown_stays_reserved(
    store: Store, outbox_with: Callable[..., Outbox], network: Network
) -> None:
    rate = Rate(store, Window(10, HOUR, "all"))
    budget = Budget(store, per_day=10, account="shop")
    outbox = outbox_with(rate, budget, Duplicates(store))
    network.answers = [GONE, "NO number", CUT]
    for number, state, count in ((A, State.READY, 0), (B, State.REFUSED, 0), (C, State.UNKNOWN, 1)):
        put(outbox, number)
        outbox.drain()
        assert states(outbox, number) == [state]
        assert (used(rate), used(budget)) == (count, count)
    make_due(outbox)
    outbox.drain()
    assert states(outbox, A) == [State.ACCEPTED]
    assert (used(rate), used(budget)) == (2, 2)


def test_the_same_text_is_sent_once_and_its_own_key_is_no_duplicate(
    store: Store, outbox_with: Callable[..., Outbox], network: Network
) -> None:
    outbox = outbox_with(Duplicates(store))
    message = Message(SENT, A, reference="order-17")
    outbox.put(message, key="order-17")
    outbox.put(Message(SENT, A), key="order-17-again")
    outbox.drain()
    make_due(outbox)
    outbox.drain()
    found = [outbox.get(key).rows[0].state for key in ("order-17", "order-17-again")]
    assert found == [State.ACCEPTED, State.REFUSED]
    assert network.taken == [A]
    again, *_ = outbox.put_many([Put(message, "order-17"), Put(Message("other", A), "order-18")])
    assert not again.is_new
    assert again.rows[0].state is State.ACCEPTED
    with pytest.raises(LimitReached):
        outbox.put(Message(SENT, A), key="order-19")
    with pytest.raises(LimitReached):
        outbox.put(Message(SENT, A), key="order-17")  # another message: its reference is generated anew


@on_sqlite
def test_a_redirect_sends_to_its_number_and_rows_keep_theirs(
    outbox_with: Callable[..., Outbox], network: Network
) -> None:
    outbox = outbox_with(Redirect(C))
    put(outbox, A, B)
    outbox.drain()
    assert states(outbox, A, B) == [State.ACCEPTED] * 2
    assert network.taken == [C, C]
    assert outbox.get(f"{SENT}-{B}").rows[0].number == B


@pytest.mark.parametrize("is_early", [False, True])
@pytest.mark.parametrize("reference", ["", "order-1"])
def test_a_report_finds_its_row_though_it_names_the_number_of_a_redirect(
    reference: str, is_early: bool, outbox_with: Callable[..., Outbox]
) -> None:
    outbox = outbox_with(Redirect(C))
    outbox.put(Message(SENT, A, reference="order-1"), key="1")
    delivered = DeliveryReport(C, DeliveryStatus.DELIVERED, "b1", reference)
    if is_early:
        outbox.record(delivered, account="main")
    outbox.drain()
    if not is_early:
        outbox.record(delivered, account="main")
    (row,) = outbox.get("1").rows
    assert (row.number, row.status) == (A, DeliveryStatus.DELIVERED)
    assert "redirected to +8869******03" in [change.why for change in row.history]


def test_redirected_rows_that_share_a_text_have_a_batch_each_which_reports_name(
    outbox_with: Callable[..., Outbox],
) -> None:
    outbox = outbox_with(Redirect(C))
    put(outbox, A, B)
    outbox.drain()
    batches = [outbox.get(f"{SENT}-{number}").rows[0].batch_id or "" for number in (A, B)]
    for batch, status in zip(batches, [DeliveryStatus.DELIVERED, DeliveryStatus.EXPIRED], strict=True):
        outbox.record(DeliveryReport(C, status, batch), account="main")
    found = [outbox.get(f"{SENT}-{number}").rows[0].status for number in (A, B)]
    assert found == [DeliveryStatus.DELIVERED, DeliveryStatus.EXPIRED]


@on_sqlite
def test_a_watch_hears_what_an_outbox_sends(outbox_with: Callable[..., Outbox], clock: Any) -> None:
    alarms: list[object] = []
    watch = DeliveryWatch(alarms.append, last=2, after=HOUR, clock=clock)
    outbox = outbox_with(watch)
    put(outbox, A, B)
    outbox.drain()
    clock.move(HOUR)
    watch.check()
    assert len(alarms) == 1


class Broken(MemoryStore):
    def take(self, claims: Sequence[Any], now: datetime) -> Any:
        raise StoreUnavailable("nobody there")


@on_sqlite
def test_a_limit_without_its_store_holds_rows_back(outbox_with: Callable[..., Outbox], network: Network) -> None:
    outbox = outbox_with(Rate(Broken(), Window(9, HOUR)))
    put(outbox, A, B)
    outbox.drain()
    assert states(outbox, A, B) == [State.READY] * 2
    assert network.taken == []


@on_sqlite
def test_in_an_event_loop_with_plugins_for_a_dsn(url: str, store: Store) -> None:
    memory_exchange("policies").reset()
    rate = Rate(store, Window(2, HOUR, "all"))

    async def use() -> list[State]:
        plugins = {"main": [TaiwanRules(senders=["互動資通"]), rate]}
        accounts = {"main": "memory://policies"}
        async with AsyncOutbox(url, accounts=accounts, plugins=plugins, hash_key="a key of the tests") as outbox:
            await outbox.create()
            with pytest.raises(PolicyRefused):
                await outbox.put(Message("您好", A), key="x")
            await outbox.put_many([Put(Message(SENT, number), number) for number in (A, B, C)])
            await outbox.drain()
            return [(await outbox.get(number)).rows[0].state for number in (A, B, C)]

    assert sorted(state.value for state in asyncio.run(use())) == ["accepted", "accepted", "ready"]
    with pytest.raises(sms_core.ConfigurationError, match="no account 'other'"):
        Outbox(url, accounts={"main": "memory://"}, plugins={"other": []}, hash_key="a key of the tests")
