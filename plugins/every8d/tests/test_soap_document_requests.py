"""The calls of "Web Services API Specifications-2.1", versions 2.0.0 (2016) and 2.0.4 (2020): what must become them.

The calls are taken apart by ElementTree. Sections are those of the edition of 2020.
"""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soap_wire import BATCH, CONTENT_TYPES, KEY, Call, call_of, client, envelope, operation_of, vendor

import sms_core
import sms_core_every8d
from sms_core import Client, InvalidMessage, Media, Message, Recipient
from sms_core.http import Request
from sms_core.provider import TAIPEI, Operation
from sms_core.testing import FakeTransport

# A booking of 2.0.4, 1.2: "預約 2009/01/31 15:30:00 發送，則傳入 20090131153000". Here it lies 90 years later.
BOOKED = datetime(2099, 1, 31, 15, 30, tzinfo=TAIPEI)
BOOKED_FIELD = "20990131153000"
LATER = datetime(2099, 2, 28, 9, 0, 5, tzinfo=TAIPEI)
LATER_FIELD = "20990228090005"
TWO = ["+886900000001", "+886900000002"]
PICTURE = Media(b"\xff\xd8\xff\xfb\xef\xbe\x00picture", "jpg")
ATTACHMENT = base64.b64encode(PICTURE.content).decode()
SENT = f"1230.00,9,9.0,0,{BATCH}"
LOG = '<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="0"/></SMS_LOG>'
ANSWERS = {
    "sendSMS": SENT,
    "sendMessage": SENT,
    "sendParamSMS": SENT,
    "sendMMS": SENT,
    "getDeliveryStatus": LOG,
    "getMMSDeliveryStatus": LOG,
    "getCredit": "2310.00",
    "eraseBooking": "2,2.00",
    "eraseMMSBooking": "2,6.00",
    "closeConnection": "1",
}


def requests_of(ask: Callable[[Client], Any], **options: object) -> list[Request]:
    """All requests that a question takes."""
    transport = vendor(ANSWERS, str(options.get("soap", "1.1")))
    with client(transport, **options) as sms:
        ask(sms)
    return transport.requests


def sends_of(message: Message, **options: object) -> list[Call]:
    """The calls that a message becomes, after the login."""
    login, *sends = requests_of(lambda sms: sms.send(message), **options)
    assert operation_of(login) == "getConnection"
    return [call_of(request) for request in sends]


def send_of(message: Message, **options: object) -> Call:
    (call,) = sends_of(message, **options)
    return call


def users_of(call: Call) -> list[tuple[dict[str, str], str]]:
    """The USER elements of a contentXML (2.3), attributes and text."""
    root = ET.fromstring(call["contentXML"])
    assert root.tag == "REPS"
    assert {user.tag for user in root} <= {"USER"}
    return [(dict(user.attrib), user.text or "") for user in root]


# Every call, its service, and its arguments in the document's order

ONE_TEXT = (("subject", "主旨"), ("content", "簡訊發送內容"), ("mobile", ",".join(TWO)))
BATCH_AND_PAGE = (("batchID", BATCH), ("pageNo", "1"))
PLAIN = Message("簡訊發送內容", TWO, subject="主旨")
BOOKING = attrs.evolve(PLAIN, send_at=BOOKED)
VALID = attrs.evolve(PLAIN, validity=timedelta(days=1))
MMS = attrs.evolve(PLAIN, media=PICTURE)
PNG = attrs.evolve(PLAIN, media=Media(b"\x89PNG\r\n\x1a\n", "PNG"))
PNG_FIELD = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode().replace("=", "%3D")
JPG_FIELD = ATTACHMENT.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")

