"""EVERY8D's SOAP face, spoken to by hand: envelopes from strings, answers through ElementTree, no code of ours.

Numbers are sections of "Web Services API Specifications-2.1" version 2.0.4.
"""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest
import urllib3

from sms_core.provider import TAIPEI
from sms_core.testing import Clock, Exchange
from sms_core_sandbox import Sandbox

SENT = re.compile(r"(\d+\.\d\d),(\d+),(\d+),(\d+),([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
BOTH = "+886900000001,0900000002"
PICTURE = b"\xff\xd8\xff\xfb" + bytes(100)
ATTACHMENT = base64.b64encode(PICTURE).decode()
BOOKED = "20990131153000"
SERVICE = "http://tempuri.org/"
ENVELOPES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
TYPES = {"1.1": "text/xml", "1.2": "application/soap+xml"}
NOBODYS = "220478cc-8506-49b2-93b7-2505f651c12e"
MMS_CALLS = {"sendMMS", "getMMSDeliveryStatus", "eraseMMSBooking"}


class Fault(Exception):
    """A fault: its code without the prefix, its words, and the HTTP status."""

    def __init__(self, code: str, words: str, status: int) -> None:
        super().__init__(code, words, status)
        self.code, self.words, self.status = code, words, status


class Wire:
    """The service's wire in one of its two versions."""

    def __init__(self, box: Sandbox, version: str) -> None:
        self.base = f"{box.url}/every8d-soap/API21/SOAP/"
        self.version = version
        self.pool = urllib3.PoolManager(retries=False, timeout=5.0)

    def post(self, service: str, body: str | bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        """A call of getCredit, as far as the headers of SOAP 1.1 tell, unless others are given."""
        action = {"SOAPAction": f'"{SERVICE}getCredit"'} if self.version == "1.1" else {}
        found = {"Content-Type": f"{TYPES[self.version]}; charset=utf-8", **action, **headers}
        encoded = body if isinstance(body, bytes) else body.encode()
        return self.pool.request("POST", f"{self.base}{service}.asmx", body=encoded, headers=found)

    def envelope(self, inner: str) -> str:
        ns = ENVELOPES[self.version]
        return f'<?xml version="1.0" encoding="utf-8"?><e:Envelope xmlns:e="{ns}"><e:Body>{inner}</e:Body></e:Envelope>'

    def call(self, operation: str, service: str = "", /, **arguments: str) -> str:
        """The result's text. Raises `Fault`."""
        fields = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in arguments.items())
        action = {"SOAPAction": f'"{SERVICE}{operation}"'} if self.version == "1.1" else {}
        service = service or ("MMS" if operation in MMS_CALLS else "SMS")
        inner = f'<{operation} xmlns="{SERVICE}">{fields}</{operation}>'
        return self.read(operation, self.post(service, self.envelope(inner), **action))

    def read(self, operation: str, answer: urllib3.BaseHTTPResponse) -> str:
        assert answer.headers["content-type"].startswith(TYPES[self.version])
        soap = f"{{{ENVELOPES[self.version]}}}"
        envelope = ET.fromstring(answer.data)
        assert envelope.tag == f"{soap}Envelope"
        ((found,),) = envelope
        if found.tag == f"{soap}Fault":
            names = ("faultcode", "faultstring")
            if self.version == "1.2":
                names = (f"{soap}Code/{soap}Value", f"{soap}Reason/{soap}Text")
            code, words = (found.findtext(name) or "" for name in names)
            assert code.startswith("soap:")
            raise Fault(code.removeprefix("soap:"), words, answer.status)
        assert answer.status == 200
        assert found.tag == f"{{{SERVICE}}}{operation}Response"
        (result,) = found
        assert result.tag == f"{{{SERVICE}}}{operation}Result"
        return result.text or ""

    def connect(self, user: str = "sandbox", password: str = "sandbox-password") -> ET.Element:
        """1.1: the document within the answer."""
        text = self.call("getConnection", userID=user, password=password)
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
        document = ET.fromstring(text.encode())
        assert document.tag == "SMS"
        (connection,) = document
        assert connection.tag == "GET_CONNECTION"
        return connection

    def login(self, user: str = "sandbox", password: str = "sandbox-password") -> str:
        connection = self.connect(user, password)
        assert connection.findtext("CODE") == "0"
        return connection.findtext("SESSION_KEY") or ""

    def send(self, **changes: str) -> str:
        """1.2, sendSMS; its result."""
        fields = {"subject": "主旨", "content": "內容", "mobile": BOTH, "sendTime": ""}
        return self.call("sendSMS", **{"sessionKey": self.login(), **fields, **changes})

    def log(self, batch: str, page: str = "", operation: str = "getDeliveryStatus") -> ET.Element:
        """3.2 and 5.2: the document within the answer."""
        text = self.call(operation, sessionKey=self.login(), batchID=batch, pageNo=page)
        return ET.fromstring(text.encode())


@pytest.fixture(scope="module")
def soap_box() -> Iterator[Sandbox]:
    with Sandbox(faces=["every8d-soap"], credit=1000, push_delay=0.0, push_interval=0.01) as box:
        yield box


@pytest.fixture
def box(soap_box: Sandbox) -> Sandbox:
    soap_box.reset()
    soap_box.callback_url = None
    return soap_box


@pytest.fixture(params=["1.1", "1.2"])
def wire(box: Sandbox, request: pytest.FixtureRequest) -> Iterator[Wire]:
    made = Wire(box, request.param)
    yield made
    made.pool.clear()


def batch_of(answer: str) -> str:
    found = SENT.fullmatch(answer)
    assert found, answer
    return found[5]


def accepted(box: Sandbox) -> list[tuple[str, str]]:
    return [(sent.number, sent.text) for sent in box.exchange.accepted]


class TestConnections:
    """1.1 and 1.3."""

    def test_get_connection(self, wire: Wire) -> None:
        connection = wire.connect()
        assert [element.tag for element in connection] == ["CODE", "SESSION_KEY", "DESCRIPTION"]
        assert re.fullmatch("[0-9a-f]{32}", connection.findtext("SESSION_KEY") or "")
        assert connection.findtext("DESCRIPTION") == "取得連線成功。"  # live; the document prints no full stop

    @pytest.mark.parametrize(
        ("user", "password", "code"), [("Nobody", "x", "-100"), ("sandbox", "x", "-101"), ("", "", "-100")]
    )
    def test_refused(self, wire: Wire, user: str, password: str, code: str) -> None:
        connection = wire.connect(user, password)
        assert (connection.findtext("CODE"), connection.findtext("SESSION_KEY")) == (code, "")
        assert connection.findtext("DESCRIPTION")

    def test_ten_wrong_passwords_block(self, wire: Wire) -> None:
        """「認證錯誤超過 10 次將封鎖此服務」."""
        codes = [wire.connect(password="guess").findtext("CODE") for _ in range(10)]
        assert codes == ["-101"] * 10
        assert wire.connect().findtext("CODE") == "-999"

    def test_an_account_has_one_key(self, wire: Wire, box: Sandbox) -> None:
        """「一個帳號只會有一個 SessionKey」."""
        box.exchange.add_account("other", "secret", 5)
        key = wire.login()
        assert wire.login() == key
        assert wire.login("other", "secret") != key

    def test_closing_ends_it_for_everybody(self, wire: Wire) -> None:
        key = wire.login()
        assert wire.call("getCredit", sessionKey=wire.login()) == "1000.00"
        assert wire.call("closeConnection", sessionKey=key) == "1"
        assert wire.call("getCredit", sessionKey=key) == "-301"
        assert wire.call("closeConnection", sessionKey=key) == "-1"
        assert wire.login() != key

    @pytest.mark.parametrize("key", ["", "0" * 32])
    def test_no_call_goes_without_a_key(self, wire: Wire, box: Sandbox, key: str) -> None:
        batch = {"sessionKey": key, "batchID": NOBODYS}
        text = {"sessionKey": key, "subject": "s", "content": "x", "mobile": BOTH, "sendTime": ""}
        mms = {**text, "retryTime": "", "attachment": ATTACHMENT, "type": "jpg"}
        answers = {
            wire.call("getCredit", sessionKey=key),
            wire.call("sendSMS", **text),
            wire.call("sendMessage", **text, retryTime="60"),
            wire.call("sendParamSMS", sessionKey=key, subject="", contentXML="<REPS/>", sendTime=""),
            wire.call("sendMMS", **mms),
            wire.call("getDeliveryStatus", **batch, pageNo=""),
            wire.call("getMMSDeliveryStatus", **batch, pageNo=""),
            wire.call("eraseBooking", **batch),
            wire.call("eraseMMSBooking", **batch),
        }
        assert answers == {"-301"}
        assert wire.call("closeConnection", sessionKey=key) == "-1"
        assert accepted(box) == []


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_key_ends_at_midnight_in_taipei(version: str) -> None:
    """1.1: 「SessionKey 有效期為單日，隔日即失效」."""
    clock = Clock(datetime(2026, 12, 31, 0, 30, tzinfo=TAIPEI))
    with Sandbox(faces=["every8d-soap"], clock=clock) as box:
        wire = Wire(box, version)
        key = wire.login()
        clock.advance(hours=23, minutes=29, seconds=59)
        assert wire.login() == key
        assert wire.call("getCredit", sessionKey=key) == "100000.00"
        clock.advance(1)
        assert wire.call("getCredit", sessionKey=key) == "-301"
        assert wire.login() != key
        wire.pool.clear()


class TestSends:
    """1.2, 2.1, 2.2, 2.3."""

    def test_send_sms(self, wire: Wire, box: Sandbox) -> None:
        answer = wire.send(content="1 < 2 & 3")
        assert answer.startswith("998.00,2,2,0,")
        assert accepted(box) == [("+886900000001", "1 < 2 & 3"), ("+886900000002", "1 < 2 & 3")]
        message = box.exchange.messages[0]
        assert (message.subject, message.batch_id, message.face) == ("主旨", batch_of(answer), "every8d-soap")

    def test_send_message(self, wire: Wire, box: Sandbox) -> None:
        fields = {"subject": "", "content": "x", "mobile": BOTH, "sendTime": BOOKED, "retryTime": "1440"}
        batch_of(wire.call("sendMessage", sessionKey=wire.login(), **fields))
        assert {message.send_at for message in box.exchange.messages} == {datetime(2099, 1, 31, 15, 30, tzinfo=TAIPEI)}

    def test_send_param_sms(self, wire: Wire, box: Sandbox) -> None:
        """The document's contentXML, its numbers replaced by nobody's."""
        content = (
            '<REPS><USER NAME="TEST" MOBILE="+886900000001" EMAIL="" SENDTIME="">'
            "<![CDATA[ok ok java hello<>@#$$%^&*()]]></USER>"
            '<USER NAME="Eric1" MOBILE="+886900000002" EMAIL="service@every8d.com.tw" SENDTIME="20991231235959">'
            "<![CDATA[這是什麼的測試內容喔<>@#$$%^&*()]]></USER></REPS>"
        )
        answer = wire.call("sendParamSMS", sessionKey=wire.login(), subject="主旨", contentXML=content, sendTime=BOOKED)
        assert answer.startswith("998.00,2,2,0,")
        assert accepted(box) == [
            ("+886900000001", "ok ok java hello<>@#$$%^&*()"),
            ("+886900000002", "這是什麼的測試內容喔<>@#$$%^&*()"),
        ]
        assert [(message.name, message.send_at.year) for message in box.exchange.messages] == [
            ("TEST", 2099),
            ("Eric1", 2099),
        ]
        assert [message.send_at.month for message in box.exchange.messages] == [1, 12]

    @pytest.mark.parametrize(
        ("content", "code"),
        [("", "-99"), ("<REPS>", "-99"), ("<REPS/>", "-27"), ("<REPS><USER MOBILE=''>x</USER></REPS>", "-27")],
    )
    def test_param_sms_refused(self, wire: Wire, box: Sandbox, content: str, code: str) -> None:
        answer = wire.call("sendParamSMS", sessionKey=wire.login(), subject="", contentXML=content, sendTime="")
        assert answer == code
        assert accepted(box) == []

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"content": ""}, "-24"),
            ({"mobile": ""}, "-27"),
            ({"sendTime": "tomorrow"}, "-28"),
            ({"mobile": "+886900000909"}, "-41"),
        ],
    )
    def test_a_refusal_stands_in_the_place_of_credit(
        self, wire: Wire, box: Sandbox, change: dict[str, str], code: str
    ) -> None:
        assert wire.send(**change) == code  # 1.2, note 1
        assert accepted(box) == []

    def test_the_points_run_out(self, wire: Wire, box: Sandbox) -> None:
        box.exchange.set_credit("sandbox", 1)
        answer = wire.send()
        assert answer.startswith("0.00,1,1,1,")
        assert [report.findtext("STATUS") for report in wire.log(batch_of(answer)).iter("SMS")] == ["100", "301"]

    def test_arguments_may_be_left_out(self, wire: Wire) -> None:
        """Each is minOccurs=0 in the WSDL."""
        batch_of(wire.call("sendSMS", sessionKey=wire.login(), content="x", mobile="0900000001"))


