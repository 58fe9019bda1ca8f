"""What Mitake says no with: a code of 附錄一 refuses a send, a code that no table has is no verdict."""

from __future__ import annotations

import pytest

import sms_core
from sms_core import Outcome, OutcomeUnknown, RecipientRefused, VendorError
from sms_core.http import Response
from sms_core.testing import FakeTransport
from sms_core_mitake.requests import client_ids

ONE = sms_core.Message("hi", "0900000001", reference="order-17")
TWO = sms_core.Message("hi", ["0900000001", "0900000002"], reference="order-17")


def vendor(*bodies: str) -> FakeTransport:
    return FakeTransport([Response(200, body=body.encode()) for body in bodies])


def section(message: sms_core.Message, position: int, *lines: str) -> str:
    """The section of an answer that is about one of the message's recipients."""
    sms = sms_core.connect("mitake://user:password@")
    (send,) = sms.plan(message).sends
    name = list(client_ids(send))[position]
    return "\r\n".join([f"[{name}]", *lines, ""])


@pytest.mark.parametrize("body", ["statuscode=v\r\n", section(ONE, 0, "statuscode=v")], ids=["whole", "one"])
def test_a_code_of_the_table_refuses(body: str) -> None:
    transport = vendor(body)
    with pytest.raises(RecipientRefused) as caught:
        sms_core.connect("mitake://user:password@", transport=transport).send(ONE)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.REFUSED]
    assert len(transport.requests) == 1


@pytest.mark.parametrize("body", ["statuscode=Q\r\n", section(ONE, 0, "statuscode=Q")], ids=["whole", "one"])
def test_a_code_that_no_table_has_is_no_verdict(body: str) -> None:
    transport = vendor(body)
    with pytest.raises(OutcomeUnknown, match="a code that the vendor does not document: Q") as caught:
        sms_core.connect("mitake://user:password@", transport=transport).send(ONE)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.UNKNOWN]
    assert len(transport.requests) == 1, "nobody sends it again"


def test_it_says_nothing_of_the_others_in_the_request() -> None:
    body = section(TWO, 0, "statuscode=Q") + section(TWO, 1, "msgid=#000000013", "statuscode=1")
    with pytest.raises(OutcomeUnknown) as caught:
        sms_core.connect("mitake://user:password@", transport=vendor(body)).send(TWO)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.UNKNOWN, Outcome.ACCEPTED]


def test_the_answer_to_a_question_is_the_error_that_it_is() -> None:
    with pytest.raises(VendorError) as caught:
        sms_core.connect("mitake://user:password@", transport=vendor("statuscode=Q\r\n")).balance()
    assert (type(caught.value), caught.value.code) == (VendorError, "Q")
