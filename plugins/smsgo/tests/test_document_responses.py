"""Answers beside the examples of smsgo's document, which are exchanges of the conformance kit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import sms_core
from sms_core import (
    AuthenticationFailed,
    Client,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    MalformedResponse,
    Outcome,
    OutcomeUnknown,
    RecipientRefused,
    VendorError,
    VendorUnavailable,
)
from sms_core.http import Response
from sms_core.testing import FakeTransport

BATCH = "100101121234567"
ONE, TWO = "+886900000001", "+886900000002"
Status = DeliveryStatus


def client(body: str, **options: Any) -> Client:
    """A client whose every request is answered with this body."""
    transport = FakeTransport(lambda request: Response(200, body=body.encode()))
    dsn = sms_core.dsn.build("smsgo", "TesterId", "TesterPW", retries=0, **options)
    return sms_core.connect(dsn, transport=transport)


# 二、Two Phase Connection, 1, and the examples of chapter 3

TAKEN = [
    ("chapter 2", f"msgid={BATCH}\nstatuscode=0\nstatusstr=OK\n", None),
    ("chapter 3", "msgid= 100101121234567\nstatuscode=0\nstatusstr=OK\npoint=1", 1),
    ("recorded", f"msgid={BATCH}\r\nstatuscode=0\r\nstatusstr=OK\r\npoint=2\r\n", 2),
    ("JSON", '{"result":{"msgid":100101121234567,"statuscode":"0","statusstr":"OK","point":1}}', 1),
    ("JSON, a number", f'{{"result":{{"msgid":"{BATCH}","statuscode":0,"statusstr":"OK","point":"1.5"}},}}', "1.5"),
    ("JSON, upper case", f'{{"Result":{{"MsgID":"{BATCH}","statusCode":"0","statusStr":"OK","Point":1.5}}}}', "1.5"),
    (
        "XML",
        f"<result><msgid>{BATCH}</msgid><statuscode>0</statuscode><statusstr>OK</statusstr><point>1</point></result>",
        1,
    ),
    (
        "XML, a list",
        f"<results><result><msgid>{BATCH}</msgid><statusCode>0</statusCode><point>1</point></result></results>",
        1,
    ),
]


@pytest.mark.parametrize(("name", "body", "points"), TAKEN, ids=[case[0] for case in TAKEN])
@pytest.mark.parametrize("rtype", ["text", "json", "xml"])
def test_send_succeeds_whatever_form_was_asked_for(rtype: str, name: str, body: str, points: object) -> None:
    result = client(body, rtype=rtype).send("a", [ONE, TWO])
    assert [(row.number, row.outcome, row.batch_id) for row in result.outcomes] == [
        (number, Outcome.ACCEPTED, BATCH) for number in (ONE, TWO)
    ]
    assert (result.batches, result.accepted) == ((BATCH,), 2)
    assert result.cost == (None if points is None else Decimal(str(points)))


TABLE_1: list[tuple[str, type[VendorError]]] = [
    ("-1", VendorError),
    ("-2", AuthenticationFailed),
    ("-3", VendorError),
    ("-4", VendorError),
    ("-5", RecipientRefused),
    ("-6", VendorError),
    ("-7", ContentRefused),
    ("-8", InsufficientCredit),
    ("-9", RecipientRefused),
    ("-10", VendorUnavailable),
    # In no edition, seen by one client.
    ("-15", VendorError),
    ("-16", VendorError),
    ("-21", VendorError),
    ("-23", ContentRefused),
]
FORMS = [
    "msgid=-1\r\nstatuscode={}\r\nstatusstr=no\r\npoint=0\r\n",
    '{{"result":{{"msgid":-1,"statuscode":"{}","statusstr":"no","point":0}}}}',
    "<result><msgid>-1</msgid><statuscode>{}</statuscode><statusstr>no</statusstr><point>0</point></result>",
]


@pytest.mark.parametrize("form", FORMS, ids=["text", "json", "xml"])
@pytest.mark.parametrize(("code", "error"), TABLE_1)
def test_table_1(code: str, error: type[VendorError], form: str) -> None:
    with pytest.raises(error) as caught:
        client(form.format(code)).send("a", [ONE, TWO])
    refused = caught.value
    assert type(refused) is error
    assert (refused.code, refused.vendor_text) == (code, "no")
    assert {row.outcome for row in refused.result.outcomes} == {Outcome.REFUSED}
    with pytest.raises(error):
        client(form.format(code)).balance()
    with pytest.raises(error):
        client(form.format(code)).cancel(BATCH)
    with pytest.raises(error):
        list(client(form.format(code)).reports(BATCH))


UNCLEAR = [
    "",
    "OK",
    "0",
    "-2",
    "0|OK|0900000001|100101121234567",
    "msgid=100101121234567",
    "msgid=100101121234567\nstatuscode=",
    "msgid=100101121234567\nstatuscode=1\nstatusstr=OK",
    "msgid=100101121234567\nstatuscode=-10\nstatusstr=Send Fail\npoint=1",
    "msgid=-1\nstatuscode=0\nstatusstr=OK\npoint=0",
    "msgid=\nstatuscode=0\nstatusstr=OK",
    "statuscode=0\nstatusstr=OK",
    "msgid=1\nmsgid=100101121234567\nstatuscode=0",
    '{"result":{"msgid":1504280910499665,"statuscode":"0","statusstr":"OK"',
    '{"result":{"msgid":1.5,"statuscode":"0"}}',
    '{"result":[{"msgid":1504280910499665,"statuscode":"0"},{"msgid":1504280910499666,"statuscode":"0"}]}',
    '{"results":{"result":[]}}',
    "[" * 5000,
    "<html><body>statuscode=0</body></html>",
]


@pytest.mark.parametrize("body", UNCLEAR, ids=range(len(UNCLEAR)))
def test_an_unclear_answer_to_a_send_is_an_unknown_outcome(body: str) -> None:
    with pytest.raises(OutcomeUnknown):
        client(body).send("a", ONE)


# 功能：查詢發送狀態, and JSON 範例

REPORTS = [
    ("JSON 範例", '{"results":{"result":[{"statusCode": "0","statusStr":"DELIVRD","cellphone":"0900000001"},]}}'),
    (
        "JSON without the comma",
        '{"results":{"result":[{"statusCode":0,"statusStr":"DELIVRD","cellphone":"0900000001"}]}}',
    ),
    ("query text", "0|DELIVRD|0900000001"),
    ("query text in brackets", "(0)(DELIVRD)(0900000001)"),
    ("bulk text", f"0|DELIVRD|0900000001|{BATCH}\r\n0|EXPIRED|0900000002|999101121234567\r\n"),
    (
        "XML",
        "<result><statuscode>0</statuscode><statusstr>DELIVRD</statusstr><dstaddr>0900000001</dstaddr></result>",
    ),
]


@pytest.mark.parametrize(("name", "body"), REPORTS, ids=[case[0] for case in REPORTS])
def test_a_status_query(name: str, body: str) -> None:
    (report,) = client(body).reports(BATCH)
    assert (report.number, report.status, report.batch_id) == (ONE, Status.DELIVERED, BATCH)
    assert (report.vendor_code, report.vendor_text) == ("DELIVRD", "Message is delivered to Destination")


# 功能：取消預約發送


@pytest.mark.parametrize("body", ["", "OK", "<html/>", "msgid=999\nstatuscode=0"])
def test_a_cancel_that_cannot_be_read(body: str) -> None:
    with pytest.raises(MalformedResponse):
        client(body).cancel(BATCH)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_status(status: int) -> None:
    sms = sms_core.connect("smsgo://a:b@?retries=0", transport=FakeTransport([Response(status)]))
    with pytest.raises(sms_core.SmsError):
        sms.balance()
