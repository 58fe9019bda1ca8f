"""The limits one by one: what they refuse, what they give back, what `preview` shows, both colours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

import sms_core
from sms_core import (
    CallbackRequest,
    ConfigurationError,
    InboundMessage,
    InvalidMessage,
    Message,
    NotSent,
    OutcomeUnknown,
    Recipient,
    RecipientRefused,
    TransportError,
    hookimpl,
)
from sms_core.provider import Flow, Operation
from sms_core.testing import FakeTransport, memory_exchange
from sms_core.webhooks import Receiver
from sms_core_policy import (
    AllowList,
    Budget,
    Duplicates,
    LimitReached,
    MemoryStore,
    OptOut,
    PolicyRefused,
    Rate,
    Redirect,
    StoreUnavailable,
    Window,
)
from sms_core_policy.stores import Claim
from tests.support.colours import bind_async
from tests.support.tiny import Tiny, Vendor, bind

A, B, ABROAD = "0900000001", "0900000002", "+12025550100"
HOUR = timedelta(hours=1)
COLOURS = pytest.mark.parametrize("connected", [bind, bind_async])


class Broken:
    """A store that cannot be reached."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: object) -> Any:
            raise StoreUnavailable("nobody there")

        return fail


def tiny(connected: Callable[..., Any], answers: Sequence[Any], *plugins: object) -> Any:
    network = FakeTransport(Vendor(send=list(answers)))
    return connected(network, Tiny(logs_in=False), middleware=plugins, retries=0)


def room(limit: Any, message: Message) -> int:
    """How often a message still passes, asked of the store alone."""
    with sms_core.connect("memory://room", plugins=[limit]) as sms:
        plan = sms_core.connect("memory://room").plan(message)
        wanted = limit.wants(sms._provider.account, plan.message, plan.rendered)
    (used,) = limit.store.used([want.claim for want in wanted], limit.clock())
    return int(wanted[0].claim.most - used)


@COLOURS
def test_what_surely_was_not_sent_is_given_back_and_what_is_unknown_is_not(connected: Callable[..., Any]) -> None:
    rate = Rate(MemoryStore(), Window(10, HOUR, "all"))
    answers = [
        TransportError("no way", sent=False),
        "NO number",
        TransportError("cut", sent=True),
        "OK b1 +886900000001",
        "OK b1",
    ]
    with tiny(connected, answers, rate) as sms:
        with pytest.raises(NotSent):
            sms.send("x", to=[A, B])
        assert room(rate, Message("x", A)) == 10
        with pytest.raises(RecipientRefused):
            sms.send("x", to=A)
        assert room(rate, Message("x", A)) == 10
        with pytest.raises(OutcomeUnknown):
            sms.send("x", to=[A, B])
        assert room(rate, Message("x", A)) == 8
        with pytest.raises(sms_core.PartiallySent):
            sms.send("x", to=[A, B])
        assert room(rate, Message("x", A)) == 7
        sms.send("x", to=[A, B])
        assert room(rate, Message("x", A)) == 5
    assert rate.counts == {"passed": 5}


@COLOURS
def test_a_refusal_of_a_limit_costs_the_others_nothing(connected: Callable[..., Any]) -> None:
    first, second = Rate(MemoryStore(), Window(5, HOUR, "all")), Rate(MemoryStore(), Window(5, HOUR, "all"))
    second.store.take([Claim.sliding("rate::all:", 4, 5, HOUR, second.clock())], second.clock())
    for plugins in ((first, second), (second, first)):
        with tiny(connected, ["OK b1"], *map(WithoutCheck, plugins)) as sms, pytest.raises(LimitReached):
            sms.send("x", to=[A, B])
    assert (room(first, Message("x", A)), room(second, Message("x", A))) == (5, 1)


class WithoutCheck:
    """A limit that is asked at the request alone, as where two processes have looked at once."""

    def __init__(self, limit: Any) -> None:
        self.sms_perform = limit.sms_perform


