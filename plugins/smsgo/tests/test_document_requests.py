"""Requests beside the examples of smsgo's document, which are exchanges of the conformance kit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

import sms_core
from sms_core import InvalidMessage, Message, Recipient
from sms_core.http import Request, Response
from sms_core.provider import TAIPEI
from sms_core.testing import FakeTransport
from sms_core_smsgo import SendOptions

OK = b'{"result":{"msgid":1504280910499665,"statuscode":"0","statusstr":"OK","point":1}}'
POINTS = b'{"results":{"result":[{"statuscode": "0","point": "6220"}]}}'
NONE = b'{"results":{"result":[]}}'
BATCH = "1504280910499665"
TAIWAN, CHINA = "0900000001", "+8613600000000"
WHO = {"username": "TesterId", "password": "TesterPW"}
NOW = datetime(2020, 1, 1, tzinfo=TAIPEI)


def answer(request: Request) -> Response:
    """The vendor's success for each address."""
    path = urlsplit(request.url).path
    return Response(200, body=POINTS if "point" in path else NONE if "query" in path else OK)


def client(transport: FakeTransport, **options: Any) -> sms_core.Client:
    dsn = sms_core.dsn.build("smsgo", "TesterId", "TesterPW", **options)
    return sms_core.connect(dsn, transport=transport, clock=lambda: NOW, sleep=lambda seconds: None)


def wires(message: Message, **options: Any) -> list[Request]:
    """The requests that a message becomes."""
    transport = FakeTransport(answer)
    client(transport, **options).send(message)
    return transport.requests


def fields_of(request: Request) -> dict[str, str]:
    encoded = request.body.decode() if request.method == "POST" else urlsplit(request.url).query
    return dict(parse_qsl(encoded, keep_blank_values=True, strict_parsing=True))


def sent(message: Message, **options: Any) -> dict[str, str]:
    (request,) = wires(message, **options)
    return fields_of(request)


def to_one(text: str, to: str = TAIWAN, **wishes: Any) -> Message:
    return Message(text, to, options=SendOptions(**wishes))


def test_chapter_1_fifty_numbers_a_request() -> None:
    requests = wires(Message("a", [f"09000000{n:02}" for n in range(51)]))
    assert [len(fields_of(request)["dstaddr"].split(",")) for request in requests] == [50, 1]


@pytest.mark.parametrize(("rtype", "value"), [("text", None), ("json", "JSON"), ("xml", "XML")])
def test_chapter_1_rtype(rtype: str, value: str | None) -> None:
    assert sent(to_one("a"), rtype=rtype).get("rtype") == value


