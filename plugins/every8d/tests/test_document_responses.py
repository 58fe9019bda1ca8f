"""Each answer example of 簡訊 API2.1 規格書, version 2.2 (2025/11/14), and of ``wire-facts``: what it must become."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

import sms_core
import sms_core_every8d
from sms_core import (
    AuthenticationFailed,
    Client,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    Message,
    NotFound,
    Outcome,
    OutcomeUnknown,
    PartiallySent,
    Recipient,
    RecipientRefused,
    SendError,
    VendorError,
    VendorUnavailable,
)
from sms_core.http import Request, Response
from sms_core.testing import FakeTransport
from sms_core_every8d.codes import CANCEL_CODES, REQUEST_CODES, status_of

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
TWO = ["+886900000001", "+886900000002"]
THREE = [*TWO, "+886900000003"]
ONE_TEXT = Message("我是簡訊內文", TWO)
PERSONAL = Message("", [Recipient(TWO[0], text="a"), Recipient(TWO[1], text="b")])
FILTERED = Message("我是簡訊內文", THREE, options=sms_core_every8d.SendOptions(skip_duplicates=True))
MMS = Message("簡訊發送內容", TWO, subject="簡訊主旨", media=sms_core.Media(b"\xff\xd8\xff", "jpg"))


def client(body: str | bytes, **options: str) -> Client:
    """A client whose every request is answered with this body."""
    encoded = body if isinstance(body, bytes) else body.encode()
    transport = FakeTransport(lambda request: Response(200, body=encoded))
    dsn = sms_core.dsn.build("every8d", "Test", "XXX", auth="password", **options)
    return sms_core.connect(dsn, transport=transport, sleep=lambda seconds: None)


def logging_in(body: str) -> Client:
    return sms_core.connect(
        "every8d://Test:XXX@", transport=FakeTransport(lambda request: Response(200, body=body.encode()))
    )


# 1. 驗證系統作業


def test_table_1_1_4_login() -> None:
    answers = ['{ "Result": true, "Msg": "4bc40f5255fa4d89ac4950b394eca0f6" }', "1000.00"]
    transport = FakeTransport([Response(200, body=body.encode()) for body in answers])
    assert sms_core.connect("every8d://Test1234:1234Test@", transport=transport).balance().credit == Decimal(1000)
    assert transport.requests[1].headers["authorization"] == "Bearer 4bc40f5255fa4d89ac4950b394eca0f6"


FAILURE = '{ "Result": false, "Status": "-99", "Msg": "發生例外錯誤" }'


def test_table_1_1_5_login_fails() -> None:
    with pytest.raises(VendorUnavailable) as caught:
        logging_in(FAILURE).balance()
    assert (caught.value.code, caught.value.vendor_text) == ("-99", "發生例外錯誤")


def answering(verify: int, body: str) -> FakeTransport:
    def handler(request: Request) -> Response:
        login = json.dumps({"Result": True, "Msg": "0" * 32})
        return Response(200, body=(body if f'"VerifyType": {verify}' in request.body.decode() else login).encode())

    return FakeTransport(handler)


def test_table_1_2_4_check_succeeds() -> None:
    transport = answering(2, '{ "Result": true }')
    sms_core.connect("every8d://Test1234:1234Test@", transport=transport).check()
    assert len(transport.requests) == 2


def test_table_1_2_5_check_fails() -> None:
    with pytest.raises(VendorUnavailable, match="-99 發生例外錯誤"):
        sms_core.connect("every8d://Test1234:1234Test@", transport=answering(2, FAILURE)).check()


def test_table_1_3_4_close_succeeds() -> None:
    transport = answering(3, '{ "Result": true }')
    with sms_core.connect("every8d://Test1234:1234Test@?close_session=true", transport=transport) as sms:
        sms.check()
    assert len(transport.requests) == 3


def test_table_1_3_5_close_fails() -> None:
    sms = sms_core.connect("every8d://Test1234:1234Test@?close_session=true", transport=answering(3, FAILURE))
    sms.check()
    with pytest.raises(VendorUnavailable, match="-99 發生例外錯誤"):
        sms.close()


# 2 and 3. Sends

TEXT_OK = "9610040.00,2,2,0,c496f706-9b0f-4ff8-9644-9503edb7064"
JSON_OK = '{ "Result": true, "Msg": "999630.00,2,2,0,7eff1d50-8814-4f17-aa61-cb23b97987fa" }'
SENT = [
    ("2-3-7", ONE_TEXT, TEXT_OK, "9610040.00"),
    ("2-4-7", PERSONAL, JSON_OK, "999630.00"),
    (
        "2-5-7",
        Message("{x}", [Recipient(TWO[0], params={"x": "1"}), Recipient(TWO[1], params={"x": "2"})]),
        JSON_OK,
        "999630.00",
    ),
    ("3-3-7", MMS, "9610040.00,2,2,0,c496f706-9b0f-4ff8-9644-9503edbb7064", "9610040.00"),
    ("3-4-7", PERSONAL, JSON_OK, "999630.00"),
    ("3-5-7", PERSONAL, JSON_OK, "999630.00"),
    # Editions 2017 and 2021, and recorded answers.
    ("2021 with Status", PERSONAL, JSON_OK.replace('"Msg"', '"Status": "0", "Msg"'), "999630.00"),
    ("4,4.0", ONE_TEXT, f"1230.00,4,4.0,0,{BATCH}", "1230.00"),
    ("recorded", ONE_TEXT, f"87.00,2,1,0,{BATCH}\r\n", "87.00"),
    ("integers", ONE_TEXT, f"4,2,4,0,{BATCH}", "4"),
    ("BOM", ONE_TEXT, f"\ufeff285.0,2,1.0,0,{BATCH}", "285.0"),
    ("lower-case keys", PERSONAL, JSON_OK.lower(), "999630.00"),
]


@pytest.mark.parametrize(("table", "message", "body", "balance"), SENT, ids=[f"table {case[0]}" for case in SENT])
def test_send_succeeds(table: str, message: Message, body: str, balance: str) -> None:
    result = client(body).send(message)
    assert [(row.number, row.outcome) for row in result.outcomes] == [(number, Outcome.ACCEPTED) for number in TWO]
    assert (result.accepted, result.unsent, result.balance) == (2, 0, Decimal(balance))
    assert result.batch_id
    assert len(result.batch_id) >= 35
    assert result.batch_id in body
    assert result.cost is not None


NO_TIME = '{ "Result": false, "Status": "-28", "Msg": "The sendTime format error: yyyyMMddHHmm" }'
REFUSED = [
    ("2-3-8", ONE_TEXT, "-99,發生不明錯誤", "-99", VendorUnavailable),
    ("2-4-8", PERSONAL, NO_TIME, "-28", VendorError),
    ("2-5-8", PERSONAL, NO_TIME, "-28", VendorError),
    ("2-6-11", FILTERED, "-99,發生不明錯誤", "-99", VendorUnavailable),
    ("3-3-8", MMS, "-99,發生不明錯誤", "-99", VendorUnavailable),
    ("3-4-8", PERSONAL, NO_TIME, "-28", VendorError),
    ("3-5-8", PERSONAL, NO_TIME, "-28", VendorError),
    ("wire: live", ONE_TEXT, "-27,電話號碼不得為空", "-27", RecipientRefused),
    ("wire: 2017", ONE_TEXT, "-300, 帳號密碼不得為空值。", "-300", AuthenticationFailed),
    (
        "wire: JSON on a form endpoint",
        ONE_TEXT,
        '{"Result":false,"Status":"-24","Msg":"The content is empty."}',
        "-24",
        ContentRefused,
    ),
    ("wire: filter", FILTERED, "-98,+886900000001/+886900000002/+886900000003", "-98", RecipientRefused),
]


@pytest.mark.parametrize(
    ("table", "message", "body", "code", "kind"), REFUSED, ids=[f"table {case[0]}" for case in REFUSED]
)
def test_send_is_refused(table: str, message: Message, body: str, code: str, kind: type[VendorError]) -> None:
    with pytest.raises(kind) as caught:
        client(body).send(message)
    assert isinstance(caught.value, SendError)
    assert caught.value.code == code
    assert {row.outcome for row in caught.value.result.outcomes} == {Outcome.REFUSED}
    assert "886900000" not in str(caught.value)


# 2.5 The filter


def test_table_2_6_7_no_duplicates() -> None:
    """The example counts 2, and its request has 3 numbers; with 2 numbers it is a success."""
    two = Message("a", TWO, options=sms_core_every8d.SendOptions(skip_duplicates=True))
    assert client("9610040.00,2,2,0,c496f706-9b0f-4ff8-9644-9503edbb7064").send(two).accepted == 2


@pytest.mark.parametrize("line_break", ["\n", "\r\n", ""])
def test_table_2_6_8_duplicates_are_held_back(line_break: str) -> None:
    body = (
        f"9610040.00,2,2,0,c496f706-9b0f-4ff8-9644-9503edbb7064{line_break}"
        f",+886900000001/+886900000002,a496f706-9b0f-4ff8-9644-9503edbb7064/{line_break}"
        "b496f706-9b0f-4ff8-9644-9503edbb7064"
    )
    with pytest.raises(PartiallySent) as caught:
        client(body).send(FILTERED)
    assert [(row.outcome, row.batch_id) for row in caught.value.result.outcomes] == [
        (Outcome.REFUSED, "a496f706-9b0f-4ff8-9644-9503edbb7064"),
        (Outcome.REFUSED, "b496f706-9b0f-4ff8-9644-9503edbb7064"),
        (Outcome.ACCEPTED, "c496f706-9b0f-4ff8-9644-9503edbb7064"),
    ]
    assert caught.value.result.batches == ("c496f706-9b0f-4ff8-9644-9503edbb7064",)


def test_edition_2021_names_no_batches() -> None:
    with pytest.raises(PartiallySent) as caught:
        client(f"9610040.00,1,1,0,{BATCH},0900000001/0900000002").send(FILTERED)
    assert [row.outcome.value for row in caught.value.result.outcomes] == ["refused", "refused", "accepted"]


TABLE_2_6_9 = (
    "0,0,0,,+886900000001/+886900000002,a496f706-9b0f-4ff8-9644-\n9503edbb7064/b496f706-9b0f-4ff8-9644-9503edbb7064"
)


def unknown(message: Message, answer: str, **options: str) -> tuple[Client, OutcomeUnknown]:
    """A client whose send was answered with a gateway's page, and whose later answers are this."""
    answers = [Response(502), *[Response(200, body=answer.encode())] * len(message.to)]
    dsn = sms_core.dsn.build("every8d", "Test", "XXX", auth="password", **options)
    sms = sms_core.connect(dsn, transport=FakeTransport(answers), clock=lambda: datetime.now(UTC))
    with pytest.raises(OutcomeUnknown) as caught:
        sms.send(message)
    return sms, caught.value


