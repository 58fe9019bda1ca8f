"""What smsgo says no with: a code of table 1 refuses a send, a code that it does not have is no verdict."""

from __future__ import annotations

import pytest

import sms_core
from sms_core import (
    CallbackRequest,
    DeliveryReport,
    DeliveryStatus,
    Outcome,
    OutcomeUnknown,
    RecipientRefused,
    VendorError,
)
from sms_core.http import Response
from sms_core.testing import FakeTransport

MESSAGE = sms_core.Message("a", ["0900000001", "0900000002"])


def vendor(code: str) -> FakeTransport:
    """A vendor that answers everything with this code, in the form of the document's failure (FAQ 7)."""
    body = f"msgid=-1\nstatuscode={code}\nstatusstr=no\npoint=0\n"
    return FakeTransport(lambda request: Response(200, body=body.encode()))


def test_a_code_of_table_1_refuses() -> None:
    transport = vendor("-5")
    with pytest.raises(RecipientRefused) as caught:
        sms_core.connect("smsgo://TesterId:TesterPW@", transport=transport).send(MESSAGE)
    assert {row.outcome for row in caught.value.result.outcomes} == {Outcome.REFUSED}
    assert len(transport.requests) == 1


@pytest.mark.parametrize("code", ["-11", "-14", "-20", "-25", "-30", "-9999"])
def test_a_code_that_no_table_has_is_no_verdict(code: str) -> None:
    transport = vendor(code)
    sms = sms_core.connect("smsgo://TesterId:TesterPW@", transport=transport)
    with pytest.raises(OutcomeUnknown, match=f"a code that the vendor does not document: {code} no") as caught:
        sms.send(MESSAGE)
    assert {row.outcome for row in caught.value.result.outcomes} == {Outcome.UNKNOWN}
    assert len(transport.requests) == 1, "nobody sends it again"


def test_the_answer_to_a_question_is_the_error_that_it_is() -> None:
    with pytest.raises(VendorError) as caught:
        sms_core.connect("smsgo://TesterId:TesterPW@", transport=vendor("-30")).balance()
    assert (type(caught.value), caught.value.code, caught.value.vendor_text) == (VendorError, "-30", "no")


@pytest.mark.parametrize(("code", "status"), [("-5", DeliveryStatus.REJECTED), ("-30", DeliveryStatus.UNKNOWN)])
def test_in_a_report_too_only_a_code_of_the_table_says_what_happened(code: str, status: DeliveryStatus) -> None:
    sms = sms_core.connect("smsgo://TesterId:TesterPW@")
    query = f"msgid=100101121234567&statuscode={code}&statusstr=no&dstaddr=0900000001"
    (report,) = sms.parse_callback(CallbackRequest("GET", "/sms", query)).events
    assert isinstance(report, DeliveryReport)
    assert (report.status, report.vendor_code) == (status, code)