def test_a_refusal_names_its_rule_and_when_to_come_again() -> None:
    rate = Rate(MemoryStore(), Window(1, HOUR), purpose="otp")
    with sms_core.connect("memory://limits", plugins=[rate]) as sms:
        sms.send("x", to=A)
        for ask in (sms.send, sms.preview, sms.plan):
            with pytest.raises(LimitReached) as refused:
                ask(Message("y", [B, A]))
    error = refused.value
    assert (error.rule, error.field, error.retry, error.retry_after) == ("rate", "to[1].number", True, 3600.0)
    assert (
        str(error)
        == "to[1].number: is one too many: 1 text in 1 hour for each number, and 1 more is wanted (rule rate)"
    )
    assert isinstance(error, InvalidMessage)
    assert type(error)(*error.args).retry_after == error.retry_after


def test_those_whom_a_limit_has_no_room_for_are_left_out_of_a_plan() -> None:
    rate = Rate(MemoryStore(), Window(1, HOUR))
    with sms_core.connect("memory://limits", plugins=[rate]) as sms:
        sms.send("x", to=A)
        plan = sms.plan(Message("y", [A, B]), skip_refused=True)
        assert list(plan.refused) == [0]
        assert sms.send(plan).accepted == 1


@pytest.mark.parametrize(
    ("window", "pass_to", "refuse_to"),
    [
        (Window(1, HOUR, "number"), B, A),
        (Window(1, HOUR, "prefix"), ABROAD, B),
        (Window(1, HOUR, "prefix", digits=2), ABROAD, B),
        (Window(1, HOUR, lambda number: number[-1]), B, "0900000011"),
    ],
)
def test_windows_count_apart(window: Window, pass_to: str, refuse_to: str) -> None:
    with sms_core.connect("memory://limits", plugins=[Rate(MemoryStore(), window)]) as sms:
        sms.send("x", to=A)
        sms.send("x", to=pass_to)
        with pytest.raises(LimitReached):
            sms.send("x", to=refuse_to)


def test_purposes_count_apart_but_for_all(clock: Any) -> None:
    store = MemoryStore()
    windows = (Window(1, HOUR, "purpose"), Window(2, HOUR, "all"))
    rate = Rate(store, *windows, purpose=lambda message: message.text, clock=clock)
    with sms_core.connect("memory://limits", plugins=[rate]) as sms:
        sms.send("otp", to=A)
        with pytest.raises(LimitReached, match="for each purpose"):
            sms.send("otp", to=B)
        sms.send("offer", to=A)
        with pytest.raises(LimitReached, match="2 texts in 1 hour, and"):
            sms.send("news", to=A)
        clock.move(HOUR * 1.05)
        sms.send("otp", to=A)


def test_a_preview_warns_of_what_is_nearly_used_up() -> None:
    rate = Rate(MemoryStore(), Window(10, HOUR, "all"))
    with sms_core.connect("memory://limits", plugins=[rate]) as sms:
        assert not any("rule rate" in warning for warning in sms.preview(Message("x", A)).warnings)
        sms.send("x", to=[f"09000000{place:02d}" for place in range(8)])
        assert sms.preview(Message("x", A)).warnings[-1] == "10 texts in 1 hour: 1 would be left (rule rate)"


def test_a_budget_is_of_a_day_a_month_and_a_message(clock: Any) -> None:
    clock.now = datetime.fromisoformat("2026-01-30T15:30:00+00:00")  # 23:30 in Taipei
    budget = Budget(MemoryStore(), per_day=3, per_month=3, per_message=2, clock=clock)
    with sms_core.connect("memory://budget", plugins=[budget]) as sms:
        with pytest.raises(LimitReached, match="a message has 2 points") as refused:
            sms.send("字" * 201, to=A)
        assert not refused.value.retry
        sms.send("字" * 100, to=A)
        with pytest.raises(LimitReached, match="a day has 3 points") as refused:
            sms.send("字" * 100, to=A)
        assert refused.value.retry_after == 1800
        clock.move(timedelta(minutes=30))
        sms.send("x", to=A)
        with pytest.raises(LimitReached, match="a month has 3 points"):
            sms.send("x", to=A)
        clock.move(timedelta(days=1))
        sms.send("字" * 100, to=A)


