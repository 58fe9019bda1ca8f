"""The answers of "Web Services API Specifications-2.1", versions 2.0.0 (2016) and 2.0.4 (2020): what each must become.

Sections are those of the edition of 2020 unless a test names the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from soap_wire import BATCH, KEY, SERVICE, call_of, client, connection, envelope, fault, operation_of, result, vendor

import sms_core
from sms_core import (
    AuthenticationFailed,
    Client,
    DeliveryStatus,
    InsufficientCredit,
    MalformedResponse,
    Media,
    Message,
    NotFound,
    Outcome,
    OutcomeUnknown,
    Recipient,
    SendError,
    SessionExpired,
    VendorError,
    VendorUnavailable,
)
from sms_core.http import Response
from sms_core.testing import FakeTransport
from sms_core_every8d.codes import CANCEL_CODES, REQUEST_CODES, STATUS_CODES, status_of

TWO = ["+886900000001", "+886900000002"]
FOUR = [f"+88690000000{n}" for n in (1, 2, 3, 4)]
PICTURE = Media(b"\xff\xd8\xff", "jpg")
SENDS: dict[str, Message] = {
    "sendSMS": Message("a", FOUR),
    "sendMessage": Message("a", FOUR, validity=timedelta(hours=1)),
    "sendParamSMS": Message("", [Recipient(number, text=f"text {number}") for number in FOUR]),
    "sendMMS": Message("a", FOUR, media=PICTURE),
}


def asked(answer: str | Response, ask: Callable[[Client], Any], operation: str, **options: object) -> Any:
    """What a client makes of the answer to one operation."""
    return ask(client(vendor({operation: answer}), **options))


def sent(answer: str | Response, operation: str = "sendSMS") -> sms_core.SendResult:
    found: sms_core.SendResult = asked(answer, lambda sms: sms.send(SENDS[operation]), operation)
    return found


def failed(answer: str | Response, operation: str = "sendSMS") -> Any:
    with pytest.raises(SendError) as caught:
        asked(answer, lambda sms: sms.send(SENDS[operation]), operation, retries=0)
    return caught.value


def outcomes(error: SendError) -> set[Outcome]:
    return {row.outcome for row in error.result.outcomes}


# 1.1 getConnection

# Printed so in 2.0.4: blanks within the declaration's quotes and in front of the key, ``</CODE >`` and ``</SMS >``.
LOGIN_2020 = """<?xml version=" 1.0" encoding=" utf-8" ?>
<SMS>
  <GET_CONNECTION>
    <CODE>0</CODE >

<SESSION_KEY> e9df35fce357589a8e78c44c3e2abcdd</SESSION_KEY>

<DESCRIPTION>取得連線成功</DESCRIPTION>

</GET_CONNECTION>