def test_table_2_6_9_settles_those_that_are_named() -> None:
    sms, error = unknown(FILTERED, TABLE_2_6_9)
    assert [(row.outcome, row.batch_id) for row in sms.settle(error).outcomes] == [
        (Outcome.ACCEPTED, "a496f706-9b0f-4ff8-9644-9503edbb7064"),
        (Outcome.ACCEPTED, "b496f706-9b0f-4ff8-9644-9503edbb7064"),
        (Outcome.NOT_SENT, None),
    ]


@pytest.mark.parametrize(
    ("message", "options", "outcome"),
    [
        (FILTERED, {}, Outcome.NOT_SENT),
        (ONE_TEXT, {}, Outcome.UNKNOWN),
        (ONE_TEXT, {"filter_sees_all": "true"}, Outcome.NOT_SENT),
        (PERSONAL, {}, Outcome.UNKNOWN),
        (MMS, {"filter_sees_all": "true"}, Outcome.UNKNOWN),
    ],
    ids=["filtered", "plain", "plain, filter sees all", "personal", "MMS"],
)
def test_table_2_6_10_proves_only_what_went_through_the_filter(
    message: Message, options: dict[str, str], outcome: Outcome
) -> None:
    sms, error = unknown(message, "0,0,0,", **options)
    assert {row.outcome for row in sms.settle(error).outcomes} == {outcome}


