"""EVERY8D's face, spoken to by hand with the requests of the vendor's document.

Numbers are tables and sections of "簡訊 API2.1 規格書" version 2.2.
"""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from sms_core.testing import Exchange
from sms_core_sandbox import Sandbox

SENT = re.compile(r"(\d+\.\d\d),(\d+),(\d+),(\d+),([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
BOTH = "+886900000001,+886900000002"
PICTURE = base64.b64encode(b"\xff\xd8\xff" + bytes(100)).decode()


def batch_of(answer: str) -> str:
    found = SENT.fullmatch(answer)
    assert found, answer
    return found[5]


def accepted(box: Sandbox) -> list[tuple[str, str]]:
    return [(sent.number, sent.text) for sent in box.exchange.accepted]


class TestConnections:
    """1.1 to 1.3."""

    def test_get_check_close(self, wire: Any) -> None:
        token = wire.login()  # tables 1-1-3, 1-1-4
        assert re.fullmatch("[0-9a-f]{32}", token)
        check, close = ({"HandlerType": 3, "VerifyType": kind} for kind in (2, 3))
        assert wire.json("ConnectionHandler.ashx", check, token) == {"Result": True}  # tables 1-2-3, 1-2-4
        assert wire.json("ConnectionHandler.ashx", close, token) == {"Result": True}  # tables 1-3-3, 1-3-4
        for question in (check, close):
            answer = wire.json("ConnectionHandler.ashx", question, token)  # tables 1-2-5, 1-3-5
            assert (answer["Result"], answer["Status"]) == (False, "-301")

    @pytest.mark.parametrize(
        ("uid", "pwd", "status"),
        [("Nobody", "XXX", "-100"), ("sandbox", "XXX", "-101"), ("", "", "-300"), ("sandbox", "", "-300")],
    )
    def test_refused(self, wire: Any, uid: str, pwd: str, status: str) -> None:
        login = {"HandlerType": 3, "VerifyType": 1, "UID": uid, "PWD": pwd}
        assert wire.json("ConnectionHandler.ashx", login)["Status"] == status

    def test_ten_wrong_passwords_block(self, wire: Any, box: Sandbox) -> None:
        for _ in range(10):
            assert wire("GetCredit.ashx", PWD="guess").startswith("-101,")
        assert wire("GetCredit.ashx").startswith("-101,")
        assert box.exchange.account("sandbox").blocked

    @pytest.mark.parametrize("kind", [(3, 9), (4, 1), ("x", 1)])
    def test_nonsense(self, wire: Any, kind: tuple[Any, Any]) -> None:
        answer = wire.json("ConnectionHandler.ashx", {"HandlerType": kind[0], "VerifyType": kind[1]})
        assert answer["Result"] is False

    def test_a_token_goes_before_a_password_and_ends(self, wire: Any, box: Sandbox) -> None:
        token = wire.login()
        assert wire("GetCredit.ashx", token=token, UID="sandbox", PWD="guess") == "1000.00"
        box.exchange.expire_sessions()
        assert wire("GetCredit.ashx", token=token).startswith("-301,")
        assert wire.json("SendParam.ashx", {}, token)["Status"] == "-301"
        assert wire("GetCredit.ashx", token=token, UID="sandbox", PWD="sandbox-password") == "1000.00"


class TestSendSms:
    """2.2."""

    def test_with_a_token(self, wire: Any, box: Sandbox) -> None:
        fields = {"SB": "我是主旨", "MSG": "我是訊息內文", "DEST": BOTH, "ST": "", "RETRYTIME": "1440"}  # 2-3-3
        answer = wire("SendSMS.ashx", token=wire.login(), **fields, EventID="1234")
        assert answer.startswith("998.00,2,2,0,")  # table 2-3-7
        assert accepted(box) == [("+886900000001", "我是訊息內文"), ("+886900000002", "我是訊息內文")]
        assert {sent.batch_id for sent in box.exchange.accepted} == {batch_of(answer)}
        assert box.exchange.messages[0].subject == "我是主旨"

    def test_with_a_password(self, wire: Any, box: Sandbox) -> None:
        batch_of(wire("SendSMS.ashx", SB="我是主旨", MSG="我是訊息內文", DEST=BOTH, ST="", RETRYTIME="1440"))  # 2-3-4
        assert len(accepted(box)) == 2

    def test_a_booking(self, wire: Any, box: Sandbox) -> None:
        answer = wire("SendSMS.ashx", SB="我是主旨", MSG="我是訊息內文", DEST=BOTH, ST="20991124120000")  # 2-3-5, 2-3-6
        assert {message.status.value for message in box.exchange.batch("sandbox", batch_of(answer))} == {"scheduled"}

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"MSG": "", "DEST": BOTH}, "-24"),
            ({"MSG": "x", "DEST": ""}, "-27"),
            ({"MSG": "x", "DEST": " , "}, "-27"),
            ({"MSG": "x", "DEST": BOTH, "ST": "tomorrow"}, "-28"),
            ({"MSG": "x", "DEST": BOTH, "ST": "20991324120000"}, "-28"),
            ({"MSG": "x", "DEST": "+886900000909"}, "-41"),
        ],
    )
    def test_refused(self, wire: Any, box: Sandbox, fields: dict[str, str], code: str) -> None:
        assert wire("SendSMS.ashx", **fields).split(",")[0] == code  # table 2-3-8
        assert accepted(box) == []

    def test_the_forms_of_a_number(self, wire: Any, box: Sandbox) -> None:
        wire("SendSMS.ashx", MSG="x", DEST="0900000001, 886900000002,+886900000003,+12025550100,12025550101")
        messages = box.exchange.messages
        assert [message.number for message in messages[:4]] == [
            "+886900000001",
            "+886900000002",
            "+886900000003",
            "+12025550100",
        ]
        assert messages[4].behaviour.name == "malformed_number"

    def test_field_names_and_path_in_any_case_and_by_get(self, wire: Any, box: Sandbox) -> None:
        wire("sendsms.ASHX", uid="sandbox", msg="x", Dest="0900000001")
        query = "UID=sandbox&PWD=sandbox-password&MSG=%E5%97%A8&DEST=%2B886900000002"
        answer = wire.pool.request("GET", f"{wire.base}SendSMS.ashx?{query}")
        batch_of(answer.data.decode())
        assert accepted(box) == [("+886900000001", "x"), ("+886900000002", "嗨")]

    def test_behind_a_prefix(self, wire: Any) -> None:
        wire.base = wire.base.replace("/API21/", "/prepaid/API21/")
        assert wire("GetCredit.ashx") == "1000.00"

    def test_nothing_else_is_there(self, wire: Any) -> None:
        for path in ("Nonsense.ashx", "../SendSMS.ashx"):
            assert wire.pool.request("POST", wire.base + path).status == 404

    @pytest.mark.parametrize(
        ("characters", "points"),
        [
            (1, 1),
            (70, 1),
            (71, 2),
            (134, 2),
            (135, 3),
            (201, 3),
            (202, 4),
            (268, 4),
            (269, 5),
            (333, 5),
            (334, 6),
            (666, 10),
        ],
    )
    def test_the_price(self, wire: Any, characters: int, points: int) -> None:
        answer = SENT.fullmatch(wire("SendSMS.ashx", MSG="字" * characters, DEST="0900000001"))
        abroad = SENT.fullmatch(wire("SendSMS.ashx", MSG="字" * characters, DEST="+12025550100"))
        assert answer
        assert abroad
        assert (int(answer[3]), int(abroad[3])) == (points, 3 * points)

    def test_an_event_costs_seventeen_characters(self, wire: Any) -> None:
        for length, points in ((53, "1"), (54, "2")):
            assert wire("SendSMS.ashx", MSG="字" * length, DEST="0900000001", EventID="-1").split(",")[2] == points

    def test_the_points_run_out(self, wire: Any, box: Sandbox) -> None:
        box.exchange.set_credit("sandbox", 1)
        answer = wire("SendSMS.ashx", MSG="x", DEST=BOTH)
        assert answer.startswith("0.00,1,1,1,")
        assert accepted(box) == [("+886900000001", "x")]
        rows = json.loads(wire("GetDeliveryStatus.ashx", BID=batch_of(answer), RESPFORMAT="1"))["DATA"]
        assert [row["STATUS"] for row in rows] == ["100", "301"]

    def test_abroad_may_be_closed(self, wire: Any, box: Sandbox) -> None:
        box.exchange.add_account("inland", "secret", 10, international=False)
        answer = wire("SendSMS.ashx", UID="inland", PWD="secret", MSG="x", DEST="+12025550100")
        page = wire("GetDeliveryStatus.ashx", UID="inland", PWD="secret", BID=batch_of(answer))
        assert page.split("\t")[4] == "500"