</SMS >"""


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("text", [LOGIN_2020, connection()], ids=["as in 1.1", "as recorded"])
def test_1_1_login(text: str, version: str) -> None:
    transport = vendor({"getConnection": text, "getCredit": "2310.00"}, version)
    assert client(transport, soap=version).balance().credit == Decimal(2310)
    assert call_of(transport.requests[1], version)["sessionKey"] == KEY


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("-97", VendorUnavailable, "系統忙碌中，請稍後再試"),
        ("-100", AuthenticationFailed, "取得連線失敗，無此帳號"),
        ("-101", AuthenticationFailed, "取得連線失敗，密碼錯誤"),
        ("-999", AuthenticationFailed, "帳號已封鎖，請洽服務窗口。"),
        ("-4711", AuthenticationFailed, "未知"),
    ],
)
@pytest.mark.parametrize("form", ["{document}", "{code},{words}"], ids=["document", "text"])
def test_1_1_a_refused_login(form: str, code: str, kind: type[VendorError], words: str) -> None:
    text = form.format(document=connection("", code, words), code=code, words=words)
    with pytest.raises(kind) as caught:
        client(vendor({"getConnection": text}), retries=0).balance()
    assert (caught.value.code, caught.value.vendor_text) == (code, words)


def test_1_1_busy_is_tried_again_since_a_login_changes_nothing() -> None:
    busy = connection("", "-97", "系統忙碌中，請稍後再試")
    transport = vendor({"getConnection": [busy, busy, connection()], "sendSMS": f"1.0,4,4.0,0,{BATCH}"})
    assert client(transport).send(SENDS["sendSMS"]).accepted == 4
    assert [operation_of(request) for request in transport.requests] == [*["getConnection"] * 3, "sendSMS"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<SMS/>",
        "<SMS><GET_CONNECTION/></SMS>",
        "<SMS><GET_CONNECTION><CODE/></GET_CONNECTION></SMS>",
        "<SMS><GET_CONNECTION><CODE>0</CODE></GET_CONNECTION></SMS>",
        connection("two words"),
        connection("abc\u4e00"),
        "<OTHER/>",
        "<SMS>",
        KEY,
    ],
)
def test_1_1_a_login_without_a_key_is_no_login(text: str) -> None:
    transport = vendor({"getConnection": text})
    with pytest.raises(MalformedResponse, match="login: "):
        client(transport).balance()
    with pytest.raises(sms_core.NotSent):
        client(transport).send(SENDS["sendSMS"])


# 1.2, 2.2, 2.3, 5.1: sends

EXAMPLE = "1230.00,4,4.0,220478cc-8506-49b2-93b7-2505f651c12e"


@pytest.mark.parametrize("operation", SENDS)
@pytest.mark.parametrize(
    ("text", "balance"),
    [
        (EXAMPLE, "1230.00"),
        ("1230.00,4,4.0,0,220478cc-8506-49b2-93b7-2505f651c12e", "1230.00"),
        ("4.0,4,1.0,0,220478cc-8506-49b2-93b7-2505f651c12e", "4.0"),
        ("\r\n4 ,4, 4 ,0, 220478cc-8506-49b2-93b7-2505f651c12e \n", "4"),
    ],
    ids=["1.2: four fields", "1.2: five fields", "as recorded", "blanks"],
)
def test_1_2_the_vendor_took_all(operation: str, text: str, balance: str) -> None:
    """The example of both editions (1.2, 2.2, 2.3, 5.1) leaves out UNSEND, which the form above it has."""
    found = sent(text, operation)
    assert [(row.number, row.outcome) for row in found.outcomes] == [(number, Outcome.ACCEPTED) for number in FOUR]
    assert (found.accepted, found.unsent, found.balance) == (4, 0, Decimal(balance))
    assert found.batches == (BATCH,)


def test_1_2_unsend_for_everyone() -> None:
    error = failed(f"0.00,0,0.0,4,{BATCH}")
    assert isinstance(error, InsufficientCredit)
    assert outcomes(error) == {Outcome.REFUSED}


def test_1_2_unsend_for_some_is_settled_by_the_reports() -> None:
    statuses = ["100", "0", "301", "301"]
    transport = vendor(
        {
            "sendSMS": f"0.00,2,2.0,2,{BATCH}",
            "getDeliveryStatus": log(*(row(number, code) for number, code in zip(FOUR, statuses, strict=True))),
        }
    )
    sms = client(transport)
    with pytest.raises(OutcomeUnknown, match="no credit for 2 of 4, not said which") as caught:
        sms.send(SENDS["sendSMS"])
    assert {row.batch_id for row in caught.value.result.outcomes} == {BATCH}
    settled = sms.settle(caught.value)
    assert [row.outcome.value for row in settled.outcomes] == ["accepted", "accepted", "refused", "refused"]
    assert isinstance(settled.outcomes[2].error, InsufficientCredit)


CREDITS: list[tuple[str, str, str]] = [
    ("-99", "-99", "發生不明錯誤"),
    ("-99.0,0,0.0,0,", "-99", "發生不明錯誤"),
    ("-99.00,0,0,0", "-99", "發生不明錯誤"),
    ("-99,主機端發生不明錯誤，請與廠商窗口聯繫。", "-99", "主機端發生不明錯誤，請與廠商窗口聯繫。"),
    ("-99, 一,二", "-99", "一,二"),
    (" -100 ", "-100", "無此帳號"),
    ("-4711", "-4711", ""),
    ("-4711,,,,", "-4711", ""),
    ("-5.5,0,0,0,", "-5.5", ""),
    ("-99,-99,-99,-99,", "-99", "發生不明錯誤"),
    ("-99.0,-99.0,-99.0,-99.0", "-99", "發生不明錯誤"),
    ("-100,-100,-100,-100,", "-100", "無此帳號"),
]


@pytest.mark.parametrize("operation", SENDS)
@pytest.mark.parametrize(("text", "code", "words"), CREDITS, ids=[case[0] for case in CREDITS])
def test_1_2_note_1_a_negative_credit_is_a_code_and_nothing_was_sent(
    operation: str, text: str, code: str, words: str
) -> None:
    error = failed(text, operation)
    assert isinstance(error, VendorError)
    assert (error.code, error.vendor_text) == (code, words)
    assert outcomes(error) == {Outcome.REFUSED}


@pytest.mark.parametrize("operation", SENDS)
@pytest.mark.parametrize(
    "text",
    [
        "-301",
        "-301,",
        "-301.0,0,0.0,0,",
        "-301.00,0,0,0",
        "-301,Session 資料不存在，請重新登入。",
        "-301,-301,-301,-301,",
    ],
)
def test_1_2_note_1_a_session_that_is_gone_is_no_outcome_of_the_message(operation: str, text: str) -> None:
    error = failed(text, operation)
    assert isinstance(error, SessionExpired)
    assert outcomes(error) == {Outcome.NOT_SENT}


@pytest.mark.parametrize(
    "text",
    [
        f"-301.0,4,4.0,0,{BATCH}",
        f"-301.0,0,4.0,0,{BATCH}",
        f"-99,1,0,0,{BATCH}",
        "-99,-99,1,-99,",
        "-99,0,0,4,",
        "-301,-301,-301,1,",
        f"-0.5,4,4.0,0,{BATCH}",
        "",
        "1230.00",
        "1230.00,4",
        "1230.00,4,4.0",
        "1230.00,4,4.0,0",
        "1230.00,4,4.0,0,",
        "1230.00,4,4.0,0,220478cc-8506-49b2",
        "1230.00,4,4.0,220478cc-8506",
        f"1230.00,4.5,4.0,0,{BATCH}",
        f"1230.00,-4,4.0,0,{BATCH}",
        f"1230.00,4,?,0,{BATCH}",
        f"?,4,4.0,0,{BATCH}",
        "<html/>",
        f"NaN,4,4.0,0,{BATCH}",
    ],
)
def test_a_send_whose_answer_is_in_doubt_is_unknown(text: str) -> None:
    """A refusal that counts what was sent, a batch id that is missing or cut: it may have been taken all the same."""
    error = failed(text)
    assert isinstance(error, OutcomeUnknown)
    assert outcomes(error) == {Outcome.UNKNOWN}


def test_fewer_sent_than_asked_and_nobody_said_to_lack_credit() -> None:
    error = failed(f"87.00,3,3.0,0,{BATCH}")
    assert isinstance(error, OutcomeUnknown)
    assert "3 of 4 were taken, not said which" in str(error)


@pytest.mark.parametrize("code", REQUEST_CODES)
def test_every_code_is_its_error_for_a_send_and_for_a_question(code: str) -> None:
    error = failed(code)
    assert isinstance(error, REQUEST_CODES[code].error)
    assert (error.code, error.vendor_text) == (code, REQUEST_CODES[code].text)
    with pytest.raises(REQUEST_CODES[code].error) as caught:
        asked(f"{code},{REQUEST_CODES[code].text}", Client.balance, "getCredit", retries=0)
    assert (caught.value.code, caught.value.vendor_text) == (code, REQUEST_CODES[code].text)


# 1.3 closeConnection


def closing(answer: str | Response) -> FakeTransport:
    transport = vendor({"getCredit": "1.00", "closeConnection": answer})
    with client(transport, close_session="true") as sms:
        sms.check()
    return transport


def test_1_3_closed() -> None:
    transport = closing("1")
    assert transport.closed
    assert operation_of(transport.requests[-1]) == "closeConnection"


def test_1_3_not_closed_is_said() -> None:
    with pytest.raises(VendorError, match="-1 關閉連線失敗"):
        closing("-1")


def test_1_3_a_session_that_has_ended_already_is_no_failure() -> None:
    assert closing("-301").closed


@pytest.mark.parametrize("text", ["", "2", "<SMS/>"])
def test_1_3_neither_1_nor_minus_1(text: str) -> None:
    with pytest.raises(MalformedResponse, match="neither 1 nor -1"):
        closing(text)


# 3.2 getDeliveryStatus, 5.2 getMMSDeliveryStatus

# The document prints ``< NAME>``, which is not well-formed; here it is ``<NAME>``. The number is nobody's.
ROW_OF_3_2 = """<SMS>
      <NAME>Roger</NAME>
      <MOBILE>+886900000001</MOBILE>
      <SENT_TIME>2010/3/20 03:27:50</SENT_TIME>
      <COST>1.00</COST>
      <STATUS>100</STATUS>
      <REPLY_SMS>
        <REPLY_TIME>2010/03/23 12:05:09 </REPLY_TIME>
        <MESSAGE>
          <![CDATA[回覆簡訊]]>
        </MESSAGE>
      </REPLY_SMS>
    </SMS>"""
ROW_OF_5_2 = ROW_OF_3_2[: ROW_OF_3_2.index("      <REPLY_SMS>")] + "    </SMS>"


def page(rows: str, count: int) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<SMS_LOG>
  <CODE>0</CODE>
  <DESCRIPTION>發送狀態查詢成功</DESCRIPTION>
  <GET_DELIVERY_STATUS COUNT="{count}">
    {rows}
  </GET_DELIVERY_STATUS>
</SMS_LOG>"""


