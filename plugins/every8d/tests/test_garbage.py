"""Whatever arrives over HTTP, or is pushed, gives a result or a named error, never another exception."""

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
import sms_core_every8d
from sms_core import CallbackRequest, Client, Message, Outcome, SendError, SmsError
from sms_core.http import Response
from sms_core.testing import FakeTransport

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
ROW = {
    "MR": "1",
    "NAME": "Test01",
    "MOBILE": "+886900000001",
    "SEND_TIME": "2021-12-16 16:09:06",
    "COST": "1.00",
    "STATUS": "100",
}
ANSWERS = [
    f"9610040.00,2,2,0,{BATCH}",
    f"9610040.00,1,1,0,{BATCH},+886900000001/+886900000002,{BATCH}/{BATCH}",
    "0,0,0,,+886900000001/+886900000002,a496f706/b496f706",
    "-99,發生不明錯誤",
    "1000.00",
    "2,2.00",
    json.dumps({"Result": True, "Msg": f"999630.00,2,2,0,{BATCH}"}),
    json.dumps({"Result": False, "Status": "-28", "Msg": "The sendTime format error"}),
    json.dumps({"SMS_COUNT": 3, "BID": BATCH, "DATA": [ROW, ROW, ROW]}),
    "3\r\nTest01\t+886900000001\t2021/12/16 16:09:06\t1.00\t100\t2021/12/16 16:09:06\n",
    '<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="1"><SMS><MOBILE>+886900000001</MOBILE><STATUS>100</STATUS></SMS>',
    "<html><body>403 Forbidden</body></html>",
]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A real answer cut, doubled, shuffled, in another charset; or bytes of any kind."""
    body = draw(st.sampled_from(ANSWERS)).encode(draw(st.sampled_from(["utf-8", "utf-16", "cp950"])), "replace")
    cut = body[draw(st.integers(0, len(body))) :][: draw(st.integers(0, len(body)))]
    pieces = draw(st.permutations([cut[i : i + 7] for i in range(0, len(cut), 7)]))
    return draw(st.sampled_from([body, cut, b"".join(pieces), body + cut]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["SMS_COUNT", "DATA", "Result", "Msg", "STATUS", "MOBILE"]), inner)
    ),
    max_leaves=12,
)
json_bodies = st.dictionaries(
    st.sampled_from(["Result", "Msg", "Status", "SMS_COUNT", "sms_count", "BID", "DATA"]), json_values
).map(lambda value: json.dumps(value).encode())
bodies = mangled() | json_bodies | st.binary(max_size=200)

MESSAGE = Message("hello", ["0900000001", "0900000002"])
ASK: dict[str, Callable[[Client], Any]] = {
    "send": lambda sms: sms.send(MESSAGE),
    "filtered send": lambda sms: sms.send(
        Message("hello", ["0900000001", "0900000002"], options=sms_core_every8d.SendOptions(skip_duplicates=True))
    ),
    "balance": lambda sms: sms.balance(),
    "check": lambda sms: sms.check(),
    "cancel": lambda sms: sms.cancel(BATCH),
    "reports": lambda sms: list(sms.reports(BATCH)),
    "inbound": lambda sms: list(sms.inbound(BATCH)),
}


def client(body: bytes, status: int, auth: str, form: str) -> Client:
    answers = iter([Response(status, body=body)] * 3)

    def handler(request: object) -> Response:
        return next(answers, Response(200, body=b"0"))

    dsn = f"every8d://Test:XXX@?auth={auth}&report_format={form}&retries=0"
    return sms_core.connect(dsn, transport=FakeTransport(handler))


def a_bug(error: BaseException) -> bool:
    """Whether the core had to catch the provider's own failure, which it turns into a `MalformedResponse`."""
    return "failed with" in str(error)


@pytest.mark.parametrize("operation", ASK)
@given(
    body=bodies,
    status=st.sampled_from([200, 200, 200, 201, 302, 403, 429, 500, 502]),
    auth=st.sampled_from(["token", "password"]),
    form=st.sampled_from(["json", "tab", "xml"]),
)
@settings(max_examples=120, deadline=None)
def test_answers(operation: str, body: bytes, status: int, auth: str, form: str) -> None:
    try:
        ASK[operation](client(body, status, auth, form))
    except SendError as error:
        assert error.result.outcomes
        assert {row.outcome for row in error.result.outcomes} != {Outcome.ACCEPTED}
        assert not a_bug(error)
    except SmsError as error:
        assert "send" not in operation
        assert not a_bug(error)


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_an_answer_that_cannot_be_read_is_an_unknown_outcome(body: bytes) -> None:
    """Neither a refusal (``-code``) nor a success: the vendor may have taken the message."""
    if body.strip().startswith((b"-", b"{")) or body.count(b",") >= 2:
        return
    with pytest.raises(sms_core.OutcomeUnknown):
        client(body, 200, "password", "json").send(MESSAGE)


@pytest.mark.parametrize("provider", ["every8d", "every8d-soap"])
@given(
    query=st.text(max_size=80)
    | st.dictionaries(
        st.sampled_from(["BatchID", "RM", "RT", "STATUS", "SM", "MR", "ST", "CHARGE"]), st.text(max_size=20)
    ).map(urlencode),
    method=st.sampled_from(["GET", "POST", "PUT"]),
    body=st.binary(max_size=80),
)
@settings(max_examples=300, deadline=None)
def test_callbacks(provider: str, query: str, method: str, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sms = sms_core.connect(f"{provider}://Test:XXX@")
    with contextlib.suppress(sms_core.CallbackRefused):
        assert sms.parse_callback(CallbackRequest(method, "/", query, headers, body)).events