@pytest.mark.parametrize("length", range(len("0,0,0,,"), len(TABLE_2_6_9)))
def test_table_2_6_9_cut_short_proves_nothing_of_those_it_named(length: int) -> None:
    sms, error = unknown(FILTERED, TABLE_2_6_9[:length])
    try:
        settled = sms.settle(error)
    except sms_core.SmsError:
        return
    assert Outcome.NOT_SENT not in {row.outcome for row in settled.outcomes[:2]}


# UNSEND, table 2-3-2


def test_no_credit_for_anyone() -> None:
    with pytest.raises(InsufficientCredit) as caught:
        client(f"0.00,0,0,2,{BATCH}").send(ONE_TEXT)
    assert isinstance(caught.value, SendError)
    assert [row.outcome for row in caught.value.result.outcomes] == [Outcome.REFUSED] * 2


def test_no_credit_for_some_and_the_reports_tell_whom() -> None:
    reports = {
        "SMS_COUNT": 2,
        "DATA": [{"MOBILE": TWO[0], "STATUS": "100"}, {"MOBILE": TWO[1], "STATUS": "301"}],
    }
    answers = [f"0.00,1,1,1,{BATCH}", json.dumps(reports), "0,0,0,"]
    transport = FakeTransport([Response(200, body=body.encode()) for body in answers])
    sms = sms_core.connect("every8d://Test:XXX@?auth=password", transport=transport)
    with pytest.raises(OutcomeUnknown, match="no credit for 1 of 2") as caught:
        sms.send(ONE_TEXT)
    assert (caught.value.result.accepted, caught.value.result.unsent) == (1, 1)
    settled = sms.settle(caught.value)
    assert [row.outcome for row in settled.outcomes] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert isinstance(settled.outcomes[1].error, InsufficientCredit)
    assert len(transport.requests) == 2


