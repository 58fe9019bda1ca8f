"""The sandbox's face against the document, by plain HTTP: no provider has a part in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode
from urllib.request import ProxyHandler, build_opener

import pytest

from sms_core.http import Response
from sms_core.provider import TAIPEI
from sms_core.testing import Reply
from sms_core_mitake.sandbox.pushes import acknowledged, push
from sms_core_sandbox import Sandbox

OPEN = build_opener(ProxyHandler({}))
WHO = {"username": "sandbox", "password": "sandbox-password"}
SMS = WHO | {"dstaddr": "0900000001", "smbody": "您好"}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(faces=["mitake"], credit=1000) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def fresh(box: Sandbox) -> None:
    box.reset()


def ask(box: Sandbox, page: str, fields: dict[str, str], query: str = "CharsetURL=UTF-8") -> str:
    return post(box, f"{page}?{query}", urlencode(fields).encode())


def post(box: Sandbox, address: str, body: bytes) -> str:
    with OPEN.open(f"{box.url}/mitake/{address}", body) as response:
        assert response.headers["content-type"].startswith("text/plain")
        text: str = response.read().decode("cp950")
    assert text.endswith("\r\n")
    return text.removesuffix("\r\n").replace("\r\n", " ")


def code_of(answer: str) -> str:
    return answer.partition("statuscode=")[2].partition(" ")[0]


def test_smsend(box: Sandbox) -> None:
    assert ask(box, "SmSend", SMS) == "[1] msgid=0313887539 statuscode=1 AccountPoint=999"
    answer = ask(box, "SmSend", SMS | {"clientid": "3f0c9a52", "smsPointFlag": "1"})
    assert answer == "[3f0c9a52] msgid=#012B58B34 statuscode=1 smsPoint=1 AccountPoint=998"
    assert [(sent.number, sent.text) for sent in box.exchange.accepted] == [("+886900000001", "您好")] * 2


def test_big5_unless_told(box: Sandbox) -> None:
    for query, charset in (("", "cp950"), ("CharsetURL=Big5", "cp950"), ("CharsetURL=UTF8", "utf-8")):
        post(box, f"SmSend?{query}", urlencode(SMS, encoding=charset).encode())
    assert [sent.text for sent in box.exchange.accepted] == ["您好"] * 3
    assert code_of(ask(box, "SmSend", SMS, "CharsetURL=latin1")) == "y"


def test_a_line_break_is_byte_6(box: Sandbox) -> None:
    ask(box, "SmSend", SMS | {"smbody": "one\x06two\nthree"})
    assert [sent.text for sent in box.exchange.accepted] == ["one\ntwothree"]


@pytest.mark.parametrize("written", ["0900000001", "+886900000001", "886900000001", "8860900000001", "0900-000.001"])
def test_numbers_as_2_14_normalises_them(box: Sandbox, written: str) -> None:
    ask(box, "SmSend", SMS | {"dstaddr": written})
    assert [sent.number for sent in box.exchange.accepted] == ["+886900000001"]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("c", {"username": ""}),
        ("d", {"password": ""}),
        ("e", {"password": "wrong"}),
        ("e", {"username": "nobody"}),
        ("s", {"dstaddr": "12025550100", "smbody": "字" * 67 * 300}),
        ("u", {"smbody": ""}),
        ("v", {"dstaddr": ""}),
        ("v", {"dstaddr": "0200000001"}),
        ("v", {"dstaddr": "886200000001"}),
        ("v", {"dstaddr": "0900000909"}),
        ("y", {"dlvtime": "tomorrow"}),
        ("y", {"dlvtime": "20269901000000"}),
        ("y", {"vldtime": "soon"}),
        ("y", {"clientid": "a" * 37}),
    ],
)
def test_codes(box: Sandbox, code: str, changes: dict[str, str]) -> None:
    answer = ask(box, "SmSend", SMS | changes)
    assert (code_of(answer), "msgid=" in answer) == (code, False)
    assert not box.exchange.accepted
    assert box.exchange.account("sandbox").credit == 1000


def test_an_account_that_may_not_send_abroad(box: Sandbox) -> None:
    box.exchange.add_account("home", "x", 10, international=False)
    who = {"username": "home", "password": "x"}
    assert code_of(ask(box, "SmSend", SMS | who | {"dstaddr": "12025550100"})) == "v"
    assert code_of(ask(box, "SmSend", SMS | who)) == "1"


@pytest.mark.parametrize(
    ("ahead", "booked"), [(timedelta(minutes=9), False), (timedelta(minutes=11), True), (timedelta(days=1), True)]
)
def test_bookings(box: Sandbox, ahead: timedelta, *, booked: bool) -> None:
    moment = box.clock.now().astimezone(TAIPEI) + ahead
    for written in (f"{moment:%Y%m%d%H%M%S}", str(int(ahead.total_seconds()))):
        assert code_of(ask(box, "SmSend", SMS | {"dlvtime": written})) == ("0" if booked else "1")


def test_points(box: Sandbox) -> None:
    ask(box, "SmSend", SMS | {"smbody": "a" * 160})
    ask(box, "SmSend", SMS | {"smbody": "[" * 81})  # 附錄四: two places each
    ask(box, "SmSend", SMS | {"smbody": "字" * 71})
    ask(box, "SmSend", SMS | {"dstaddr": "12025550100"})
    assert ask(box, "SmQuery", WHO) == f"AccountPoint={1000 - 1 - 2 - 2 - 5}"


def test_a_clientid_sends_once(box: Sandbox) -> None:
    first = ask(box, "SmSend", SMS | {"clientid": "a"})
    assert ask(box, "SmSend", SMS | {"clientid": "a", "smbody": "other"}) == first.replace(" Acc", " Duplicate=Y Acc")
    assert code_of(ask(box, "SmSend", SMS | {"clientid": "b", "smbody": ""})) == "u"
    assert "Duplicate" not in ask(box, "SmSend", SMS | {"clientid": "b"})
    assert len(box.exchange.accepted) == 2


LINES = (
    "001$$0900000001$$$$$$二寶$$$$簡訊$$測試\r\n002$$0900000909$$$$$$$$$$第二則\r\n003$$0900000003$$$$$$$$$$\x06\r\n"
)


@pytest.mark.parametrize("charset", ["Big5", "UTF-8"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_smbulksend(box: Sandbox, charset: str, end: str) -> None:
    body = LINES.replace("\r\n", end).encode(charset.replace("Big5", "cp950"))
    answer = post(box, f"SmBulkSend?{urlencode(WHO)}&Encoding_PostIn={charset}", body)
    sections = answer.replace("#", "").replace(" [", "\n[").splitlines()
    assert [section.partition(" ")[0] for section in sections] == ["[001]", "[002]", "[003]"]
    assert sections[1] == "[002] statuscode=v"
    assert sections[2].endswith("AccountPoint=998")
    assert [(sent.text, sent.reference) for sent in box.exchange.accepted] == [("簡訊$$測試", "001"), ("\n", "003")]


@pytest.mark.parametrize(
    ("code", "body"),
    [("y", ""), ("y", "001$$0900000001$$$$$$$$x"), ("y", "$$0900000001$$$$$$$$$$x"), ("x", LINES * 200)],
)
def test_what_smbulksend_refuses(box: Sandbox, code: str, body: str) -> None:
    assert code_of(post(box, f"SmBulkSend?{urlencode(WHO)}&Encoding_PostIn=UTF-8", body.encode())) == code
    assert not box.exchange.messages


def msgid_of(answer: str) -> str:
    return answer.partition("msgid=")[2].partition(" ")[0]


def test_smquery_and_smcancel(box: Sandbox) -> None:
    later = box.clock.now().astimezone(TAIPEI) + timedelta(days=1)
    booked = msgid_of(ask(box, "SmSend", SMS | {"dlvtime": f"{later:%Y%m%d%H%M%S}"}))
    sent = msgid_of(ask(box, "SmSend", SMS | {"dstaddr": "0900000903"}))
    rows = ask(box, "SmQuery", WHO | {"msgid": f"{booked},{sent},x", "smsPointFlag": "1"}).split(" ")
    assert [row.split("\t")[:2] for row in rows] == [[sent, "6"], [booked, "0"]]
    assert all(len(row.split("\t")[2]) == 14 and row.endswith("\t1") for row in rows)
    assert ask(box, "SmCancel", WHO | {"msgid": f"{booked},{sent},x"}) == f"{booked}=9 {sent}=6 x=?"
    assert ask(box, "SmQuery", WHO | {"msgid": booked}).split("\t")[1] == "9"
    assert ask(box, "SmQuery", WHO) == "AccountPoint=999"


@pytest.mark.parametrize(
    ("page", "msgids", "code"),
    [("SmQuery", "x", "z"), ("SmQuery", "x," * 101, "w"), ("SmCancel", "x," * 101, "w"), ("SmCancel", "", "y")],
)
def test_what_the_questions_refuse(box: Sandbox, page: str, msgids: str, code: str) -> None:
    assert code_of(ask(box, page, WHO | {"msgid": msgids})) == code


def test_another_page(box: Sandbox) -> None:
    with pytest.raises(HTTPError, match="404") as caught:
        OPEN.open(f"{box.url}/mitake/SmOther")
    caught.value.close()


def test_a_push_has_the_document_s_parameters(box: Sandbox) -> None:
    msgid = msgid_of(ask(box, "SmSend", SMS | {"dstaddr": "0900000901"}))
    (message,) = box.exchange.batch("sandbox", msgid)
    assert push(Reply(message, "好的", box.clock.now()), "https://example.org/cb") is None
    request = push(message, "https://example.org/cb")
    assert request is not None
    address, _, query = request.url.partition("?")
    fields = dict(parse_qsl(query))
    assert (request.method, address) == ("GET", "https://example.org/cb")
    assert [*fields] == ["msgid", "dstaddr", "dlvtime", "donetime", "statusstr", "statuscode", "StatusFlag"]
    assert [fields[name] for name in ("msgid", "dstaddr", "statusstr", "StatusFlag")] == [
        msgid,
        "0900000901",
        "EXPIRED",
        "8",
    ]


@pytest.mark.parametrize(
    ("status", "kind", "body", "taken"),
    [
        (200, "text/plain", b"magicid=sms_gateway_rpack\nmsgid=1\n", True),
        (200, "text/html", b"magicid=sms_gateway_rpack\nmsgid=1\n", False),
        (200, "text/plain", b"magicid=sms_gateway_rpack\r\nmsgid=1\r\n", False),
        (200, "text/plain", b"OK", False),
        (500, "text/plain", b"magicid=sms_gateway_rpack\nmsgid=1\n", False),
    ],
)
def test_what_a_push_waits_for(status: int, kind: str, body: bytes, *, taken: bool) -> None:
    assert acknowledged(Response(status, {"content-type": kind}, body)) is taken
