"""What SMS-Get says no with: ``stats`` is False, and then every code refuses, also one that no chapter has."""

from __future__ import annotations

import json

import pytest

import sms_core
from sms_core import Outcome, OutcomeUnknown, RecipientRefused, VendorError
from sms_core.http import Response
from sms_core.testing import FakeTransport

MESSAGE = sms_core.Message("hi", ["0900000001", "0900000002"])


def vendor(**fields: object) -> FakeTransport:
    return FakeTransport([Response(200, body=json.dumps(fields).encode())])


@pytest.mark.parametrize(("code", "error"), [("007", RecipientRefused), ("042", VendorError), ("011", VendorError)])
def test_a_code_refuses_also_one_that_no_chapter_has(code: str, error: type[VendorError]) -> None:
    """Chapter 1, stats: 發送成功或失敗."""
    transport = vendor(stats=False, error_code=code, error_msg="不行")
    with pytest.raises(VendorError) as caught:
        sms_core.connect("sms-get://user:pw@", transport=transport).send(MESSAGE)
    assert (type(caught.value), caught.value.code, caught.value.vendor_text) == (error, code, "不行")
    assert {row.outcome for row in caught.value.result.outcomes} == {Outcome.REFUSED}
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "fields", [{"error_code": "042"}, {"stats": True, "error_code": "042"}], ids=["no stats", "true"]
)
def test_a_code_without_the_stats_of_a_refusal_is_no_verdict(fields: dict[str, object]) -> None:
    transport = vendor(**fields, error_msg="不行")
    with pytest.raises(OutcomeUnknown) as caught:
        sms_core.connect("sms-get://user:pw@", transport=transport).send(MESSAGE)
    assert {row.outcome for row in caught.value.result.outcomes} == {Outcome.UNKNOWN}
    assert len(transport.requests) == 1, "nobody sends it again"
