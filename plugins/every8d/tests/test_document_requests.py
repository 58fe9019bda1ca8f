"""Each request example of 簡訊 API2.1 規格書, version 2.2 (2025/11/14): the message that must become it.

The PDF's text lost the ``|`` of most tables; table 3-5-4 kept them.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

import sms_core
import sms_core_every8d
from sms_core import Media, Message, Recipient
from sms_core.http import Request, Response
from sms_core.taipei import TAIPEI
from sms_core.testing import FakeTransport

TOKEN = "4bc40f5255fa4d89ac4950b394eca0f6"
BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
PICTURE = Media(b"\xff\xd8\xff\xe0picture", "jpg")
JPEG = Media(PICTURE.content, "jpeg")
ATTACHMENT = base64.b64encode(PICTURE.content).decode()
DAY = timedelta(days=1)
BOOKED = datetime(2099, 11, 24, 12, tzinfo=TAIPEI)
EVENT = sms_core_every8d.SendOptions(event_id="1234")
TWO = ["+886900000001", "+886900000002"]
THREE = [*TWO, "+886900000003"]
NOW = datetime(2020, 1, 1, tzinfo=TAIPEI)

TEXT_1, TEXT_2 = "客戶:小明您好、您於 2021/09/30 到期。", "客戶:大明您好、您於 2021/10/30 到期。"
TEMPLATE = "客戶:{name}您好、您於{date}到期。"
NATIVE = "客戶:%field1%您好、您於%field2%到期。"


def answer(request: Request) -> Response:
    """The vendor's success for each address."""
    if request.url.endswith("ConnectionHandler.ashx"):
        return Response(200, body=json.dumps({"Result": True, "Msg": TOKEN}).encode())
    counted = "9610040.00,3,3,0," + BATCH
    if request.headers["content-type"].startswith("application/json"):
        return Response(200, body=json.dumps({"Result": True, "Msg": counted}).encode())
    return Response(200, body=counted.encode())


def wire_of(message: Message, dsn: str) -> Request:
    """The request that a message becomes, after the login where there is one."""
    transport = FakeTransport(answer)
    with sms_core.connect(dsn, transport=transport, clock=lambda: NOW) as sms:
        sms.send(message)
    return transport.requests[-1]


def fields_of(request: Request) -> dict[str, Any]:
    if request.headers["content-type"].startswith("application/json"):
        fields: dict[str, Any] = json.loads(request.body)
        return fields
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))


def plain(**changes: Any) -> Message:
    return Message(**{"text": "我是訊息內文", "to": TWO, "subject": "我是主旨", "validity": DAY, **changes})


def mms(**changes: Any) -> Message:
    return plain(**{"text": "簡訊發送內容", "subject": "簡訊主旨", "media": PICTURE, **changes})


def personal(*, times: tuple[datetime | None, datetime | None] = (None, None), **changes: Any) -> Message:
    to = [
        Recipient(TWO[0], "Test01", "Test01@every8d.com.tw", text=TEXT_1, reference="a", send_at=times[0]),
        Recipient(TWO[1], "Test02", "Test02@every8d.com.tw", text=TEXT_2, reference="b", send_at=times[1]),
    ]
    return plain(**{"text": "", "to": to, "subject": "主旨", **changes})


def with_params(*, dates: tuple[str, str] = ("2021/09/30", "2021/10/30"), **changes: Any) -> Message:
    to = [
        Recipient(
            number, f"Test0{n}", f"Test0{n}@every8d.com.tw", params={"name": name, "date": date}, reference=f"{n}"
        )
        for n, (number, name, date) in enumerate(zip(TWO, ("小明", "大明"), dates, strict=True), 1)
    ]
    return plain(**{"text": TEMPLATE, "to": to, "subject": "主旨", **changes})


FILTERED = sms_core_every8d.SendOptions(skip_duplicates=True)
FILTERED_EVENT = sms_core_every8d.SendOptions(skip_duplicates=True, event_id="1234")

PLAIN_BODY = {"SB": "我是主旨", "MSG": "我是訊息內文", "DEST": ",".join(TWO), "ST": "", "RETRYTIME": "1440"}
FILTER_BODY = PLAIN_BODY | {"DEST": ",".join(THREE)}
MMS_BODY = PLAIN_BODY | {"SB": "簡訊主旨", "MSG": "簡訊發送內容", "ATTACHMENT": ATTACHMENT, "TYPE": "jpg"}
BOOKED_ST = {"ST": "20991124120000"}
EVENT_ID = {"EventID": "1234"}