def test_a_budget_counts_what_the_vendor_took_and_shares_by_name() -> None:
    store = MemoryStore()
    dear = Budget(store, per_day=10, account="shop", points=lambda *_: Decimal(8))
    with sms_core.connect("memory://budget", plugins=[dear]) as sms:
        assert sms.send("x", to=A).cost == 1
        sms.send("x", to=A)
    other = Budget(store, per_day=10, account="shop", points=lambda *_: Decimal(9))
    with sms_core.connect("memory://other", plugins=[other]) as sms, pytest.raises(LimitReached):
        sms.send("x", to=A)


def test_a_low_balance_is_told_once() -> None:
    told: list[Decimal] = []
    budget = Budget(MemoryStore(), low_balance=9, on_low_balance=told.append)
    with sms_core.connect("memory://low-balance?credit=10", plugins=[budget]) as sms:
        for text in "abc":
            sms.send(text, to=A)
    assert told == [8]


def test_the_same_text_to_the_same_number_waits(clock: Any) -> None:
    duplicates = Duplicates(MemoryStore(), HOUR, clock=clock)
    with sms_core.connect("memory://limits", plugins=[duplicates]) as sms:
        sms.send("x", to=A)
        with pytest.raises(LimitReached, match=r"to\[0\].number: .* got the same text within 1 hour"):
            sms.send("x", to=A)
        sms.send("y", to=A)
        sms.send("x", to=B)
        clock.move(HOUR * 1.05)
        sms.send("x", to=A)


def test_a_text_that_was_not_sent_is_no_duplicate() -> None:
    duplicates = Duplicates(MemoryStore())
    with tiny(bind, [TransportError("no way", sent=False), "OK b1"], duplicates) as sms:
        with pytest.raises(NotSent):
            sms.send("x", to=A)
        assert sms.send("x", to=A).accepted == 1


@COLOURS
def test_a_limit_without_its_store_refuses(connected: Callable[..., Any]) -> None:
    rate = Rate(Broken(), Window(1, HOUR))
    with tiny(connected, ["OK b1"], rate) as sms, pytest.raises(LimitReached, match="cannot ask its store") as refused:
        sms.send("x", to=A)
    assert refused.value.retry