class TestMms:
    """5.1, 5.2 and 4.3."""

    FIELDS = {"subject": "主旨", "content": "內容", "mobile": BOTH, "sendTime": "", "retryTime": "", "type": "jpg"}

    def send(self, wire: Wire, **changes: str) -> str:
        fields = {**self.FIELDS, "attachment": quote_plus(ATTACHMENT), **changes}
        return wire.call("sendMMS", sessionKey=wire.login(), **fields)

    @pytest.mark.parametrize("attachment", [quote_plus(ATTACHMENT), ATTACHMENT], ids=["urlEncode", "base64 alone"])
    def test_send(self, wire: Wire, box: Sandbox, attachment: str) -> None:
        assert self.send(wire, attachment=attachment).startswith("994.00,2,6,0,")
        assert {(message.kind, message.media) for message in box.exchange.messages} == {("MMS", PICTURE)}

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"attachment": ""}, "-304"),
            ({"attachment": "?"}, "-304"),
            ({"type": ""}, "-305"),
            ({"type": "gif"}, "-305"),
            ({"subject": "主" * 16}, "-99"),
            ({"subject": "s" * 96}, "-99"),
        ],
    )
    def test_refused(self, wire: Wire, box: Sandbox, change: dict[str, str], code: str) -> None:
        assert self.send(wire, **change) == code
        assert accepted(box) == []

    def test_an_ascii_subject_has_95_characters_and_may_have_none(self, wire: Wire) -> None:
        for subject in ("s" * 95, ""):
            batch_of(self.send(wire, subject=subject))

    def test_reports(self, wire: Wire) -> None:
        batch = batch_of(self.send(wire))
        log = wire.log(batch, operation="getMMSDeliveryStatus")
        assert [report.findtext("STATUS") for report in log.iter("SMS")] == ["100", "100"]
        assert list(wire.log(batch).iter("SMS")) == []

    @pytest.mark.parametrize("service", ["MMS", "SMS"])
    def test_erase_at_either_service(self, wire: Wire, service: str) -> None:
        """4.3 stands in the chapter of SMS.asmx and does not say which is meant."""
        batch = batch_of(self.send(wire, sendTime=BOOKED))
        key = wire.login()
        assert wire.call("eraseBooking", sessionKey=key, batchID=batch) == "-3"
        assert wire.call("eraseMMSBooking", service, sessionKey=key, batchID=batch) == "2,6.00"
        assert wire.call("eraseMMSBooking", service, sessionKey=key, batchID=NOBODYS) == ""