CALLS: list[tuple[str, str, str, Callable[[Client], Any], tuple[tuple[str, str], ...]]] = [
    ("1.2", "SMS", "sendSMS", lambda sms: sms.send(PLAIN), (*ONE_TEXT, ("sendTime", ""))),
    ("1.2 booked", "SMS", "sendSMS", lambda sms: sms.send(BOOKING), (*ONE_TEXT, ("sendTime", BOOKED_FIELD))),
    (
        "2.2",
        "SMS",
        "sendMessage",
        lambda sms: sms.send(VALID),
        (*ONE_TEXT, ("sendTime", ""), ("retryTime", "1440")),
    ),
    (
        "2.2 booked",
        "SMS",
        "sendMessage",
        lambda sms: sms.send(attrs.evolve(BOOKING, validity=timedelta(minutes=9, seconds=1))),
        (*ONE_TEXT, ("sendTime", BOOKED_FIELD), ("retryTime", "10")),
    ),
    (
        "2.3",
        "SMS",
        "sendParamSMS",
        lambda sms: sms.send(Message("字", Recipient(TWO[0], "小明"), subject="主旨", send_at=BOOKED)),
        (
            ("subject", "主旨"),
            (
                "contentXML",
                f'<REPS><USER NAME="小明" MOBILE="{TWO[0]}" EMAIL="" SENDTIME=""><![CDATA[字]]></USER></REPS>',
            ),
            ("sendTime", BOOKED_FIELD),
        ),
    ),
    ("3.2", "SMS", "getDeliveryStatus", lambda sms: list(sms.reports(BATCH)), BATCH_AND_PAGE),
    ("3.2 replies", "SMS", "getDeliveryStatus", lambda sms: list(sms.inbound(BATCH)), BATCH_AND_PAGE),
    ("4.1", "SMS", "getCredit", lambda sms: sms.balance(), ()),
    ("4.1 as a check", "SMS", "getCredit", lambda sms: sms.check(), ()),
    ("4.2", "SMS", "eraseBooking", lambda sms: sms.cancel(BATCH), (("batchID", BATCH),)),
    ("4.3", "MMS", "eraseMMSBooking", lambda sms: sms.cancel(BATCH, mms=True), (("batchID", BATCH),)),
    (
        "5.1",
        "MMS",
        "sendMMS",
        lambda sms: sms.send(MMS),
        (*ONE_TEXT, ("sendTime", ""), ("retryTime", ""), ("attachment", JPG_FIELD), ("type", "jpg")),
    ),
    (
        "5.1 booked",
        "MMS",
        "sendMMS",
        lambda sms: sms.send(attrs.evolve(PNG, send_at=BOOKED, validity=timedelta(hours=2))),
        (
            *ONE_TEXT,
            ("sendTime", BOOKED_FIELD),
            ("retryTime", "120"),
            ("attachment", PNG_FIELD),
            ("type", "png"),
        ),
    ),
    ("5.2", "MMS", "getMMSDeliveryStatus", lambda sms: list(sms.reports(BATCH, mms=True)), BATCH_AND_PAGE),
]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize(
    ("service", "operation", "ask", "arguments"), [case[1:] for case in CALLS], ids=[case[0] for case in CALLS]
)
def test_each_call_has_its_address_its_headers_and_its_arguments_in_order(
    service: str,
    operation: str,
    ask: Callable[[Client], Any],
    arguments: tuple[tuple[str, str], ...],
    version: str,
) -> None:
    login, request = requests_of(ask, soap=version)
    assert (login.method, login.url) == ("POST", "https://oms.every8d.com/API21/SOAP/SMS.asmx")
    assert call_of(login, version) == Call("getConnection", (("userID", "Test"), ("password", "XXX")))
    assert (request.method, request.url) == ("POST", f"https://oms.every8d.com/API21/SOAP/{service}.asmx")
    assert call_of(request, version) == Call(operation, (("sessionKey", KEY), *arguments))
    action = {"soapaction": f'"http://tempuri.org/{operation}"'} if version == "1.1" else {}
    assert request.headers == {"content-type": CONTENT_TYPES[version], **action}


def test_1_3_close_connection_is_called_only_where_the_dsn_says_so() -> None:
    requests = requests_of(lambda sms: sms.check(), close_session="true")
    assert [operation_of(request) for request in requests] == ["getConnection", "getCredit", "closeConnection"]
    assert call_of(requests[-1]) == Call("closeConnection", (("sessionKey", KEY),))
    assert [operation_of(request) for request in requests_of(lambda sms: sms.check())] == ["getConnection", "getCredit"]


def test_a_host_of_its_own_with_a_prefix() -> None:
    transport = vendor(ANSWERS)
    dsn = "every8d-soap://Test:XXX@biz3.every8d.example/prepaid"
    assert sms_core.connect(dsn, transport=transport).balance().credit == Decimal(2310)
    assert {request.url for request in transport.requests} == {
        "https://biz3.every8d.example/prepaid/API21/SOAP/SMS.asmx"
    }


def test_an_unknown_version_of_soap_is_refused() -> None:
    with pytest.raises(sms_core.ConfigurationError, match=r"'soap' is one of 1\.1, 1\.2"):
        client(FakeTransport([]), soap="2.0")


# 2.3 contentXML


def test_2_3_numbers_of_taiwan_are_written_with_886() -> None:
    """「若傳送電話為國內手機時，如 0933123456。請務必轉為+886933123456」."""
    (user,) = users_of(send_of(Message("a", Recipient("0900-000-001", "小明"))))
    assert user[0]["MOBILE"] == "+886900000001"