# 4. Queries


def test_table_4_1_5_balance() -> None:
    assert client("1000.00").balance().credit == Decimal("1000.00")


def test_table_4_1_6_balance_fails() -> None:
    with pytest.raises(VendorUnavailable, match="-99 發生不明錯誤"):
        client("-99,發生不明錯誤").balance()


TIME = datetime(2021, 12, 16, 8, 9, 6, tzinfo=UTC)
STATUS_3 = [("Test01", "100"), ("Test02", "100"), ("Test03", "103")]
TAB_4_2_6 = "3\r\n" + "".join(
    f"{name}\t+88690000000{n}\t2021/12/16 16:09:06\t1.00\t{status}\t2021/12/16 16:09:06\n"
    for n, (name, status) in enumerate(STATUS_3, 1)
)
JSON_4_2_6 = json.dumps(
    {
        "SMS_COUNT": 3,
        "BID": "f370a403-df23-4122-a7e6-261563a071cd",
        "DATA": [
            {
                "MR": str(n),
                "NAME": name,
                "MOBILE": f"+88690000000{n}",
                "SEND_TIME": "2021-12-16 16:09:06",
                "COST": "1.00",
                "STATUS": status,
                "REAL_COST": "1.00",
                "RECEIVED_TIME": "2021-12-16 16:09:06",
            }
            for n, (name, status) in enumerate(STATUS_3, 1)
        ],
    }
)
XML_SMS_LOG = (
    '<?xml version="1.0" encoding="UTF-8"?><SMS_LOG><CODE>0</CODE><DESCRIPTION>發送狀態查詢成功。</DESCRIPTION>'
    '<GET_DELIVERY_STATUS COUNT="3">'
    + "".join(
        f"<SMS><NAME>{name}</NAME><MOBILE>+88690000000{n}       </MOBILE><SENT_TIME>2021/12/16 16:09:06</SENT_TIME>"
        f"<COST>1.00</COST><STATUS>{status}</STATUS><RECEIVED_TIME>2021/12/16 16:09:06</RECEIVED_TIME></SMS>"
        for n, (name, status) in enumerate(STATUS_3, 1)
    )
    + "</GET_DELIVERY_STATUS></SMS_LOG>"
)


@pytest.mark.parametrize("body", [TAB_4_2_6, JSON_4_2_6, XML_SMS_LOG], ids=["TAB", "JSON", "XML"])
def test_table_4_2_6_delivery_status(body: str) -> None:
    reports = list(client(body).reports(BATCH))
    assert [(report.number, report.status, report.vendor_code) for report in reports] == [
        ("+886900000001", DeliveryStatus.DELIVERED, "100"),
        ("+886900000002", DeliveryStatus.DELIVERED, "100"),
        ("+886900000003", DeliveryStatus.UNDELIVERABLE, "103"),
    ]
    for report in reports:
        assert (report.batch_id, report.sent_at, report.done_at, report.cost) == (BATCH, TIME, TIME, Decimal(1))
    assert len({report.key for report in reports}) == 3


