"""Whatever arrives gives a result or a named error, never another exception."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sms_core
from sms_core import MalformedResponse, Message
from sms_core.http import Response
from sms_core.testing import FakeTransport
from sms_core_smsgo import SendOptions
from sms_core_smsgo.answers import read
from sms_core_smsgo.encodings import fit_of, split

BATCH = "1504280910499665"
ANSWERS = [
    f"msgid={BATCH}\r\nstatuscode=0\r\nstatusstr=OK\r\npoint=1\r\n",
    "msgid=-1\nstatuscode=-1\nstatusstr=CGI string error!!\npoint=0",
    '{"result":{"msgid":1504280910499665,"statuscode":"0","statusstr":"OK","point":1}}',
    '{"results":{"result":[{"statuscode": "0","point": "6220"}]}}',
    '{"results":{"result":[{"statusCode": "0","statusStr":"DELIVRD","cellphone":"0900000001"},]}}',
    f"0|DELIVRD|0900000001|{BATCH}\r\n0|EXPIRED|0900000002|{BATCH}",
    f"<result><msgid>{BATCH}</msgid><statuscode>0</statuscode><point>1</point></result>",
    "6220",
    "-2",
    "<html><body>403 Forbidden</body></html>",
]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A real answer cut, doubled, shuffled, in another charset."""
    body = draw(st.sampled_from(ANSWERS)).encode(draw(st.sampled_from(["utf-8", "utf-16", "cp950"])), "replace")
    cut = body[draw(st.integers(0, len(body))) :][: draw(st.integers(0, len(body)))]
    pieces = draw(st.permutations([cut[i : i + 7] for i in range(0, len(cut), 7)]))
    return draw(st.sampled_from([body, cut, b"".join(pieces), body + cut]))


NAMES = ["result", "results", "msgid", "statuscode", "statusCode", "statusstr", "point", "cellphone", "dstaddr"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=12,
)
json_bodies = st.dictionaries(st.sampled_from(NAMES), json_values).map(lambda value: json.dumps(value).encode())
bodies = mangled() | json_bodies | st.binary(max_size=200)


@given(body=bodies)
@settings(max_examples=100, deadline=None)
def test_rows_or_a_named_error(body: bytes) -> None:
    """The core would turn a provider's bug into `MalformedResponse`; here none is hidden."""
    with contextlib.suppress(MalformedResponse):
        read(body.decode("utf-8", "replace"))


alphabet = st.sampled_from("ab [€`é\n字简😀")


@given(text=st.text(alphabet, min_size=1, max_size=600))
@settings(max_examples=60, deadline=None)
def test_a_split_text_is_whole_and_every_part_fits(text: str) -> None:
    parts = split(text)
    assert "".join(part[part.index(") ") + 2 :] for part in parts) == text
    assert all(fit_of(part).single for part in parts)


@given(text=st.text(alphabet, min_size=1, max_size=400).filter(str.strip))
@settings(max_examples=60, deadline=None)
def test_a_text_is_sent_whole_or_refused(text: str) -> None:
    bodies_sent: list[Any] = []

    def handler(request: Any) -> Response:
        bodies_sent.append(request)
        return Response(200, body=ANSWERS[0].encode())

    sms = sms_core.connect("smsgo://Test:XXX@", transport=FakeTransport(handler))
    with contextlib.suppress(sms_core.InvalidMessage):
        sms.send(Message(text, "+12025550100", options=SendOptions(long_abroad="split")))
        assert len(bodies_sent) == (1 if fit_of(text).single else len(split(text)))


@pytest.mark.parametrize("spoiled", ['{"a":"' + '\\"' * 300_000, '{"a":[' + "," * 300_000, '"' * 300_001])
def test_a_spoiled_answer_takes_no_longer_than_its_length(spoiled: str) -> None:
    began = time.perf_counter()
    with pytest.raises(MalformedResponse):
        read("{" + spoiled)
    assert time.perf_counter() - began < 10
