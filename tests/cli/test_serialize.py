"""JSON out and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import cattrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sms_core
from sms_core import (
    Balance,
    Cancellation,
    ConfigurationError,
    DeliveryReport,
    DeliveryStatus,
    Duplicate,
    InboundMessage,
    Media,
    Message,
    Outcome,
    Recipient,
    RecipientOutcome,
    SendResult,
    SmsError,
)
from sms_core.preview import Preview
from sms_core.serialize import from_data, from_json, to_data, to_json
from sms_core_every8d import SendOptions

NOW = datetime(2026, 11, 1, 9, 30, tzinfo=timezone(timedelta(hours=8)))
MESSAGE = Message(
    "您好{name}",
    [Recipient("0900000001", params={"name": "王"}), Recipient("0900000002", text="x", reference="r", send_at=NOW)],
    subject="主旨",
    send_at=NOW,
    validity=timedelta(hours=4),
    media=Media(b"\x00\xff", "png"),
    reference="ref",
    options=SendOptions(event_id="1", skip_duplicates=True),
)
RESULT = SendResult(
    outcomes=(RecipientOutcome("+886900000001", Outcome.ACCEPTED, "b1", "r1"),),
    accepted=1,
    cost=Decimal("1.50"),
    balance=Decimal("1E+3"),
    batches=("b1",),
    duplicates=(Duplicate(1, 0),),
    message=MESSAGE,
    sent_at=NOW,
    raw=("1,2",),
)
VALUES = [
    MESSAGE,
    RESULT,
    DeliveryReport(
        "+886900000001", DeliveryStatus.DELIVERED, "b1", sent_at=NOW, cost=Decimal(1), raw={"A": "b"}, key="k"
    ),
    InboundMessage("+886900000001", "好", "b1", NOW),
    Balance(Decimal("0.1")),
    Cancellation(3, Decimal(3)),
    Cancellation(3),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_round_trip(value: Any) -> None:
    text = to_json(value)
    json.loads(text)
    assert from_json(text, type(value)) == value
    assert from_data(to_data(value), type(value)) == value


def test_a_preview_comes_back() -> None:
    with sms_core.connect("memory://") as sms:
        preview = sms.preview(Message("hi您", "0900000001"))
    assert from_json(to_json(preview), Preview) == preview


@given(st.decimals(allow_nan=False, allow_infinity=False), st.datetimes(timezones=st.just(UTC)))
def test_points_and_times_lose_nothing(points: Decimal, moment: datetime) -> None:
    result = SendResult((), cost=points, sent_at=moment)
    back = from_json(to_json(result), SendResult)
    assert (str(back.cost), back.sent_at) == (str(points), moment)


ERRORS = [
    sms_core.ConfigurationError("x"),
    sms_core.InvalidMessage("to[3].number", "is empty"),
    sms_core.Unsupported("p", "media"),
    sms_core.TransportError("cut off", sent=True, timed_out=True),
    sms_core.MalformedResponse("not JSON"),
    sms_core.RateLimited("slow down", code="429", retry_after=2.5),
    sms_core.InsufficientCredit(code="-5", vendor_text="no points"),
    sms_core.OutcomeUnknown("perhaps", SendResult(())),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_come_back_but_for_their_results(error: SmsError) -> None:
    data = to_data(error)
    assert (data["type"], data["message"]) == (type(error).__name__, str(error))
    back = from_json(to_json(error), SmsError)
    assert type(back) is type(error)
    assert str(back) == str(error)
    kept = {name: value for name, value in vars(error).items() if name not in {"result", "response"}}
    assert kept.items() <= vars(back).items()


def test_an_error_within_a_result() -> None:
    row = RecipientOutcome(
        "+886900000001", Outcome.UNKNOWN, None, "r", sms_core.TransportError("x", sent=True, timed_out=True)
    )
    back = from_json(to_json(SendResult((row,))), SendResult).outcomes[0]
    assert isinstance(back.error, sms_core.TransportError)
    assert back.error.timed_out
    assert attrs.evolve(back, error=None) == attrs.evolve(row, error=None)


def test_a_refused_send_is_the_vendors_error() -> None:
    with sms_core.connect("memory://") as sms, pytest.raises(sms_core.SendError) as caught:
        sms.send("x", to="0900000909")
    assert to_data(caught.value)["type"] == "RecipientRefused"
    assert type(from_data(to_data(caught.value), SmsError)) is sms_core.RecipientRefused


def test_numbers_in_the_vendors_words_are_masked() -> None:
    data = to_json(sms_core.RecipientRefused(vendor_text="0900000001 is blocked"))
    assert "0900000001" not in data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", Message),
        ("[]", Message),
        ('{"text": "x", "to": []}', Message),
        ('{"credit": "many"}', Balance),
        ('{"credit": null}', Balance),
        ('{"type": "SmsError"}', SmsError),
        ('{"text":"x","to":[{"number":"0900000001"}],"options":[{"kind":"os.system"}]}', Message),
        ("[" * 100_000, Message),
    ],
)
def test_what_is_no_such_value_is_refused(text: str, kind: type[Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"not a {kind.__name__}"):
        from_json(text, kind)


def test_an_unknown_kind_of_error_is_still_one() -> None:
    back = from_data({"type": "Strange", "message": "m", "code": "", "details": {}}, SmsError)
    assert (type(back), str(back)) == (SmsError, "m")


def test_the_applications_own_converter_is_left_alone() -> None:
    assert cattrs.unstructure(Decimal(1)) == Decimal(1)


def test_what_is_installed() -> None:
    data = {one["name"]: one for one in to_data(sms_core.providers())}
    assert data["memory"]["tariff"]["steps"] == [70, 134, 201, 268, 333]
    assert data["every8d"]["dsn_options"]