@pytest.mark.parametrize("body", ["0", '{ "SMS_COUNT": 0, "BID": "f370a403-df23-4122-a7e6-261563a071cd" }'])
def test_table_4_2_7_nothing_to_report(body: str) -> None:
    assert list(client(body).reports(BATCH)) == []


TAB_4_3_6 = "3\r\n" + "".join(f"Test0{n}\t+88690000000{n}\t回覆簡訊內容 0{n}\t2021/06/01 16:56:20\n" for n in (1, 2, 3))
JSON_4_3_6 = json.dumps(
    {
        "SMS_COUNT": 3,
        "BID": "e1ec1343-810e-4f78-a291-1060caa18c7d",
        "DATA": [
            {
                "NAME": f"Test0{n}",
                "MOBILE": f"+88690000000{n}",
                "CONTENT": f"回覆簡訊內容 0{n}",
                "RECEIVED_TIME": "2021/06/01 16:56:20",
            }
            for n in (1, 2, 3)
        ],
    }
)


@pytest.mark.parametrize("body", [TAB_4_3_6, JSON_4_3_6], ids=["TAB", "JSON"])
def test_table_4_3_6_replies(body: str) -> None:
    replies = list(client(body).inbound(BATCH))
    assert [(reply.number, reply.text) for reply in replies] == [
        (f"+88690000000{n}", f"回覆簡訊內容 0{n}") for n in (1, 2, 3)
    ]
    assert {reply.received_at for reply in replies} == {datetime(2021, 6, 1, 8, 56, 20, tzinfo=UTC)}


@pytest.mark.parametrize("body", ["0", '{ "SMS_COUNT": 0, "BID": "e1ec1343-810e-4f78-a291-1060caa18c7d" }'])
def test_table_4_3_7_no_replies(body: str) -> None:
    assert list(client(body).inbound(BATCH)) == []


def test_recorded_replies_have_empty_names() -> None:
    body = "2\t\t\r\n\t+886900000001\t好\t2021/09/10 14:52:20\n\t+886900000002\t不\t2021/09/1014:52:20\n"
    assert [(reply.number, reply.text) for reply in client(body).inbound(BATCH)] == [(TWO[0], "好"), (TWO[1], "不")]


def test_a_reply_may_hold_line_breaks_and_tabs() -> None:
    body = "2\r\n\t+886900000001\t第一行\n\n第二行\t尾\t2021/09/10 14:52:20\n\t+886900000002\t不\t2021/09/10 14:52:20\n"
    assert [reply.text for reply in client(body).inbound(BATCH)] == ["第一行\n\n第二行\t尾", "不"]


JSON_4_4_6 = """{ "SMS_COUNT": 1, "BID": "119d7d88-3724-4c32-b884-13d4385baca5", "DATA": [ { "MR": "1",
  "NAME": "Test01", "MOBILE": "+886900000001", "SEND_TIME": "2021-05-11 14:00:00", "COST": "3.00",
  "STATUS": "700", "REAL_COST": "0", "RECEIVED_TIME": "2021/05/11 14:00:00" } ] }"""
TAB_4_4_6 = "1\r\nTest01\t+886900000001\t2021/05/11 14:00:00\t3.00\t700\t2021/05/11 14:00:00\n"


@pytest.mark.parametrize("body", [TAB_4_4_6, JSON_4_4_6], ids=["TAB", "JSON"])
def test_table_4_4_6_mms_delivery_status(body: str) -> None:
    (report,) = client(body).reports("119d7d88-3724-4c32-b884-13d4385baca5", mms=True)
    assert (report.status, report.vendor_text, report.cost) == (DeliveryStatus.SENT, "已傳送。", Decimal(3))
    assert report.done_at == report.sent_at == datetime(2021, 5, 11, 6, tzinfo=UTC)


@pytest.mark.parametrize("body", ["0", '{ "SMS_COUNT": 0, "BID": "119d7d88-3724-4c32-b884-13d4385baca5" }'])
def test_table_4_4_7_no_mms_to_report(body: str) -> None:
    assert list(client(body).reports(BATCH, mms=True)) == []


