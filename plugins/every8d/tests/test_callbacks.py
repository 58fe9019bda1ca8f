"""EVERY8D's pushes: chapter 6 of the document, and what ``wire-facts`` §3 adds."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest

import sms_core
from sms_core import CallbackRefused, CallbackRequest, DeliveryReport, DeliveryStatus, InboundMessage

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
SMS = sms_core.connect("every8d://Test:XXX@")

REPORT = {
    "BatchID": BATCH,
    "RM": "+886900000001",
    "RT": "20211216160906",
    "STATUS": "100",
    "SM": "",
    "ST": "20211216160900",
    "MR": "order-17",
    "SUBJECT": "主旨",
    "NAME": "小明",
    "SOURCE": "API",
    "CHARGE": "1.00",
    "TYPE": "SMS",
    "MSGID": "",
}
REPLY = REPORT | {"STATUS": "999", "SM": "好的 謝謝+1"}


def push(query: str, method: str = "GET") -> CallbackRequest:
    return CallbackRequest(method, "/Report.aspx", query)


def test_table_6_1_1_delivery_report() -> None:
    callback = SMS.parse_callback(push(urlencode(REPORT)))
    (report,) = callback.events
    assert isinstance(report, DeliveryReport)
    assert (report.number, report.status, report.batch_id) == ("+886900000001", DeliveryStatus.DELIVERED, BATCH)
    assert (report.reference, report.cost, report.vendor_code) == ("order-17", Decimal(1), "100")
    assert report.done_at == datetime(2021, 12, 16, 8, 9, 6, tzinfo=UTC)
    assert report.sent_at == datetime(2021, 12, 16, 8, 9, 0, tzinfo=UTC)
    assert callback.response.status == 200


def test_status_999_is_a_reply() -> None:
    (reply,) = SMS.parse_callback(push(urlencode(REPLY))).events
    assert isinstance(reply, InboundMessage)
    assert (reply.number, reply.text) == ("+886900000001", "好的 謝謝+1")
    assert reply.received_at == datetime(2021, 12, 16, 8, 9, 6, tzinfo=UTC)


def test_editions_before_2025_have_fewer_fields() -> None:
    query = f"BatchID={BATCH}&RM=%2B886900000001&RT=20090210120000&STATUS=101&SM=&MR=1&USERID=Test"
    (report,) = SMS.parse_callback(push(query)).events
    assert isinstance(report, DeliveryReport)
    assert (report.status, report.reference) == (DeliveryStatus.UNDELIVERABLE, "1")


def test_a_plus_that_arrived_as_a_blank() -> None:
    (report,) = SMS.parse_callback(push(urlencode(REPORT).replace("%2B886", "+886"))).events
    assert report.number == "+886900000001"


def test_values_that_are_encoded_twice() -> None:
    twice = REPLY | {"RM": quote(REPLY["RM"]), "SM": quote(REPLY["SM"])}
    (reply,) = SMS.parse_callback(push(urlencode(twice))).events
    assert isinstance(reply, InboundMessage)
    assert (reply.number, reply.text) == ("+886900000001", "好的 謝謝+1")


@pytest.mark.parametrize("text", ["100%", "50% off", "+1", "%zz", "a+b", "%E4"])
def test_a_reply_with_a_percent_sign_stays_as_it_is(text: str) -> None:
    (reply,) = SMS.parse_callback(push(urlencode(REPLY | {"SM": text}))).events
    assert isinstance(reply, InboundMessage)
    assert reply.text == text


def test_keys_in_any_case_and_doubled() -> None:
    query = urlencode(REPORT).replace("BatchID", "BATCHID").replace("MR=order-17", "mr=order-17&MR=")
    (report,) = SMS.parse_callback(push(query)).events
    assert isinstance(report, DeliveryReport)
    assert (report.batch_id, report.reference) == (BATCH, "order-17")


def test_a_reply_in_big5_is_not_lost() -> None:
    query = urlencode(REPLY | {"SM": "好的"}, encoding="big5")
    (reply,) = SMS.parse_callback(push(query)).events
    assert isinstance(reply, InboundMessage)
    assert reply.text == "好的"


def test_a_repeated_push_has_the_same_key_and_another_event_another() -> None:
    def key(fields: dict[str, str]) -> str:
        return SMS.parse_callback(push(urlencode(fields))).events[0].key

    keys = [key(REPORT), key(REPORT | {"STATUS": "0"}), key(REPLY), key(REPORT | {"MR": "order-18"})]
    assert len(set(keys)) == 4
    assert key(REPORT) == keys[0]
    assert "886900000001" not in "".join(keys)


@pytest.mark.parametrize("missing", ["BatchID", "RM", "STATUS"])
def test_a_push_without_what_tells_its_message_is_refused(missing: str) -> None:
    fields = {name: value for name, value in REPORT.items() if name != missing}
    with pytest.raises(CallbackRefused, match="BatchID, RM and a numeric STATUS"):
        SMS.parse_callback(push(urlencode(fields)))


def test_another_method_is_refused() -> None:
    with pytest.raises(CallbackRefused, match="GET or POST, not DELETE") as caught:
        SMS.parse_callback(push(urlencode(REPORT), "DELETE"))
    assert caught.value.status == 405


def test_a_time_that_cannot_be_read_loses_no_report() -> None:
    (report,) = SMS.parse_callback(push(urlencode(REPORT | {"RT": "yesterday", "CHARGE": "?"}))).events
    assert isinstance(report, DeliveryReport)
    assert (report.done_at, report.cost) == (None, None)
    assert report.raw["RT"] == "yesterday"
