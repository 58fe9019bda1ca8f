"""What a client does with plans, and with messages whose options crossed from another process."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from sms_core import (
    Account,
    Client,
    ConfigurationError,
    InvalidMessage,
    Message,
    Outcome,
    Recipient,
    RecipientOutcome,
    SendResult,
    TransportError,
    Unsupported,
    VendorOptions,
    hookimpl,
)
from sms_core.http import Request
from sms_core.model import UnreadOptions
from sms_core.provider import Capability, FindSent, Operation, Replay, Send, Session, options_of
from sms_core.serialize import to_json
from sms_core.testing import FakeTransport
from tests.support import tiny
from tests.support.colours import bind_async
from tests.support.tiny import INFO, NOW, Tiny, Vendor, bind, fields_of, operation_of

A, B, C, D, E = (f"+88690000000{last}" for last in range(1, 6))
HOUR = timedelta(hours=1)


@pytest.fixture(params=[tiny.bind, bind_async], ids=["sync", "async"], autouse=True)
def _colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "bind", request.param)


def sent(network: FakeTransport) -> list[tuple[list[str], list[str]]]:
    """The numbers and references of each send."""
    fields = [fields_of(request) for request in network.requests if operation_of(request) == "send"]
    return [(request["numbers"], request["references"]) for request in fields]


# Plans


def test_a_plan_is_sent_as_its_message_is() -> None:
    network = FakeTransport(Vendor(send=["OK b1", "OK b2"]))
    with bind(network) as sms:
        plan = sms.plan(Message("x", [A, B, C, D, A], reference="m"))
        assert not network.requests
        result = sms.send(plan)
    assert sent(network) == [([A, B, C], ["m-0", "m-1", "m-2"]), ([D], ["m-3"])]
    assert (result.message, result.batches, result.accepted) == (plan.message, ("b1", "b2"), 4)
    assert (result.duplicates, result.sent_at) == (plan.duplicates, NOW)


def test_a_plan_s_preview_is_that_of_its_message() -> None:
    message = Message("x", [A, B, C, D, A], reference="m")
    with bind(FakeTransport([])) as sms:
        assert sms.preview(sms.plan(message)) == sms.preview(message)
        parts = [sms.preview(part) for part in sms.plan(message).split()]
    assert [(part.requests, len(part.recipients)) for part in parts] == [(1, 3), (1, 1)]


def test_the_parts_of_a_plan_are_sent_each_by_itself_under_the_same_references() -> None:
    network = FakeTransport(Vendor(send=["OK b1", "OK b2"]))
    with bind(network) as sms:
        first, second = sms.plan(Message("x", [A, B, C, D], reference="m")).split()
        result = sms.send(second)
        sms.send(first)
    assert sent(network) == [([D], ["m-3"]), ([A, B, C], ["m-0", "m-1", "m-2"])]
    assert [(row.number, row.reference, row.batch_id) for row in result.outcomes] == [(D, "m-3", "b1")]
    assert result.message == second.message


def test_the_parts_of_a_plan_go_side_by_side() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network) as sms:
        parts = sms.plan(Message("x", [A, B, C, D, E], reference="m")).split()
        errors = [sent.error for sent in sms.send_many(parts)]
    assert errors == [None, None]
    assert sorted(sent(network)) == sorted([([A, B, C], ["m-0", "m-1", "m-2"]), ([D, E], ["m-3", "m-4"])])


def test_who_cannot_be_sent_to_is_left_out_on_request_and_told_why() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    message = Message("x", [A, "12", B, Recipient(C, text=" "), Recipient(D, email="d@example.org")], reference="m")
    without_email = Tiny(attrs.evolve(INFO, capabilities=INFO.capabilities - {Capability.EMAIL}))
    with bind(network, without_email) as sms:
        with pytest.raises(InvalidMessage) as caught:
            sms.plan(message)
        plan = sms.plan(message, skip_refused=True)
        sms.send(plan)
    assert caught.value.field == "to[1].number"
    assert [type(plan.refused[position]) for position in (1, 3, 4)] == [InvalidMessage, InvalidMessage, Unsupported]
    assert len(plan.refused) == 3
    assert sent(network) == [([A, B], ["m-0", "m-2"])]


def test_a_plan_in_which_nobody_is_left_is_refused_before_any_network() -> None:
    network = FakeTransport([])
    with bind(network) as sms:
        plan = sms.plan(Message("x", ["12", "13"]), skip_refused=True)
        with pytest.raises(InvalidMessage, match="holds nobody who can be sent to") as caught:
            sms.send(plan)
    assert caught.value.field == "to"
    assert not network.requests


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message("x", A, send_at=NOW + HOUR), "send_at"),
        (Message("x", [A, Recipient(B, send_at=NOW + HOUR)]), "to[1].send_at"),
        (Message("x", [A, Recipient(B, send_at=NOW + HOUR)], send_at=NOW + 2 * HOUR), "to[1].send_at"),
    ],
)
@pytest.mark.parametrize("late", [timedelta(), HOUR, 30 * HOUR])
def test_a_plan_whose_time_has_passed_is_refused_before_any_network(
    message: Message, field: str, late: timedelta
) -> None:
    moment: list[datetime] = [NOW]
    network = FakeTransport([])
    with bind(network, clock=lambda: moment[0]) as sms:
        plan = sms.plan(message)
        moment[0] = NOW + HOUR + late
        with pytest.raises(InvalidMessage, match="is in the past") as caught:
            sms.send(plan)
    if late < HOUR:
        assert caught.value.field == field
    assert not network.requests


def test_a_plan_is_sent_until_its_time_has_come() -> None:
    moment: list[datetime] = [NOW]
    with bind(FakeTransport(Vendor(send=["OK b1"])), clock=lambda: moment[0]) as sms:
        plan = sms.plan(Message("x", A, send_at=NOW + HOUR))
        moment[0] = NOW + HOUR - timedelta(seconds=1)
        assert sms.send(plan).sent_at == moment[0]


def test_a_plan_takes_no_other_fields() -> None:
    with bind(FakeTransport([])) as sms:
        plan = sms.plan(Message("x", A))
        with pytest.raises(InvalidMessage, match="give it its fields"):
            sms.send(plan, to=B)


# Options that crossed from another process


@attrs.frozen
class ParcelOptions(VendorOptions):
    """A vendor's, whose package is imported here and now."""

    parcel: str = ""