def log(*rows: str) -> str:
    return page("".join(rows), len(rows))


def row(number: str, status: str = "100", more: str = "", sent_time: str = "2021/12/16 16:09:06") -> str:
    """As recorded: NAME is empty, MOBILE padded."""
    return (
        f"<SMS><NAME /><MOBILE>{number}       </MOBILE><SENT_TIME>{sent_time}</SENT_TIME>"
        f"<COST>1.00</COST><STATUS>{status}</STATUS>{more}</SMS>"
    )


def reply(text: str, time: str = "2010/03/23 12:05:09 ") -> str:
    return f"<REPLY_SMS><REPLY_TIME>{time}</REPLY_TIME><MESSAGE>\r\n<![CDATA[{text}]]>\r\n</MESSAGE></REPLY_SMS>"


def reports_of(text: str | Response, *, mms: bool = False) -> list[sms_core.DeliveryReport]:
    operation = "getMMSDeliveryStatus" if mms else "getDeliveryStatus"
    found: list[sms_core.DeliveryReport] = asked(text, lambda sms: list(sms.reports(BATCH, mms=mms)), operation)
    return found


def replies_of(text: str | Response) -> list[sms_core.InboundMessage]:
    found: list[sms_core.InboundMessage] = asked(text, lambda sms: list(sms.inbound(BATCH)), "getDeliveryStatus")
    return found


