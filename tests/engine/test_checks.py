"""Rules of the application, `sms_check`: what they see, when they are asked, and what a refusal does."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

import sms_core
from sms_core import InvalidMessage, Message, Recipient, hookimpl
from sms_core.provider import Account, Blocking, Destination, Flow, Operation, Provider
from sms_core.testing import FakeTransport
from tests.support.colours import bind_async
from tests.support.tiny import INFO, Tiny, Vendor, bind

TO = ["0900000001", "0900000002"]
COLOURS = pytest.mark.parametrize("connected", [bind, bind_async])


class Rule:
    """Refuses what it is told to, and notes what it was asked."""

    def __init__(self, refuses: str = "", warnings: tuple[str, ...] | None = None) -> None:
        self.refuses = refuses
        self.warnings = warnings
        self.asked: list[list[tuple[str, str]]] = []

    @hookimpl
    def sms_check(
        self, account: Account, message: Message, destinations: tuple[Destination, ...]
    ) -> tuple[str, ...] | None:
        assert account.base_url
        assert message.reference
        self.asked.append([(destination.path, destination.text) for destination in destinations])
        for destination in destinations:
            if self.refuses and self.refuses in destination.text:
                raise InvalidMessage(destination.text_path, f"holds {self.refuses!r} (rule of the test)")
        return self.warnings


class Halves(Tiny):
    """A vendor that takes a text in two messages."""

    @hookimpl
    def sms_prepare(self, destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        return tuple(
            attrs.evolve(destination, text=half, reference=f"{destination.reference}{half}")
            for destination in destinations
            for half in destination.text.split()
        )


@COLOURS
def test_a_refusal_comes_before_anything_is_sent(connected: Callable[..., Any]) -> None:
    network = FakeTransport(Vendor())
    with connected(network, middleware=[Rule("tea")]) as sms:
        for ask in (sms.send, sms.plan, sms.preview):
            with pytest.raises(InvalidMessage, match=r"^text: holds 'tea' \(rule of the test\)$"):
                ask(Message("your tea", TO))
    assert network.requests == []


@COLOURS
def test_it_sees_each_recipient_once_with_the_whole_final_text(connected: Callable[..., Any]) -> None:
    rule = Rule()
    to = [
        Recipient(TO[0], params={"cup": "A"}),
        Recipient(TO[1], text="own words"),
        Recipient(TO[0], params={"cup": "A"}),
    ]
    with connected(FakeTransport(Vendor(send=["OK b1", "OK b2"])), Halves(), middleware=[rule]) as sms:
        sms.send(Message("cup {cup}", to))
    assert rule.asked == [[("to[0]", "cup A"), ("to[1]", "own words")]]


@COLOURS
def test_the_warnings_of_all_plugins_are_in_the_preview_after_the_vendors(connected: Callable[..., Any]) -> None:
    rules = [Rule(warnings=("first", "second")), Rule(), Rule(warnings=("third",))]
    with connected(FakeTransport(Vendor()), middleware=rules) as sms:
        message = Message("x", [TO[0], TO[0]])
        expected = ("to[1] repeats to[0], number and text: it is sent once", "first", "second", "third")
        shown = [warning for warning in sms.preview(message).warnings if "price table" not in warning]
        assert tuple(shown) == expected
        assert [len(rule.asked) for rule in rules] == [1, 1, 1]
        assert sms.preview(sms.plan(message)).warnings == sms.preview(message).warnings


@COLOURS
def test_recipients_who_are_refused_are_left_out_where_that_is_asked_for(connected: Callable[..., Any]) -> None:
    to = [Recipient(TO[0], text="tea"), Recipient(TO[1], text="coffee"), Recipient("1"), Recipient(TO[0], text="cup")]
    with connected(FakeTransport(Vendor(send=["OK b1"])), middleware=[Rule("tea")]) as sms:
        plan = sms.plan(Message("", to), skip_refused=True)
        assert [(destination.position, destination.text) for destination in plan.rendered] == [
            (1, "coffee"),
            (3, "cup"),
        ]
        assert {position: str(error) for position, error in plan.refused.items() if position != 2} == {
            0: "to[0].text: holds 'tea' (rule of the test)"
        }
        assert 2 in plan.refused
        assert len(sms.send(plan).outcomes) == 2


@COLOURS
def test_a_plan_is_judged_again_when_it_is_sent(connected: Callable[..., Any]) -> None:
    rule = Rule()
    network = FakeTransport(Vendor())
    with connected(network, middleware=[rule]) as sms:
        plan = sms.plan(Message("x", TO))
        rule.refuses = "x"
        with pytest.raises(InvalidMessage):
            sms.send(plan)
        (sent,) = list(sms.send_many([plan]))
    assert isinstance(sent.error, InvalidMessage)
    assert network.requests == []


@COLOURS
def test_a_bulk_asks_once_about_each_message(connected: Callable[..., Any]) -> None:
    rule = Rule("tea")
    with connected(FakeTransport(Vendor(send=["OK b1"])), middleware=[rule]) as sms:
        told = list(sms.send_many([Message("coffee", TO[0]), Message("tea", TO[1])]))
    assert {sent.message.text: type(sent.error) for sent in told} == {"coffee": type(None), "tea": InvalidMessage}
    assert sorted(rule.asked) == [[("to[0]", "coffee")], [("to[0]", "tea")]]


@COLOURS
def test_in_a_group_a_refusal_stops_its_own_message_alone(connected: Callable[..., Any]) -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    with connected(network, middleware=[Rule("tea")]) as sms:
        told = list(sms.send_many([Message("coffee", TO[0]), Message("tea", TO[1])], group=True))
    assert {sent.message.text: type(sent.error) for sent in told} == {"coffee": type(None), "tea": InvalidMessage}
    assert [request.url.rpartition("/")[2] for request in network.requests] == ["login", "send"]


def test_a_rule_that_no_plan_names_a_recipient_for_refuses_the_message() -> None:
    class Full:
        @hookimpl
        def sms_check(self, destinations: tuple[Destination, ...]) -> None:
            if len(destinations) > 1:
                raise InvalidMessage("to", "are too many")

    with bind(FakeTransport(Vendor()), middleware=[Full()]) as sms, pytest.raises(InvalidMessage, match="too many"):
        sms.plan(Message("x", TO), skip_refused=True)


def test_a_plugin_of_the_entry_points_provider_needs_nothing_but_this_hook() -> None:
    with sms_core.connect("memory://checks", plugins=[Rule("tea"), Rule("cake")]) as sms:
        assert sms.send("coffee", to=TO[0]).accepted == 1
        for refused in ("tea", "cake"):
            with pytest.raises(InvalidMessage, match=refused):
                sms.send(refused, to=TO[0])


def test_in_an_event_loop_a_send_asks_in_a_thread_of_its_own() -> None:
    threads: list[threading.Thread] = []

    class Slow:
        @hookimpl
        def sms_check(self) -> None:
            threads.append(threading.current_thread())

    async def send() -> threading.Thread:
        async with sms_core.connect_async("memory://checks", plugins=[Slow()]) as sms:
            await sms.send("x", to=TO[0])
            async with sms.send_many([Message("x", TO[0]), Message("y", TO[1])], group=True) as bulk:
                assert [sent.error async for sent in bulk] == [None, None]
        return threading.current_thread()

    loop_thread = asyncio.run(send())
    assert len(threads) == 2
    assert loop_thread not in threads


class PolicyRefused(InvalidMessage):
    plain_fields = ("rule", "field", "reason")

    def __init__(self, rule: str, field: str, reason: str) -> None:
        self.rule = rule
        super().__init__(field, reason)


def test_a_refusal_of_a_plugins_own_class_keeps_it_for_the_recipient_it_is_about() -> None:
    class Own:
        @hookimpl
        def sms_check(self, destinations: tuple[Destination, ...]) -> None:
            for destination in destinations:
                if destination.number.endswith("2"):
                    raise PolicyRefused("opt-out", f"{destination.path}.number", "wants no more")

    with bind(FakeTransport(Vendor()), middleware=[Own()]) as sms:
        refused = sms.plan(Message("x", TO), skip_refused=True).refused[1]
    assert isinstance(refused, PolicyRefused)
    assert (refused.rule, refused.field, refused.args) == (
        "opt-out",
        "to[1].number",
        ("opt-out", "to[1].number", "wants no more"),
    )
    assert pickle.loads(pickle.dumps(refused)).args == refused.args


class Waits:
    """Does something that blocks around each operation."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self.given: list[object] = []

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Iterator[Flow[Any]]:
        flow = yield  # type: ignore[misc]
        return self._around(flow)  # type: ignore[return-value]

    def _around(self, flow: Flow[Any]) -> Flow[Any]:
        self.given.append((yield Blocking(self.work)))
        return (yield from flow)


