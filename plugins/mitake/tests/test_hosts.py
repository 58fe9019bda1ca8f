"""Where the API is, by host; and whatever else is not to be seen in one exchange."""

from __future__ import annotations

import pytest

import sms_core
from sms_core import ConfigurationError, InvalidMessage, Message
from sms_core.http import Request, Response
from sms_core.numbers import to_e164
from sms_core.testing import FakeTransport
from sms_core_mitake import SendOptions

BALANCE = Response(200, body=b"AccountPoint=1\r\n")


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        ("mitake://u:p@", "https://smsb2c.mitake.com.tw/b2c/mtk/SmQuery"),
        ("mitake://u:p@smsapi.mitake.com.tw", "https://smsapi.mitake.com.tw/api/mtk/SmQuery"),
        ("mitake://u:p@smsapi.mitake.com.tw/b2c/mtk", "https://smsapi.mitake.com.tw/b2c/mtk/SmQuery"),
        ("mitake://u:p@api.kotsms.com.tw:8515/kotsms", "https://api.kotsms.com.tw:8515/kotsms/SmQuery"),
        (
            "mitake://u:p@stgsmsb2c.mitake.com.tw:8001?scheme=http&allow_plaintext=true",
            "http://stgsmsb2c.mitake.com.tw:8001/b2c/mtk/SmQuery",
        ),
    ],
)
def test_the_address_follows_from_the_dsn(dsn: str, url: str) -> None:
    transport = FakeTransport([BALANCE])
    assert sms_core.connect(dsn, transport=transport).balance().credit == 1
    (request,) = transport.requests
    assert (request.method, request.url) == ("POST", url)


@pytest.mark.parametrize("option", ["long_sms=perhaps", "charset=utf-16", "longsms=true"])
def test_an_option_that_is_none(option: str) -> None:
    with pytest.raises(ConfigurationError):
        sms_core.connect(f"mitake://u:p@?{option}")


def test_a_password_outside_big5_goes_as_utf_8() -> None:
    transport = FakeTransport([BALANCE])
    sms_core.connect("mitake://u:%E2%82%AC@?charset=Big5", transport=transport).balance()
    assert transport.requests[0].body == b"username=u&password=%E2%82%AC"


def test_reports_of_many_texts_take_a_question_for_each_hundred() -> None:
    batches = {f"{n:010}": [f"+8869{n:08}"] for n in range(250)}
    asked: list[int] = []

    def answer(request: Request) -> Response:
        msgids = dict(pair.split("=") for pair in request.body.decode().split("&"))["msgid"].split("%2C")
        asked.append(len(msgids))
        return Response(200, body="".join(f"{msgid}\t4\t20260101000000\t1\r\n" for msgid in reversed(msgids)).encode())

    with sms_core.connect("mitake://u:p@", transport=FakeTransport(answer)) as sms:
        found = {report.batch_id: report.number for report in sms.reports(batches)}
    assert asked == [100, 100, 50]
    assert found == {batch: to_e164(numbers[0]) for batch, numbers in batches.items()}


WRONG: list[tuple[Message, str]] = [
    (Message("x", "0900000001", options=SendOptions(report_url="ftp://example.org")), "options.report_url"),
    (Message("x", "0900000001", options=SendOptions(report_url="https://example.org/a b")), "options.report_url"),
    (Message("x", "0900000001", options=SendOptions(report_url="https://a.b/" + "c" * 256)), "options.report_url"),
    (Message("x", "0900000001", options=SendOptions(report_url="https://a.b/$$")), "options.report_url"),
    (Message("x", "0900000001", options=SendOptions(object_id="17 characters long")), "options.object_id"),
    (Message("x", "0900000001", options=SendOptions(object_id="a\nb")), "options.object_id"),
    (Message("x", [sms_core.Recipient("0900000001", "n" * 37)]), "to[0].name"),
    (Message("x", [sms_core.Recipient("0900000001", "a\r\nb")]), "to[0].name"),
    (Message("x", [sms_core.Recipient("0900000001", "\ud800")]), "to[0].name"),
    (Message("a\x06b", "0900000001"), "text"),
    (Message("a\x00b", "0900000001"), "text"),
    (
        Message("", [sms_core.Recipient("0900000001", text="a"), sms_core.Recipient("0900000002", text="\x1b")]),
        "to[1].text",
    ),
]


@pytest.mark.parametrize(("message", "field"), WRONG, ids=range(len(WRONG)))
def test_what_the_vendor_would_cut_or_misread_is_refused(message: Message, field: str) -> None:
    transport = FakeTransport([])
    with pytest.raises(InvalidMessage) as caught:
        sms_core.connect("mitake://u:p@", transport=transport).send(message)
    assert (caught.value.field, transport.requests) == (field, [])


def test_in_big5_the_name_of_a_batch_is_checked_too() -> None:
    message = Message("x", "0900000001", options=SendOptions(object_id="简"))
    with pytest.raises(InvalidMessage, match=r"^options.object_id: .* charset=UTF-8"):
        sms_core.connect("mitake://u:p@?charset=Big5").preview(message)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a" * 160, True),
        ("a" * 161, False),
        ("[" * 80, True),
        ("[" * 80 + "a", False),
        ("字" * 70, True),
        ("字" * 71, False),
        ("é" * 71, False),  # a handset's alphabet has it, ASCII has not: whoever counts otherwise would cut
        ("`" * 71, False),
        ("😀" * 35, True),
        ("😀" * 36, False),
    ],
)
def test_without_the_right_to_long_texts_a_text_is_one_sms(text: str, *, is_one: bool) -> None:
    with sms_core.connect("mitake://u:p@") as sms:
        if is_one:
            assert sms.preview(Message(text, "0900000001")).requests == 1
        else:
            with pytest.raises(InvalidMessage, match=r"^text: is longer than one SMS .* long_sms=true"):
                sms.preview(Message(text, "0900000001"))
    with sms_core.connect("mitake://u:p@?long_sms=true") as sms:
        assert sms.preview(Message(text, "0900000001")).requests == 1