@pytest.mark.parametrize(
    ("text", "mms"), [(ROW_OF_3_2, False), (ROW_OF_5_2, True)], ids=["3.2, both editions", "5.2 of 2.0.4"]
)
def test_3_2_and_5_2_delivery_status_example(text: str, mms: bool) -> None:
    (report,) = reports_of(page(text, 1), mms=mms)
    assert (report.number, report.status, report.batch_id) == ("+886900000001", DeliveryStatus.DELIVERED, BATCH)
    assert report.sent_at == datetime(2010, 3, 19, 19, 27, 50, tzinfo=UTC)
    assert (report.cost, report.vendor_code, report.vendor_text) == (Decimal(1), "100", "成功送達手機")
    assert report.raw["NAME"] == "Roger"


def test_3_2_reply_example() -> None:
    (message,) = replies_of(page(ROW_OF_3_2, 1))
    assert (message.number, message.text, message.batch_id) == ("+886900000001", "回覆簡訊", BATCH)
    assert message.received_at == datetime(2010, 3, 23, 4, 5, 9, tzinfo=UTC)
    assert message.raw["NAME"] == "Roger"


def test_3_2_as_recorded_mobile_is_padded_and_name_empty() -> None:
    (report,) = reports_of(log(row("+886900000001")))
    assert (report.number, report.raw["NAME"]) == ("+886900000001", "")
    assert report.sent_at == datetime(2021, 12, 16, 8, 9, 6, tzinfo=UTC)


def test_3_2_several_replies_to_several_messages() -> None:
    """「多筆回覆簡訊時將有多組」."""
    text = log(
        row(TWO[0], more=reply("一") + reply("二", "2010/3/23 1:05:09")), row(TWO[1]), row(TWO[1], more=reply("三"))
    )
    assert [(reply.number, reply.text) for reply in replies_of(text)] == [
        (TWO[0], "一"),
        (TWO[0], "二"),
        (TWO[1], "三"),
    ]
    assert replies_of(text)[1].received_at == datetime(2010, 3, 22, 17, 5, 9, tzinfo=UTC)
    assert [report.number for report in reports_of(text)] == [TWO[0], TWO[1], TWO[1]]
    assert len({reply.key for reply in replies_of(text)}) == 3
    assert "REPLY_SMS" not in reports_of(text)[0].raw


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("<MESSAGE>\r\n\t<![CDATA[ a <b> & ]] c ]]>\r\n</MESSAGE>", "a <b> & ]] c"),
        ("<MESSAGE><![CDATA[a]]]]><![CDATA[>b]]></MESSAGE>", "a]]>b"),
        ("<MESSAGE>a &lt; b &amp; c</MESSAGE>", "a < b & c"),
        ("<MESSAGE/>", ""),
        ("", ""),
        ("<MESSAGE><![CDATA[第一行\n第二行]]></MESSAGE>", "第一行\n第二行"),
        ("<MESSAGE><![CDATA[<?xml version='1.0'?>]]></MESSAGE>", "<?xml version='1.0'?>"),
        ("<MESSAGE>a\x1bb&#2;c&#xFFFE;d</MESSAGE>", "a\ufffdb\ufffdc\ufffdd"),
        ("<MESSAGE><![CDATA[😀\x85]]></MESSAGE>", "😀"),
    ],
    ids=[
        "blanks",
        "]]>",
        "escaped",
        "empty",
        "missing",
        "lines",
        "a declaration",
        "what XML cannot hold",
        "beyond BMP",
    ],
)
def test_3_2_texts_of_replies(message: str, text: str) -> None:
    document = log(row(TWO[0], more=f"<REPLY_SMS>{message}<REPLY_TIME>?</REPLY_TIME></REPLY_SMS>"))
    (found,) = replies_of(document.removeprefix('<?xml version="1.0" encoding="utf-8"?>\n'))
    assert (found.text, found.received_at) == (text, None)


def test_a_control_character_of_the_envelope_itself_loses_no_reply() -> None:
    """Some writers let them through, raw or as a reference."""
    answer = result("getDeliveryStatus", log(row(TWO[0], more=reply("a\x01b"))))
    body = answer.body.replace(b"\x01", b"&#1;\x02")
    (found,) = replies_of(Response(200, body=body))
    assert found.text == "a\ufffd\ufffdb"