@COLOURS
def test_or_it_passes_and_says_so(connected: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    rate = Rate(Broken(), Window(1, HOUR), without_store="pass")
    with tiny(connected, ["OK b1"], rate) as sms:
        assert "cannot ask its store" in sms.preview(Message("x", A)).warnings[-1]
        assert sms.send("x", to=A).accepted == 1
    assert "the limit rate cannot ask its store (nobody there), and the send passes" in caplog.text
    assert rate.counts == {"without_store": 1}


class FailsLater(MemoryStore):
    def give_back(self, claims: Sequence[Claim]) -> None:
        raise StoreUnavailable("gone")


@COLOURS
def test_what_cannot_be_given_back_stays_taken_and_the_outcome_stands(
    connected: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    rate = Rate(FailsLater(), Window(2, HOUR, "all"))
    with tiny(connected, ["NO number"], rate) as sms, pytest.raises(RecipientRefused):
        sms.send("x", to=A)
    assert room(rate, Message("x", A)) == 1
    assert "keeps what a send did not use" in caplog.text


class Pausing(MemoryStore):
    """Waits within `take`, or within `give_back`."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def take(self, claims: Sequence[Claim], now: datetime) -> Claim | None:
        taken = super().take(claims, now)
        self.pause("take")
        return taken

    def give_back(self, claims: Sequence[Claim]) -> None:
        self.pause("give_back")
        super().give_back(claims)

    def pause(self, where: str) -> None:
        if where == self.where:
            self.begun.set()
            assert self.may_go_on.wait(30)


@pytest.mark.parametrize(("where", "to", "outcome"), [("take", A, "not_sent"), ("give_back", "0900000909", "refused")])
def test_a_cancelled_send_gives_back_and_tells(where: str, to: str, outcome: str) -> None:
    store = Pausing(where)
    rate = Rate(store, Window(2, HOUR, "all"))

    async def cancel() -> asyncio.CancelledError:
        async with sms_core.connect_async("memory://limits", plugins=[rate]) as sms:
            sending = asyncio.create_task(sms.send("x", to=to))
            assert await asyncio.to_thread(store.begun.wait, 30)
            sending.cancel()
            await asyncio.sleep(0)
            store.may_go_on.set()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await sending
            return cancelled.value

    cancellation: Any = asyncio.run(cancel())
    assert [row.outcome.value for row in cancellation.sms_result.outcomes] == [outcome]
    assert room(rate, Message("x", A)) == 2


def test_a_bug_in_another_plugin_takes_nothing_that_was_not_sent() -> None:
    class Bug:
        @hookimpl(wrapper=True)
        def sms_perform(self, operation: Operation[Any]) -> Iterator[Flow[Any]]:
            yield  # type: ignore[misc]
            raise KeyError("bug")

    rate = Rate(MemoryStore(), Window(2, HOUR, "all"))
    with tiny(bind, ["OK b1"], Bug(), rate) as sms, pytest.raises(KeyError):
        sms.send("x", to=A)
    assert room(rate, Message("x", A)) == 2


@COLOURS
def test_what_was_sent_stays_taken_though_another_plugin_refuses_it_afterwards(connected: Callable[..., Any]) -> None:
    class RefusesAfterwards:
        @hookimpl(wrapper=True)
        def sms_perform(self, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
            return self.around((yield))

        def around(self, flow: Flow[Any]) -> Flow[Any]:
            yield from flow
            raise InvalidMessage("text", "comes too late")

    rate = Rate(MemoryStore(), Window(2, HOUR, "all"))
    with tiny(connected, ["OK b1"], RefusesAfterwards(), rate) as sms, pytest.raises(InvalidMessage, match="too late"):
        sms.send("x", to=A)
    assert room(rate, Message("x", A)) == 1


@pytest.mark.parametrize(
    "word", ["stop", " ＳＴＯＰ！", "S.T.O.P", "\u200bSTOP👍", "停", "停止", "「退訂」", "退 订…", "取消。"]
)
def test_a_stop_word_counts_however_it_is_written(word: str) -> None:
    opt_out = OptOut(MemoryStore())
    opt_out.record(InboundMessage("+886900000001", word, "b"))
    assert opt_out.has(A)


@pytest.mark.parametrize("word", ["停電了嗎", "取消預約", "我要退訂單", "don't stop", "", "。", "👍"])
def test_a_sentence_with_such_a_word_opts_nobody_out(word: str) -> None:
    opt_out = OptOut(MemoryStore(), stop_words=["STOP", "退訂", "停", "取消", "?"])
    opt_out.record(InboundMessage("+886900000001", word, "b"))
    assert not opt_out.has(A)


@pytest.mark.parametrize("word", ["STOP", "退訂"])
def test_a_number_that_opted_out_gets_no_more_of_that_purpose(word: str, store: Any) -> None:
    opt_out = OptOut(store, "offers")
    news = OptOut(store, "news")
    opt_out.record([InboundMessage("+886900000001", word, "b"), InboundMessage("+886900000002", "stop it?", "b")])
    assert (opt_out.has(A), opt_out.has(B), news.has(A)) == (True, False, False)
    with sms_core.connect("memory://limits", plugins=[opt_out]) as sms:
        with pytest.raises(PolicyRefused, match=r"to\[1\].number: asked to get no more texts \(offers\)"):
            sms.send("x", to=[B, A])
        assert list(sms.plan(Message("x", [B, A]), skip_refused=True).refused) == [1]
        opt_out.record(InboundMessage("+886900000001", "START", "b"))
        assert sms.send("x", to=[B, A]).accepted == 2


def test_opting_out_is_asked_before_each_request_and_not_of_what_has_no_purpose() -> None:
    opt_out = OptOut(MemoryStore(), lambda message: "" if "code" in message.text else "offers")
    opt_out.add(A, "offers")
    with tiny(bind, ["OK b1"], WithoutCheck(opt_out)) as sms:
        with pytest.raises(PolicyRefused):
            sms.send("offer", to=A)
        assert sms.send("code 1", to=A).accepted == 1
    with pytest.raises(ConfigurationError, match="say which purpose"):
        opt_out.add(A)
    with pytest.raises(ConfigurationError) as wrong:
        opt_out.add("12345678", "offers")
    assert "12345678" not in str(wrong.value)


def test_without_its_store_opting_out_refuses() -> None:
    refused = pytest.raises(PolicyRefused, match="cannot be looked up")
    with sms_core.connect("memory://limits", plugins=[OptOut(Broken())]) as sms, refused:
        sms.send("x", to=A)


@pytest.mark.parametrize(
    "written", [A, "0900-000-001", "（０９００）０００００１", "+886 (0)900 000 001", "00886900000001", "886-900000001"]
)
def test_an_allow_list_lets_its_numbers_pass_alone(written: str) -> None:
    with sms_core.connect("memory://limits", plugins=[AllowList(written)]) as sms:
        sms.send("x", to="+886 900-000-001")
        with pytest.raises(PolicyRefused, match=r"to\[0\].number: is not among"):
            sms.send("x", to=B)
        assert list(sms.plan(Message("x", [A, B]), skip_refused=True).refused) == [1]


@COLOURS
def test_a_redirect_sends_all_to_one_with_the_original_in_front(connected: Callable[..., Any]) -> None:
    exchange = memory_exchange("redirect")
    exchange.reset()
    with sms_core.connect("memory://redirect", plugins=[Redirect("0900000077")]) as sms:
        result = sms.send(
            Message("hello {name}", [Recipient(A, params={"name": "A"}), Recipient(B, params={"name": "B"})])
        )
        assert len(sms.preview(Message("x", A)).recipients[0].text) > 1
    assert {message.number for message in exchange.accepted} == {"+886900000077"}
    assert [message.text for message in exchange.accepted] == ["+886900000001: hello A", "+886900000002: hello B"]
    assert len(result.outcomes) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rate(MemoryStore(), Window(0, HOUR)),
        lambda: Rate(MemoryStore(), Window(1, timedelta())),
        lambda: Rate(MemoryStore(), Window(1, HOUR, "planet")),
        lambda: Rate(MemoryStore(), without_store="hope"),
        lambda: Duplicates(MemoryStore(), timedelta()),
        lambda: Budget(MemoryStore(), low_balance=1),
        lambda: AllowList(["12"]),
    ],
)
def test_a_limit_that_cannot_be_meant_is_a_configuration_error(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError):
        make()


SECRET = "0123456789abcdef0123456789abcdef"


def pushed(text: str, number: str) -> CallbackRequest:
    """A reply as Twilio would not sign it and EVERY8D pushes it."""
    query = urlencode({"BatchID": "b1", "RM": number, "RT": "20251114120000", "STATUS": "999", "SM": text, "MR": ""})
    return CallbackRequest("GET", f"/every8d/{SECRET}", query)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_receiver_feeds_it_in_one_line(is_async: bool, store: Any) -> None:
    heard: list[object] = []

    async def handle_later(event: object) -> None:
        heard.append(event)

    opt_out = OptOut(store, "offers", stop_words=["不要"], start_words=["要"])
    handler = opt_out.handler(handle_later if is_async else heard.append)
    receiver = Receiver({"every8d": "every8d://u:p@new.e8d.tw"}, handler, secrets=SECRET)

    def push(text: str) -> int:
        request = pushed(text, A)
        answer = asyncio.run(receiver.receive_async(request)) if is_async else receiver.receive(request)
        return answer.status

    assert [push("STOP"), opt_out.has(A)] == [200, False]
    assert [push("不要"), opt_out.has(A)] == [200, True]
    assert [push("要"), opt_out.has(A)] == [200, False]
    assert len(heard) == 3


def test_a_reply_that_cannot_be_kept_is_not_acknowledged() -> None:
    receiver = Receiver({"every8d": "every8d://u:p@new.e8d.tw"}, OptOut(Broken()).handler(), secrets=SECRET)
    assert receiver.receive(pushed("STOP", A)).status == 500
    assert receiver.receive(pushed("hello", A)).status == 200