@pytest.mark.parametrize(
    ("ask", "path", "fields"),
    [
        (lambda sms: sms.balance(), "query_point.asp", {}),
        (lambda sms: sms.check(), "query_point.asp", {}),
        (lambda sms: list(sms.reports(BATCH)), "queryBulk.asp", {"msgid": BATCH}),
        (lambda sms: list(sms.reports(sms.send("a", TAIWAN))), "query.asp", {"msgid": BATCH, "dstaddr": TAIWAN}),
        (
            lambda sms: list(sms.reports(sms.send("a", [TAIWAN, CHINA]))),
            "queryBulk.asp",
            {"msgid": BATCH, "dstaddr": f"{TAIWAN},{CHINA}"},
        ),
        (lambda sms: sms.cancel(BATCH), "sendsms_cancel.asp", {"msgid": BATCH}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_chapter_1_queries_points_and_cancel(method: str, ask: Any, path: str, fields: dict[str, str]) -> None:
    transport = FakeTransport(answer)
    ask(client(transport, method=method))
    request = transport.requests[-1]
    assert urlsplit(request.url)._replace(query="").geturl() == f"https://ssl.smsgo.com.tw/sms_gw/{path}"
    assert fields_of(request) == {**WHO, **fields, "rtype": "JSON"}
    assert ("TesterPW" in request.url) == (method == "GET")


# The encoding follows from the text

ENCODINGS = [
    ("a" * 160, "ASCII"),
    ("a" * 161, "LASCII"),
    ("a" * 330, "LASCII"),
    ("a" * 158 + "[", "ASCII"),
    ("a" * 159 + "[", "LASCII"),
    ("`", "BIG5"),
    ("字" * 70, "BIG5"),
    ("字" * 71, "LBIG5"),
    ("a" * 70 + "字", "LBIG5"),
    ("字" * 330, "LBIG5"),
    ("é", "UCS2"),
    ("简" * 70, "UCS2"),
    ("简" * 71, "LUCS2"),
    ("😀" * 35, "UCS2"),
    ("😀" * 36, "LUCS2"),
]


@pytest.mark.parametrize(("text", "encoding"), ENCODINGS, ids=range(len(ENCODINGS)))
def test_encoding(text: str, encoding: str) -> None:
    fields = sent(to_one(text))
    assert (fields["encoding"], fields["smbody"]) == (encoding, text)


@pytest.mark.parametrize(("text", "encoding"), [("a" * 160, "PASCII"), ("字" * 70, "PBIG5")])
def test_encoding_of_a_popup(text: str, encoding: str) -> None:
    assert sent(to_one(text, popup=True))["encoding"] == encoding


def test_the_longest_text_is_the_accounts() -> None:
    assert sent(to_one("字" * 335), max_text=335)["encoding"] == "LBIG5"
    with pytest.raises(InvalidMessage, match="335 characters long"):
        wires(to_one("字" * 335))


def test_a_push_may_have_88_bytes() -> None:
    address = "http://example.org/" + "a" * 39
    assert len(address) + 3 * 10 == 88
    assert sent(to_one("字" * 10, push_url=address))["encoding"] == "PUSH"
    with pytest.raises(InvalidMessage, match="89 bytes"):
        wires(to_one("字" * 10, push_url=address + "a"))


URL = "https://example.org/"
REFUSED: list[tuple[str, Message]] = [
    ("text", to_one("a" * 331)),
    ("text", to_one("字" * 331)),
    ("text", to_one("a" * 161, popup=True)),
    ("text", to_one("字" * 71, popup=True)),
    ("text", to_one("简", popup=True)),
    ("text", to_one("字" * 71, reply_url=URL)),
    ("text", to_one("字" * 71, CHINA)),
    ("text", to_one("a" * 161, CHINA)),
    ("text", to_one("a" * 20_000, CHINA, long_abroad="split")),
    ("to[1].text", Message("a", [TAIWAN, Recipient("0900000002", text="字" * 331)])),
    ("to[0].number", to_one("a", CHINA, popup=True)),
    ("to[0].number", to_one("a", CHINA, push_url=URL)),
    ("options.popup", to_one("a", popup=True, push_url=URL)),
    ("options.push_url", to_one("a", push_url="a b")),
    ("options.reply_url", to_one("a", popup=True, reply_url=URL)),
    ("options.reply_url", to_one("a", push_url=URL, reply_url=URL)),
    ("options.reply_url", to_one("a", reply_url=URL + "a" * (301 - len(URL)))),
    ("options.reply_url", to_one("a", reply_url="example.org")),
    ("options.reply_days", to_one("a", reply_days=3)),
    ("options.report_url", to_one("a", report_url="http://[bad")),
    ("options.long_abroad", to_one("a", long_abroad="cut")),
]


@pytest.mark.parametrize(("field", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_breaks_a_rule_is_refused_before_anything_is_sent(field: str, message: Message) -> None:
    transport = FakeTransport([])
    with pytest.raises(InvalidMessage) as caught:
        client(transport).send(message)
    assert caught.value.field == field
    assert transport.requests == []


@pytest.mark.parametrize("text", ["字" * 150, "a" * 500, "[" * 200, "😀" * 80, "字a[" * 400])
def test_a_long_text_abroad_becomes_numbered_messages(text: str) -> None:
    transport = FakeTransport(answer)
    result = client(transport).send(to_one(text, CHINA, long_abroad="split"))
    parts = [fields_of(request) for request in transport.requests]
    count = len(parts)
    assert count > 1
    assert "".join(part["smbody"].partition(" ")[2] for part in parts) == text
    assert [part["smbody"].partition(" ")[0] for part in parts] == [f"({n}/{count})" for n in range(1, count + 1)]
    for part in parts:
        room = {"ASCII": 160, "BIG5": 70, "UCS2": 70}[part["encoding"]]
        assert len(part["smbody"].encode("utf-16-be")) <= 2 * room
    assert len({row.reference for row in result.outcomes}) == result.accepted == count


def test_the_messages_of_a_split_text_may_be_answered() -> None:
    """Each has a plain encoding."""
    fields = [fields_of(request) for request in wires(to_one("字" * 71, CHINA, long_abroad="split", reply_url=URL))]
    assert [(form["encoding"], form["replyurl"]) for form in fields] == [("BIG5", URL)] * 2


def test_a_long_text_to_taiwan_and_abroad() -> None:
    message = Message("字" * 100, [TAIWAN, CHINA, "+12025550100"], options=SendOptions(long_abroad="split"))
    requests = [fields_of(request) for request in wires(message)]
    abroad = f"{CHINA},+12025550100"
    assert [(request["encoding"], request["dstaddr"]) for request in requests] == [
        ("LBIG5", TAIWAN),
        ("BIG5", abroad),
        ("BIG5", abroad),
    ]


def test_what_smsgo_cannot_do_is_said_with_what_to_do_instead() -> None:
    sms = client(FakeTransport([]))
    with pytest.raises(sms_core.Unsupported, match="reply_url"):
        list(sms.inbound(BATCH))
    for wish in ({"subject": "a"}, {"validity": datetime(2020, 1, 2) - datetime(2020, 1, 1)}):  # noqa: DTZ001
        with pytest.raises(sms_core.Unsupported):
            sms.send(Message("a", TAIWAN, **wish))  # type: ignore[arg-type]


def test_points_are_not_known_before_the_send() -> None:
    preview = client(FakeTransport([])).preview(to_one("a"))
    assert (preview.requests, preview.points) == (1, None)