class Parcels(Tiny):
    """A vendor with options, which its requests carry."""

    def __init__(self) -> None:
        super().__init__(attrs.evolve(INFO, send_options=ParcelOptions, replay=Replay(12 * HOUR, "duplicate")))

    @hookimpl
    def sms_send(self, account: Account, session: Session | None, operation: Operation[Any]) -> Request:
        request = super().sms_send(account, session, operation)
        if not isinstance(operation, Send | FindSent):
            return request
        parcel = options_of(operation.message, ParcelOptions).parcel
        return attrs.evolve(request, body=json.dumps({**fields_of(request), "parcel": parcel}).encode())


READABLE = UnreadOptions(f"{ParcelOptions.__module__}.ParcelOptions", {"parcel": "7"})
FOREIGN = UnreadOptions("acme_sms.options.SendOptions", {"secret": "kept"})
MISFIT = UnreadOptions(READABLE.kind, {"parcel": "7", "of_a_later_version": True})


def parcels(network: FakeTransport) -> list[str]:
    return [fields_of(request)["parcel"] for request in network.requests if "parcel" in fields_of(request)]


def test_options_that_crossed_are_read_before_a_send() -> None:
    network = FakeTransport(Vendor(send=["OK b1"]))
    message = Message("x", A, reference="m", options=[READABLE])
    with bind(network, Parcels()) as sms:
        result = sms.send(message)
        sms.send(sms.plan(message))
    assert parcels(network) == ["7", "7"]
    assert result.message == attrs.evolve(message, options=[ParcelOptions("7")])


def in_doubt(options: VendorOptions) -> SendResult:
    row = RecipientOutcome(A, Outcome.UNKNOWN, None, "m", TransportError("cut off", sent=True))
    return SendResult((row,), message=Message("x", A, reference="m", options=options), sent_at=NOW - HOUR)


def test_options_that_crossed_are_read_before_a_send_is_settled() -> None:
    network = FakeTransport(Vendor(find_sent=["OK"], send=["OK b1"]))
    with bind(network, Parcels()) as sms:
        assert sms.settle(in_doubt(READABLE), replay=True).batch_id == "b1"
    assert [operation_of(request) for request in network.requests] == ["login", "find_sent", "send"]
    assert parcels(network) == ["7", "7"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            FOREIGN,
            "no imported package has the options 'acme_sms.options.SendOptions': import the one that has them first",
        ),
        (MISFIT, f"not a {MISFIT.kind} in JSON: ForbiddenExtraKeysError"),
    ],
    ids=["of a package that is not imported", "of another version"],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda sms, options: sms.send(Message("x", A, options=options)),
        lambda sms, options: sms.plan(Message("x", A, options=options)),
        lambda sms, options: sms.plan(Message("x", A, options=options), skip_refused=True),
        lambda sms, options: sms.preview(Message("x", A, options=options)),
        lambda sms, options: sms.settle(in_doubt(options)),
        lambda sms, options: sms.settle(in_doubt(options), replay=True),
    ],
    ids=["send", "plan", "plan of some", "preview", "settle", "replay"],
)
def test_options_that_nobody_here_can_read_are_refused_in_words_before_any_network(
    call: Callable[[Client, VendorOptions], object], options: UnreadOptions, words: str
) -> None:
    network = FakeTransport([])
    with bind(network, Parcels()) as sms, pytest.raises(ConfigurationError) as caught:
        call(sms, options)
    assert words in str(caught.value)
    assert "kept" not in str(caught.value)
    assert not network.requests


def test_among_many_messages_only_the_one_with_unreadable_options_is_refused() -> None:
    messages = [Message("x", A), Message("x", A, options=FOREIGN), Message("x", A, options=READABLE)]
    network = FakeTransport(Vendor(send=["OK b1"]))
    with bind(network, Parcels()) as sms:
        errors = {sent.index: type(sent.error) for sent in sms.send_many(messages)}
    assert errors == {0: type(None), 1: ConfigurationError, 2: type(None)}
    assert sorted(parcels(network)) == ["", "7"]


def test_unread_options_are_stored_as_they_came() -> None:
    assert json.loads(to_json(Message("x", A, options=FOREIGN)))["options"] == [
        {"kind": "acme_sms.options.SendOptions", "secret": "kept"}
    ]