# (table, message, path, body without the credentials); the tables with an odd number show a token, those with
# an even one UID and PWD.
FORMS = [
    ("2-3-3", plain(options=EVENT), "SendSMS.ashx", PLAIN_BODY | EVENT_ID),
    ("2-3-4", plain(), "SendSMS.ashx", PLAIN_BODY),
    ("2-3-5", plain(send_at=BOOKED), "SendSMS.ashx", PLAIN_BODY | BOOKED_ST),
    ("2-3-6", plain(send_at=BOOKED), "SendSMS.ashx", PLAIN_BODY | BOOKED_ST),
    ("2-6-3", plain(to=THREE, options=FILTERED_EVENT), "SendSMS4FilterMessage.ashx", FILTER_BODY | EVENT_ID),
    ("2-6-4", plain(to=THREE, options=FILTERED), "SendSMS4FilterMessage.ashx", FILTER_BODY),
    ("2-6-5", plain(to=THREE, options=FILTERED, send_at=BOOKED), "SendSMS4FilterMessage.ashx", FILTER_BODY | BOOKED_ST),
    ("2-6-6", plain(to=THREE, options=FILTERED, send_at=BOOKED), "SendSMS4FilterMessage.ashx", FILTER_BODY | BOOKED_ST),
    ("3-3-3", mms(options=EVENT), "MMS/SendMMS.ashx", MMS_BODY | EVENT_ID),
    ("3-3-4", mms(), "MMS/SendMMS.ashx", MMS_BODY),
    ("3-3-5", mms(send_at=BOOKED), "MMS/SendMMS.ashx", MMS_BODY | BOOKED_ST),
    ("3-3-6", mms(send_at=BOOKED), "MMS/SendMMS.ashx", MMS_BODY | BOOKED_ST),
]


def rows(texts: tuple[str, str], references: tuple[str, str], times: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {
            "Name": f"Test0{n + 1}",
            "Mobile": TWO[n],
            "Email": f"Test0{n + 1}@every8d.com.tw",
            "SendTime": times[n],
            "Param": texts[n],
            "Mr": references[n],
        }
        for n in range(2)
    ]


NO_TIMES = ("", "")
LATER = (datetime(2999, 12, 31, 17, 30, tzinfo=TAIPEI), datetime(3999, 12, 31, 17, 30, tzinfo=TAIPEI))
LATER_ST = ("29991231173000", "39991231173000")
EARLIER = datetime(2022, 12, 31, 8, 30, tzinfo=TAIPEI)
EARLIER_ST = ("20221231083000", "20221231083000")
PARAM_1 = ("小明|2021/09/30|||", "大明|2021/10/30|||")
PARAM_2 = ("小明|2023/01/31|||", "大明|2023/02/15|||")
DATES_2 = ("2023/01/31", "2023/02/15")
HEAD = {"SB": "主旨", "RETRYTIME": 1440}
NATIVE_HEAD = HEAD | {"MSG": NATIVE}
PHOTO = {"ATTACHMENT": ATTACHMENT, "TYPE": "jpeg"}
WHOLE = rows((TEXT_1, TEXT_2), ("a", "b"), NO_TIMES)
WHOLE_LATER = rows((TEXT_1, TEXT_2), ("a", "b"), LATER_ST)

JSONS = [
    ("2-4-3", personal(options=EVENT), HEAD | EVENT_ID | {"RecipientDataList": WHOLE}),
    ("2-4-4", personal(), HEAD | {"RecipientDataList": WHOLE}),
    ("2-4-5", personal(times=LATER), HEAD | {"RecipientDataList": WHOLE_LATER}),
    ("2-4-6", personal(times=LATER), HEAD | {"RecipientDataList": WHOLE_LATER}),
    (
        "2-5-3",
        with_params(options=EVENT),
        NATIVE_HEAD | EVENT_ID | {"RecipientDataList": rows(PARAM_1, ("1", "2"), NO_TIMES)},
    ),
    ("2-5-4", with_params(), NATIVE_HEAD | {"RecipientDataList": rows(PARAM_1, ("1", "2"), NO_TIMES)}),
    (
        "2-5-5",
        with_params(dates=DATES_2, send_at=EARLIER),
        NATIVE_HEAD | {"RecipientDataList": rows(PARAM_2, ("1", "2"), EARLIER_ST)},
    ),
    (
        "2-5-6",
        with_params(dates=DATES_2, send_at=EARLIER),
        NATIVE_HEAD | {"RecipientDataList": rows(PARAM_2, ("1", "2"), EARLIER_ST)},
    ),
    (
        "3-4-3",
        personal(subject="", media=JPEG, options=EVENT),
        HEAD | PHOTO | EVENT_ID | {"SB": "", "RecipientDataList": WHOLE},
    ),
    ("3-4-4", personal(subject="", media=JPEG), HEAD | PHOTO | {"SB": "", "RecipientDataList": WHOLE}),
    ("3-4-5", personal(media=JPEG, times=LATER), HEAD | PHOTO | {"RecipientDataList": WHOLE_LATER}),
    (
        "3-4-6",
        personal(subject="", media=JPEG, times=LATER),
        HEAD | PHOTO | {"SB": "", "RecipientDataList": WHOLE_LATER},
    ),
    (
        "3-5-3",
        with_params(subject="", media=JPEG, options=EVENT),
        NATIVE_HEAD | PHOTO | EVENT_ID | {"SB": "", "RecipientDataList": rows(PARAM_1, ("1", "2"), NO_TIMES)},
    ),
    (
        "3-5-4",
        with_params(subject="", media=JPEG),
        NATIVE_HEAD | PHOTO | {"SB": "", "RecipientDataList": rows(PARAM_1, ("1", "2"), NO_TIMES)},
    ),
    (
        "3-5-5",
        with_params(subject="", media=JPEG, dates=DATES_2, send_at=LATER[0]),
        NATIVE_HEAD | PHOTO | {"SB": "", "RecipientDataList": rows(PARAM_2, ("1", "2"), (LATER_ST[0], LATER_ST[0]))},
    ),
    (
        "3-5-6",
        with_params(subject="", media=JPEG, dates=DATES_2, send_at=LATER[0]),
        NATIVE_HEAD | PHOTO | {"SB": "", "RecipientDataList": rows(PARAM_2, ("1", "2"), (LATER_ST[0], LATER_ST[0]))},
    ),
]

