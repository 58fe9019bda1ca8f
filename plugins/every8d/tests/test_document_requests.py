"""Requests of EVERY8D's HTTP API beside the examples of its document, which are exchanges of the conformance kit."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

import sms_core
from sms_core import Message, Recipient
from sms_core.http import Request, Response
from sms_core.provider import TAIPEI
from sms_core.testing import FakeTransport

TOKEN = "4bc40f5255fa4d89ac4950b394eca0f6"
BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
TWO = ["+886900000001", "+886900000002"]
NOW = datetime(2020, 1, 1, tzinfo=TAIPEI)


def answer(request: Request) -> Response:
    """The vendor's success for each address."""
    if request.url.endswith("ConnectionHandler.ashx"):
        return Response(200, body=json.dumps({"Result": True, "Msg": TOKEN}).encode())
    counted = "9610040.00,3,3,0," + BATCH
    if request.headers["content-type"].startswith("application/json"):
        return Response(200, body=json.dumps({"Result": True, "Msg": counted}).encode())
    return Response(200, body=counted.encode())


def wire_of(message: Message, dsn: str) -> Request:
    """The request that a message becomes, after the login where there is one."""
    transport = FakeTransport(answer)
    with sms_core.connect(dsn, transport=transport, clock=lambda: NOW) as sms:
        sms.send(message)
    return transport.requests[-1]


def fields_of(request: Request) -> dict[str, Any]:
    if request.headers["content-type"].startswith("application/json"):
        fields: dict[str, Any] = json.loads(request.body)
        return fields
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))


def test_closing_a_client_leaves_the_session_to_others_by_default() -> None:
    transport = FakeTransport(answer)
    with sms_core.connect("every8d://Test1234:1234Test@", transport=transport) as sms:
        sms.check()
    assert [json.loads(request.body)["VerifyType"] for request in transport.requests] == [1, 2]


def test_base_path_prefix() -> None:
    """``biz3.every8d.com.tw/prepaid/API21/...`` was seen."""
    transport = FakeTransport(answer)
    sms_core.connect("every8d://Test:XXX@biz3.every8d.example/prepaid", transport=transport).send("a", "0900000001")
    assert transport.requests[-1].url == "https://biz3.every8d.example/prepaid/API21/HTTP/SendSMS.ashx"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{a}{b}{c}{d}{e}{f}", "abcdef"),
        ("{a}", ["has|pipe"]),
        ("{a}", ["has %field2%"]),
        ("%field1% {a}", ["x"]),
    ],
    ids=["six fields", "separator in a value", "field in a value", "field in the text"],
)
def test_params_that_do_not_fit_the_native_form_are_rendered_here(text: str, values: list[str]) -> None:
    params = dict(zip("abcdef", values, strict=False))
    expected = text
    for name, value in params.items():
        expected = expected.replace(f"{{{name}}}", value)
    request = wire_of(Message(text, Recipient("0900000001", params=params)), "every8d://Test:XXX@")
    body = fields_of(request)
    assert "MSG" not in body
    assert [row["Param"] for row in body["RecipientDataList"]] == [expected]


def test_a_reference_travels_as_mr() -> None:
    request = wire_of(Message("a", Recipient("0900000001", reference="order-17")), "every8d://Test:XXX@")
    assert request.url.endswith("/SendParam.ashx")
    assert [row["Mr"] for row in fields_of(request)["RecipientDataList"]] == ["order-17"]
