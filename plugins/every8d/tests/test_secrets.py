"""A password, a token, a full number or a text is nowhere that it could be read by chance."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from soap_wire import connection, envelope, operation_of, result
from soap_wire import fault as soap_fault

import sms_core
import sms_core_every8d
from sms_core import CallbackRequest, Client, Message, Recipient, SmsError
from sms_core.http import Request, Response
from sms_core.middleware import LogOperations
from sms_core.testing import FakeTransport
from sms_core_kit.checks.secrets import KeptSessions, shown
from sms_core_sandbox import Sandbox

PASSWORD = "pass-WORD+/=%&"
TOKEN = "0123456789abcdef0123456789abcdef"
TEXT = "祕密的內容 secret words"
NUMBER = "0900000001"
SECRETS = [PASSWORD, "pass-WORD", TOKEN, NUMBER, NUMBER[1:], "小明", "祕密的內容", "secret words"]
MESSAGE = Message(TEXT, [Recipient(NUMBER, "小明", params={"who": "小明"}), Recipient("+886900000002", "小明")])

FAULTS: list[Response | SmsError] = [
    sms_core.TransportError("cut off", sent=True),
    sms_core.TransportError("no connection", sent=False),
    Response(200, body=f"-27,號碼 {NUMBER} 或 +886{NUMBER[1:]} 有誤".encode()),
    Response(200, body=f'{{"Result": false, "Status": "-99", "Msg": "{NUMBER} {TOKEN[:0]}"}}'.encode()),
    Response(200, body=f"<html>{PASSWORD} {TOKEN} {NUMBER}</html>".encode()),
    Response(200, body=f'{{"SMS_COUNT": "{NUMBER}", "DATA": "{PASSWORD}"}}'.encode()),
    Response(200, body=f"1\n{NUMBER}\t{TEXT}".encode()),
    Response(302, {"Location": f"https://evil.example/?PWD={PASSWORD}&DEST={NUMBER}"}),
    Response(403, body=NUMBER.encode()),
    Response(502, body=PASSWORD.encode()),
    Response(200, body=f"9.0,2,2,0,c496f706-9b0f-4ff8-9644-9503edbb7064,{NUMBER}".encode()),
]


# A text stands for the result of whichever operation is called.
SOAP_FAULTS: list[str | Response | SmsError] = [
    *FAULTS[:2],
    f"-27,號碼 {NUMBER} 或 +886{NUMBER[1:]} 有誤",
    f"-99.0,0,0,0,{NUMBER}",
    f"<SMS_LOG><CODE>-27</CODE><DESCRIPTION>{NUMBER}</DESCRIPTION></SMS_LOG>",
    f"<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT='{NUMBER}'/></SMS_LOG>",
    f"<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT='1'><SMS><MOBILE>{NUMBER}</MOBILE></SMS><{TOKEN}></SMS_LOG>",
    "<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT='1'><SMS><NAME>小明</NAME></SMS></GET_DELIVERY_STATUS></SMS_LOG>",
    f"&{PASSWORD}; <{TOKEN}>{TEXT}",
    f"{PASSWORD},{TOKEN},{NUMBER}",
    soap_fault("soap:Client", f"Server was unable to read {NUMBER}."),
    soap_fault("soap:Server", f"Server was unable to process +886{NUMBER[1:]}."),
    envelope(f"<sendSMSResponse>{PASSWORD.replace('&', '')} {TEXT}</sendSMSResponse>"),
    *FAULTS[4:],
]


def answering(fault: Response | SmsError) -> Callable[[Request], Response]:
    def handler(request: Request) -> Response:
        if b'"VerifyType": 1' in request.body:
            return Response(200, body=f'{{"Result": true, "Msg": "{TOKEN}"}}'.encode())
        if isinstance(fault, SmsError):
            raise fault
        return fault

    return handler


def soap_answering(fault: str | Response | SmsError) -> Callable[[Request], Response]:
    def handler(request: Request) -> Response:
        operation = operation_of(request)
        if operation == "getConnection":
            return result(operation, connection(TOKEN))
        if isinstance(fault, SmsError):
            raise fault
        return result(operation, fault) if isinstance(fault, str) else fault

    return handler


ASK: list[Callable[[Client], Any]] = [
    lambda sms: sms.send(MESSAGE),
    lambda sms: sms.send(TEXT, to=[NUMBER, "+886900000002"], validity=timedelta(hours=1)),
    lambda sms: sms.balance(),
    lambda sms: list(sms.reports("b")),
    lambda sms: list(sms.inbound("b")),
    lambda sms: sms.cancel("b"),
    lambda sms: sms.check(),
    lambda sms: sms.preview(MESSAGE),
]
FILTERED_ASK: list[Callable[[Client], Any]] = [
    lambda sms: sms.send(
        TEXT, to=[NUMBER, "+886900000002"], options=sms_core_every8d.SendOptions(skip_duplicates=True)
    ),
]
LONG_NAME = "小明" * 26
REFUSED_ASK: list[Callable[[Client], Any]] = [
    lambda sms: sms.send(TEXT, to=Recipient(NUMBER, LONG_NAME)),
    lambda sms: sms.send(f"{TEXT}\x00", to=NUMBER),
]

CASES = [
    *(("every8d", {"auth": auth}, answering(fault)) for auth in ("token", "password") for fault in FAULTS),
    *(
        ("every8d-soap", {"soap": version}, soap_answering(fault))
        for version in ("1.1", "1.2")
        for fault in SOAP_FAULTS
    ),
]


@pytest.mark.parametrize(
    ("provider", "options", "answer"),
    CASES,
    ids=[f"{provider}-{'-'.join(options.values())}-{number}" for number, (provider, options, _) in enumerate(CASES)],
)
def test_errors_results_and_logs(
    provider: str, options: dict[str, str], answer: Callable[[Request], Response], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    transport = FakeTransport(answer)
    dsn = sms_core.dsn.build(provider, "UID", PASSWORD, retries=0, **options)
    sms = sms_core.connect(dsn, transport=transport, plugins=[LogOperations()])
    seen = [shown(sms), shown(sms.info), shown(MESSAGE), shown(sms._provider), shown(sms._provider.account)]
    for ask in [*ASK, *(FILTERED_ASK if provider == "every8d" else REFUSED_ASK)]:
        try:
            seen.append(shown(ask(sms)))
        except SmsError as error:
            seen.append(shown(error))
    seen += [shown(request) for request in transport.requests]
    seen += [repr(record.__dict__) for record in caplog.records]
    seen.append(caplog.text)
    assert len(caplog.records) >= len(ASK) - 1
    for secret in SECRETS:
        assert secret not in "\n".join(seen)


@pytest.mark.parametrize("provider", ["every8d", "every8d-soap"])
def test_over_a_real_wire(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Sandbox() as box:
        box.exchange.add_account("UID", PASSWORD, 3)
        sessions = KeptSessions()
        dsn = box.dsn(provider, user="UID", password=PASSWORD)
        with sms_core.connect(dsn, plugins=[LogOperations()], sessions=sessions) as sms:
            sms.send(TEXT, to=NUMBER)
            box.faults.add("half", match="Send")
            with pytest.raises(sms_core.OutcomeUnknown) as caught:
                sms.send(TEXT, to=NUMBER, send_at=datetime.now(UTC) + timedelta(hours=1))
            seen = [shown(caught.value), shown(list(sms.reports(sms.settle(caught.value))))]
        with pytest.raises(sms_core.AuthenticationFailed) as refused:
            sms_core.connect(box.dsn(provider, user="UID", password=PASSWORD + "x")).balance()
        seen.append(shown(refused.value))
    everything = "\n".join([*seen, caplog.text])
    assert sessions.tokens
    for secret in [*SECRETS, *sessions.tokens]:
        assert secret not in everything


def test_the_log_of_a_send_says_what_happened(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sms_core.operations")
    body = b"87.00,2,2.0,0,c496f706-9b0f-4ff8-9644-9503edbb7064"
    transport = FakeTransport(lambda request: Response(200, body=body))
    dsn = sms_core.dsn.build("every8d", "UID", PASSWORD, auth="password")
    sms_core.connect(dsn, transport=transport, plugins=[LogOperations()]).send(
        TEXT, [NUMBER, "0900000002"], reference="r"
    )
    (record,) = caplog.records
    extra = record.__dict__
    assert (extra["sms_provider"], extra["sms_operation"], extra["sms_requests"]) == ("every8d", "send", 1)
    assert (extra["sms_reference"], extra["sms_outcomes"], extra["sms_error"]) == ("r", {"accepted": 2}, None)
    assert extra["sms_numbers"] == ["+8869******01", "+8869******02"]
    assert extra["sms_seconds"] >= 0
    assert "send: ok, 1 requests" in caplog.text


@pytest.mark.parametrize(
    "dsn",
    [
        f"every8d://UID:{PASSWORD}@host",
        "every8d-soap://UID:pass-WORD@host?soap=pass-WORD",
        "every8d-soap://UID:pass-WORD@host?mms_attachment=pass-WORD",
        "every8d-soap://UID:pass-WORD",
        "every8d://UID:pass-WORD@host:port",
        "every8d://UID:pass-WORD",
        "every8d://UID:pass-WORD?x@host",
        "every8d://UID:pass-WORD@host?auth=pass-WORD",
        "every8d://UID:pass-WORD@host?proxy=pass-WORD&colour=red",
        "every8d://UID:pass-WORD#x@host",
        "nobody://UID:pass-WORD@host",
        "every8d://UID:pass-WORD@host?scheme=http",
        "pass-WORD",
    ],
)
def test_errors_of_the_dsn(dsn: str) -> None:
    with pytest.raises(sms_core.ConfigurationError) as caught:
        sms_core.connect(dsn)
    assert "WORD" not in shown(caught.value)


@pytest.mark.parametrize("provider", ["every8d", "every8d-soap"])
def test_callbacks(provider: str) -> None:
    sms = sms_core.connect(f"{provider}://UID:PWD@")
    query = f"BatchID=b&RM={NUMBER}&STATUS=999&SM={TEXT}"
    request = CallbackRequest("GET", "/secret-path", query, {"Cookie": TOKEN}, TEXT.encode())
    seen = [shown(request), shown(sms.parse_callback(request))]
    unreadable = CallbackRequest("GET", request.path, f"RM={NUMBER}&SM={TEXT}")
    with pytest.raises(sms_core.CallbackRefused) as caught:
        sms.parse_callback(unreadable)
    seen.append(shown(caught.value))
    for secret in [*SECRETS, "secret-path"]:
        assert secret not in "\n".join(seen)
