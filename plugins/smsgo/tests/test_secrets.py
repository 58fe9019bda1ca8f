"""A password, a full number or a text is nowhere that it could be read by chance."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import sms_core
from sms_core import CallbackRequest, Client, Message, Recipient, SmsError
from sms_core.http import Request, Response
from sms_core.middleware import LogOperations
from sms_core.testing import FakeTransport
from sms_core_kit.checks.secrets import shown
from sms_core_sandbox import Sandbox
from sms_core_smsgo import SendOptions

PASSWORD = "pass-WORD+/=%&"
TEXT = "祕密的內容 secret words"
NUMBER = "0900000001"
SECRETS = [PASSWORD, "pass-WORD", NUMBER, NUMBER[1:], "祕密的內容", "secret words"]
MESSAGE = Message(TEXT, [Recipient(NUMBER), Recipient("+886900000002")])

FAULTS: list[Response | SmsError] = [
    sms_core.TransportError("cut off", sent=True),
    sms_core.TransportError("no connection", sent=False),
    Response(200, body=f"msgid=-1\nstatuscode=-5\nstatusstr=號碼 {NUMBER} 或 +886{NUMBER[1:]} 有誤\n".encode()),
    Response(200, body=f'{{"result":{{"statuscode":"x","statusstr":"{NUMBER} {PASSWORD}"}}}}'.encode()),
    Response(200, body=f"<html>{PASSWORD} {NUMBER}</html>".encode()),
    Response(200, body=f"0|{PASSWORD}|{NUMBER}".encode()),
    Response(302, {"Location": f"https://evil.example/?password={PASSWORD}&dstaddr={NUMBER}"}),
    Response(403, body=NUMBER.encode()),
    Response(502, body=PASSWORD.encode()),
]


ASK: list[Callable[[Client], Any]] = [
    lambda sms: sms.send(MESSAGE),
    lambda sms: sms.send(Message(TEXT * 9, "+12025550100", options=SendOptions(long_abroad="split"))),
    lambda sms: sms.send(Message(TEXT * 9, "+12025550100")),
    lambda sms: sms.balance(),
    lambda sms: sms.cancel("b"),
    lambda sms: sms.check(),
    lambda sms: sms.preview(MESSAGE),
]


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("backup", ["true", "false"])
@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_errors_results_and_logs(
    fault: Response | SmsError, backup: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def handler(request: Request) -> Response:
        if isinstance(fault, SmsError):
            raise fault
        return fault

    transport = FakeTransport(handler)
    dsn = sms_core.dsn.build("smsgo", "UID", PASSWORD, method=method, backup_host=backup, retries=0)
    sms = sms_core.connect(dsn, transport=transport, plugins=[LogOperations()])
    seen = [shown(sms), shown(sms.info), shown(MESSAGE), shown(sms._provider), shown(sms._provider.account)]
    for ask in ASK:
        try:
            seen.append(shown(ask(sms)))
        except SmsError as error:
            seen.append(shown(error))
    seen += [shown(request) for request in transport.requests]
    seen += [repr(record.__dict__) for record in caplog.records]
    everything = "\n".join([*seen, caplog.text])
    for secret in SECRETS:
        assert secret not in everything
    if method == "POST":
        assert all("?" not in request.url for request in transport.requests)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_over_a_real_wire(method: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Sandbox(faces=["smsgo"]) as box:
        box.exchange.add_account("UID", PASSWORD, 5)
        dsn = box.dsn("smsgo", user="UID", password=PASSWORD, method=method)
        with sms_core.connect(dsn, plugins=[LogOperations()]) as sms:
            result = sms.send(TEXT, to=NUMBER)
            seen = [shown(result), shown(list(sms.reports(result)))]
            for kind in ("half", "drop_before", "502"):
                box.faults.add(kind, match="send")
                with pytest.raises(sms_core.OutcomeUnknown) as caught:
                    sms.send(TEXT, to=NUMBER)
                seen.append(shown(caught.value))
        with pytest.raises(sms_core.AuthenticationFailed) as refused:
            sms_core.connect(box.dsn("smsgo", user="UID", password=PASSWORD + "x", method=method)).balance()
        seen.append(shown(refused.value))
    everything = "\n".join([*seen, caplog.text])
    for secret in SECRETS:
        assert secret not in everything


def test_callbacks() -> None:
    sms = sms_core.connect("smsgo://UID:PWD@")
    query = f"msgid=100101121234567&srcaddr={NUMBER}&smbody={TEXT}"
    request = CallbackRequest("GET", "/secret-path", query, {}, TEXT.encode())
    seen = [shown(request), shown(sms.parse_callback(request))]
    with pytest.raises(sms_core.CallbackRefused) as caught:
        sms.parse_callback(CallbackRequest("GET", request.path, f"srcaddr={NUMBER}&smbody={TEXT}"))
    seen.append(shown(caught.value))
    for secret in [*SECRETS, "secret-path"]:
        assert secret not in "\n".join(seen)