class TestSendParam:
    """2.3 and 2.4."""

    ROWS = (
        {
            "Name": "Test01",
            "Mobile": "+886900000001",
            "Email": "Test01@every8d.com.tw",
            "SendTime": "",
            "Param": "客戶:小明您好、您於 2021/09/30 到期。",
            "Mr": "",
        },
        {
            "Name": "Test02",
            "Mobile": "+886900000002",
            "Email": "Test02@every8d.com.tw",
            "SendTime": "",
            "Param": "客戶:大明您好、您於 2021/10/30 到期。",
            "Mr": "",
        },
    )

    @pytest.mark.parametrize("path", ["SendParam.ashx", "SendParamSMS.ashx"])
    def test_own_texts(self, wire: Any, box: Sandbox, path: str) -> None:
        body = {"SB": "主旨", "RETRYTIME": 1440, "EventID": "1234", "RecipientDataList": self.ROWS}  # table 2-4-3
        answer = wire.json(path, body, wire.login())
        assert answer == {"Result": True, "Msg": answer["Msg"]}  # table 2-4-7
        batch_of(answer["Msg"])
        assert accepted(box) == [(row["Mobile"], row["Param"]) for row in self.ROWS]
        assert [message.name for message in box.exchange.messages] == ["Test01", "Test02"]

    def test_with_a_password_and_bookings(self, wire: Any, box: Sandbox) -> None:
        rows = [{**row, "SendTime": f"{year}1231173000"} for row, year in zip(self.ROWS, (2999, 3999), strict=True)]
        body = {**wire.credentials, "SB": "主旨", "RETRYTIME": 1440, "RecipientDataList": rows}  # tables 2-4-5, 2-4-6
        assert wire.json("SendParam.ashx", body)["Result"] is True
        assert [message.send_at.year for message in box.exchange.messages] == [2999, 3999]

    def test_parameters(self, wire: Any, box: Sandbox) -> None:
        params = ("小明|2021/09/30||", "大明|2021/10/30||")
        rows = [{**row, "Param": param} for row, param in zip(self.ROWS, params, strict=True)]
        body = {"SB": "主旨", "MSG": "客戶:%field1%您好、您於%field2%到期。", "RecipientDataList": rows}  # table 2-5-3
        batch_of(wire.json("SendParam.ashx", {**wire.credentials, **body})["Msg"])  # table 2-5-7
        assert [text for _, text in accepted(box)] == [
            "客戶:小明您好、您於2021/09/30到期。",
            "客戶:大明您好、您於2021/10/30到期。",
        ]

    def test_a_value_is_never_filled_itself(self, wire: Any, box: Sandbox) -> None:
        rows = [{"Mobile": "0900000001", "Param": "%field2%|b|||"}]
        wire.json("SendParam.ashx", {**wire.credentials, "MSG": "%field1%-%field2%", "RecipientDataList": rows})
        assert accepted(box)[0][1] == "%field2%-b"

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"RecipientDataList": []}, "-27"),
            ({"RecipientDataList": "x"}, "-27"),
            ({"RecipientDataList": [1]}, "-27"),
            ({"RecipientDataList": [{"Mobile": " ", "Param": "x"}]}, "-27"),
            ({"RecipientDataList": [{"Mobile": "0900000001", "Param": "x", "SendTime": "2999-12-31"}]}, "-28"),  # 2-4-8
            ({"MSG": "%field1%", "RecipientDataList": [{"Mobile": "0900000001", "Param": "a|b|c|d|e|f"}]}, "-99"),
            ({"RecipientDataList": [{"Mobile": "0900000001", "Param": "x", "Mr": "1"}] * 2}, "-99"),
        ],
    )
    def test_refused(self, wire: Any, box: Sandbox, change: dict[str, Any], status: str) -> None:
        answer = wire.json("SendParam.ashx", {**wire.credentials, **change})
        assert (answer["Result"], answer["Status"]) == (False, status)
        assert accepted(box) == []

    @pytest.mark.parametrize("body", [b"{", b"{]", '{"UID": "小'.encode("big5")])
    def test_broken_json(self, wire: Any, body: bytes) -> None:
        assert wire.json("SendParam.ashx", body)["Status"] == "-99"


