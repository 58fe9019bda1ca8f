"""A second vendor: tried for what the first surely did not take, and for nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sms_core
from sms_core import (
    CallbackRefused,
    CallbackRequest,
    Capability,
    ConfigurationError,
    InsufficientCredit,
    InvalidMessage,
    Message,
    NotFound,
    NotSent,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    Recipient,
    SendError,
    TransportError,
    Unsupported,
    hookimpl,
)
from sms_core.clocks import BeginBefore
from sms_core.http import Request, Response
from sms_core.provider import Destination
from sms_core.testing import FakeTransport, memory_exchange
from sms_core_policy import failover
from tests.support.colours import BlockingClient, bind_async
from tests.support.tiny import INFO, Tiny, Vendor, bind, fields_of, text

A, B, C = "+886900000001", "+886900000002", "+886900000003"
GONE = TransportError("no way", sent=False)
CUT = TransportError("cut", sent=True)


class Wire:
    """A vendor of tests, by a script of answers, that counts whom it took."""

    def __init__(self, *answers: Any, **named: list[Any]) -> None:
        self.vendor = Vendor(send=list(answers), **named)
        self.asked: list[list[str]] = []

    def __call__(self, request: Request) -> Response:
        if request.url.endswith("/send"):
            self.asked.append(fields_of(request)["numbers"])
        return self.vendor(request)


def clients(*wires: Wire, info: Any = INFO, **options: Any) -> Any:
    made = [bind(FakeTransport(wire), Tiny(info, logs_in=False), retries=0) for wire in wires]
    return failover("main", made, **options)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_vendor_is_enough_where_it_works() -> None:
    first, second = Wire("OK a1"), Wire()
    with clients(first, second) as sms:
        result = sms.send("x", to=[A, B])
    assert [row.outcome for row in result.outcomes] == [Outcome.ACCEPTED] * 2
    assert second.asked == []
    assert "main: tiny took batch a1" in result.notes


def test_what_was_not_sent_goes_to_the_next_with_the_same_references() -> None:
    first, second = Wire(GONE), Wire("OK b1")
    with clients(first, second) as sms:
        result = sms.send(Message("x", [A, B, A], reference="m"))
        assert [(row.number, row.reference, row.batch_id) for row in result.outcomes] == [
            (A, "m-0", "b1"),
            (B, "m-1", "b1"),
        ]
        assert [(again.position, again.of) for again in result.duplicates] == [(2, 0)]
        assert sms.vendor_of(result).name == "tiny-2"
    assert second.asked == [[A, B]]


def test_an_unknown_outcome_goes_nowhere() -> None:
    first, second = Wire(CUT), Wire("OK b1")
    with clients(first, second) as sms, pytest.raises(OutcomeUnknown) as failed:
        sms.send("x", to=A)
    assert second.asked == []
    assert [row.outcome for row in failed.value.result.outcomes] == [Outcome.UNKNOWN]


def test_a_refusal_goes_to_the_next_only_where_that_is_asked_for() -> None:
    second = Wire("OK b1")
    with clients(Wire("NO credit"), second) as sms, pytest.raises(InsufficientCredit):
        sms.send("x", to=A)
    assert second.asked == []
    with clients(Wire("NO credit"), second, also_after=[InsufficientCredit]) as sms:
        assert sms.send("x", to=A).batch_id == "b1"


def test_requests_that_were_not_reached_after_a_failure_go_to_the_next() -> None:
    first, second = Wire("OK a1", GONE), Wire("OK b1", "OK b2")
    numbers = [f"+88690000001{last}" for last in range(8)]  # three in a request
    with clients(first, second) as sms:
        result = sms.send("x", to=numbers)
        assert [row.batch_id for row in result.outcomes] == ["a1"] * 3 + ["b1"] * 3 + ["b2"] * 2
        assert result.batches == ("a1", "b1", "b2")
        assert [sms.vendor_of(batch).name for batch in result.batches] == ["tiny", "tiny-2", "tiny-2"]
        with pytest.raises(NotFound, match="several vendors took parts"):
            sms.vendor_of(result)


def test_where_one_vendor_has_an_unknown_part_the_rest_is_still_sent() -> None:
    first, second = Wire(CUT), Wire("OK b1", "OK b2")
    numbers = [f"+88690000001{last}" for last in range(5)]
    with clients(first, second) as sms, pytest.raises(OutcomeUnknown) as failed:
        sms.send("x", to=numbers)
    outcomes = [row.outcome for row in failed.value.result.outcomes]
    assert outcomes == [Outcome.UNKNOWN] * 3 + [Outcome.ACCEPTED] * 2
    assert second.asked == [numbers[3:]]


def test_capabilities_and_limits_decide_who_can_carry_it() -> None:
    plain = attrs.evolve(INFO, capabilities=INFO.capabilities - {Capability.INTERNATIONAL, Capability.SUBJECT})
    first, second = Wire("OK a1"), Wire("OK b1")
    made = [
        bind(FakeTransport(first), Tiny(plain, logs_in=False), retries=0),
        bind(FakeTransport(second), Tiny(logs_in=False), retries=0),
    ]
    sms = failover("main", made)
    result = sms.send("x", to=[A, "+12025550100"])
    assert (first.asked, second.asked) == ([[A]], [["+12025550100"]])
    assert [row.batch_id for row in result.outcomes] == ["a1", "b1"]
    with pytest.raises(Unsupported):
        failover("main", made[:1]).send("x", to=A, subject="s")
    with pytest.raises(InvalidMessage):
        sms.send("", to=A)


def test_no_vendor_left_is_not_sent() -> None:
    with clients(Wire(GONE), Wire(GONE)) as sms, pytest.raises(NotSent) as failed:
        sms.send("x", to=A)
    assert [row.outcome for row in failed.value.result.outcomes] == [Outcome.NOT_SENT]
    with clients(Wire("OK a1 " + B), Wire()) as sms, pytest.raises(PartiallySent):
        sms.send("x", to=[A, B])


def test_a_vendor_that_cannot_be_reached_rests_and_then_one_send_tries_it() -> None:
    clock = Clock()
    first = Wire(GONE, GONE, "OK a1", "OK a2")
    second = Wire(*[f"OK b{number}" for number in range(9)])
    with clients(first, second, rest=timedelta(seconds=30), monotonic=clock) as sms:
        sms.send("x", to=A)
        assert "main: tiny rests" in sms.send("y", to=A).notes
        assert len(first.asked) == 1
        clock.now += 30
        sms.send("z", to=A)
        assert len(first.asked) == 2
        sms.send("z2", to=A)
        assert len(first.asked) == 2
        clock.now += 30
        assert sms.send("w", to=A).batch_id == "a1"
        assert sms.send("v", to=A).batch_id == "a2"


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="also_afte"):
        clients(Wire(), also_afte=[InsufficientCredit])
    with pytest.raises(ConfigurationError, match="rest is a time"):
        clients(Wire(), rest=timedelta(seconds=-1))


def test_a_push_is_read_by_the_vendor_whose_it_can_be_alone() -> None:
    names = (
        "every8d://UID:PWD@new.e8d.tw",
        "mitake://user:password@smsapi.mitake.com.tw",
        "smsgo://user:password@www.smsgo.com.tw",
    )
    every8d, mitake, smsgo = (sms_core.connect(dsn) for dsn in names)
    with failover("main", [every8d, mitake, smsgo]) as sms:
        own = CallbackRequest("GET", "/", "BatchID=b1&RM=0900000001&STATUS=100")
        (report,) = sms.parse_callback(own).events
        assert (report.batch_id, report.number) == ("b1", A)
        with pytest.raises(CallbackRefused):
            sms.parse_callback(CallbackRequest("GET", "/", "unheard=of"))
        either = CallbackRequest("GET", "/", "msgid=12&statusstr=DELIVRD&dstaddr=0900000001")
        with pytest.raises(CallbackRefused, match="several vendors"):
            sms.parse_callback(either)


def test_the_order_may_depend_on_the_message() -> None:
    first, second = Wire("OK a1"), Wire("OK b1")

    def order(message: Message) -> list[str]:
        return ["tiny-2", "tiny"] if message.to[0].number.startswith("+1") else ["tiny"]

    with clients(first, second, order=order) as sms:
        assert sms.send("x", to="+12025550100").batch_id == "b1"
        assert sms.send("x", to=A).batch_id == "a1"
    with clients(first, order=lambda _: ["nobody"]) as sms, pytest.raises(ConfigurationError, match="has no 'nobody'"):
        sms.send("x", to=A)


def test_reports_cancel_and_settle_go_to_whoever_took_it() -> None:
    first = Wire(GONE, CUT, find_sent=[f"OK {A}=a9"])
    second = Wire("OK b1", reports=[f"OK {A}:r:delivered"], cancel=["OK 1 1"])
    with clients(first, second, rest=timedelta(0)) as sms:
        result = sms.send("x", to=Recipient(A, reference="r"))
        assert [report.batch_id for report in sms.reports(result)] == ["b1"]
        assert sms.cancel("b1").count == 1
        with pytest.raises(OutcomeUnknown) as failed:
            sms.send("y", to=A)
        assert sms.settle(failed.value).outcomes[0].batch_id == "a9"
        with pytest.raises(NotFound):
            sms.cancel("strange")


def test_who_took_it_is_known_in_another_process_too() -> None:
    with clients(Wire(GONE), Wire("OK b1")) as sms:
        result = sms.send("x", to=A)
    elsewhere = clients(Wire(), Wire(reports=["OK"]))
    assert list(elsewhere.reports(result)) == []


def test_the_preview_says_whom_it_would_use_and_what_it_costs_there() -> None:
    with sms_core.connect("memory://first") as first, sms_core.connect("memory://second") as second:
        sms = failover("main", [first, second])
        preview = sms.preview(Message("字" * 100, [A, B]))
    assert preview.points == 4
    assert preview.warnings[0] == "memory would carry 2 recipients for 4 points"


def test_in_an_event_loop_and_with_both_colours_apart() -> None:
    first, second = Wire(GONE), Wire("OK b1")
    made = [bind_async(FakeTransport(wire), Tiny(logs_in=False), retries=0)._client for wire in (first, second)]

    async def use() -> Any:
        sms = failover("main", made)
        result = await sms.send("x", to=A)
        with pytest.raises(NotFound):
            await sms.cancel("strange")
        return result

    assert asyncio.run(use()).batch_id == "b1"
    with pytest.raises(ConfigurationError, match="all of connect"):
        failover("main", [made[0], bind(FakeTransport(first))])
    with pytest.raises(ConfigurationError):
        failover("main", [])


def test_an_interruption_tells_what_was_sent_before() -> None:
    class Interrupts:
        @hookimpl
        def sms_check(self, destinations: tuple[Destination, ...]) -> None:
            raise KeyboardInterrupt

    made = [
        bind(FakeTransport(Wire("OK a1", GONE)), Tiny(logs_in=False), retries=0),
        bind(FakeTransport(Wire()), Tiny(logs_in=False), middleware=[Interrupts()], retries=0),
    ]
    with pytest.raises(KeyboardInterrupt) as interrupted:
        failover("main", made).send("x", to=[f"+88690000001{last}" for last in range(4)])
    known: Any = interrupted.value
    assert [row.outcome for row in known.sms_result.outcomes] == [Outcome.ACCEPTED] * 3 + [Outcome.NOT_SENT]


FAULTS = st.sampled_from(["ok", "gone", "cut", "gateway", "slow", "number", "nonsense"])


class Faulty:
    """A vendor with a fault for each request; it knows whom it has taken, also where its answer was lost."""

    def __init__(self, faults: list[str]) -> None:
        self.faults: Iterator[str] = iter(faults)
        self.took: Counter[str] = Counter()
        self.batches = 0

    def __call__(self, request: Request) -> Response:
        fault = next(self.faults, "ok")
        if fault == "gone":
            raise GONE
        if fault in ("slow", "number"):
            return text(f"NO {fault}")
        self.took.update(fields_of(request)["numbers"])
        self.batches += 1
        if fault == "cut":
            raise CUT
        if fault == "gateway":
            return Response(502, body=b"<html>")
        return text("what?" if fault == "nonsense" else f"OK {id(self)}-{self.batches}")


@given(st.lists(FAULTS, max_size=6), st.lists(FAULTS, max_size=6), st.integers(1, 10))
def test_whatever_fails_nobody_gets_two_and_what_was_not_sent_goes_to_the_second(
    first_faults: list[str], second_faults: list[str], count: int
) -> None:
    first, second = Faulty(first_faults), Faulty(second_faults)
    numbers = [f"+8869000000{number:02d}" for number in range(count)]
    with clients(first, second) as sms:  # type: ignore[arg-type]
        try:
            result = sms.send("x", to=numbers)
        except SendError as error:
            result = error.result
    took = first.took + second.took
    assert [row.number for row in result.outcomes] == numbers
    assert all(times == 1 for times in took.values()), "nobody gets two"
    for row in result.outcomes:
        if row.outcome is Outcome.ACCEPTED:
            assert took[row.number] == 1
        if row.outcome in (Outcome.NOT_SENT, Outcome.REFUSED):
            assert took[row.number] == 0
        if row.outcome is Outcome.NOT_SENT:
            assert second_faults, "a second vendor that works takes all that the first did not"


def test_the_memory_of_tests_is_a_vendor_like_any_other() -> None:
    for name in ("left", "right"):
        memory_exchange(name).reset()
    with sms_core.connect("memory://left?credit=0") as left, sms_core.connect("memory://right") as right:
        sms = failover("main", [left, right], also_after=[InsufficientCredit])
        sms.send("x", to=[A, B])
    assert (len(memory_exchange("left").accepted), len(memory_exchange("right").accepted)) in ((0, 2), (2, 0))


def of_colour(colour: str, *wires: Wire, **options: Any) -> Any:
    """A failover of either colour, with the methods of the one that blocks."""
    if colour == "sync":
        return clients(*wires, **options)
    made = [bind_async(FakeTransport(wire), Tiny(logs_in=False), retries=0)._client for wire in wires]
    return BlockingClient(failover("main", made, **options))


BOTH = pytest.mark.parametrize("colour", ["sync", "async"])


@BOTH
def test_a_plan_is_divided_among_the_vendors_and_sent_by_them(colour: str) -> None:
    first, second = Wire(GONE), Wire("OK b1")
    with of_colour(colour, first, second) as sms:
        plan = sms.plan(Message("x", [A, B, A, "12"], reference="m"), skip_refused=True)
        assert [destination.number for destination in plan.rendered] == [A, B]
        assert ([again.position for again in plan.duplicates], list(plan.refused)) == ([2], [3])
        assert sms.preview(plan).requests == 1
        result = sms.send(plan)
        assert [(row.number, row.reference, row.batch_id) for row in result.outcomes] == [
            (A, "m-0", "b1"),
            (B, "m-1", "b1"),
        ]
        with pytest.raises(InvalidMessage):
            sms.plan(Message("x", [A, "12"]))
        late = sms.plan(Message("z", A)).begin_before(BeginBefore.within(-1))
        with pytest.raises(NotSent):
            sms.send(late)
    assert second.asked == [[A, B]]


@BOTH
def test_many_messages_each_go_to_whoever_takes_them(colour: str) -> None:
    first = Wire(*[GONE, "OK a1"] * 5)
    second = Wire(*[f"OK b{number}" for number in range(5)])
    with of_colour(colour, first, second, rest=timedelta(0)) as sms:
        numbers = [f"+88690000001{last}" for last in range(10)]
        told = list(sms.send_many([*(Message("x", number) for number in numbers), Message("", A)], concurrency=3))
    assert sorted(sent.index for sent in told) == list(range(11))
    assert [type(sent.error) for sent in told if sent.error] == [InvalidMessage]
    assert sorted(number for asked in second.asked for number in asked) == sorted(
        sent.result.outcomes[0].number for sent in told if sent.result and sent.result.batch_id.startswith("b")
    )
    assert sum(sent.result.accepted for sent in told if sent.result) == 10


@BOTH
def test_it_tells_what_is_left_and_what_it_can_do(colour: str) -> None:
    with of_colour(colour, Wire(balance=["OK 5"] * 2, check=["OK"]), Wire(balance=["OK 7"] * 2, check=["OK"])) as sms:
        assert sms.balance().credit == 12
        assert {name: balance.credit for name, balance in sms.balances().items()} == {"tiny": 5, "tiny-2": 7}
        assert (sms.info.name, sms.info.title, sms.deadline) == ("main", "tiny, tiny-2", 120)
        sms.check()


@BOTH
def test_cancelling_goes_on_where_one_vendor_refuses(colour: str) -> None:
    first = Wire("OK a1", GONE, cancel=["NO missing"])
    second = Wire("OK b1", "OK b2", cancel=["OK 2 1"] * 2)
    with of_colour(colour, first, second) as sms:
        result = sms.send("x", to=[f"+88690000001{last}" for last in range(6)])
        with pytest.raises(NotFound) as failed:
            sms.cancel(result)
    assert failed.value.__notes__ == ["tiny-2 took back 2"]