@COLOURS
def test_what_blocks_is_done_by_the_driver(connected: Callable[..., Any]) -> None:
    threads: list[threading.Thread] = []

    def work() -> str:
        threads.append(threading.current_thread())
        return "done"

    waits = Waits(work)
    with connected(FakeTransport(Vendor(balance=["OK 1"])), Tiny(logs_in=False), middleware=[waits]) as sms:
        assert sms.balance().credit == 1
    assert waits.given == ["done"]
    assert (threads == [threading.current_thread()]) is (connected is bind)


@COLOURS
def test_what_it_raises_goes_through_the_flow(connected: Callable[..., Any]) -> None:
    def work() -> None:
        raise InvalidMessage("to", "is too much")

    network = FakeTransport(Vendor())
    with (
        connected(network, Tiny(INFO, logs_in=False), middleware=[Waits(work)]) as sms,
        pytest.raises(InvalidMessage, match="too much"),
    ):
        sms.send("x", to=TO[0])
    assert network.requests == []


def test_a_cancellation_waits_for_what_cannot_be_broken_off() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert may_end.wait(30)
        ended.set()

    async def cancel() -> None:
        async with sms_core.connect_async("memory://checks", plugins=[Waits(work)]) as sms:
            sending = asyncio.create_task(sms.send("x", to=TO[0]))
            assert await asyncio.to_thread(begun.wait, 30)
            sending.cancel()
            await asyncio.wait([sending], timeout=0.05)
            assert not sending.done()
            may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert ended.is_set()

    asyncio.run(cancel())