SOAP_2020 = {
    "0": DeliveryStatus.SENT,
    "100": DeliveryStatus.DELIVERED,
    "101": DeliveryStatus.UNDELIVERABLE,
    "102": DeliveryStatus.FAILED,
    "103": DeliveryStatus.UNDELIVERABLE,
    "104": DeliveryStatus.BLOCKED,
    "105": DeliveryStatus.UNDELIVERABLE,
    "106": DeliveryStatus.FAILED,
    "107": DeliveryStatus.EXPIRED,
    "300": DeliveryStatus.SCHEDULED,
    "303": DeliveryStatus.CANCELLED,
    "500": DeliveryStatus.REJECTED,
    "-1": DeliveryStatus.REJECTED,
    "-2": DeliveryStatus.REJECTED,
    "-3": DeliveryStatus.REJECTED,
    "-4": DeliveryStatus.EXPIRED,
    "-5": DeliveryStatus.REJECTED,
    "-6": DeliveryStatus.REJECTED,
}
TEXTS_2020 = {
    "0": "訊息已成功傳送給電信端，電信基地台與受話方手機溝通中",
    "100": "成功送達手機",
    "101": "電信端回覆因受話方手機關機/訊號不良/簡訊功能異常等原因，該訊息無法送達受話方手機",
    "102": "電信端回覆因網路系統/基地台設備異常等原因，該訊息無法送達受話方手機",
    "103": "電信端回覆因受話方手機門號為空號或停用中，該訊息無法送達受話方手機",
    "104": "電信端回覆因受話方手機門號為電信黑名單，該訊息無法送達受話方手機",
    "105": "電信端回覆因受話方手機設備問題/手機出現未預期錯誤等原因，該訊息無法送達受話方手機",
    "106": "電信端回覆因系統傳送時發生非預期錯誤，該訊息無法送達受話方手機",
    "107": "電信端回覆因受話方手機關機/訊號不良/簡訊功能異常等原因，該訊息無法送達受話方手機",
    "300": "預約簡訊",
    "303": "取消預約",
    "500": "表該門號為國際門號，請至系統設定開啟國際簡訊發送功能",
    "-1": "參數錯誤，該訊息傳送失敗",
    "-2": "API 帳號或密碼錯誤，該訊息傳送失敗",
    "-3": "受話方手機號碼錯誤或是簡訊黑名單，該訊息傳送失敗",
    "-4": "訊息預計發送時間已逾期 24 小時以上，該訊息傳送失敗",
    "-5": "Short Message 內容長度超過限制，該訊息傳送失敗",
    "-6": "DT(預計發送時間)格式錯誤，該訊息傳送失敗",
}


@pytest.mark.parametrize("mms", [False, True], ids=["3.2", "5.2"])
@pytest.mark.parametrize("code", SOAP_2020)
def test_3_2_and_5_2_status_codes_of_2020(code: str, mms: bool) -> None:
    (report,) = reports_of(log(row(TWO[0], code)), mms=mms)
    assert (report.status, report.vendor_code, report.vendor_text) == (SOAP_2020[code], code, TEXTS_2020[code])


# 3.1 and 3.2 of the edition of 2016. 999 is a reply, and of pushes alone.
ONLY_2016 = {"301": DeliveryStatus.NO_CREDIT, "888": DeliveryStatus.UNKNOWN}
CODES_2016 = [
    "0",
    "100",
    "101",
    "102",
    "103",
    "104",
    "105",
    "106",
    "107",
    "300",
    "301",
    "303",
    "500",
    "888",
    "-3",
    "-4",
]


@pytest.mark.parametrize("code", CODES_2016)
def test_3_2_status_codes_of_2016(code: str) -> None:
    """Where 2020 has the code too, its meaning goes first: 105 and 106 were 電信終端設備異常 as 102 still is."""
    (report,) = reports_of(log(row(TWO[0], f" {code} ")))
    assert report.status is {**ONLY_2016, **SOAP_2020}[code]
    assert report.vendor_code == code
    assert report.vendor_text


def test_the_table_of_codes_has_those_of_all_editions() -> None:
    http_2025 = {"-10", "-8", "700"}
    assert set(STATUS_CODES) == {*SOAP_2020, *CODES_2016, *http_2025}
    assert {code for code in STATUS_CODES if status_of(code, "http")[0] is not status_of(code, "soap")[0]} == {
        "105",
        "106",
        "-3",
    }


def test_an_unknown_status_is_kept() -> None:
    (report,) = reports_of(log(row(TWO[0], "4711")))
    assert (report.status, report.vendor_code, report.vendor_text) == (DeliveryStatus.UNKNOWN, "4711", "")


def test_a_time_or_cost_that_cannot_be_read_loses_no_report() -> None:
    (report,) = reports_of(log(row(TWO[0], sent_time="yesterday").replace("1.00", "one")))
    assert (report.sent_at, report.cost) == (None, None)
    assert (report.raw["SENT_TIME"], report.raw["COST"]) == ("yesterday", "one")


def test_a_row_without_a_time_is_a_report_too() -> None:
    document = log(f"<SMS><MOBILE>{TWO[0]}</MOBILE><STATUS>0</STATUS></SMS>")
    (report,) = reports_of(document)
    assert (report.sent_at, report.cost, report.status) == (None, None, DeliveryStatus.SENT)


@pytest.mark.parametrize("ask", [reports_of, replies_of])
def test_nothing_to_report(ask: Callable[[str], Sequence[Any]]) -> None:
    assert ask('<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="0"></GET_DELIVERY_STATUS></SMS_LOG>') == []