def test_2_3_who_has_another_time_than_the_message_has_it_in_sendtime() -> None:
    to = [Recipient(TWO[0]), Recipient(TWO[1], send_at=LATER)]
    booked = send_of(Message("a", to, send_at=BOOKED))
    at_once = send_of(Message("a", to))
    assert [(call.operation, call["sendTime"]) for call in (booked, at_once)] == [
        ("sendParamSMS", BOOKED_FIELD),
        ("sendParamSMS", ""),
    ]
    for call in (booked, at_once):
        assert [user["SENDTIME"] for user, _ in users_of(call)] == ["", LATER_FIELD]


def test_2_3_a_time_that_all_share_and_the_message_lacks_stands_in_each_sendtime() -> None:
    to = [Recipient(number, "小明", send_at=LATER) for number in TWO]
    call = send_of(Message("a", to))
    assert (call.operation, call["sendTime"]) == ("sendParamSMS", "")
    assert [(user["NAME"], user["SENDTIME"]) for user, _ in users_of(call)] == [("小明", LATER_FIELD)] * 2


@pytest.mark.parametrize(
    "markup",
    [
        "]]>",
        "]]]]>>",
        "<![CDATA[x]]>",
        "</USER><USER NAME=''>",
        "&lt;&amp;&#13;",
        "\"'",
        "a\r\nb\rc\nd\te",
        "<?xml version='1.0'?>",
        "😀\u2028\x85",
    ],
)
def test_2_3_texts_and_names_survive_whatever_markup_is_in_them(markup: str) -> None:
    (user,) = users_of(send_of(Message(markup, Recipient(TWO[0], markup, f"{markup}@example.org"))))
    assert user == (
        {"NAME": markup, "MOBILE": TWO[0], "EMAIL": f"{markup}@example.org", "SENDTIME": ""},
        markup,
    )


characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff{}") | st.sampled_from(
    "\r\n\t\x7f\x85<>&\"'[]!-"
)
texts = st.lists(characters | st.just("]]>") | st.just("<![CDATA["), min_size=1, max_size=30).map("".join)


@given(text=texts.filter(str.strip), name=texts.filter(lambda text: len(text.encode("utf-16-le")) <= 100))
@settings(max_examples=60, deadline=None)
def test_any_text_and_name_that_xml_can_hold_come_back_as_they_were(text: str, name: str) -> None:
    """After two parses from contentXML, after one from sendSMS."""
    personal = send_of(Message(text, Recipient(TWO[0], name)))
    assert users_of(personal) == [({"NAME": name, "MOBILE": TWO[0], "EMAIL": "", "SENDTIME": ""}, text)]
    plain = send_of(Message(text, TWO[0], subject=name))
    assert (plain.operation, plain["content"], plain["subject"]) == ("sendSMS", text, name)


# Which call carries a message

ROUTES: list[tuple[str, Message, str]] = [
    ("bare numbers", Message("a", TWO), "sendSMS"),
    ("the same text for each", Message("", [Recipient(number, text="a") for number in TWO]), "sendSMS"),
    ("the same params for each", Message("{x}", [Recipient(number, params={"x": 1}) for number in TWO]), "sendSMS"),
    ("references, which stay here", Message("a", [Recipient(number, reference=number) for number in TWO]), "sendSMS"),
    ("one time for all", Message("a", [Recipient(number, send_at=LATER) for number in TWO]), "sendSMS"),
    ("other texts", Message("", [Recipient(TWO[0], text="a"), Recipient(TWO[1], text="b")]), "sendParamSMS"),
    ("other params", Message("{x}", [Recipient(number, params={"x": number}) for number in TWO]), "sendParamSMS"),
    ("a name", Message("a", [TWO[0], Recipient(TWO[1], "小明")]), "sendParamSMS"),
    ("an email", Message("a", Recipient(TWO[0], email="a@example.org")), "sendParamSMS"),
    ("another time", Message("a", [TWO[0], Recipient(TWO[1], send_at=LATER)]), "sendParamSMS"),
    ("validity", Message("a", TWO, validity=timedelta(hours=1)), "sendMessage"),
    ("media", Message("a", TWO, media=PICTURE), "sendMMS"),
    ("media and validity", Message("a", TWO, media=PICTURE, validity=timedelta(hours=1)), "sendMMS"),
]