SENDS = [*FORMS, *((table, message, "SendParam.ashx", body) for table, message, body in JSONS)]


@pytest.mark.parametrize(("table", "message", "path", "body"), SENDS, ids=[f"table {case[0]}" for case in SENDS])
def test_send_example(table: str, message: Message, path: str, body: dict[str, Any]) -> None:
    with_token = int(table[-1]) % 2 == 1
    request = wire_of(message, "every8d://Test:XXX@" + ("" if with_token else "?auth=password"))
    assert (request.method, request.url) == ("POST", f"https://new.e8d.tw/API21/HTTP/{path}")
    if with_token:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert fields_of(request) == body
    else:
        assert "authorization" not in request.headers
        assert fields_of(request) == {"UID": "Test", "PWD": "XXX"} | body


def test_table_3_5_4_separators_are_those_of_five_fields() -> None:
    """The example prints ``小明|2021/09/30||``, one separator less than table 2-5-1's five fields take."""
    request = wire_of(with_params(subject="", media=JPEG), "every8d://Test:XXX@")
    assert [row["Param"] for row in fields_of(request)["RecipientDataList"]] == [
        "小明|2021/09/30||" + "|",
        "大明|2021/10/30||" + "|",
    ]


def test_table_1_1_3_login() -> None:
    transport = FakeTransport(answer)
    sms_core.connect("every8d://Test1234:1234Test@", transport=transport).send("a", "0900000001")
    login = transport.requests[0]
    assert login.url == "https://new.e8d.tw/API21/HTTP/ConnectionHandler.ashx"
    assert login.headers["content-type"].startswith("application/json")
    assert json.loads(login.body) == {"HandlerType": 3, "VerifyType": 1, "UID": "Test1234", "PWD": "1234Test"}


def test_table_1_2_3_check() -> None:
    transport = FakeTransport(answer)
    sms_core.connect("every8d://Test1234:1234Test@", transport=transport).check()
    check = transport.requests[-1]
    assert check.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(check.body) == {"HandlerType": 3, "VerifyType": 2}


def test_table_1_3_3_close() -> None:
    transport = FakeTransport(answer)
    with sms_core.connect("every8d://Test1234:1234Test@?close_session=true", transport=transport) as sms:
        sms.check()
    close = transport.requests[-1]
    assert close.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(close.body) == {"HandlerType": 3, "VerifyType": 3}


def test_closing_a_client_leaves_the_session_to_others_by_default() -> None:
    transport = FakeTransport(answer)
    with sms_core.connect("every8d://Test1234:1234Test@", transport=transport) as sms:
        sms.check()
    assert [json.loads(request.body)["VerifyType"] for request in transport.requests] == [1, 2]


QUERIES: list[tuple[str, str, dict[str, str]]] = [
    ("4-1", "GetCredit.ashx", {}),
    ("4-2", "GetDeliveryStatus.ashx", {"BID": "f370a403-df23-4122-a7e6-261563a071cd", "PNO": "1", "RESPFORMAT": "1"}),
    ("4-3", "GetReplyMessage.ashx", {"BID": "3fbcc889-574e-4340-a561-5669b0f0e", "PNO": "1", "RESPFORMAT": "1"}),
    (
        "4-4",
        "MMS/GetDeliveryStatus.ashx",
        {"BID": "119d7d88-3724-4c32-b884-13d4385baca5", "PNO": "1", "RESPFORMAT": "1"},
    ),
    ("5-1", "EraseBooking.ashx", {"BID": "0adf1233-746b-4f17-85df-5cf24515f480"}),
    ("5-2", "MMS/EraseBooking.ashx", {"BID": "a3113712-85dd-40fe-b441-e13acafa76f2"}),
]


