"""What Twilio says no with: a code that its dictionary has, or a status of which the dictionary says the same."""

from __future__ import annotations

import json

import pytest

import sms_core
from sms_core import AuthenticationFailed, NotFound, Outcome, OutcomeUnknown, RecipientRefused, VendorError
from sms_core.http import Response
from sms_core.testing import FakeTransport

DSN = f"twilio://AC{'0' * 32}:token@?from=%2B886900000009"
SID = f"SM{'0' * 32}"


def vendor(http_status: int, **fields: object) -> FakeTransport:
    return FakeTransport([Response(http_status, body=json.dumps(fields).encode())])


def test_a_code_of_the_dictionary_refuses() -> None:
    transport = vendor(400, code=21211, message="The 'To' number is not valid", status=400)
    with pytest.raises(RecipientRefused) as caught:
        sms_core.connect(DSN, transport=transport).send("hi", "0900000001")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.REFUSED]
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, VendorError), (401, AuthenticationFailed), (403, VendorError), (404, NotFound), (405, VendorError)],
)
def test_a_code_of_tomorrow_refuses_where_the_status_does(status: int, error: type[VendorError]) -> None:
    transport = vendor(status, code=29999, message="A code of tomorrow", status=status)
    with pytest.raises(VendorError) as caught:
        sms_core.connect(DSN, transport=transport).send("hi", "0900000001")
    assert (type(caught.value), caught.value.code) == (error, "29999")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.REFUSED]
    assert len(transport.requests) == 1


@pytest.mark.parametrize("status", [402, 406, 408, 409, 410, 418, 422, 451])
def test_with_any_other_status_it_is_no_verdict(status: int) -> None:
    transport = vendor(status, code=29999, message="A code of tomorrow", status=status)
    with pytest.raises(OutcomeUnknown, match="29999 A code of tomorrow") as caught:
        sms_core.connect(DSN, transport=transport).send("hi", "0900000001")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.UNKNOWN]
    assert len(transport.requests) == 1, "nobody sends it again"


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_a_message_that_was_dropped_at_once_was_not_sent_whatever_its_code(state: str) -> None:
    transport = vendor(201, sid=SID, status=state, error_code=39999)
    with pytest.raises(VendorError) as caught:
        sms_core.connect(DSN, transport=transport).send("hi", "0900000001")
    assert (type(caught.value), caught.value.code) == (VendorError, "39999")
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.REFUSED]


def test_the_answer_to_a_question_is_the_error_that_it_is() -> None:
    with pytest.raises(VendorError) as caught:
        sms_core.connect(DSN, transport=vendor(410, code=29999, message="gone", status=410)).balance()
    assert (type(caught.value), caught.value.code, caught.value.vendor_text) == (VendorError, "29999", "gone")
