from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from sms_core import (
    Balance,
    Cancellation,
    DeliveryReport,
    DeliveryStatus,
    Duplicate,
    InboundMessage,
    InvalidMessage,
    Media,
    Message,
    Outcome,
    Recipient,
    RecipientOutcome,
    SendResult,
    TransportError,
    VendorOptions,
)
from sms_core.http import Request, Response
from sms_core.provider import Account, Destination, FindSent, Login, Page, Send, Session, Sightings, StartAttempt

NUMBER = "+886900000123"
TEXT = "the text that nobody may see"
SECRET = "the secret that nobody may see"
SOON = datetime(2026, 1, 2, tzinfo=UTC)
NAIVE = SOON.replace(tzinfo=None)

RECIPIENT = Recipient(NUMBER, "Name Hidden", "hidden@example.invalid", TEXT, {"code": TEXT}, "r1", SOON)
MEDIA = Media(TEXT.encode(), "JPG")
MESSAGE = Message(TEXT, RECIPIENT, TEXT, SOON, timedelta(hours=1), MEDIA, "m1", VendorOptions())
OUTCOME = RecipientOutcome(NUMBER, Outcome.UNKNOWN, "b1", "r1", TransportError("cut off", sent=True))
RESULT = SendResult((OUTCOME,), 1, 0, Decimal(1), Decimal(2), ("b1",), (Duplicate(1, 0),), MESSAGE, SOON, (TEXT,))
REPORT = DeliveryReport(
    NUMBER, DeliveryStatus.SENT, "b1", "r1", SOON, SOON, Decimal(1), "0", "sent", {"MOBILE": NUMBER, "SM": TEXT}, "k"
)
INBOUND = InboundMessage(NUMBER, TEXT, "b1", SOON, {"MOBILE": NUMBER, "SM": TEXT}, "k")
DESTINATION = Destination(NUMBER, TEXT, "r1", "Name Hidden", "hidden@example.invalid", SOON, {"code": TEXT})
SESSION = Session(SECRET, SOON)

VALUES = [
    RECIPIENT,
    MEDIA,
    MESSAGE,
    OUTCOME,
    RESULT,
    REPORT,
    INBOUND,
    Balance(Decimal("1.5")),
    Cancellation(2, Decimal(2)),
    VendorOptions(),
    DESTINATION,
    SESSION,
    StartAttempt(SESSION),
    Account("tiny", SECRET, SECRET, "https://h"),
    Send(MESSAGE, (DESTINATION,)),
    Login(now=SOON, nonce="secret"),
    Page((REPORT, INBOUND)),
    FindSent(MESSAGE, TEXT, (NUMBER,)),
    Sightings({NUMBER: "b1"}, absence_is_proof=True),
    Request("POST", f"https://u:{SECRET}@h/path?pwd={SECRET}#x", {"Authorization": SECRET}, TEXT.encode()),
    Response(200, {"Set-Cookie": SECRET}, TEXT.encode()),
]