def test_edition_2017_has_five_columns() -> None:
    (report,) = client("1\r\n\t+886900000001       \t2021/06/0114:27:55\t1.00\t0\n").reports(BATCH)
    assert (report.number, report.status, report.done_at) == (TWO[0], DeliveryStatus.SENT, None)


@pytest.mark.parametrize(("size", "ask"), [(1000, Client.reports), (10, Client.inbound)], ids=["4.2.1", "table 4-3-1"])
def test_pages_are_fetched_as_you_go(size: int, ask: Callable[[Client, str], Any]) -> None:
    count = 2 * size + 1
    pages = []
    for start in range(0, count, size):
        rows = [
            {"MOBILE": f"+8869{n:08}", "STATUS": "100", "CONTENT": ""} for n in range(start, min(start + size, count))
        ]
        pages.append(Response(200, body=json.dumps({"SMS_COUNT": count, "DATA": rows}).encode()))
    transport = FakeTransport(pages)
    events = ask(sms_core.connect("every8d://Test:XXX@?auth=password", transport=transport), BATCH)
    assert next(events).number == "+886900000000"
    assert len(transport.requests) == 1
    assert [event.number for event in events] == [f"+8869{n:08}" for n in range(1, count)]
    assert len(transport.requests) == 3


# 5. Cancelling


def test_table_5_1_5_cancel() -> None:
    assert client("2,2.00").cancel(BATCH) == sms_core.Cancellation(2, Decimal(2))


def test_table_5_2_5_cancel_mms() -> None:
    assert client("2,6.00").cancel(BATCH, mms=True) == sms_core.Cancellation(2, Decimal(6))


@pytest.mark.parametrize("mms", [False, True], ids=["5-1-6", "5-2-6"])
def test_tables_5_1_6_and_5_2_6_cancel_fails(mms: bool) -> None:
    with pytest.raises(VendorUnavailable, match="-99 發生不明錯誤"):
        client("-99,發生不明錯誤").cancel(BATCH, mms=mms)


def test_an_empty_answer_means_no_such_booking() -> None:
    """Editions 2017 and 2021."""
    with pytest.raises(NotFound, match="no such booking"):
        client("").cancel(BATCH)


# The code tables


@pytest.mark.parametrize("code", REQUEST_CODES)
def test_request_codes(code: str) -> None:
    with pytest.raises(REQUEST_CODES[code].error) as caught:
        client(f"{code},{REQUEST_CODES[code].text}").balance()
    assert (caught.value.code, caught.value.vendor_text) == (code, REQUEST_CODES[code].text)
    assert isinstance(caught.value, VendorError)


@pytest.mark.parametrize("code", CANCEL_CODES)
def test_cancel_codes_are_apart_from_delivery_codes(code: str) -> None:
    with pytest.raises(CANCEL_CODES[code].error, match=f"{code} {CANCEL_CODES[code].text}"):
        client(f"{code},").cancel(BATCH)


@pytest.mark.parametrize("code", ["-7", "-9", "-11", "-16", "-20", "-21", "-306", "-666", "-12345"])
def test_an_unknown_request_code_is_kept(code: str) -> None:
    with pytest.raises(VendorError) as caught:
        client(f"{code},某個錯誤").send(ONE_TEXT)
    assert (caught.value.code, caught.value.vendor_text) == (code, "某個錯誤")