class TestFilter:
    """2.5."""

    DEST = "+886900000001,+886900000002,+886900000003"

    def test_all_its_answers(self, wire: Any, box: Sandbox) -> None:
        fields = {"SB": "我是主旨", "MSG": "我是簡訊內文", "ST": "", "RETRYTIME": "1440"}  # table 2-6-3
        path = "SendSMS4FilterMessage.ashx"
        assert wire(path, **fields, DEST=self.DEST, IsSend="false") == "0,0,0,"  # table 2-6-10
        first = batch_of(wire(path, **fields, DEST="+886900000001"))  # table 2-6-7
        second = batch_of(wire(path, **fields, DEST="0900000002", IsSend="true"))
        held = f"+886900000001/+886900000002,{first}/{second}"
        assert wire(path, **fields, DEST=self.DEST, IsSend="False") == f"0,0,0,,{held}"  # table 2-6-9
        answer = wire(path, **fields, DEST=self.DEST)  # table 2-6-8
        sent, _, rest = answer.partition(",+")
        assert (batch_of(sent), f"+{rest}") == (box.exchange.accepted[-1].batch_id, held)
        assert wire(path, **fields, DEST="0900000001,+886900000003") == "-98,0900000001/+886900000003"
        assert [number for number, _ in accepted(box)] == self.DEST.split(",")

    def test_plain_sends_only_where_the_filter_sees_all(self, wire: Any, box: Sandbox) -> None:
        wire("SendSMS.ashx", MSG="x", DEST="0900000001")
        ask = {"MSG": "x", "DEST": "0900000001", "IsSend": "false"}
        assert wire("SendSMS4FilterMessage.ashx", **ask) == "0,0,0,"
        box.exchange.filter_sees_all = True
        assert wire("SendSMS4FilterMessage.ashx", **ask).startswith("0,0,0,,0900000001,")

    def test_refused(self, wire: Any) -> None:
        assert wire("SendSMS4FilterMessage.ashx", MSG="", DEST=self.DEST).startswith("-24,")  # table 2-6-11