class TestReports:
    """3.2."""

    def test_the_form_as_recorded(self, wire: Wire, box: Sandbox) -> None:
        log = wire.log(batch_of(wire.send()))
        assert [element.tag for element in log] == ["CODE", "DESCRIPTION", "GET_DELIVERY_STATUS"]
        assert log.tag == "SMS_LOG"
        assert (log.findtext("CODE"), log.findtext("DESCRIPTION")) == ("0", "發送狀態查詢成功。")
        status = log[2]
        assert status.get("COUNT") == "2"
        assert [element.tag for element in status] == ["SMS", "SMS"]
        assert [element.tag for element in status[0]] == ["NAME", "MOBILE", "SENT_TIME", "COST", "STATUS"]
        assert status[0].findtext("NAME") == ""
        assert status[0].findtext("MOBILE") == "+886900000001       "
        assert status[0].findtext("COST") == "1.00"
        assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", status[0].findtext("SENT_TIME") or "")

    def test_replies(self, wire: Wire, box: Sandbox) -> None:
        batch = batch_of(wire.send())
        box.exchange.reply("+886900000002", "回覆 <b> & ]]> 簡訊")
        box.exchange.reply("+886900000002", "二")
        first, second = wire.log(batch).iter("SMS")
        assert first.find("REPLY_SMS") is None
        assert [element.tag for element in second.findall("REPLY_SMS")[0]] == ["REPLY_TIME", "MESSAGE"]
        texts = [element.findtext("MESSAGE") or "" for element in second.findall("REPLY_SMS")]
        assert texts == ["\n回覆 <b> & ]]> 簡訊\n", "\n二\n"]
        assert all((element.findtext("REPLY_TIME") or "").endswith(" ") for element in second.findall("REPLY_SMS"))

    def test_nothing_to_report(self, wire: Wire) -> None:
        log = wire.log(NOBODYS)
        assert (log.findtext("CODE"), log[2].get("COUNT"), list(log[2])) == ("0", "0", [])

    def test_pages_of_a_thousand(self, wire: Wire, box: Sandbox) -> None:
        box.exchange.set_credit("sandbox", 5000)
        batch = batch_of(wire.send(mobile=",".join(f"+8869{n:05}001" for n in range(1001))))
        pages = [wire.log(batch, number)[2] for number in ("", "1", "2", "3")]
        assert [(page.get("COUNT"), len(page)) for page in pages] == [
            ("1001", 1000),
            ("1001", 1000),
            ("1001", 1),
            ("1001", 0),
        ]

    def test_a_page_that_is_no_number(self, wire: Wire) -> None:
        assert wire.call("getDeliveryStatus", sessionKey=wire.login(), batchID=NOBODYS, pageNo="x") == "-1"

    @pytest.mark.parametrize(
        ("ending", "code"), [("001", "100"), ("900", "0"), ("901", "101"), ("903", "103"), ("911", "-3"), ("912", "-4")]
    )
    def test_codes_by_number(self, wire: Wire, ending: str, code: str) -> None:
        batch = batch_of(wire.send(mobile=f"0900000{ending},0900000001"))
        assert next(wire.log(batch).iter("SMS")).findtext("STATUS") == code

    def test_a_batch_is_its_accounts_own(self, wire: Wire, box: Sandbox) -> None:
        box.exchange.add_account("other", "secret", 5)
        batch = batch_of(wire.send())
        other = wire.login("other", "secret")
        text = wire.call("getDeliveryStatus", sessionKey=other, batchID=batch, pageNo="")
        assert 'COUNT="0"' in text
        assert wire.call("eraseBooking", sessionKey=other, batchID=batch) == ""


