"""Whatever arrives over SOAP gives a result or a named error: envelopes and the documents within them, spoiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soap_wire import BATCH, ENVELOPES, SERVICE, connection, envelope, fault, operation_of, result

import sms_core
from sms_core import Client, MalformedResponse, Message, Outcome, OutcomeUnknown, Recipient, SendError, SmsError
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport

ROW = (
    "<SMS><NAME/><MOBILE>+886900000001       </MOBILE><SENT_TIME>2021/12/16 16:09:06</SENT_TIME><COST>1.00</COST>"
    "<STATUS>100</STATUS><REPLY_SMS><REPLY_TIME>2010/03/23 12:05:09 </REPLY_TIME><MESSAGE><![CDATA[好]]></MESSAGE>"
    "</REPLY_SMS></SMS>"
)
LOG = f'<?xml version="1.0" encoding="UTF-8"?><SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="2">{ROW * 2}'
TEXTS = [
    connection(),
    connection("", "-101", "密碼錯誤"),
    f"{LOG}</GET_DELIVERY_STATUS></SMS_LOG>",
    "<SMS_LOG><CODE>-301</CODE><DESCRIPTION>Session 資料不存在</DESCRIPTION></SMS_LOG>",
    f"1230.00,2,2.0,0,{BATCH}",
    f"1230.00,4,4.0,{BATCH}",
    "-99.0,0,0.0,0,",
    "-301,Session 資料不存在，請重新登入。",
    "2310.00",
    "2,2.00",
    "1",
]
TWO = ["0900000001", "0900000002"]
ASK: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "send": ("sendSMS", lambda sms: sms.send(Message("hello", TWO))),
    "personal send": (
        "sendParamSMS",
        lambda sms: sms.send(Message("hello", [Recipient(number, "n") for number in TWO])),
    ),
    "balance": ("getCredit", lambda sms: sms.balance()),
    "check": ("getCredit", lambda sms: sms.check()),
    "cancel": ("eraseBooking", lambda sms: sms.cancel(BATCH)),
    "reports": ("getDeliveryStatus", lambda sms: list(sms.reports(BATCH))),
    "inbound": ("getDeliveryStatus", lambda sms: list(sms.inbound(BATCH))),
    "login": ("getConnection", lambda sms: sms.balance()),
}
NAMES = ["Envelope", "soap:Envelope", "Body", "s:Body", "Fault", "faultcode", "faultstring", "Code", "Value", "Reason"]
NAMES += ["Text", "SMS", "GET_CONNECTION", "CODE", "SESSION_KEY", "SMS_LOG", "GET_DELIVERY_STATUS", "MOBILE", "STATUS"]
NAMES += ["REPLY_SMS", "MESSAGE", *(f"{name}{end}" for name, _ in ASK.values() for end in ("Response", "Result"))]


def spoiled(draw: st.DrawFn, body: bytes) -> bytes:
    """A real answer cut, doubled or shuffled."""
    cut = body[draw(st.integers(0, len(body))) :][: draw(st.integers(0, len(body)))]
    pieces = draw(st.permutations([cut[i : i + 7] for i in range(0, min(len(cut), 300), 7)]))
    return draw(st.sampled_from([body, cut, b"".join(pieces), body + cut]))


elements = st.recursive(
    st.text(max_size=8).map(escape) | st.sampled_from([escape(text) for text in TEXTS]),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=3)).map(
        lambda pair: f'<{pair[0]} xmlns:soap="a" xmlns:s="b" COUNT="1">{"".join(pair[1])}</{pair[0]}>'
    ),
    max_leaves=10,
)


@st.composite
def answers(draw: st.DrawFn, operation: str) -> bytes:
    """Envelopes whole or spoiled, with inner documents whole or spoiled; trees of the same names; bytes of any kind."""
    text = draw(st.sampled_from(TEXTS) | elements | st.text(max_size=60))
    if draw(st.booleans()):
        text = spoiled(draw, text.encode()).decode("utf-8", "replace")
    whole = draw(
        st.sampled_from(
            [
                result(operation, text),
                result(operation, text, "1.2"),
                fault("soap:Server", text),
                fault("soap:Sender", text, "1.2"),
                envelope(text),
                Response(200, body=text.encode()),
            ]
        )
    )
    body = whole.body.decode().encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "cp950"])), "replace")
    return draw(st.sampled_from([body, body, spoiled(draw, body)]) | elements.map(str.encode) | st.binary(max_size=200))


def client(operation: str, body: bytes, status: int = 200, version: str = "1.1") -> Client:
    """A client who logs in well, unless the login is what is asked."""
    return client_of(operation, lambda: Response(status, body=body), version)


def client_of(operation: str, answer: Callable[[], Response], version: str = "1.1") -> Client:
    """The same; what it is answered may change between its requests."""

    def handler(request: Request) -> Response:
        called = operation_of(request)
        if called != operation:
            return result(called, connection() if called == "getConnection" else "1.00", version)
        return answer()

    dsn = sms_core.dsn.build("every8d-soap", "Test", "XXX", soap=version, retries=0)
    return sms_core.connect(dsn, transport=FakeTransport(handler))


def a_bug(error: BaseException) -> bool:
    """Whether the core had to catch the provider's own failure, which it turns into a `MalformedResponse`."""
    return "failed with" in str(error)