@pytest.mark.parametrize("auth", ["token", "password"])
@pytest.mark.parametrize(("tables", "path", "body"), QUERIES, ids=[f"tables {case[0]}-3…5" for case in QUERIES])
def test_query_example(tables: str, path: str, body: dict[str, str], auth: str) -> None:
    """Tables 4-1-3/4, 4-2-4/5, 4-3-4/5, 4-4-4/5, 5-1-3/4 and 5-2-3/4."""
    answers = {"GetCredit.ashx": b"1000.00", "EraseBooking.ashx": b"2,2.00"}

    def handler(request: Request) -> Response:
        if request.url.endswith("ConnectionHandler.ashx"):
            return answer(request)
        return Response(200, body=answers.get(request.url.rpartition("/")[2], b'{"SMS_COUNT": 0}'))

    transport = FakeTransport(handler)
    sms = sms_core.connect(f"every8d://Test:XXX@?auth={auth}", transport=transport)
    batch = body.get("BID", "")
    ask: dict[str, Any] = {
        "4-1": sms.balance,
        "4-2": lambda: list(sms.reports(batch)),
        "4-3": lambda: list(sms.inbound(batch)),
        "4-4": lambda: list(sms.reports(batch, mms=True)),
        "5-1": lambda: sms.cancel(batch),
        "5-2": lambda: sms.cancel(batch, mms=True),
    }
    ask[tables]()
    request = transport.requests[-1]
    assert (request.method, request.url) == ("POST", f"https://new.e8d.tw/API21/HTTP/{path}")
    if auth == "token":
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert fields_of(request) == body
    else:
        assert fields_of(request) == {"UID": "Test", "PWD": "XXX"} | body


@pytest.mark.parametrize(("form", "code"), [("tab", "0"), ("json", "1"), ("xml", "2")])
def test_respformat_of_table_4_2_1(form: str, code: str) -> None:
    empty = {"tab": b"0", "json": b'{"SMS_COUNT": 0}'}
    empty["xml"] = b'<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="0"/></SMS_LOG>'
    transport = FakeTransport(
        lambda request: answer(request) if b"HandlerType" in request.body else Response(200, body=empty[form])
    )
    assert list(sms_core.connect(f"every8d://Test:XXX@?report_format={form}", transport=transport).reports(BATCH)) == []
    assert fields_of(transport.requests[-1])["RESPFORMAT"] == code


def test_base_path_prefix() -> None:
    """``biz3.every8d.com.tw/prepaid/API21/...`` was seen."""
    transport = FakeTransport(answer)
    sms_core.connect("every8d://Test:XXX@biz3.every8d.example/prepaid", transport=transport).send("a", "0900000001")
    assert transport.requests[-1].url == "https://biz3.every8d.example/prepaid/API21/HTTP/SendSMS.ashx"


def test_plus_of_a_number_is_percent_encoded() -> None:
    request = wire_of(plain(), "every8d://Test:XXX@")
    assert b"DEST=%2B886900000001%2C%2B886900000002" in request.body
    assert request.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"


def test_mms_param_path_is_an_option() -> None:
    request = wire_of(personal(media=JPEG), "every8d://Test:XXX@?mms_param_path=MMS/SendParam.ashx")
    assert request.url == "https://new.e8d.tw/API21/HTTP/MMS/SendParam.ashx"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{a}{b}{c}{d}{e}{f}", "abcdef"),
        ("{a}", ["has|pipe"]),
        ("{a}", ["has %field2%"]),
        ("%field1% {a}", ["x"]),
    ],
    ids=["six fields", "separator in a value", "field in a value", "field in the text"],
)
def test_params_that_do_not_fit_the_native_form_are_rendered_here(text: str, values: list[str]) -> None:
    params = dict(zip("abcdef", values, strict=False))
    expected = text
    for name, value in params.items():
        expected = expected.replace(f"{{{name}}}", value)
    request = wire_of(Message(text, Recipient("0900000001", params=params)), "every8d://Test:XXX@")
    body = fields_of(request)
    assert "MSG" not in body
    assert [row["Param"] for row in body["RecipientDataList"]] == [expected]


def test_a_reference_travels_as_mr() -> None:
    request = wire_of(Message("a", Recipient("0900000001", reference="order-17")), "every8d://Test:XXX@")
    assert request.url.endswith("/SendParam.ashx")
    assert [row["Mr"] for row in fields_of(request)["RecipientDataList"]] == ["order-17"]
