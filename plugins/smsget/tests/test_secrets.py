"""A password, a full number or a text is nowhere that it could be read by chance."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

import sms_core
import sms_core_smsget
from sms_core import CallbackRequest, Client, Message, Recipient, SmsError
from sms_core.http import Response
from sms_core.middleware import LogOperations
from sms_core.testing import FakeTransport
from sms_core_kit.checks.secrets import shown

PASSWORD = "pass-WORD+/=%&"
TEXT = "祕密的內容 secret words"
NUMBER = "0900000001"
SECRETS = [PASSWORD, "pass-WORD", NUMBER, NUMBER[1:], "小明", "祕密的內容", "secret words"]
WRONG_LENGTH, OTHER_COUNTRY = [f"+852{NUMBER[1:]}"], f"+44{NUMBER[1:]}"
MESSAGE = Message(TEXT, [Recipient(NUMBER, "小明"), Recipient("+12025550100", "小明")])

FAULTS: list[Response | SmsError] = [
    sms_core.TransportError("cut off", sent=True),
    sms_core.TransportError("no connection", sent=False),
    Response(200, body=f'{{"stats": false, "error_code": "007", "error_msg": "號碼 {NUMBER} 有誤"}}'.encode()),
    Response(200, body=f'{{"stats": false, "error_code": "{NUMBER}", "error_msg": "{PASSWORD}"}}'.encode()),
    Response(200, body=f'{{"stats": true, "error_code": "000", "error_msg": "{NUMBER}|{TEXT}"}}'.encode()),
    Response(200, body=b'{"stats": true, "error_code": "000", "error_msg": "7|2|9"}'),
    Response(200, body=f"<html>{PASSWORD} {NUMBER} {TEXT}</html>".encode()),
    Response(302, {"Location": f"https://evil.example/?password={PASSWORD}&phone={NUMBER}"}),
    Response(403, body=NUMBER.encode()),
    Response(502, body=PASSWORD.encode()),
]

ASK: list[Callable[[Client], Any]] = [
    lambda sms: sms.send(MESSAGE),
    lambda sms: sms.send(TEXT, to=NUMBER, options=sms_core_smsget.SendOptions(two_way=True)),
    lambda sms: sms.send(TEXT, to=[NUMBER, *WRONG_LENGTH]),
    lambda sms: sms.send(TEXT, to=OTHER_COUNTRY),
    lambda sms: sms.balance(),
    lambda sms: sms.check(),
    lambda sms: sms.preview(MESSAGE),
]


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_errors_results_and_logs(fault: Response | SmsError, caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: object) -> Response:
        if isinstance(fault, SmsError):
            raise fault
        return fault

    caplog.set_level(logging.DEBUG)
    transport = FakeTransport(handler)
    dsn = sms_core.dsn.build("sms-get", "user", PASSWORD, retries=0)
    sms = sms_core.connect(dsn, transport=transport, plugins=[LogOperations()])
    seen = [shown(sms), shown(sms.info), shown(MESSAGE), shown(sms._provider), shown(sms._provider.account)]
    for ask in ASK:
        try:
            seen.append(shown(ask(sms)))
        except SmsError as error:
            seen.append(shown(error))
    seen += [shown(request) for request in transport.requests]
    seen += [repr(record.__dict__) for record in caplog.records]
    seen.append(caplog.text)
    assert transport.requests
    for secret in SECRETS:
        assert secret not in "\n".join(seen)


def test_callbacks() -> None:
    sms = sms_core.connect("sms-get://user:pw@")
    head = f"{NUMBER}|a|2013-01-01 21:08:07|"
    seen = []
    for fields in ({"sms_id": "1", "content": f"{head}DELIVRD"}, {"content": head + quote("03" + TEXT)}):
        query = urlencode(fields)
        request = CallbackRequest("POST", "/secret-path", query, {"Cookie": PASSWORD})
        seen += [shown(request), shown(sms.parse_callback(request))]
    lost = CallbackRequest("POST", request.path, urlencode({"content": head + "DELIVRD"}))
    with pytest.raises(sms_core.CallbackRefused) as caught:
        sms.parse_callback(lost)
    seen.append(shown(caught.value))
    for secret in [*SECRETS, "secret-path"]:
        assert secret not in "\n".join(seen)