BAD_LOGS = {
    "empty": "",
    "no document": "0",
    "another document": "<OTHER/>",
    "half": "<SMS_LOG><CODE>0</CODE>",
    "no CODE": '<SMS_LOG><GET_DELIVERY_STATUS COUNT="0"/></SMS_LOG>',
    "no GET_DELIVERY_STATUS": "<SMS_LOG><CODE>0</CODE></SMS_LOG>",
    "no COUNT": "<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS/></SMS_LOG>",
    "COUNT is none": '<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="many"/></SMS_LOG>',
    "no MOBILE": log("<SMS><STATUS>100</STATUS>" + reply("a") + "</SMS>"),
    "a document type": '<!DOCTYPE SMS_LOG [<!ENTITY a "b">]>' + log(row("&a;")),
    "an entity that nobody declared": log(row("&a;")),
}


@pytest.mark.parametrize("text", BAD_LOGS.values(), ids=BAD_LOGS)
@pytest.mark.parametrize(("ask", "name"), [(reports_of, "reports"), (replies_of, "inbound")])
def test_a_log_that_cannot_be_read_is_no_empty_page(ask: Callable[[str], object], name: str, text: str) -> None:
    with pytest.raises(MalformedResponse, match=f"{name}: "):
        ask(text)


def test_a_report_without_its_status_is_none() -> None:
    with pytest.raises(MalformedResponse, match="a report without MOBILE or STATUS"):
        reports_of(log(f"<SMS><MOBILE>{TWO[0]}</MOBILE></SMS>"))


@pytest.mark.parametrize(
    "text",
    [
        "<SMS_LOG><CODE>-101</CODE><DESCRIPTION>密碼錯誤。</DESCRIPTION></SMS_LOG>",
        '<SMS_LOG><CODE>-101</CODE><DESCRIPTION>密碼錯誤。</DESCRIPTION><GET_DELIVERY_STATUS COUNT="0"/></SMS_LOG>',
        "-101,密碼錯誤。",
    ],
    ids=["without GET_DELIVERY_STATUS", "with it", "text"],
)
@pytest.mark.parametrize("ask", [reports_of, replies_of])
def test_a_query_that_is_refused(ask: Callable[[str], object], text: str) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        ask(text)
    assert (caught.value.code, caught.value.vendor_text) == ("-101", "密碼錯誤。")


@pytest.mark.parametrize("mms", [False, True], ids=["3.2", "5.2"])
def test_a_thousand_reports_are_a_page_and_the_next_is_asked_when_one_comes_to_it(mms: bool) -> None:
    numbers = [f"+8869{n:08}" for n in range(1230)]
    rows = [row(number) for number in numbers]
    operation = "getMMSDeliveryStatus" if mms else "getDeliveryStatus"
    transport = vendor({operation: [page("".join(part), 1230) for part in (rows[:1000], rows[1000:])]})
    reports = client(transport).reports(BATCH, mms=mms)
    assert [next(reports).number for _ in range(1000)] == numbers[:1000]
    assert len(transport.requests) == 2
    assert [report.number for report in reports] == numbers[1000:]
    assert [call_of(request)["pageNo"] for request in transport.requests[1:]] == ["1", "2"]


def test_pages_of_replies_are_pages_of_messages() -> None:
    """A page may have no reply at all, and the next one some."""
    rows = [row(f"+8869{n:08}") for n in range(1000)]
    transport = vendor(
        {
            "getDeliveryStatus": [
                page("".join(rows), 2001),
                page("".join(rows), 2001),
                page(row(TWO[0], "100", reply("a")), 2001),
            ]
        }
    )
    assert [reply.text for reply in client(transport).inbound(BATCH)] == ["a"]
    assert [call_of(request)["pageNo"] for request in transport.requests[1:]] == ["1", "2", "3"]


def test_a_count_beyond_the_rows_ends_with_an_empty_page() -> None:
    transport = vendor({"getDeliveryStatus": [page(row(TWO[0]), 5000), page("", 5000)]})
    assert len(list(client(transport).reports(BATCH))) == 1
    assert len(transport.requests) == 3


# 4.1 getCredit


@pytest.mark.parametrize("text", ["2310.00", " 2310 \r\n", "2310.0"])
def test_4_1_credit(text: str) -> None:
    assert asked(text, Client.balance, "getCredit") == sms_core.Balance(Decimal(2310))
    assert asked(text, Client.check, "getCredit") is None


@pytest.mark.parametrize("text", ["", "many", "1,5", "<SMS/>"])
@pytest.mark.parametrize("ask", [Client.balance, Client.check])
def test_4_1_a_credit_that_cannot_be_read(ask: Callable[[Client], object], text: str) -> None:
    with pytest.raises(MalformedResponse):
        asked(text, ask, "getCredit")


# 4.2 eraseBooking, 4.3 eraseMMSBooking

ERASES = [("eraseBooking", False), ("eraseMMSBooking", True)]