class TestMms:
    """3.3 to 3.5."""

    FIELDS = {"SB": "簡訊主旨", "MSG": "簡訊發送內容", "DEST": BOTH, "RETRYTIME": "1440", "TYPE": "jpg"}

    def test_general(self, wire: Any, box: Sandbox) -> None:
        answer = wire("MMS/SendMMS.ashx", **self.FIELDS, ATTACHMENT=PICTURE)  # tables 3-3-3, 3-3-7
        assert answer.startswith("994.00,2,6,0,")
        assert {message.kind for message in box.exchange.messages} == {"MMS"}
        assert box.exchange.messages[0].media == base64.b64decode(PICTURE)

    @pytest.mark.parametrize("path", ["SendParam.ashx", "MMS/SendParam.ashx"])
    def test_own_texts_at_either_url(self, wire: Any, box: Sandbox, path: str) -> None:
        body = {"SB": "", "ATTACHMENT": PICTURE, "TYPE": "jpeg", "RecipientDataList": TestSendParam.ROWS}  # table 3-4-3
        assert batch_of(wire.json(path, {**wire.credentials, **body})["Msg"])  # table 3-4-7
        assert {message.kind for message in box.exchange.messages} == {"MMS"}

    @pytest.mark.parametrize(("size", "points"), [(50 * 1024, 3), (50 * 1024 + 1, 5), (300 * 1024, 5)])
    def test_the_price_counts_picture_and_text(self, wire: Any, size: int, points: int) -> None:
        picture = base64.b64encode(bytes(size - 1)).decode()
        answer = wire("MMS/SendMMS.ashx", SB="x", MSG="t", DEST="0900000001", TYPE="png", ATTACHMENT=picture)
        assert answer.split(",")[2] == str(points)  # table 3-2-1

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"SB": ""}, "-303"),
            ({"ATTACHMENT": ""}, "-304"),
            ({"ATTACHMENT": "?"}, "-304"),
            ({"TYPE": ""}, "-305"),
            ({"TYPE": "bmp"}, "-305"),
            ({"SB": "主" * 16}, "-99"),
            ({"SB": "s" * 40}, "-99"),
            ({"ATTACHMENT": base64.b64encode(bytes(300 * 1024)).decode()}, "-314"),
        ],
    )
    def test_refused(self, wire: Any, box: Sandbox, change: dict[str, str], code: str) -> None:
        answer = wire("MMS/SendMMS.ashx", **{**self.FIELDS, "ATTACHMENT": PICTURE, **change})
        assert answer.split(",")[0] == code  # table 3-3-8
        assert accepted(box) == []

    def test_not_abroad(self, wire: Any, box: Sandbox) -> None:
        wire("MMS/SendMMS.ashx", **{**self.FIELDS, "DEST": "+12025550100"}, ATTACHMENT=PICTURE)
        assert box.exchange.messages[0].behaviour.name == "malformed_number"