@pytest.mark.parametrize("code", ["-100", "-101", "-555"])
def test_every_no_to_a_login_is_a_refusal(code: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        logging_in(f'{{"Result": false, "Status": "{code}", "Msg": "不行"}}').balance()
    assert caught.value.code == code


APPENDIX_1 = ["-10", "-8", "-5", "-4", "-3", "-2", "-1", "0"]
APPENDIX_1 += ["100", "101", "102", "103", "104", "105", "106", "300", "301", "303", "500", "700"]


@pytest.mark.parametrize("code", [*APPENDIX_1, "-6", "107", "888"])
def test_appendix_1_status_codes(code: str) -> None:
    (report,) = client(f"1\n\t{TWO[0]}\t2021/12/16 16:09:06\t1.00\t{code}\t\n").reports(BATCH)
    assert (report.status, report.vendor_text) == status_of(code, "http")
    assert report.vendor_code == code
    assert report.vendor_text


def test_an_unknown_status_code_is_kept() -> None:
    (report,) = client(f"1\n\t{TWO[0]}\t2021/12/16 16:09:06\t1.00\t4711\t\n").reports(BATCH)
    assert (report.status, report.vendor_code) == (DeliveryStatus.UNKNOWN, "4711")


# What no document shows, and yet may come


@pytest.mark.parametrize(
    "body",
    [
        "1\n\t\t2021/12/16 16:09:06\t1.00\t100\t\n",
        "1\n\t+886900000001\t2021/12/16 16:09:06\n",
        '{"SMS_COUNT": 1, "DATA": [{"STATUS": "100"}]}',
        "<SMS_LOG>",
        "<OTHER/>",
        "<SMS_LOG><CODE>0</CODE></SMS_LOG>",
        '<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="many"/></SMS_LOG>',
    ],
    ids=["no number", "too few columns", "JSON without a number", "half XML", "other XML", "no page", "no count"],
)
def test_a_report_that_cannot_be_read_is_no_empty_page(body: str) -> None:
    with pytest.raises(sms_core.MalformedResponse, match="reports: "):
        list(client(body).reports(BATCH))


@pytest.mark.parametrize("body", ["1\n\t\t好\t2021/09/10 14:52:20\n", "1\n好\n"], ids=["no number", "too few columns"])
def test_a_reply_that_cannot_be_read_is_no_empty_page(body: str) -> None:
    with pytest.raises(sms_core.MalformedResponse, match="inbound: "):
        list(client(body).inbound(BATCH))


def test_a_refusal_within_the_xml_form() -> None:
    body = "<SMS_LOG><CODE>-101</CODE><DESCRIPTION>密碼錯誤。</DESCRIPTION></SMS_LOG>"
    with pytest.raises(AuthenticationFailed, match="-101 密碼錯誤"):
        list(client(body).reports(BATCH))


@pytest.mark.parametrize(
    "body",
    [
        f"-5,2,2,0,{BATCH}",
        f"-5.00,2,2,0,{BATCH}",
        f"87.00,2.5,2,0,{BATCH}",
        "87.00,2,2,0,",
        f"87.00,2,2,0,{BATCH[:20]}",
        f"87.00,2,2,0,{BATCH[:8]}",
        "87.00,2",
        '{"Result": true}',
        '{"Result": true, "Msg": 5}',
        "{}",
        "[1]",
        '{"Result": tr',
    ],
)
def test_a_send_whose_answer_is_in_doubt_is_unknown(body: str) -> None:
    """A negative credit, a count that is none, a batch id that was cut: the vendor may have taken it all the same."""
    with pytest.raises(OutcomeUnknown):
        client(body).send(ONE_TEXT)


def test_fewer_sent_than_asked_and_nobody_said_to_lack_credit() -> None:
    with pytest.raises(OutcomeUnknown, match="1 of 2 were taken, not said which") as caught:
        client(f"87.00,1,1,0,{BATCH}").send(ONE_TEXT)
    assert {row.batch_id for row in caught.value.result.outcomes} == {BATCH}


def test_parts_of_long_texts_may_count_for_more() -> None:
    assert client(f"87.00,6,6,0,{BATCH}").send(ONE_TEXT).accepted == 2


def test_a_check_that_is_answered_with_nonsense_is_no_success() -> None:
    with pytest.raises(sms_core.MalformedResponse):
        sms_core.connect("every8d://Test:XXX@", transport=answering(2, "{}")).check()
    with pytest.raises(sms_core.MalformedResponse):
        client("<html>").check()


def test_one_batch_for_all_that_were_held_back_and_batches_that_do_not_pair() -> None:
    for batches, expected in (("b1", ["b1", "b1"]), ("b1/b2/b3", [None, None])):
        with pytest.raises(PartiallySent) as caught:
            client(f"87.00,1,1,0,{BATCH},{'/'.join(TWO)},{batches}").send(FILTERED)
        assert [row.batch_id for row in caught.value.result.outcomes[:2]] == expected


@pytest.mark.parametrize("message", [MMS, Message("a", Recipient(TWO[0], email="a@example.org"))], ids=["MMS", "email"])
def test_the_filter_takes_neither_pictures_nor_emails(message: Message) -> None:
    filtered = attrs.evolve(message, options=sms_core_every8d.SendOptions(skip_duplicates=True))
    with pytest.raises(sms_core.InvalidMessage, match="options: skip_duplicates"):
        client("").send(filtered)
