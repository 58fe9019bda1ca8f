"""The pushes of the SOAP document, 3.1 of both editions. What all pushes share stands in test_callbacks."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

import sms_core
from sms_core import CallbackRequest, DeliveryReport, DeliveryStatus

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