class TestReports:
    """4.2, 4.4 and annex 1."""

    def test_tab(self, wire: Any) -> None:
        body = {"RecipientDataList": TestSendParam.ROWS}
        batch = batch_of(wire.json("SendParam.ashx", {**wire.credentials, **body})["Msg"])
        page = wire("GetDeliveryStatus.ashx", BID=batch, PNO="1", RESPFORMAT="0")  # tables 4-2-4, 4-2-6
        time = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"
        rows = "".join(rf"Test0{last}\t\+88690000000{last}\t{time}\t1\.00\t100\t{time}\n" for last in (1, 2))
        assert re.fullmatch(rf"2\r\n{rows}", page)

    def test_json(self, wire: Any) -> None:
        rows = [{**row, "Mr": mr} for row, mr in zip(TestSendParam.ROWS, ("order-7", ""), strict=True)]
        batch = batch_of(wire.json("SendParam.ashx", {**wire.credentials, "RecipientDataList": rows})["Msg"])
        page = json.loads(wire("GetDeliveryStatus.ashx", BID=batch, RESPFORMAT="1"))
        assert (page["SMS_COUNT"], page["BID"]) == (2, batch)
        assert list(page["DATA"][0]) == [
            "MR",
            "NAME",
            "MOBILE",
            "SEND_TIME",
            "COST",
            "STATUS",
            "REAL_COST",
            "RECEIVED_TIME",
        ]
        assert [row["MR"] for row in page["DATA"]] == ["order-7", "2"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", page["DATA"][0]["RECEIVED_TIME"])

    def test_xml(self, wire: Any) -> None:
        rows = [{"Mobile": "0900000903", "Param": "x", "Name": "A & <B>"}]
        batch = batch_of(wire.json("SendParam.ashx", {**wire.credentials, "RecipientDataList": rows})["Msg"])
        root = ET.fromstring(wire("GetDeliveryStatus.ashx", BID=batch, RESPFORMAT="2").encode())
        assert (root.tag, root.findtext("CODE")) == ("SMS_LOG", "0")
        status = root.find("GET_DELIVERY_STATUS")
        assert status is not None
        assert status.get("COUNT") == "1"
        assert status.findtext("SMS/NAME") == "A & <B>"
        assert status.findtext("SMS/MOBILE") == "+886900000903       "
        assert status.findtext("SMS/STATUS") == "103"

    def test_none(self, wire: Any) -> None:
        batch = "f370a403-df23-4122-a7e6-261563a071cd"
        assert wire("GetDeliveryStatus.ashx", BID=batch, PNO="1") == "0"  # table 4-2-7
        page = wire("GetDeliveryStatus.ashx", BID=batch, PNO="1", RESPFORMAT="1")
        assert json.loads(page) == {"SMS_COUNT": 0, "BID": batch}
        assert 'COUNT="0"' in wire("GetDeliveryStatus.ashx", BID=batch, RESPFORMAT="2")
        assert wire("GetDeliveryStatus.ashx", BID=batch, PNO="x").startswith("-1,")

    def test_pages_of_a_thousand(self, wire: Any, box: Sandbox) -> None:
        box.exchange.set_credit("sandbox", 5000)
        batch = batch_of(wire("SendSMS.ashx", MSG="x", DEST=",".join(f"+8869{n:05}001" for n in range(1001))))
        sizes = []
        for number in ("1", "2", "3"):
            page = json.loads(wire("GetDeliveryStatus.ashx", BID=batch, PNO=number, RESPFORMAT="1"))
            sizes.append((page["SMS_COUNT"], len(page.get("DATA", ()))))
        assert sizes == [(1001, 1000), (1001, 1), (1001, 0)]

    @pytest.mark.parametrize(
        ("ending", "code"),
        [
            ("001", "100"),
            ("900", "0"),
            ("901", "101"),
            ("902", "102"),
            ("903", "103"),
            ("904", "104"),
            ("905", "105"),
            ("906", "106"),
            ("907", "0"),
            ("908", "100"),
            ("909", "-8"),
            ("911", "-3"),
            ("912", "-4"),
            ("913", "-5"),
            ("914", "-8"),
            ("915", "-10"),
            ("916", "500"),
            ("917", "-1"),
            ("918", "-2"),
        ],
    )
    def test_codes_by_number(self, wire: Any, box: Sandbox, ending: str, code: str) -> None:
        batch = batch_of(wire("SendSMS.ashx", MSG="x", DEST=f"0900000{ending},0900000001"))
        assert wire("GetDeliveryStatus.ashx", BID=batch).split("\t")[4] == code
        if ending == "907":
            box.clock.advance(10)
            assert wire("GetDeliveryStatus.ashx", BID=batch).split("\t")[4] == "100"

    def test_mms(self, wire: Any) -> None:
        batch = batch_of(wire("MMS/SendMMS.ashx", SB="x", DEST="0900000001,0900000907", TYPE="jpg", ATTACHMENT=PICTURE))
        page = json.loads(wire("MMS/GetDeliveryStatus.ashx", BID=batch, PNO="1", RESPFORMAT="1"))  # table 4-4-4
        assert [row["STATUS"] for row in page["DATA"]] == ["100", "700"]
        assert re.fullmatch(r"\d{4}/\d\d/\d\d .*", page["DATA"][0]["RECEIVED_TIME"])  # table 4-4-6
        assert wire("GetDeliveryStatus.ashx", BID=batch) == "0"
        assert wire("MMS/GetDeliveryStatus.ashx", BID="119d7d88-3724-4c32-b884-13d4385baca5") == "0"  # table 4-4-7

    def test_a_batch_is_its_accounts_own(self, wire: Any, box: Sandbox) -> None:
        box.exchange.add_account("other", "secret")
        batch = batch_of(wire("SendSMS.ashx", MSG="x", DEST="0900000001"))
        assert wire("GetDeliveryStatus.ashx", UID="other", PWD="secret", BID=batch) == "0"


class TestReplies:
    """4.3."""

    def test_tab_and_json(self, wire: Any) -> None:
        rows = [{"Name": "Test01", "Mobile": "+886900000908", "Param": "x"}]
        batch = batch_of(wire.json("SendParam.ashx", {**wire.credentials, "RecipientDataList": rows})["Msg"])
        page = wire("GetReplyMessage.ashx", BID=batch, PNO="", RESPFORMAT="0")  # tables 4-3-4, 4-3-6
        row = r"Test01\t\+886900000908\t好的，收到了。\t\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\n"
        assert re.fullmatch(rf"1\r\n{row}", page)
        page = json.loads(wire("GetReplyMessage.ashx", BID=batch, RESPFORMAT="1"))
        assert list(page["DATA"][0]) == ["NAME", "MOBILE", "CONTENT", "RECEIVED_TIME"]

    def test_none(self, wire: Any) -> None:
        batch = "e1ec1343-810e-4f78-a291-1060caa18c7d"
        assert wire("GetReplyMessage.ashx", BID=batch) == "0"  # table 4-3-7
        assert json.loads(wire("GetReplyMessage.ashx", BID=batch, RESPFORMAT="1")) == {"SMS_COUNT": 0, "BID": batch}

    def test_pages_of_ten(self, wire: Any, box: Sandbox) -> None:
        batch = batch_of(wire("SendSMS.ashx", MSG="x", DEST="0900000001"))
        for number in range(11):
            box.exchange.reply("+886900000001", f"reply {number}")
        first, second = (wire("GetReplyMessage.ashx", BID=batch, PNO=page) for page in ("1", "2"))
        assert (first.count("\n"), second.count("\n")) == (11, 2)
        assert first.startswith("11\r\n")
        assert "reply 10" in second


class TestCreditAndBookings:
    """4.1, 5.1 and 5.2."""

    def test_credit(self, wire: Any) -> None:
        assert wire("GetCredit.ashx") == "1000.00"  # tables 4-1-4, 4-1-5
        assert wire("GetCredit.ashx", token=wire.login()) == "1000.00"  # table 4-1-3
        assert wire("GetCredit.ashx", UID="Test", PWD="XXX").startswith("-100,")  # table 4-1-6

    def test_erase(self, wire: Any, box: Sandbox) -> None:
        later = (box.clock.now() + timedelta(hours=9)).strftime("%Y%m%d%H%M%S")  # Taipei is 8 hours ahead of UTC
        batch = batch_of(wire("SendSMS.ashx", MSG="x", DEST=BOTH, ST=later))
        assert wire("EraseBooking.ashx", BID=batch) == "2,2.00"  # tables 5-1-4, 5-1-5
        assert wire("EraseBooking.ashx", BID=batch).startswith("-4,")
        assert wire("GetDeliveryStatus.ashx", BID=batch).count("\t303\t") == 2
        assert wire("GetCredit.ashx") == "1000.00"
        box.clock.advance(hours=2)
        assert {message.status.value for message in box.exchange.messages} == {"cancelled"}

    def test_a_booking_is_300_and_goes_out_at_its_time(self, wire: Any, box: Sandbox) -> None:
        later = (box.clock.now() + timedelta(hours=9)).strftime("%Y%m%d%H%M%S")
        batch = batch_of(wire("SendSMS.ashx", MSG="x", DEST="0900000001", ST=later))
        assert wire("GetDeliveryStatus.ashx", BID=batch).split("\t")[4] == "300"
        box.clock.advance(hours=1)
        assert wire("GetDeliveryStatus.ashx", BID=batch).split("\t")[4] == "100"
        assert wire("EraseBooking.ashx", BID=batch).startswith("-4,")

    def test_erase_mms(self, wire: Any) -> None:
        fields = {"SB": "x", "DEST": BOTH, "ST": "20991124120000", "TYPE": "jpg", "ATTACHMENT": PICTURE}
        batch = batch_of(wire("MMS/SendMMS.ashx", **fields))
        assert wire("EraseBooking.ashx", BID=batch).startswith("-3,")
        assert wire("MMS/EraseBooking.ashx", BID=batch) == "2,6.00"  # tables 5-2-4, 5-2-5

    def test_no_such_booking_is_no_text_at_all(self, wire: Any) -> None:
        assert wire("EraseBooking.ashx", BID="0adf1233-746b-4f17-85df-5cf24515f480") == ""
        assert wire("MMS/EraseBooking.ashx", BID="a3113712-85dd-40fe-b441-e13acafa76f2") == ""


class TestPushes:
    """6.1."""

    def test_a_report_and_a_reply(self, wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
        receiver = receive()
        box.callback_url = receiver.url
        rows = [{"Name": "王小明", "Mobile": "0900000908", "Param": "x", "Mr": "order-7"}]
        body = {**wire.credentials, "SB": "主旨", "RecipientDataList": rows}
        batch = batch_of(wire.json("SendParam.ashx", body)["Msg"])
        assert box.wait_pushed()
        report, reply = receiver.queries
        names = [
            "BatchID",
            "RM",
            "RT",
            "STATUS",
            "SM",
            "ST",
            "MR",
            "SUBJECT",
            "NAME",
            "SOURCE",
            "CHARGE",
            "TYPE",
            "MSGID",
        ]
        assert list(report) == list(reply) == names  # 6.1.2
        assert receiver.paths == ["/Report.aspx"] * 2
        common = {"BatchID": batch, "RM": "+886900000908", "MR": "order-7", "SUBJECT": "主旨", "NAME": "王小明"}
        for query in (report, reply):
            assert {name: query[name] for name in common} == common
            assert (query["CHARGE"], query["TYPE"]) == ("1", "SMS")
            assert re.fullmatch(r"\d{14}", query["RT"])
            assert re.fullmatch(r"\d{14}", query["ST"])
        assert (report["STATUS"], report["SM"]) == ("100", "")
        assert (reply["STATUS"], reply["SM"]) == ("999", "好的，收到了。")

    def test_a_callback_url_keeps_its_own_query(self, wire: Any, box: Sandbox, receive: Callable[..., Any]) -> None:
        receiver = receive()
        box.callback_url = f"{receiver.url}?shop=7"
        wire("SendSMS.ashx", MSG="x", DEST="0900000903")
        assert box.wait_pushed()
        assert (receiver.queries[0]["shop"], receiver.queries[0]["STATUS"]) == ("7", "103")


def test_the_face_needs_no_sandbox_around_it() -> None:
    from sms_core_every8d.sandbox import face  # noqa: PLC0415 - this test alone looks at the factory

    assert face(Exchange()).retries == 10