@pytest.mark.parametrize(("message", "operation"), [case[1:] for case in ROUTES], ids=[case[0] for case in ROUTES])
def test_which_call_carries_a_message(message: Message, operation: str) -> None:
    assert send_of(message).operation == operation


@pytest.mark.parametrize("wish", [{"validity": timedelta(hours=1)}, {"media": PICTURE}], ids=["validity", "media"])
def test_with_validity_or_media_each_text_and_time_takes_a_call_of_its_own(wish: dict[str, Any]) -> None:
    """sendParamSMS (2.3) carries neither."""
    to = [
        Recipient("+886900000001", params={"name": "甲"}),
        Recipient("+886900000002", params={"name": "乙"}),
        Recipient("+886900000003", params={"name": "甲"}),
        Recipient("+886900000004", params={"name": "甲"}, send_at=LATER),
    ]
    calls = sends_of(Message("{name}您好", to, **wish))
    assert [(call["content"], call["mobile"], call["sendTime"]) for call in calls] == [
        ("甲您好", "+886900000001,+886900000003", ""),
        ("乙您好", "+886900000002", ""),
        ("甲您好", "+886900000004", LATER_FIELD),
    ]


@pytest.mark.parametrize(
    ("wish", "operation"),
    [({"validity": timedelta(hours=1)}, "sendMessage"), ({"media": PICTURE}, "sendMMS")],
    ids=["validity", "media"],
)
def test_names_that_a_call_has_no_place_for_are_noted(wish: dict[str, Any], operation: str) -> None:
    with client(vendor(ANSWERS)) as sms:
        sent = sms.send(Message("a", [Recipient(number, "小明") for number in TWO], **wish))
        assert sent.notes == (f"the recipients' names stayed here: {operation} has no place for them",)
        assert sms.send(Message("a", TWO, **wish)).notes == ()
        assert sms.send(Message("a", Recipient(TWO[0], "小明"))).notes == ()


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_many_recipients_are_several_calls(batch_size: int) -> None:
    numbers = [f"+8869000000{n:02}" for n in range(1, 6)]
    calls = sends_of(Message("a", numbers), batch_size=batch_size)
    assert [number for call in calls for number in call["mobile"].split(",")] == numbers
    assert max(call["mobile"].count(",") + 1 for call in calls) == batch_size


# 4.3 and 5: MMS


@pytest.mark.parametrize("form", ["urlencoded", "base64"])
def test_5_1_attachment_in_both_forms(form: str) -> None:
    """「binary base64 encoded + urlEncode」: percent-encoded once more, unless the DSN says that it is a misprint."""
    field = send_of(MMS, mms_attachment=form)["attachment"]
    assert {"+", "/", "="} & set(ATTACHMENT)
    assert field == (ATTACHMENT if form == "base64" else JPG_FIELD)
    assert base64.b64decode(unquote_plus(field) if form == "urlencoded" else field, validate=True) == PICTURE.content


@pytest.mark.parametrize("service", ["MMS", "SMS"])
def test_4_3_the_home_of_erase_mms_booking_is_an_option(service: str) -> None:
    request = requests_of(lambda sms: sms.cancel(BATCH, mms=True), mms_cancel_at=service)[-1]
    assert request.url == f"https://oms.every8d.com/API21/SOAP/{service}.asmx"
    assert call_of(request).operation == "eraseMMSBooking"


def test_reports_of_an_mms_result_are_asked_of_the_mms_service() -> None:
    requests = requests_of(lambda sms: list(sms.reports(sms.send(MMS))))
    assert [operation_of(request) for request in requests] == ["getConnection", "sendMMS", "getMMSDeliveryStatus"]


# What is refused before anything is asked


def refused(message: Message) -> InvalidMessage:
    transport = vendor(ANSWERS)
    with pytest.raises(InvalidMessage) as caught:
        client(transport).send(message)
    assert transport.requests == []
    return caught.value


CONTROL = "a\x1bb"


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message(CONTROL, TWO), "text"),
        (Message("a", TWO, subject=CONTROL), "subject"),
        (Message("a", [TWO[0], Recipient(TWO[1], CONTROL)]), "to[1].name"),
        (Message("a", [Recipient(TWO[0], email=CONTROL)]), "to[0].email"),
        (Message("a", [TWO[0], Recipient(TWO[1], text=CONTROL)]), "to[1].text"),
        (Message("{x}", [Recipient(TWO[0], params={"x": CONTROL})]), "to[0].params['x']"),
    ],
    ids=["text", "subject", "name", "email", "own text", "params"],
)
def test_a_control_character_that_xml_cannot_carry_is_refused(message: Message, field: str) -> None:
    error = refused(message)
    assert (error.field, error.reason) == (field, "holds the control character U+001B, which XML cannot carry")


