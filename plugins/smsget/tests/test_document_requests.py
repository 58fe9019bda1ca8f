"""Requests beside the examples of SMS-Get's document, which are exchanges of the conformance kit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

import sms_core
import sms_core_smsget
from sms_core import Capability, Client, InvalidMessage, Message, Unsupported
from sms_core.http import Request, Response
from sms_core.provider import TAIPEI
from sms_core.testing import FakeTransport
from sms_core_smsget.numbers import COUNTRIES, to_e164

TWO_WAY = sms_core_smsget.SendOptions(two_way=True)
CREDENTIALS = {"username": "user", "password": "p&w=%+"}
NOW = datetime(2020, 1, 1, tzinfo=TAIPEI)


def answer(request: Request) -> Response:
    message = "user|100" if "credit" in request.url else "1|999|100"
    return Response(200, body=f'{{"stats":true,"error_code":"000","error_msg":"{message}"}}'.encode())


def client(transport: FakeTransport, **options: str) -> Client:
    dsn = sms_core.dsn.build("sms-get", *CREDENTIALS.values(), **options)
    return sms_core.connect(dsn, transport=transport, clock=lambda: NOW)


def wire_of(message: Message) -> Request:
    transport = FakeTransport(answer)
    client(transport).send(message)
    (request,) = transport.requests
    return request


def fields_of(request: Request) -> dict[str, str]:
    """The form; and no field is in the URL, where it would be logged."""
    assert (request.method, "?" in request.url) == ("POST", False)
    assert request.headers["content-type"].startswith("application/x-www-form-urlencoded")
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))


# Chapter 1, phone: 手機號碼輸入格式, and both lengths where it has two.
FORMS = [
    ("+886900000001", "0900000001", 10),
    ("+8613500000123", "13500000123", 11),
    ("+85254000123", "54000123", 8),
    ("+85366000123", "85366000123", 11),
    ("+819000000123", "819000000123", 12),
    ("+60120000123", "60120000123", 11),
    ("+601200000123", "601200000123", 12),
    ("+84120000123", "84120000123", 11),
    ("+841200000123", "841200000123", 12),
    ("+628123000123", "628123000123", 12),
    ("+6281230000123", "6281230000123", 13),
    ("+66812300123", "66812300123", 11),
    ("+61412300123", "61412300123", 11),
    ("+6581230123", "6581230123", 10),
    ("+639700000123", "639700000123", 12),
    ("+971500000123", "971500000123", 12),
    ("+85510000123", "85510000123", 11),
    ("+855100000123", "855100000123", 12),
    ("+12025550123", "0012025550123", 13),
    ("+82110000123", "82110000123", 11),
    ("+821100000123", "821100000123", 12),
]


@pytest.mark.parametrize(("number", "written", "length"), FORMS, ids=[form[0] for form in FORMS])
def test_chapter_1_the_forms_of_numbers(number: str, written: str, length: int) -> None:
    assert fields_of(wire_of(Message("hi", number)))["phone"] == written
    assert len(written) == length
    assert to_e164(f" {written} ") == number


def test_every_country_of_the_document_is_tried() -> None:
    assert len(COUNTRIES) == 16
    assert all(any(number.startswith(country.prefix) for number, *_ in FORMS) for country in COUNTRIES)


@pytest.mark.parametrize("number", [number for number, *_ in FORMS if number.startswith(("+852", "+65", "+1", "+971"))])
@pytest.mark.parametrize("change", ["longer", "shorter"])
def test_a_wrong_length_is_refused_here(number: str, change: str) -> None:
    wrong = number + "0" if change == "longer" else number[:-1]
    refused(Message("hi", ["0900000001", wrong]), r"to\[1\].number", "is no number that SMS-Get takes for")


def refused(message: Message, field: str, words: str) -> None:
    transport = FakeTransport(answer)
    with pytest.raises(InvalidMessage, match=f"^{field}: .*{words}"):
        client(transport).send(message)
    with pytest.raises(InvalidMessage, match=f"^{field}: .*{words}"):
        client(transport).preview(message)
    assert not transport.requests


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+441632960000", "is of a country"),
        ("+4915100000000", "is of a country"),
        ("+8610000000", "for China: "),
        ("+8609000000010", "for China: .* the first of them 1"),  # 09000000010 there: nearly one of Taiwan
        ("+82200000000", "for Korea: "),
        ("+14165550100", "Canada or the Caribbean"),
        ("+18765550100", "Canada or the Caribbean"),
    ],
)
def test_other_numbers_are_refused_here(number: str, words: str) -> None:
    refused(Message("hi", ["0900000001", "0900 000 001", number]), r"to\[2\].number", words)


def test_at_most_250_in_a_request() -> None:
    transport = FakeTransport(answer)
    client(transport).send("hi", [f"0900000{n:03}" for n in range(251)])
    assert [fields_of(request)["phone"].count(",") + 1 for request in transport.requests] == [250, 1]


@pytest.mark.parametrize(
    ("send_at", "wire"),
    [
        (datetime(2099, 12, 31, 15, 59, 0, tzinfo=UTC), ("2099/12/31", "23", "59")),
        (datetime(2099, 12, 31, 15, 59, 1, tzinfo=UTC), ("2100/01/01", "00", "00")),
        (datetime(2099, 1, 1, 0, 0, 0, 1, tzinfo=TAIPEI), ("2099/01/01", "00", "01")),
    ],
)
def test_a_time_with_seconds_is_rounded_up_and_the_result_says_so(send_at: datetime, wire: tuple[str, ...]) -> None:
    transport = FakeTransport(answer)
    result = client(transport).send("hi", "0900000001", send_at=send_at)
    fields = fields_of(transport.requests[0])
    assert (fields["send_date"], fields["hour"], fields["min"]) == wire
    exact = send_at.second == send_at.microsecond == 0
    assert len(result.notes) == (0 if exact else 1)
    assert exact or "rounded up to" in result.notes[0]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda sms: list(sms.reports("1")), "only pushes delivery reports"),
        (lambda sms: list(sms.inbound("1")), "only pushes replies"),
        (lambda sms: sms.cancel("1"), "takes no booking back"),
    ],
)
def test_what_the_vendor_has_not(ask: Any, words: str) -> None:
    transport = FakeTransport([])
    with pytest.raises(Unsupported, match=words):
        ask(client(transport))
    assert not transport.requests


def test_settle_has_nobody_to_ask() -> None:
    transport = FakeTransport([Response(200, body=b"?")])
    sms = client(transport)
    with pytest.raises(sms_core.OutcomeUnknown) as caught:
        sms.send("hi", "0900000001")
    settled = sms.settle(caught.value)
    assert settled.outcomes == caught.value.result.outcomes
    assert settled.notes[0].startswith("settle() had nothing to ask")
    assert len(transport.requests) == 1
    assert not sms.info.can(Capability.SETTLE)


# Chapter 1, sms_msg: the prices.
@pytest.mark.parametrize(
    ("text", "number", "options", "points"),
    [
        ("a" * 160, "0900000001", (), 1),
        ("a" * 161, "0900000001", (), 2),
        ("a" * 307, "0900000001", (), 3),
        ("中" * 70, "+85254000123", (), 1),
        ("中" * 71, "+85254000123", (), 2),
        ("中" * 135, "+85254000123", (), 3),
        ("中" * 70, "+8613500000123", (), 2),
        ("中" * 71, "+8613500000123", (), 4),
        ("中" * 71, "0900000001", TWO_WAY, 4),
        ("中", "+12025550100", (), None),
    ],
)
def test_chapter_1_points(text: str, number: str, options: Any, points: int | None) -> None:
    preview = client(FakeTransport([])).preview(Message(text, number, options=options))
    assert preview.points == points


def test_the_two_way_code_of_the_dsn_is_two_digits() -> None:
    for wrong in ("3", "003", "ab", "٠٣"):
        with pytest.raises(sms_core.ConfigurationError, match="two digits"):
            client(FakeTransport([]), code=wrong)
    client(FakeTransport([]), code="03")
