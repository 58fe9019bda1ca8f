"""Whatever arrives gives a result or a named error, never another exception."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from sms_core import CallbackRequest, Client, Message, Outcome, SendError, SmsError
from sms_core.http import Response
from sms_core.numbers import to_e164
from sms_core.testing import FakeTransport
from sms_core_smsget import numbers

ANSWERS = [
    '{"stats":true,"error_code":"000","error_msg":"1783822|2|998"}',
    '{"stats":true,"error_code":"000","error_msg":"user|998"}',
    '{"stats":"False","error_code":"009","error_msg":"點數不足"}',
    "<html><body>403 Forbidden</body></html>",
]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A real answer cut, doubled, shuffled, in another charset."""
    body = draw(st.sampled_from(ANSWERS)).encode(draw(st.sampled_from(["utf-8", "utf-16", "cp950"])), "replace")
    cut = body[draw(st.integers(0, len(body))) :][: draw(st.integers(0, len(body)))]
    pieces = draw(st.permutations([cut[i : i + 7] for i in range(0, len(cut), 7)]))
    return draw(st.sampled_from([body, cut, b"".join(pieces), body + cut]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["000", "1|2|9"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
json_bodies = st.dictionaries(st.sampled_from(["stats", "error_code", "error_msg", "STATS"]), json_values).map(
    lambda value: json.dumps(value).encode()
)
bodies = mangled() | json_bodies | st.binary(max_size=200)

MESSAGE = Message("hello", ["0900000001", "0900000002"])
ASK: dict[str, Callable[[Client], Any]] = {
    "send": lambda sms: sms.send(MESSAGE),
    "balance": lambda sms: sms.balance(),
    "check": lambda sms: sms.check(),
}


def client(body: bytes, status: int = 200) -> Client:
    transport = FakeTransport(lambda request: Response(status, body=body))
    return sms_core.connect("sms-get://user:pw@?retries=0", transport=transport)


@pytest.mark.parametrize("operation", ASK)
@given(body=bodies, status=st.sampled_from([200, 200, 200, 201, 302, 403, 429, 500, 502]))
@settings(max_examples=120, deadline=None)
def test_answers(operation: str, body: bytes, status: int) -> None:
    try:
        ASK[operation](client(body, status))
    except SendError as error:
        assert {row.outcome for row in error.result.outcomes} <= {Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT}
    except SmsError:
        assert operation != "send"


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_an_answer_that_cannot_be_read_is_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(sms_core.OutcomeUnknown):
        client(body).send(MESSAGE)


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
@settings(max_examples=300, deadline=None)
def test_callbacks(sms_id: str, content: str, method: str, noise: bytes, code: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sms = sms_core.connect(f"sms-get://user:pw@{code}")
    query = urlencode({"sms_id": sms_id, "content": content}, errors="replace")
    with contextlib.suppress(sms_core.CallbackRefused):
        assert sms.parse_callback(CallbackRequest(method, "/", query, headers, noise)).events


@given(digits=st.text("0123456789", max_size=16), prefix=st.sampled_from([*numbers.PREFIXES, "+", ""]))
@settings(max_examples=500, deadline=None)
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
