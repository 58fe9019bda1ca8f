from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import attrs
import cattrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core import (
    Balance,
    Cancellation,
    ConfigurationError,
    DeliveryReport,
    DeliveryStatus,
    Duplicate,
    InboundMessage,
    InsufficientCredit,
    Media,
    Message,
    Outcome,
    Preview,
    RateLimited,
    Recipient,
    RecipientOutcome,
    RecipientPreview,
    SendResult,
    SmsError,
    TransportError,
    VendorError,
    VendorOptions,
)
from sms_core.serialize import from_data, from_json, to_data, to_json
from sms_core.text import Encoding
from tests.support.tiny import INFO, PASSWORD

NUMBER = "+886900000123"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@attrs.frozen
class ParcelOptions(VendorOptions):
    parcel: str = ""


class Lane(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


@attrs.frozen
class Window:
    first: int = 8
    days: tuple[str, ...] = ()


@attrs.frozen
class WideOptions(VendorOptions):
    """A field of each type that a vendor's options may have."""

    quota: int | None = None
    tags: tuple[str, ...] = ()
    prices: tuple[Decimal, ...] = ()
    most: Decimal = Decimal(1)
    least: Decimal | None = None
    lane: Lane = Lane.SLOW
    other_lane: Lane | None = None
    mode: Literal["text", 1] = "text"
    pause: timedelta | None = None
    start: datetime | None = None
    secret: bytes = b""
    code: int | str = 0
    lanes: frozenset[Lane] = frozenset()
    window: Window = Window()
    rates: Mapping[str, Decimal] = attrs.field(factory=dict)
    flag: bool = False
    length: int = attrs.field(init=False, default=7)


MESSAGE = Message(
    "簡訊 {a}",
    [Recipient("0900000001", "王", text="x", params={"a": 1}, send_at=NOW)],
    "s",
    NOW,
    timedelta(hours=4),
    Media(b"\xff\x00", "jpg"),
    "m",
    ParcelOptions("7"),
)
VALUES: list[Any] = [
    MESSAGE,
    Message("x", "0900000001"),
    SendResult(
        (RecipientOutcome(NUMBER, Outcome.ACCEPTED, "b1", "m"),),
        1,
        0,
        Decimal("1.50"),
        Decimal(2),
        ("b1",),
        (Duplicate(1, 0),),
        MESSAGE,
        NOW,
        ("raw",),
    ),
    DeliveryReport(NUMBER, DeliveryStatus.DELIVERED, "b1", "m", NOW, NOW, Decimal(1), "100", "ok", {"A": "b"}, "k"),
    InboundMessage(NUMBER, "嗨", "b1", NOW, {"A": "b"}, "k"),
    Balance(Decimal("0.10")),
    Cancellation(1, None),
    Preview((RecipientPreview(NUMBER, "x", 1, Encoding.UCS2, 1, Decimal(1)),), 1, None, ("w",)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_value_comes_back(value: Any) -> None:
    text = to_json(value)
    assert from_json(text, type(value)) == value
    assert from_data(json.loads(text), type(value)) == value


OPTIONS = [
    WideOptions(),
    WideOptions(quota=0, code="0", mode=1, flag=True),
    WideOptions(quota=-3, code=7, least=Decimal("0.10"), most=Decimal("1e3")),
    WideOptions(tags=("a,b", ""), prices=(Decimal("1.50"), Decimal(2))),
    WideOptions(lane=Lane.FAST, other_lane=Lane.SLOW, lanes=frozenset(Lane)),
    WideOptions(pause=timedelta(hours=-1.5), start=NOW, secret=b"\xff\x00"),
    WideOptions(window=Window(9, ("Mon", "Tue")), rates={"+886": Decimal("0.9")}),
]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_vendor_s_options_come_back_with_the_types_of_their_fields(options: WideOptions) -> None:
    message = Message("x", "0900000001", options=options)
    (back,) = from_json(to_json(message), Message).options
    assert back == options
    assert isinstance(back, WideOptions)
    for field in attrs.fields(WideOptions):
        assert type(getattr(back, field.name)) is type(getattr(options, field.name)), field.name


@pytest.mark.parametrize(
    "fields",
    [
        {"quota": "many"},
        {"tags": "a,b"},
        {"prices": ["1.5", "much"]},
        {"most": "much"},
        {"lane": "middle"},
        {"mode": "picture"},
        {"window": {"first": [8]}},
        {"of_a_later_version": 1},
    ],
)
def test_options_that_are_stored_otherwise_are_refused_without_a_word_of_theirs(fields: dict[str, Any]) -> None:
    data = {"text": "x", "to": [{"number": "1"}], "options": [{"kind": f"{__name__}.WideOptions", **fields}]}
    with pytest.raises(ConfigurationError, match=r"^not a Message in JSON: not a \S+\.WideOptions in JSON: \w+$"):
        from_data(data, Message)


def test_options_of_a_package_that_is_not_imported_are_named() -> None:
    data = {"text": "x", "to": [{"number": "1"}], "options": [{"kind": "sms_core_every8d.SendOptions"}]}
    reason = "no imported package has the options 'sms_core_every8d.SendOptions': import the one that has them first"
    with pytest.raises(ConfigurationError) as caught:
        from_data(data, Message)
    assert str(caught.value) == f"not a Message in JSON: {reason}"


def test_the_forms_of_values() -> None:
    assert to_data(Balance(Decimal("0.10"))) == {"credit": "0.10"}
    data = to_data(MESSAGE)
    assert data["validity"] == 14400
    assert data["send_at"] == "2026-01-02T03:04:05+00:00"
    assert data["media"] == {"content": "/wA=", "format": "jpg"}
    assert data["options"] == [{"kind": f"{__name__}.ParcelOptions", "parcel": "7"}]
    assert "簡訊" in to_json(MESSAGE, indent=2)


ERRORS: list[SmsError] = [
    TransportError("cut off", sent=True, timed_out=True),
    RateLimited("slow", retry_after=2.5, code="429"),
    InsufficientCredit(code="-3", vendor_text="no points"),
    VendorError("no", code="1", vendor_text=f"not to {NUMBER}"),
    InsufficientCredit(code="-3").with_result(SendResult((RecipientOutcome(NUMBER, Outcome.REFUSED),))),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_with_its_kind_and_its_words(error: SmsError) -> None:
    row = RecipientOutcome(NUMBER, Outcome.REFUSED, None, "m", error)
    data = to_data(row)
    assert NUMBER not in data["error"]["message"]
    back = from_json(to_json(row), RecipientOutcome).error
    assert back is not None
    assert type(back).__name__ == type(error).__name__
    assert str(back) == str(error)
    for name in ("code", "sent", "timed_out", "retry_after", "retry"):
        assert getattr(back, name, "") == getattr(error, name, "")


def test_a_provider_is_told_without_secrets() -> None:
    data = to_data(INFO)
    assert data["name"] == "tiny"
    assert data["capabilities"] == sorted(data["capabilities"])
    assert data["limits"]["recipients"] == 3
    assert PASSWORD not in to_json(INFO)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", Balance),
        ("{", Balance),
        ("[" * 100_000, Balance),
        ("[]", Balance),
        ("{}", Balance),
        ('{"credit": "many"}', Balance),
        ('{"text": "x", "to": []}', Message),
        ('{"text": "x", "to": [{"number": "1"}], "send_at": "2026-01-02T03:04:05"}', Message),
        ('{"text": "x", "to": [{"number": "1"}], "options": [{"kind": "os.system"}]}', Message),
        ('{"text": "x", "to": [{"number": "1"}], "options": [[]]}', Message),
        ('{"text": "x", "to": [{"number": "1"}], "options": ["os.system"]}', Message),
        ('{"number": "1", "outcome": "lost"}', RecipientOutcome),
        (
            '{"number": "1", "outcome": "refused", "error": {"type": "SmsError", "message": "x", "code": "", "details": []}}',
            RecipientOutcome,
        ),
        (
            '{"recipients": [{"number": "1", "text": "", "characters": 0, "encoding": "?", "segments": 1, "points": null}], "requests": 1, "points": null, "warnings": []}',
            Preview,
        ),
    ],
)
def test_what_is_no_such_value_is_refused_by_name(text: str, kind: type[object]) -> None:
    with pytest.raises(ConfigurationError, match=f"not a {kind.__name__} in JSON"):
        from_json(text, kind)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "to", "options", "kind", "outcome", "number", "error", "type"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from([Message, SendResult, RecipientOutcome, DeliveryReport, Preview]))
def test_any_data_is_a_value_or_refused_by_name(data: object, kind: type[object]) -> None:
    try:
        found = from_data(data, kind)
    except ConfigurationError:
        return
    assert isinstance(found, kind)


def test_the_applications_own_converter_is_left_alone() -> None:
    assert cattrs.unstructure(Decimal(1)) == Decimal(1)