class TestCreditAndBookings:
    """4.1 and 4.2."""

    def test_credit(self, wire: Wire) -> None:
        assert wire.call("getCredit", sessionKey=wire.login()) == "1000.00"

    def test_erase(self, wire: Wire, box: Sandbox) -> None:
        later = (box.clock.now() + timedelta(hours=1)).astimezone(TAIPEI).strftime("%Y%m%d%H%M%S")
        batch = {"sessionKey": wire.login(), "batchID": batch_of(wire.send(sendTime=later))}
        assert [report.findtext("STATUS") for report in wire.log(batch["batchID"]).iter("SMS")] == ["300", "300"]
        assert wire.call("eraseBooking", **batch) == "2,2.00"
        assert [report.findtext("STATUS") for report in wire.log(batch["batchID"]).iter("SMS")] == ["303", "303"]
        assert wire.call("eraseBooking", **batch) == "-4"
        assert wire.call("getCredit", sessionKey=batch["sessionKey"]) == "1000.00"

    def test_nothing_found_is_no_text_at_all(self, wire: Wire) -> None:
        assert wire.call("eraseBooking", sessionKey=wire.login(), batchID=NOBODYS) == ""


class TestEnvelopes:
    """SOAP itself, as ASMX does it."""

    def fault(self, wire: Wire, service: str, body: str | bytes, **headers: str) -> Fault:
        with pytest.raises(Fault) as caught:
            wire.read("", wire.post(service, body, **headers))
        assert caught.value.status == 500
        return caught.value

    def caller(self, wire: Wire) -> str:
        return "Client" if wire.version == "1.1" else "Sender"

    @pytest.mark.parametrize("body", [b"", b"<", b"\xff", b"hello"])
    def test_what_is_no_xml(self, wire: Wire, body: bytes) -> None:
        found = self.fault(wire, "SMS", body)
        assert (found.code, found.words) == (self.caller(wire), "Server was unable to read request.")

    @pytest.mark.parametrize("action", ["", '""', "getCredit", f'"{SERVICE}getcredit"'])
    def test_soap_1_1_needs_an_action(self, box: Sandbox, action: str) -> None:
        wire = Wire(box, "1.1")
        body = wire.envelope(f'<getCredit xmlns="{SERVICE}"/>')
        found = self.fault(wire, "SMS", body, SOAPAction=action)
        assert (found.code, "did not recognize the value" in found.words) == ("Client", True)
        headers = {"Content-Type": "text/xml"}
        answer = wire.pool.request("POST", f"{wire.base}SMS.asmx", body=body, headers=headers)
        with pytest.raises(Fault, match="without a valid action parameter"):
            wire.read("getCredit", answer)

    def test_an_argument_outside_the_namespace_is_none(self, wire: Wire) -> None:
        """ASMX reads what is qualified, in this case alone; the rest is null."""
        fields = "<userID>sandbox</userID><password>sandbox-password</password>"
        body = wire.envelope(f'<m:getConnection xmlns:m="{SERVICE}">{fields}</m:getConnection>')
        action = {"SOAPAction": f'"{SERVICE}getConnection"'} if wire.version == "1.1" else {}
        assert "<CODE>-100</CODE>" in wire.read("getConnection", wire.post("SMS", body, **action))
        assert wire.connect().findtext("CODE") == "0"
        assert "<CODE>-100</CODE>" in wire.call("getConnection", UserID="sandbox", password="sandbox-password")

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_other_verbs(self, wire: Wire, method: str) -> None:
        answer = wire.pool.request(method, f"{wire.base}SMS.asmx")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")

    def test_a_browser_gets_a_page(self, wire: Wire) -> None:
        assert b"<li>getCredit</li>" in wire.pool.request("GET", f"{wire.base}sms.ASMX").data

    @pytest.mark.parametrize("inner", ["", "<getCredit/>", "<getCredit xmlns='urn:other'/>"])
    def test_no_call_of_this_service(self, wire: Wire, inner: str) -> None:
        assert self.fault(wire, "SMS", wire.envelope(inner)).code == self.caller(wire)

    def test_no_body(self, wire: Wire) -> None:
        empty = f'<e:Envelope xmlns:e="{ENVELOPES[wire.version]}"/>'
        assert self.fault(wire, "SMS", empty).code == self.caller(wire)

    @pytest.mark.parametrize(
        ("service", "operation"), [("SMS", "nonsense"), ("SMS", "sendMMS"), ("MMS", "sendSMS"), ("SMS", "sendsms")]
    )
    def test_an_operation_that_the_service_does_not_have(self, wire: Wire, service: str, operation: str) -> None:
        with pytest.raises(Fault, match="did not recognize the value of HTTP Header SOAPAction") as caught:
            wire.call(operation, service)
        assert (caught.value.code, caught.value.status) == (self.caller(wire), 500)

    def test_the_other_versions_envelope(self, wire: Wire) -> None:
        other = Wire.__new__(Wire)
        other.version = "1.2" if wire.version == "1.1" else "1.1"
        assert self.fault(wire, "SMS", other.envelope("")).code == "VersionMismatch"

    def test_an_action_that_is_not_the_bodys(self, wire: Wire) -> None:
        body = wire.envelope(f'<getCredit xmlns="{SERVICE}"/>')
        action = f'"{SERVICE}sendSMS"'
        headers = {"SOAPAction": action}
        if wire.version == "1.2":
            headers = {"Content-Type": f"application/soap+xml; charset=utf-8; action={action}"}
        found = self.fault(wire, "SMS", body, **headers)
        assert "SOAPAction" in found.words

    def test_without_an_action_the_body_tells_the_operation(self, box: Sandbox) -> None:
        """The vendor's own sample for 1.2 sends none."""
        wire = Wire(box, "1.2")
        body = wire.envelope(f'<m:getCredit xmlns:m="{SERVICE}"><m:sessionKey>x</m:sessionKey></m:getCredit>')
        assert wire.read("getCredit", wire.post("SMS", body)) == "-301"

    def test_a_media_type_that_is_no_soap(self, wire: Wire) -> None:
        assert wire.post("SMS", "{}", **{"Content-Type": "application/json"}).status == 415

    def test_nothing_else_is_there(self, wire: Wire) -> None:
        for service in ("Nonsense", "SMS.asmx/x"):
            assert wire.post(service, wire.envelope("")).status == 404

    def test_behind_a_prefix_and_in_any_case(self, wire: Wire) -> None:
        wire.base = wire.base.replace("/API21/SOAP/", "/prepaid/api21/soap/")
        assert wire.call("getCredit", "sms", sessionKey=wire.login()) == "1000.00"