@pytest.mark.parametrize(("operation", "mms"), ERASES, ids=["4.2", "4.3"])
class TestErase:
    def ask(self, answer: str | Response, operation: str, mms: bool) -> Any:
        return asked(answer, lambda sms: sms.cancel(BATCH, mms=mms), operation, retries=0)

    def test_a_and_b_are_messages_and_points(self, operation: str, mms: bool) -> None:
        """a,b: 刪除的筆數, 回補的點數."""
        assert self.ask("2,6.00", operation, mms) == sms_core.Cancellation(2, Decimal(6))
        assert self.ask(" 2 , 6 ", operation, mms) == sms_core.Cancellation(2, Decimal(6))

    @pytest.mark.parametrize(
        "inner",
        [
            "<{0}Response xmlns='{1}'><{0}Result></{0}Result></{0}Response>",
            "<{0}Response xmlns='{1}'><{0}Result/></{0}Response>",
            "<{0}Response xmlns='{1}'><{0}Result> \r\n</{0}Result></{0}Response>",
            "<{0}Response xmlns='{1}'/>",
            "<{0}Response xmlns='{1}' xmlns:xsi='i'><{0}Result xsi:nil='true'/></{0}Response>",
        ],
        ids=["empty", "empty element", "blanks", "no element", "nil"],
    )
    def test_nothing_means_no_such_booking(self, operation: str, mms: bool, inner: str) -> None:
        """空值: 查無資料."""
        with pytest.raises(NotFound, match="no such booking"):
            self.ask(envelope(inner.format(operation, SERVICE)), operation, mms)

    @pytest.mark.parametrize("code", CANCEL_CODES)
    def test_codes_of_a_cancelling(self, operation: str, mms: bool, code: str) -> None:
        with pytest.raises(CANCEL_CODES[code].error, match=f"{code} {CANCEL_CODES[code].text}"):
            self.ask(code, operation, mms)

    @pytest.mark.parametrize("text", ["2", "a,b", "2,", "2.5,1", "<SMS/>"])
    def test_what_cannot_be_read(self, operation: str, mms: bool, text: str) -> None:
        with pytest.raises(MalformedResponse):
            self.ask(text, operation, mms)

    @pytest.mark.parametrize(
        "inner",
        [
            "<{0}Response xmlns='{1}'><{0}Result><a/></{0}Result></{0}Response>",
            "<{0}Response xmlns='{1}'><{0}Result/><{0}Result/></{0}Response>",
            "<{0}Response xmlns='{1}'>2,6.00</{0}Response>",
            "<{0}Response xmlns='{1}'/><{0}Response xmlns='{1}'/>",
        ],
        ids=["elements", "two results", "text", "two answers"],
    )
    def test_what_is_no_text_is_not_taken_for_nothing(self, operation: str, mms: bool, inner: str) -> None:
        with pytest.raises(MalformedResponse, match="is no text"):
            self.ask(envelope(inner.format(operation, SERVICE)), operation, mms)


# Envelopes, faults and what stands in their place

PREFIXES = [
    ("<{p}Envelope xmlns:{q}='{ns}'><{p}Body>{inner}</{p}Body></{p}Envelope>", "SOAP-ENV:", "SOAP-ENV"),
    ("<{p}Envelope xmlns:{q}='{ns}'><{p}Header/><{p}Body>{inner}</{p}Body></{p}Envelope>", "s:", "s"),
    ("<Envelope xmlns='{ns}'><Body>{inner}</Body></Envelope>", "", ""),
]


@pytest.mark.parametrize(("form", "p", "q"), PREFIXES, ids=["SOAP-ENV:", "s: and a Header", "none"])
@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="big5"?>', "\ufeff\r\n"])
def test_prefixes_other_than_soap(form: str, p: str, q: str, declaration: str) -> None:
    inner = f"<m:sendSMSResponse xmlns:m='{SERVICE}'><m:sendSMSResult>{EXAMPLE}</m:sendSMSResult></m:sendSMSResponse>"
    ns = "http://schemas.xmlsoap.org/soap/envelope/"
    text = declaration + form.format(p=p, q=q, ns=ns, inner=inner)
    assert sent(Response(200, body=text.encode())).batches == (BATCH,)


def test_an_inner_document_with_a_bom() -> None:
    """.NET keeps it where a stream is turned into a string."""
    (report,) = reports_of("\ufeff" + log(row(TWO[0])))
    assert report.number == TWO[0]
    transport = vendor({"getConnection": "\ufeff" + connection(), "getCredit": "1.00"})
    assert client(transport).balance().credit == 1


CALLERS = [
    ("1.1", "soap:Client"),
    ("1.1", "Client"),
    ("1.1", "SOAP-ENV:Client.Authentication"),
    ("1.1", "soap:VersionMismatch"),
    ("1.1", "soap:MustUnderstand"),
    ("1.2", "soap:Sender"),
    ("1.2", "env:DataEncodingUnknown"),
    ("1.2", "Sender"),
]
SERVERS = [
    ("1.1", "soap:Server"),
    ("1.1", "Server"),
    ("1.1", "soap:Server.userException"),
    ("1.2", "soap:Receiver"),
    ("1.2", "Receiver"),
    ("1.1", ""),
    ("1.1", "soap:Nonsense"),
]