@pytest.mark.parametrize("character", [*map(chr, range(32)), "\ufffe", "\uffff"])
def test_no_control_character_is_dropped_in_silence(character: str) -> None:
    text = f"a{character}b"
    if character in "\t\n\r":
        assert send_of(Message(text, TWO[0]))["content"] == text
    else:
        assert refused(Message(text, TWO[0])).field == "text"


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"validity": timedelta(hours=1)}, "validity"),
        ({"media": PICTURE}, "media"),
        ({"media": PICTURE, "validity": timedelta(hours=1)}, "media"),
    ],
    ids=["validity", "media", "both"],
)
def test_emails_with_validity_or_media_are_refused(wish: dict[str, Any], word: str) -> None:
    error = refused(Message("a", Recipient(TWO[0], email="a@example.org"), **wish))
    assert str(error) == f"to: has emails, which EVERY8D's SOAP API does not take together with {word}"


def test_2_3_a_name_may_be_fifty_characters_long() -> None:
    assert users_of(send_of(Message("a", Recipient(TWO[0], "名" * 50))))[0][0]["NAME"] == "名" * 50
    error = refused(Message("a", [TWO[0], Recipient(TWO[1], "名" * 51)]))
    assert str(error) == "to[1].name: is 51 characters long: EVERY8D takes 50"


@pytest.mark.parametrize(
    "options",
    [sms_core_every8d.SendOptions(event_id="-1"), sms_core_every8d.SendOptions(skip_duplicates=True)],
    ids=["event_id", "skip_duplicates"],
)
def test_options_of_the_http_api_are_refused(options: sms_core_every8d.SendOptions) -> None:
    error = refused(Message("a", TWO, options=options))
    assert (error.field, error.reason) == (
        "options",
        "event_id and skip_duplicates are of EVERY8D's HTTP API: use every8d://",
    )


def test_the_default_options_of_the_http_api_wish_nothing() -> None:
    assert send_of(Message("a", TWO, options=sms_core_every8d.SendOptions())).operation == "sendSMS"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": "主" * 16}, "subject: is 16 characters long: an MMS takes 95 characters in ASCII, 15 otherwise"),
        ({"subject": "s" * 96}, "subject: is 96 characters long"),
        ({"text": "字" * 4001}, "text: is 4001 characters long"),
        ({"media": Media(b"GIF89a", "gif")}, "media.format: 'gif' is none of jpg, jpeg, png"),
        ({"media": Media(b"\xff\xd8\xff" + bytes(300 * 1024), "jpg")}, "media.content: is too large"),
        ({"to": "+12025550100"}, "MMS within Taiwan only"),
    ],
    ids=["subject", "ASCII subject", "text", "format", "size", "abroad"],
)
def test_5_1_limits_of_an_mms(change: dict[str, Any], reason: str) -> None:
    assert reason in str(refused(attrs.evolve(MMS, **change)))


def test_5_1_an_ascii_subject_of_95_characters_is_taken() -> None:
    assert send_of(attrs.evolve(MMS, subject="s" * 95))["subject"] == "s" * 95


def test_settling_by_a_filter_is_not_promised() -> None:
    info = client(FakeTransport([])).info
    assert sms_core.Capability.SETTLE not in info.capabilities
    assert "every8d://" in info.hints[sms_core.Capability.SETTLE]


def test_1_2_prices() -> None:
    """The table 計價補充說明: 70, 134, 201, 268, 333 characters are 1 to 5 points, abroad three times that."""
    with client(FakeTransport([])) as sms:
        for characters, points in (
            (1, 1),
            (70, 1),
            (71, 2),
            (134, 2),
            (135, 3),
            (201, 3),
            (202, 4),
            (268, 4),
            (333, 5),
        ):
            text = "字" * characters
            assert sms.preview(Message(text, TWO[0])).points == points
            assert sms.preview(Message(text, "+12025550100")).points == 3 * points


class Unheard(Operation[None]):
    """An operation of nobody's document."""

    name = "unheard"


def test_an_operation_that_the_document_does_not_have_is_refused_by_name() -> None:
    provider = client(FakeTransport([]))._provider
    with pytest.raises(sms_core.Unsupported, match="'every8d-soap' does not support 'unheard'"):
        provider.request(None, Unheard())
    answer = envelope("<Response><Result>1</Result></Response>")
    with pytest.raises(sms_core.MalformedResponse, match="unheard: not what this operation is answered with"):
        provider.parse(Unheard(), answer)
