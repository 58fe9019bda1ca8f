"""The pushes of the SOAP document, 3.1 of both editions. What all pushes share stands in test_callbacks."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

import sms_core
from sms_core import CallbackRefused, CallbackRequest, DeliveryReport, DeliveryStatus, InboundMessage

BATCH = "220478cc-8506-49b2-93b7-2505f651c12e"
SOAP = sms_core.connect("every8d-soap://Test:XXX@")
HTTP = sms_core.connect("every8d://Test:XXX@")

# 3.1: report.aspx?BatchID=xxxx&RM=xxxx&RT=xxx&STATUS=xxx&SM=xxxx&MR=xxxx&USERID=xxxx
REPORT = {
    "BatchID": BATCH,
    "RM": "+886900000001",
    "RT": "20090210120000",
    "STATUS": "100",
    "SM": "",
    "MR": "7",
    "USERID": "Test",
}


def push(fields: dict[str, str]) -> CallbackRequest:
    return CallbackRequest("GET", "/report.aspx", urlencode(fields))


@pytest.mark.parametrize("edition", ["2.0.0", "2.0.4"])
def test_3_1_delivery_report(edition: str) -> None:
    """The edition of 2016 has no USERID."""
    fields = REPORT if edition == "2.0.4" else {name: REPORT[name] for name in REPORT if name != "USERID"}
    callback = SOAP.parse_callback(push(fields))
    (report,) = callback.events
    assert isinstance(report, DeliveryReport)
    assert (report.number, report.status, report.batch_id) == ("+886900000001", DeliveryStatus.DELIVERED, BATCH)
    assert (report.reference, report.vendor_code, report.vendor_text) == ("7", "100", "成功送達手機")
    assert report.done_at == datetime(2009, 2, 10, 4, 0, tzinfo=UTC)
    assert (report.sent_at, report.cost) == (None, None)
    assert callback.response.status == 200


def test_3_1_status_999_is_a_reply() -> None:
    """「此時 STATUS=999 時，即為回覆簡訊。回覆簡訊內容將置於 SM 參數」."""
    (reply,) = SOAP.parse_callback(push(REPORT | {"STATUS": "999", "SM": "回覆 <內容> +1"})).events
    assert isinstance(reply, InboundMessage)
    assert (reply.number, reply.text, reply.batch_id) == ("+886900000001", "回覆 <內容> +1", BATCH)
    assert reply.received_at == datetime(2009, 2, 10, 4, 0, tzinfo=UTC)


STATUSES = {
    "0": DeliveryStatus.SENT,
    "101": DeliveryStatus.UNDELIVERABLE,
    "105": DeliveryStatus.UNDELIVERABLE,
    "106": DeliveryStatus.FAILED,
    "107": DeliveryStatus.EXPIRED,
    "301": DeliveryStatus.NO_CREDIT,
    "500": DeliveryStatus.REJECTED,
    "888": DeliveryStatus.UNKNOWN,
    "-3": DeliveryStatus.REJECTED,
    "-4": DeliveryStatus.EXPIRED,
    "4711": DeliveryStatus.UNKNOWN,
}


@pytest.mark.parametrize("code", STATUSES)
def test_3_1_statuses_are_those_of_this_document(code: str) -> None:
    (report,) = SOAP.parse_callback(push(REPORT | {"STATUS": code})).events
    assert isinstance(report, DeliveryReport)
    assert (report.status, report.vendor_code) == (STATUSES[code], code)


@pytest.mark.parametrize(
    ("code", "http"),
    [("105", DeliveryStatus.REJECTED), ("106", DeliveryStatus.REJECTED), ("-3", DeliveryStatus.BLOCKED)],
)
def test_three_codes_mean_something_else_in_the_http_document_of_2025(code: str, http: DeliveryStatus) -> None:
    (over_soap,) = SOAP.parse_callback(push(REPORT | {"STATUS": code})).events
    (over_http,) = HTTP.parse_callback(push(REPORT | {"STATUS": code})).events
    assert isinstance(over_soap, DeliveryReport)
    assert isinstance(over_http, DeliveryReport)
    assert over_http.status is http
    assert over_soap.status is STATUSES[code]
    assert over_soap.key == over_http.key


def test_a_push_without_what_tells_its_message_is_refused() -> None:
    with pytest.raises(CallbackRefused, match="BatchID, RM and a numeric STATUS"):
        SOAP.parse_callback(push(REPORT | {"STATUS": "ok"}))
