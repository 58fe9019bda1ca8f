"""No number, text, password, token or DSN leaves the process, whatever the vendor says and whoever fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sms_core
from sms_core import Client, Message, Recipient, RecipientRefused, SmsError
from sms_core.http import Request, Response
from sms_core.middleware import Trace
from sms_core.provider import Destination, GetReports, Send
from sms_core.testing import FakeTransport
from sms_core_otel.attributes import of_beginning, of_end, of_server
from sms_core_otel.tally import Tally
from sms_core_sandbox import Sandbox

USER = "USER-name"
PASSWORD = "pass-WORD+/=%&"
TEXT = "祕密的內容 secret words"
SUBJECT = "祕密的主旨"
NUMBER = "0900000001"
NAME = "某某人"
TOKEN = "token-that-nobody-sees"
HIDDEN = [USER, PASSWORD, "pass-WORD", NUMBER, NUMBER[1:], "祕密的內容", "secret words", SUBJECT, NAME, TOKEN]
MESSAGE = Message(TEXT, [Recipient(NUMBER, name=NAME), Recipient("+886900000002")])

FAULTS: list[Response | BaseException] = [
    sms_core.TransportError(f"cut off {NUMBER} {PASSWORD}", sent=True),
    sms_core.TransportError(f"no connection {TEXT}", sent=False),
    KeyboardInterrupt(f"{PASSWORD} {TEXT} {NUMBER}"),
    RuntimeError(f"{PASSWORD} {TEXT} {NUMBER}"),
    Response(200, body=f"-27,電話號碼不得為空 {NUMBER} {PASSWORD}".encode()),
    Response(200, body=f"{NUMBER},{TEXT}".encode()),
    Response(200, body=f"msgid=-1\nstatuscode=-5\nstatusstr=號碼 {NUMBER} 或 +886{NUMBER[1:]} 有誤\n".encode()),
    Response(200, body=f'{{"Result": false, "Status": "{NUMBER}", "Msg": "{PASSWORD} {TEXT}"}}'.encode()),
    Response(200, body=f"<html>{PASSWORD} {NUMBER}</html>".encode()),
    Response(200, body=f"87.00,1,1.0,0,{NUMBER}".encode()),
    Response(200, body=f"87.00,1,1.0,0,{TEXT}".encode()),
    Response(200, body=f'{{"result":{{"statuscode":"{TEXT}","statusstr":"{NUMBER}","msgid":"{NUMBER}"}}}}'.encode()),
    Response(200, body=f'{{"stats":true,"error_code":"000","error_msg":"{TEXT}|{NUMBER}"}}'.encode()),
    Response(302, {"Location": f"https://evil.example/?password={PASSWORD}&dstaddr={NUMBER}"}),
    Response(403, body=NUMBER.encode()),
    Response(429, {"Retry-After": NUMBER}, TEXT.encode()),
    Response(502, body=PASSWORD.encode()),
]

ASK: list[Callable[[Client], Any]] = [
    lambda sms: sms.send(MESSAGE, reference=""),
    lambda sms: sms.send(TEXT, to=NUMBER, reference=f"customer {NUMBER}"),
    lambda sms: sms.send(TEXT, to=NUMBER, reference="0900-000-001"),
    lambda sms: sms.balance(),
    lambda sms: sms.check(),
    lambda sms: sms.cancel("b"),
    lambda sms: list(sms.reports("b")),
]
DSNS = [
    ("every8d", {}),
    ("every8d", {"auth": "password"}),
    ("mitake", {}),
    ("smsgo", {"method": "GET"}),
    ("smsgo", {}),
    ("sms-get", {}),
]


def assert_nothing_shows(telemetry: Any) -> None:
    everything = telemetry.everything
    assert "messaging.system" in everything
    for hidden in HIDDEN:
        assert hidden not in everything
        assert hidden.encode("unicode_escape").decode() not in everything  # as JSON writes it


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
@pytest.mark.parametrize(("provider", "options"), DSNS, ids=range(len(DSNS)))
def test_whatever_the_vendor_answers(
    provider: str, options: dict[str, str], fault: Response | BaseException, telemetry: Any
) -> None:
    def handler(request: Request) -> Response:
        if isinstance(fault, BaseException):
            raise fault
        if request.url.endswith("ConnectionHandler.ashx"):
            return Response(200, body=f'{{"Result": true, "Msg": "{TOKEN}"}}'.encode())
        return fault

    dsn = sms_core.dsn.build(provider, USER, PASSWORD, retries=0, **options)
    sms = sms_core.connect(dsn, transport=FakeTransport(handler), plugins=[telemetry.middleware])
    for ask in ASK:
        with suppress(SmsError, KeyboardInterrupt, RuntimeError):
            ask(sms)
    assert len(telemetry.spans) >= len(ASK) - 2
    assert_nothing_shows(telemetry)


def test_over_a_real_wire(box: Sandbox, telemetry: Any) -> None:
    box.exchange.add_account(USER, PASSWORD, 50)
    dsn = box.dsn("every8d", user=USER, password=PASSWORD)
    with sms_core.connect(dsn, plugins=[telemetry.middleware], sleep=lambda seconds: None) as sms:
        result = sms.send(Message(TEXT, [Recipient(NUMBER, name=NAME)], subject=SUBJECT))
        sms.send(TEXT, to="+886900000908")
        list(sms.reports(result))
        list(sms.inbound(result))
        for kind in ("half", "drop_before", "502", "garbage"):
            box.faults.add(kind, match="SendSMS")
            with pytest.raises(sms_core.OutcomeUnknown) as caught:
                sms.send(TEXT, to=NUMBER)
            sms.settle(caught.value)
    assert {span.name for span in telemetry.spans} >= {"send every8d", "find_sent every8d", "login every8d"}
    assert_nothing_shows(telemetry)


def send_of(reference: str, *numbers: str) -> Send:
    destinations = tuple(Destination(number, TEXT, str(place)) for place, number in enumerate(numbers))
    return Send(Message(TEXT, numbers, reference=reference), destinations)


class Bound:
    """As much of a `Provider` as the attributes need."""

    info = sms_core.ProviderInfo("tiny", "Tiny", frozenset(), sms_core.Limits(1))
    account = sms_core.Account("tiny", USER, PASSWORD, "https://vendor.invalid")


@given(st.sampled_from(["", " ", "-", ".", "/"]), st.text(max_size=5), st.text(max_size=5), st.integers(0, 99))
def test_a_reference_that_shows_a_recipient_s_number_is_left_out(
    between: str, before: str, after: str, last: int
) -> None:
    number = f"+8869000000{last:02d}"
    local = between.join(["0900", "000", f"0{last:02d}"])
    shown = of_beginning(Bound, send_of(f"{before}{local}{after}", "+886900000100", number))  # type: ignore[arg-type]
    assert "sms.message.reference" not in shown


def test_any_other_reference_is_told() -> None:
    shown = of_beginning(Bound, send_of("order 2026-000017", "+886900000001"))  # type: ignore[arg-type]
    assert shown["sms.message.reference"] == "order 2026-000017"


def test_a_batch_id_that_shows_a_number_is_left_out() -> None:
    number = "+886900000001"
    shown = of_beginning(Bound, GetReports(f"b-{number}", numbers=(number,)))  # type: ignore[arg-type]
    assert "sms.batch.ids" not in shown
    result = sms_core.SendResult((), batches=(f"b{NUMBER}", "b2"))
    assert of_end(Trace(send_of("", number), result=result), Tally())["sms.batch.ids"] == ("b2",)


@pytest.mark.parametrize("odd", [TEXT, "two words", "x" * 65, "", "祕密"])
def test_an_id_or_a_code_that_is_no_word_is_left_out(odd: str) -> None:
    result = sms_core.SendResult((), batches=(odd, "b2"))
    assert of_end(Trace(send_of("", NUMBER), result=result), Tally())["sms.batch.ids"] == ("b2",)
    refused = Trace(send_of("", NUMBER), error=RecipientRefused("no", code=odd))
    assert "sms.vendor_code" not in of_end(refused, Tally())


def test_a_vendor_s_code_has_its_numbers_masked() -> None:
    error = RecipientRefused("no", code=f"E:{NUMBER}")
    shown = of_end(Trace(send_of("", NUMBER), error=error), Tally())
    assert str(shown["sms.vendor_code"]).startswith("E:09")
    assert NUMBER not in str(shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://{USER}:secret@vendor.invalid/{NUMBER}?password=secret#x", ("vendor.invalid", 443)),
        ("http://vendor.invalid:8080", ("vendor.invalid", 8080)),
        ("http://[::1]/", ("::1", 80)),
        ("memory://shop", None),
        ("https://vendor.invalid:port/", None),
        ("https://[broken/", None),
        ("https:///path", None),
        ("", None),
    ],
)
def test_of_a_url_host_and_port_alone_are_told(url: str, shown: tuple[str, int] | None) -> None:
    assert of_server(url) == ({"server.address": shown[0], "server.port": shown[1]} if shown else {})
