"""What is counted, by what few labels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

import sms_core
from sms_core import Media, Message, Outcome, Recipient, SendResult, hookimpl
from sms_core.middleware import Trace
from sms_core.provider import Destination, Flow, GetBalance, Send
from sms_core_otel.tally import Tally, tally_of
from sms_core_sandbox import Sandbox

A, B, REFUSED = "+886900000001", "+886900000002", "+886900000909"
MEMORY = ("messaging.system", "memory")


def labelled(*pairs: tuple[str, object]) -> frozenset[tuple[str, object]]:
    return frozenset(pairs)


def test_messages_and_segments_are_counted_by_outcome(telemetry: Any) -> None:
    long = "長" * 100  # two segments
    message = Message("x", [Recipient(A), Recipient(B, text=long), Recipient(REFUSED, text=long)])
    with sms_core.connect("memory://", plugins=[telemetry.middleware]) as sms:
        segments = sms.preview(message).segments
        with pytest.raises(sms_core.PartiallySent):
            sms.send(message)
        sms.send("x", to=[A, B])
    accepted, refused = labelled(MEMORY, ("sms.outcome", "accepted")), labelled(MEMORY, ("sms.outcome", "refused"))
    assert telemetry.metric("sms.client.messages") == {accepted: 4, refused: 1}
    assert telemetry.metric("sms.client.segments") == {accepted: 1 + 2 + 2, refused: 2}
    assert segments == 1 + 2 + 2


def test_a_picture_is_one_segment(telemetry: Any) -> None:
    picture = Media(b"\xff\xd8\xff" + bytes(100), "jpg")
    with sms_core.connect("memory://", plugins=[telemetry.middleware]) as sms:
        sms.send(Message("長" * 200, [A, B], subject="s", media=picture))
    assert list(telemetry.metric("sms.client.segments").values()) == [2]


def test_points_are_those_that_the_vendor_took(box: Sandbox, telemetry: Any) -> None:
    with sms_core.connect(box.dsn("every8d"), plugins=[telemetry.middleware]) as sms:
        before = sms.balance().credit
        sms.send("長" * 100, to=[A, B])
        spent = before - sms.balance().credit
    assert telemetry.metric("sms.client.points") == {labelled(("messaging.system", "every8d")): float(spent)}


def test_what_is_unknown_is_counted_as_unknown_and_costs_nothing_that_is_known(box: Sandbox, telemetry: Any) -> None:
    with sms_core.connect(box.dsn("every8d"), plugins=[telemetry.middleware]) as sms:
        box.faults.add("drop_after", match="SendSMS")
        with pytest.raises(sms_core.OutcomeUnknown):
            sms.send("x", to=[A, B])
    unknown = labelled(("messaging.system", "every8d"), ("sms.outcome", "unknown"))
    assert telemetry.metric("sms.client.messages") == {unknown: 2}
    assert telemetry.metric("sms.client.points") == {}


def test_the_time_of_each_operation_is_in_seconds_with_its_error(box: Sandbox, telemetry: Any) -> None:
    server = (("messaging.system", "every8d"), ("server.address", box.host), ("server.port", box.port))
    with sms_core.connect(box.dsn("every8d"), plugins=[telemetry.middleware], sleep=lambda seconds: None) as sms:
        sms.balance()
        sms.balance()
        with pytest.raises(sms_core.NotFound):
            sms.cancel("11111111-2222-3333-4444-555555555555")
    found = telemetry.metric("sms.client.operation.duration")
    assert {labels: point.count for labels, point in found.items()} == {
        labelled(("messaging.operation.name", "login"), *server): 1,
        labelled(("messaging.operation.name", "balance"), *server): 2,
        labelled(("messaging.operation.name", "cancel"), ("error.type", "NotFound"), *server): 1,
    }
    balances = found[labelled(("messaging.operation.name", "balance"), *server)]
    assert 0 < balances.min <= balances.max < 5
    assert balances.explicit_bounds[0] == 0.005


def test_units_are_said(telemetry: Any) -> None:
    with sms_core.connect("memory://", plugins=[telemetry.middleware]) as sms:
        sms.send("x", to=A)
    assert {metric.name: metric.unit for metric in telemetry.metrics} == {
        "sms.client.messages": "{message}",
        "sms.client.segments": "{segment}",
        "sms.client.points": "{point}",
        "sms.client.operation.duration": "s",
    }


@pytest.mark.parametrize("cost", [None, "-1", "0", "NaN", "Infinity"])
def test_points_that_no_counter_takes_are_left_out(cost: str | None, telemetry: Any) -> None:
    class Costs:
        @hookimpl(wrapper=True)
        def sms_perform(self) -> Any:
            flow = yield
            return self.changed(flow)

        def changed(self, flow: Flow[SendResult]) -> Flow[SendResult]:
            return attrs.evolve((yield from flow), cost=None if cost is None else Decimal(cost))

    with sms_core.connect("memory://", plugins=[Costs(), telemetry.middleware]) as sms:
        assert sms.send("x", to=A).accepted == 1
    assert telemetry.metric("sms.client.points") == {}
    assert ("sms.points" in telemetry.span("send memory").attributes) == (cost in {"-1", "0"})


def test_a_row_that_nobody_asked_for_has_no_segments() -> None:
    operation = Send(Message("x", A), (Destination(A, "x", "r"),))
    rows = (
        sms_core.RecipientOutcome(A, Outcome.ACCEPTED, "b", "r"),
        sms_core.RecipientOutcome(B, Outcome.ACCEPTED, "b", "a stranger"),
    )
    tally = tally_of(Trace(operation, result=SendResult(rows)))
    assert (tally.messages, tally.segments) == ({Outcome.ACCEPTED: 2}, {Outcome.ACCEPTED: 1})


def test_what_is_no_send_has_nothing_to_count() -> None:
    assert tally_of(Trace(GetBalance(), result=sms_core.Balance(Decimal(1)))) == Tally()
    assert tally_of(Trace(Send(Message("x", A), ()))) == Tally()
