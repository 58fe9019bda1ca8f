"""smsgo's pushes: chapter 2, the examples of chapter 3, and 回覆簡訊 of chapter 1."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

import sms_core
import sms_core.testing
from sms_core import CallbackRefused, CallbackRequest, DeliveryReport, DeliveryStatus, InboundMessage
from sms_core.http import Response
from sms_core_smsgo.sandbox import acknowledged

MSGID = "100101121234567"
SMS = sms_core.connect("smsgo://TesterId:TesterPW@")
REPLY = {
    "msgid": MSGID,
    "srcaddr": "0900000001",
    "dstaddr": "0900000000",
    "smbody": "好的 a+b?",
    "encoding": "BIG5",
    "timestamp": "2017/03/24 10:11:12",
}


def push(query: str, method: str = "GET") -> CallbackRequest:
    return CallbackRequest(method, "/response.php", query)


def test_chapter_3_phase_two_and_its_acknowledgement() -> None:
    callback = SMS.parse_callback(push(f"msgid={MSGID}&statusstr=DELIVRD&statuscode=0&dstaddr=0900000001"))
    (report,) = callback.events
    assert isinstance(report, DeliveryReport)
    assert (report.number, report.status, report.batch_id) == ("+886900000001", DeliveryStatus.DELIVERED, MSGID)
    response = callback.response
    assert response.body == b"magicid=tccrd_sms_gateway_rpack\nmsgid=100101121234567\n"
    assert (response.status, dict(response.headers)) == (200, {"content-type": "text/plain"})
    assert acknowledged(Response(response.status, response.headers, response.body))


@pytest.mark.parametrize(
    ("text", "charset", "declared", "read"),
    [
        ("羅", "big5", "BIG5", "羅"),  # whose bytes are UTF-8's ù
        ("ok 簽 50%", "big5", "big5 ", "ok 簽 50%"),
        ("ù", "utf-8", "UCS2", "ù"),
        ("ù", "utf-8", "", "ù"),
        ("好 ù", "utf-8", "BIG5", "好 ù"),
        ("们们", "utf-8", "BIG5", "们们"),  # which Big5 lacks, though its bytes are in it
        ("😀", "utf-8", "BIG5", "😀"),
        ("±1", "utf-8", "BIG5", "±1"),
        ("", "utf-8", "BIG5", ""),
    ],
)
def test_a_reply_that_is_declared_as_big5(text: str, charset: str, declared: str, read: str) -> None:
    query = urlencode(REPLY | {"smbody": text, "encoding": declared}, encoding=charset)
    (reply,) = SMS.parse_callback(push(query)).events
    assert isinstance(reply, InboundMessage)
    assert reply.text == read


def test_keys_in_any_case_and_doubled() -> None:
    query = f"MSGID={MSGID}&msgid=&StatusStr=DELIVRD&STATUSCODE=0&DstAddr=0900000001&dstaddr=0900000002"
    (report,) = SMS.parse_callback(push(query)).events
    assert isinstance(report, DeliveryReport)
    assert (report.number, report.status, report.batch_id) == ("+886900000001", DeliveryStatus.DELIVERED, MSGID)


def test_a_repeated_push_has_the_same_key_and_another_event_another() -> None:
    def key(fields: dict[str, str]) -> str:
        return SMS.parse_callback(push(urlencode(fields))).events[0].key

    report = {"msgid": MSGID, "statusstr": "DELIVRD", "statuscode": "0", "dstaddr": "0900000001"}
    others = [report | {"statusstr": "EXPIRED"}, report | {"dstaddr": "0900000002"}, REPLY, REPLY | {"smbody": "no"}]
    keys = [key(report), *map(key, others)]
    assert len(set(keys)) == len(keys)
    assert key(report) == keys[0]
    assert "900000001" not in "".join(keys)


def test_a_report_by_push_and_by_query_has_the_same_key() -> None:
    pushed = SMS.parse_callback(push(f"msgid={MSGID}&statusstr=DELIVRD&statuscode=0&dstaddr=0900000001")).events[0]
    transport = sms_core.testing.FakeTransport([Response(200, body=b"0|DELIVRD|0900000001")])
    (asked,) = sms_core.connect("smsgo://a:b@", transport=transport).reports(MSGID)
    assert asked.key == pushed.key


def test_another_method_is_refused() -> None:
    with pytest.raises(CallbackRefused) as caught:
        SMS.parse_callback(push(urlencode(REPLY), "DELETE"))
    assert caught.value.status == 405