@pytest.mark.parametrize("status", [500, 400, 200])
@pytest.mark.parametrize(("version", "code"), CALLERS)
def test_a_fault_of_the_caller_says_that_nothing_was_taken(version: str, code: str, status: int) -> None:
    found = fault(code, "Server was unable to read request.", version)
    error = failed(Response(status, found.headers, found.body))
    assert isinstance(error, VendorError)
    assert outcomes(error) == {Outcome.REFUSED}
    assert (error.code, error.vendor_text) == (
        code.rpartition(":")[2].partition(".")[0],
        "Server was unable to read request.",
    )
    assert not error.retry


@pytest.mark.parametrize("status", [500, 502, 200])
@pytest.mark.parametrize(("version", "code"), SERVERS)
def test_a_fault_of_the_server_leaves_open_what_it_did(version: str, code: str, status: int) -> None:
    found = fault(code, version=version)
    error = failed(Response(status, found.headers, found.body))
    assert isinstance(error, OutcomeUnknown)
    cause = error.result.outcomes[0].error
    assert isinstance(cause, VendorUnavailable)
    assert (cause.code, cause.vendor_text) == (
        code.rpartition(":")[2].partition(".")[0] or "Fault",
        "Server was unable to process request.",
    )


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_fault_of_the_server_is_tried_again_for_a_read_and_never_for_a_send(version: str) -> None:
    broken = fault("soap:Server", version=version) if version == "1.1" else fault("soap:Receiver", version=version)
    transport = vendor({"getCredit": [broken, broken, "5.00"], "sendSMS": broken, "eraseBooking": broken}, version)
    sms = client(transport, soap=version)
    assert sms.balance().credit == 5
    with pytest.raises(OutcomeUnknown):
        sms.send(SENDS["sendSMS"])
    with pytest.raises(VendorUnavailable):
        sms.cancel(BATCH)
    assert [operation_of(request) for request in transport.requests] == [
        "getConnection",
        *["getCredit"] * 3,
        "sendSMS",
        "eraseBooking",
    ]


def test_a_fault_of_the_caller_is_not_tried_again() -> None:
    transport = vendor({"getCredit": fault("soap:Client")})
    with pytest.raises(VendorError, match="the service could not read the call: Client"):
        client(transport).balance()
    assert len(transport.requests) == 2


def test_a_fault_without_anything_in_it() -> None:
    for inner in ("<soap:Fault/>", "<soap:Fault></soap:Fault>"):
        assert isinstance(failed(envelope(inner, status=500)), OutcomeUnknown)
        assert isinstance(failed(envelope(inner)), OutcomeUnknown)


NO_ENVELOPES = [
    Response(200, body=b""),
    Response(200, body=b"<html><body>Welcome to the guest network</body></html>"),
    Response(200, body=EXAMPLE.encode()),
    Response(200, body=f"<sendSMSResponse><sendSMSResult>{EXAMPLE}</sendSMSResult></sendSMSResponse>".encode()),
    envelope(""),
    result("sendMessage", EXAMPLE),
    result("sendsms", EXAMPLE),
    Response(200, body=result("sendSMS", EXAMPLE).body[:-20]),
    Response(200, body=b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + result("sendSMS", EXAMPLE).body),
    Response(500, body=b"<html><body>Runtime Error</body></html>"),
    Response(502, body=b""),
    Response(302, {"Location": "https://example.org/"}),
]


@pytest.mark.parametrize("answer", NO_ENVELOPES, ids=range(len(NO_ENVELOPES)))
def test_what_is_no_answer_to_a_send_leaves_its_outcome_unknown(answer: Response) -> None:
    assert outcomes(failed(answer)) == {Outcome.UNKNOWN}


@pytest.mark.parametrize("status", [400, 403, 404, 415, 429])
def test_a_status_by_which_the_server_did_not_act(status: int) -> None:
    assert outcomes(failed(Response(status, body=b"<html/>"))) == {Outcome.NOT_SENT}


def test_an_answer_with_another_status_is_not_believed() -> None:
    found = result("sendSMS", EXAMPLE)
    assert outcomes(failed(Response(500, found.headers, found.body))) == {Outcome.UNKNOWN}


def test_the_inner_document_may_come_as_cdata() -> None:
    inner = f"<getConnectionResult><![CDATA[{connection()}]]></getConnectionResult>"
    answer = envelope(f'<getConnectionResponse xmlns="{SERVICE}">{inner}</getConnectionResponse>')
    assert client(vendor({"getConnection": answer, "getCredit": "1.00"})).balance().credit == 1


def test_entities_in_the_inner_document_are_refused() -> None:
    bomb = '<!DOCTYPE SMS [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + connection("&b;")[40:]
    with pytest.raises(MalformedResponse, match="not XML"):
        client(vendor({"getConnection": bomb})).balance()
