"""Whatever arrives gives a result or a named error, never another exception."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from sms_core import CallbackRequest
from sms_core.numbers import to_e164
from sms_core_smsget import numbers

columns = st.sampled_from(
    ["0900000001", "59c4e123", "2013-01-01 21:08:07", "DELIVRD", "03%E9%9B%99", "|", "||", ",", "%"]
) | st.text(max_size=5)
contents = st.lists(columns, max_size=9).map("|".join) | st.text(max_size=40)


@given(
    sms_id=st.sampled_from(["", "1783822"]) | st.text(max_size=5),
    content=contents,
    method=st.sampled_from(["GET", "POST", "PUT"]),
    noise=st.binary(max_size=20),
    code=st.sampled_from(["", "?code=03"]),
)
@settings(max_examples=100, deadline=None)
def test_callbacks(sms_id: str, content: str, method: str, noise: bytes, code: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sms = sms_core.connect(f"sms-get://user:pw@{code}")
    query = urlencode({"sms_id": sms_id, "content": content}, errors="replace")
    with contextlib.suppress(sms_core.CallbackRefused):
        assert sms.parse_callback(CallbackRequest(method, "/", query, headers, noise)).events


@given(digits=st.text("0123456789", max_size=16), prefix=st.sampled_from([*numbers.PREFIXES, "+", ""]))
@settings(max_examples=100, deadline=None)
def test_no_two_numbers_have_one_form(digits: str, prefix: str) -> None:
    """A number that the vendor takes comes back as itself from the form it has there."""
    try:
        number = to_e164(prefix + digits)
        written = numbers.to_vendor(number)
    except ValueError:
        return
    assert numbers.to_e164(written) == number
    assert written.isdigit()


@pytest.mark.parametrize("number", ["+441632960000", "+8520000", "+14165550100"])
def test_a_number_of_nowhere_has_no_form(number: str) -> None:
    with pytest.raises(ValueError, match="SMS-Get"):
        numbers.to_vendor(number)