@pytest.mark.parametrize("name", ASK)
@given(data=st.data(), status=st.sampled_from([200, 200, 200, 201, 302, 403, 429, 500, 502]))
@settings(max_examples=60, deadline=None)
def test_answers(name: str, data: st.DataObject, status: int) -> None:
    operation, ask = ASK[name]
    sms = client(operation, data.draw(answers(operation)), status, data.draw(st.sampled_from(["1.1", "1.2"])))
    try:
        rows: Any = ask(sms)
        if name in {"reports", "inbound"}:
            rows = list(rows)[:5000]
    except SmsError as error:
        assert not a_bug(error)
        if "send" in name:
            assert isinstance(error, SendError)
            assert {row.outcome for row in error.result.outcomes} - {Outcome.ACCEPTED}


WHOLE = {
    "send": f"1230.00,2,2.0,0,{BATCH}",
    "balance": "2310.00",
    "cancel": "2,2.00",
    "reports": f"{LOG}</GET_DELIVERY_STATUS></SMS_LOG>",
    "inbound": f"{LOG}</GET_DELIVERY_STATUS></SMS_LOG>",
    "login": connection(),
}


@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_that_is_cut_anywhere_is_never_taken_for_a_shorter_one(name: str) -> None:
    """Not even at the end of a line of the inner document: the envelope's own end is missing."""
    operation, ask = ASK[name]
    body = result(operation, WHOLE[name]).body
    arrived = body
    sms = client_of(operation, lambda: Response(200, body=arrived))
    ask(sms)
    if name == "login":
        # A session that stands is not asked for again.
        sms = client_of(operation, lambda: Response(200, body=arrived))
    for length in range(len(body)):
        arrived = body[:length]
        with pytest.raises(OutcomeUnknown if name == "send" else MalformedResponse):
            ask(sms)


DEPTH = 30_000


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("where", ["envelope", "result", "inner document"])
def test_huge_nesting(name: str, where: str) -> None:
    operation, ask = ASK[name]
    nest = "<SMS_LOG>" * DEPTH + "</SMS_LOG>" * DEPTH
    body = {
        "envelope": envelope(nest).body,
        "result": envelope(
            f'<{operation}Response xmlns="{SERVICE}"><{operation}Result>{nest}</{operation}Result></{operation}Response>'
        ).body,
        "inner document": result(operation, nest).body,
    }[where]
    with pytest.raises(OutcomeUnknown if name == "send" else MalformedResponse) as caught:
        ask(client(operation, body))
    assert not a_bug(caught.value)


@pytest.mark.parametrize("name", WHOLE)
def test_entities_are_never_expanded(name: str) -> None:
    """A billion laughs, in the envelope and in the document within it."""
    operation, ask = ASK[name]
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE SMS_LOG [<!ENTITY e0 "1">{levels}]><SMS_LOG><CODE>&e9;</CODE></SMS_LOG>'
    around = f'<e:Envelope xmlns:e="{ENVELOPES["1.1"]}"><e:Body>&e9;</e:Body></e:Envelope>'
    for body in (result(operation, bomb).body, f"<!DOCTYPE e [<!ENTITY e0 '1'>{levels}]>{around}".encode()):
        with pytest.raises(OutcomeUnknown if name == "send" else MalformedResponse) as caught:
            ask(client(operation, body))
        assert not a_bug(caught.value)


@given(text=st.text(max_size=60) | st.sampled_from(TEXTS[:4]))
@settings(max_examples=80, deadline=None)
def test_a_result_that_cannot_be_read_is_an_unknown_outcome(text: str) -> None:
    """Neither a refusal (a code below zero) nor a success: the vendor may have taken the message."""
    if text.strip().startswith("-") or text.count(",") >= 2:
        return
    with pytest.raises(OutcomeUnknown):
        client("sendSMS", result("sendSMS", text).body).send(Message("hello", TWO))
