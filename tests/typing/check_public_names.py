"""Checked by mypy and pyright as a user's code would be, and never run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_type

import sms_core
import sms_core_every8d
from sms_core import DeliveryReport, InboundMessage, Message, Recipient, SendResult, Sent, hookimpl
from sms_core.http import Response
from sms_core.middleware import Observer, Trace, observed, traced
from sms_core.provider import Blocking, Flow, Login, Operation, Provider, Request, Sleep, StartAttempt, Step
from sms_core.tracking import Key, MessageState, fold, numbers_in


def messages() -> None:
    """``to`` takes one or many, numbers or recipients; options one or many."""
    Message("text", "0900000001")
    Message("text", ["0900000001", Recipient("0900000002", params={"name": "小明", "amount": 3})])
    Message("text", Recipient("0900000001"), options=sms_core_every8d.SendOptions(event_id="1234"))
    Message("text", ("0900000001",), send_at=datetime.now(UTC), validity=timedelta(hours=4))
    Message("text", 912345678)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Message("text", "0900000001", options="fast")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def results(sms: sms_core.Client) -> None:
    """What comes back is typed."""
    result = sms.send("text", to="0900000001")
    assert_type(result, SendResult)
    assert_type(result.batch_id, str | None)
    assert_type(result.cost, Decimal | None)
    assert_type(sms.balance().credit, Decimal)
    assert_type([report.status for report in sms.reports(result)], list[sms_core.DeliveryStatus])
    with sms.send_many([Message("text", "0900000001")]) as bulk:
        assert_type(bulk, sms_core.Bulk)
        for sent in bulk:
            assert_type(sent, Sent)
            assert_type(sent.index, int)
            assert_type(sent.message, Message | sms_core.Plan)
            assert_type(sent.result, SendResult | None)
            assert_type(sent.error, BaseException | None)
    assert_type(bulk.results, tuple[Sent, ...])
    callback = sms.parse_callback(sms_core.CallbackRequest("GET", "/", "a=b"))
    assert_type(callback.events, tuple[DeliveryReport | InboundMessage, ...])


async def in_an_event_loop(carry: Callable[[Request], Awaitable[Response]]) -> None:
    """The other colour's methods have the same types, to await."""
    async with sms_core.connect_async(transport=carry, on_result=print, finish=True) as sms:
        assert_type(sms, sms_core.AsyncClient)
        assert_type(await sms.send("text", to="0900000001"), SendResult)
        assert_type((await sms.balance()).credit, Decimal)
        assert_type([report.status async for report in sms.reports("b")], list[sms_core.DeliveryStatus])
        assert_type([reply.text async for reply in sms.inbound("b")], list[str])
    sms_core.connect_async(transport=sms_core.SocketTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def errors(sms: sms_core.Client) -> None:
    """A failed send has its result."""
    try:
        sms.send("text", to="0900000001")
    except sms_core.SendError as error:
        assert_type(error.result, SendResult)


def tracking(sms: sms_core.Client, rows: list[MessageState], error: sms_core.SendError) -> None:
    """Facts of every kind fold with states."""
    result = sms.send("text", to="0900000001")
    callback = sms.parse_callback(sms_core.CallbackRequest("GET", "/", "a=b"))
    states = fold(rows, [result, error], sms.reports(result), sms.inbound(result), callback.events)
    assert_type(states, dict[Key, MessageState])
    assert_type(numbers_in(callback.events, [result]), set[str])
    assert_type(rows[0].status, sms_core.DeliveryStatus | None)
    fold(result)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Middleware:
    """Middleware is a typed wrapper of flows."""

    @hookimpl(wrapper=True)
    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Generator[None, Flow[Any], Flow[Any]]:
        """Trace."""
        flow = yield
        return traced(observed(flow, SeesSteps()), Trace(operation), print)


class SeesSteps(Observer):
    """An observer overrides what it needs."""

    def on_step(self, step: Step) -> None:
        """Look."""
        assert_type(step, Request | Sleep | Blocking | StartAttempt)


class FixedProvider:
    """The hooks are a static contract too: an object with these methods is a `ProviderHooks`."""

    def sms_describe(self) -> sms_core.ProviderInfo:
        """Describe."""
        raise AssertionError

    def sms_auth(self, account: sms_core.Account, operation: Login) -> Any:
        """Log in."""

    def sms_prepare(self, account: sms_core.Account, message: Message, destinations: Any) -> Any:
        """Prepare."""

    def sms_check(self, account: sms_core.Account, message: Message, destinations: Any) -> Any:
        """Judge."""

    def sms_send(self, account: sms_core.Account, session: Any, operation: Operation[Any]) -> Any:
        """Send."""

    def sms_parse_response(self, account: sms_core.Account, operation: Operation[Any], response: Any) -> Any:
        """Parse."""

    def sms_parse_callback(self, account: sms_core.Account, request: sms_core.CallbackRequest) -> sms_core.Callback:
        """Parse a push."""
        raise AssertionError

    def sms_perform(self, provider: Provider, operation: Operation[Any]) -> Flow[Any]:
        """Perform."""
        raise AssertionError


provider: sms_core.ProviderHooks = FixedProvider()