def named(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("value", VALUES, ids=named)
def test_no_repr_shows_a_number_a_text_or_a_secret(value: object) -> None:
    for shown in (repr(value), str(value), f"{value}"):
        for hidden in (NUMBER, NUMBER[1:], "900000123", TEXT, SECRET, "Name Hidden", "hidden@example"):
            assert hidden not in shown


@pytest.mark.parametrize("value", VALUES, ids=named)
def test_every_value_survives_pickling(value: object) -> None:
    copy = pickle.loads(pickle.dumps(value))
    assert type(copy) is type(value)
    assert repr(copy) == repr(value)
    if value not in (OUTCOME, RESULT):  # their errors are equal to themselves only, as exceptions are
        assert copy == value


@pytest.mark.parametrize("value", VALUES, ids=named)
def test_every_value_is_frozen(value: Any) -> None:
    for name in value.__attrs_attrs__:
        with pytest.raises(AttributeError):
            setattr(value, name.name, None)


def test_a_report_s_repr_masks_what_the_vendor_says() -> None:
    report = DeliveryReport(NUMBER, DeliveryStatus.FAILED, "b1", vendor_text=f"no route to {NUMBER}")
    assert NUMBER not in repr(report)


def test_one_number_or_many() -> None:
    one = Recipient("0900000001")
    assert Message("x", "0900000001").to == (one,)
    assert Message("x", one).to == (one,)
    assert Message("x", ["0900000001", one]).to == (one, one)
    assert Message("x", (number for number in ["0900000001"])).to == (one,)


def test_params_are_pairs_of_texts() -> None:
    assert Recipient("0900000001", params={"n": 3, "d": Decimal("1.50"), "day": date(2026, 1, 2)}).params == (
        ("n", "3"),
        ("d", "1.50"),
        ("day", "2026-01-02"),
    )
    assert Recipient("0900000001", params=[("a", "b")]).params == (("a", "b"),)


def test_one_option_or_many() -> None:
    assert Message("x", "1", options=VendorOptions()).options == (VendorOptions(),)
    assert Message("x", "1", options=[VendorOptions()]).options == (VendorOptions(),)
    assert VendorOptions().extra_characters == 0
    assert VendorOptions().one_text_per_request is False


def test_a_picture_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "picture.JPEG"
    file.write_bytes(b"\xff\xd8\xff")
    assert Media.from_file(file) == Media(b"\xff\xd8\xff", "jpeg") == Media.from_file(str(file))
    with pytest.raises(FileNotFoundError):
        Media.from_file(tmp_path / "none.jpg")


WRONG: list[tuple[str, Callable[[Any], object], Any]] = [
    ("text", lambda bad: Message(bad, "0900000001"), 1),
    ("text", lambda bad: Message(bad, "0900000001"), None),
    ("to", lambda bad: Message("x", bad), 900000001),
    ("to", lambda bad: Message("x", bad), None),
    ("to", lambda bad: Message("x", bad), []),
    ("to[1]", lambda bad: Message("x", ["0900000001", bad]), 900000001),
    ("to[0]", lambda bad: Message("x", bad), b"0900000001"),
    ("subject", lambda bad: Message("x", "0900000001", subject=bad), None),
    ("send_at", lambda bad: Message("x", "0900000001", send_at=bad), NAIVE),
    ("send_at", lambda bad: Message("x", "0900000001", send_at=bad), date(2026, 1, 2)),
    ("send_at", lambda bad: Message("x", "0900000001", send_at=bad), "tomorrow"),
    ("validity", lambda bad: Message("x", "0900000001", validity=bad), timedelta(0)),
    ("validity", lambda bad: Message("x", "0900000001", validity=bad), 60),
    ("media", lambda bad: Message("x", "0900000001", media=bad), b"\xff\xd8\xff"),
    ("reference", lambda bad: Message("x", "0900000001", reference=bad), 1),
    ("options[0]", lambda bad: Message("x", "0900000001", options=bad), ["event_id"]),
    ("number", Recipient, 900000001),
    ("name", lambda bad: Recipient("0900000001", name=bad), None),
    ("email", lambda bad: Recipient("0900000001", email=bad), None),
    ("text", lambda bad: Recipient("0900000001", text=bad), 1),
    ("params['n']", lambda bad: Recipient("0900000001", params={"n": bad}), None),
    ("reference", lambda bad: Recipient("0900000001", reference=bad), 1),
    ("send_at", lambda bad: Recipient("0900000001", send_at=bad), NAIVE),
]


@pytest.mark.parametrize(("field", "make", "bad"), WRONG)
def test_what_is_wrong_is_refused_by_its_field(field: str, make: Callable[[Any], object], bad: Any) -> None:
    with pytest.raises(InvalidMessage) as caught:
        make(bad)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("options", lambda bad: Message("x", "0900000001", options=bad)),
        ("params", lambda bad: Recipient("0900000001", params=bad)),
        ("content", lambda bad: Message("x", "0900000001", media=Media(bad, "jpg"))),
        ("format", lambda bad: Message("x", "0900000001", media=Media(b"", bad))),
    ],
)
@pytest.mark.parametrize("bad", [None, 1], ids=["None", "int"])
def test_a_converter_s_refusal_names_the_field_too(field: str, make: Callable[[Any], object], bad: Any) -> None:
    with pytest.raises(InvalidMessage) as caught:
        make(bad)
    assert field in caught.value.field


def test_a_result_s_batch_id_is_its_first() -> None:
    assert SendResult(()).batch_id is None
    assert SendResult((), batches=("a", "b")).batch_id == "a"


def test_which_statuses_are_final() -> None:
    assert {status for status in DeliveryStatus if not status.is_final} == {
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.SCHEDULED,
        DeliveryStatus.SENT,
        DeliveryStatus.UNKNOWN,
    }


def test_a_message_may_be_a_key_of_a_dict() -> None:
    assert {MESSAGE: 1}[cast("Message", pickle.loads(pickle.dumps(MESSAGE)))] == 1
