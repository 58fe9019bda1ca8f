"""What EVERY8D says no with, over HTTP and SOAP: both documents say that every code refuses, also one they do not have."""

from __future__ import annotations

import json

import pytest
from soap_wire import client, operation_of, vendor

import sms_core
from sms_core import Message, Outcome, Recipient, RecipientRefused, VendorError
from sms_core.http import Response
from sms_core.testing import FakeTransport

DSN = "every8d://Test:XXX@?auth=password"
PLAIN = Message("hi", ["0900000001", "0900000002"])
PERSONAL = Message("", [Recipient("0900000001", text="a"), Recipient("0900000002", text="b")])
CODES = [("-27", RecipientRefused), ("-4711", VendorError)]


def answering(body: str) -> FakeTransport:
    return FakeTransport([Response(200, body=body.encode())])


def refused(error: VendorError, kind: type[VendorError], code: str) -> None:
    assert (type(error), error.code, error.vendor_text) == (kind, code, "不行")
    assert {row.outcome for row in error.result.outcomes} == {Outcome.REFUSED}


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_http_text_is_the_answer_of_a_failure(code: str, kind: type[VendorError]) -> None:
    """Tables 2-6-2 and 3-3-2: 失敗回傳：Status, Msg."""
    transport = answering(f"{code},不行")
    with pytest.raises(VendorError) as caught:
        sms_core.connect(DSN, transport=transport).send(PLAIN)
    refused(caught.value, kind, code)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_http_json_says_failure_by_its_result(code: str, kind: type[VendorError]) -> None:
    """Table 2-4-2: 值為 true(成功)或 false(失敗)."""
    transport = answering(json.dumps({"Result": False, "Status": code, "Msg": "不行"}))
    with pytest.raises(VendorError) as caught:
        sms_core.connect(DSN, transport=transport).send(PERSONAL)
    refused(caught.value, kind, code)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_soap_says_failure_by_a_credit_below_zero(code: str, kind: type[VendorError]) -> None:
    """1.2: 負值代表發送失敗，系統無法處理該命令."""
    transport = vendor({"sendSMS": f"{code},不行"})
    with pytest.raises(VendorError) as caught:
        client(transport).send(PLAIN)
    refused(caught.value, kind, code)
    assert [operation_of(request) for request in transport.requests] == ["getConnection", "sendSMS"]