def test_3_1_a_report_and_a_reply_are_pushed_with_the_documents_keys(box: Sandbox, receive: Callable[..., Any]) -> None:
    receiver = receive()
    box.callback_url = receiver.url
    wire = Wire(box, "1.1")
    batch = batch_of(wire.send(mobile="0900000908,0900000001"))
    assert box.wait_pushed()
    wire.pool.clear()
    names = ["BatchID", "RM", "RT", "STATUS", "SM", "MR", "USERID"]
    assert [list(query) for query in receiver.queries] == [names] * 3
    assert receiver.paths == ["/Report.aspx"] * 3
    assert {(query["BatchID"], query["USERID"]) for query in receiver.queries} == {(batch, "sandbox")}
    assert all(re.fullmatch(r"\d{14}", query["RT"]) for query in receiver.queries)
    found = [(query["RM"], query["MR"], query["STATUS"], query["SM"]) for query in receiver.queries]
    assert [push for push in found if push[0] == "+886900000908"] == [
        ("+886900000908", "1", "100", ""),
        ("+886900000908", "1", "999", "好的，收到了。"),
    ]
    assert ("+886900000001", "2", "100", "") in found


def test_3_1_a_push_is_tried_ten_times_more(box: Sandbox, receive: Callable[..., Any]) -> None:
    """「Retry 次數最多 10 次，錯誤超過 10 次後將不再傳送」."""
    box.callback_url = receive(lambda _: 500).url
    wire = Wire(box, "1.2")
    wire.send(mobile="0900000001")
    assert box.wait_pushed()
    wire.pool.clear()
    assert [attempt.attempt for attempt in box.pushes] == list(range(1, 12))
    assert not any(attempt.taken for attempt in box.pushes)


def test_the_face_needs_no_sandbox_around_it() -> None:
    from sms_core_every8d.sandbox.soap import soap_face  # noqa: PLC0415 - this test alone looks at the factory

    assert soap_face(Exchange()).retries == 10
