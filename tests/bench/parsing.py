"""Row 6: what a row, a push and a preview cost, without a network."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

import sms_core
from sms_core import CallbackRequest
from sms_core.http import Response
from sms_core.provider import GetReports
from tests.bench.contestants import Job
from tests.bench.figures import Figure, Target, ratio
from tests.bench.rounds import side_by_side
from tests.bench.servers import BATCH

ROWS = 1000
CHINESE = "測" * 70


def _number(row: int) -> str:
    return f"+8869{row:08}"


def _time(row: int, between: str) -> str:
    """Each row has another time, so that nothing can be kept of the one before."""
    return f"2021{between}12{between}16 {16 + row // 3600}:{row // 60 % 60:02}:{row % 60:02}"


def _json_page() -> str:
    rows = [
        {
            "MR": "1",
            "NAME": "",
            "MOBILE": _number(row),
            "SEND_TIME": _time(row, "-"),
            "COST": "1.00",
            "STATUS": "100",
            "REAL_COST": "1.00",
            "RECEIVED_TIME": _time(row + 1, "-"),
        }
        for row in range(ROWS)
    ]
    return json.dumps({"SMS_COUNT": ROWS, "DATA": rows})


def _tab_page() -> str:
    rows = [f"\t{_number(row)}\t{_time(row, '/')}\t1.00\t100\t{_time(row + 1, '/')}\n" for row in range(ROWS)]
    return f"{ROWS}\r\n{''.join(rows)}"


def _xml_page() -> str:
    rows = [
        f"<SMS><NAME/><MOBILE>{_number(row)}       </MOBILE><SENT_TIME>{_time(row, '/')}</SENT_TIME><COST>1.00</COST>"
        "<STATUS>100</STATUS></SMS>"
        for row in range(ROWS)
    ]
    status = f'<GET_DELIVERY_STATUS COUNT="{ROWS}">{"".join(rows)}</GET_DELIVERY_STATUS>'
    return f"<SMS_LOG><CODE>0</CODE>{status}</SMS_LOG>"


def _soap_page() -> str:
    result = f"<getDeliveryStatusResult>{escape(_xml_page())}</getDeliveryStatusResult>"
    answer = f'<getDeliveryStatusResponse xmlns="http://tempuri.org/">{result}</getDeliveryStatusResponse>'
    return f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{answer}</s:Body></s:Envelope>'


def _reports(dsn: str, page: str) -> Job:
    sms = sms_core.connect(dsn)
    response = Response(200, body=page.encode())
    return lambda: sms._provider.parse(GetReports(BATCH), response)


def json_loads(port: int) -> Job:
    """The page read by json alone, which the others can be compared with on another machine."""
    del port
    page = _json_page()
    return lambda: json.loads(page)


def row_json(port: int) -> Job:
    """A page of rows in JSON."""
    del port
    return _reports("every8d://UID:PWD@?auth=password", _json_page())


def row_tab(port: int) -> Job:
    """The same between TABs."""
    del port
    return _reports("every8d://UID:PWD@?auth=password&report_format=tab", _tab_page())


def row_xml(port: int) -> Job:
    """The same in XML."""
    del port
    return _reports("every8d://UID:PWD@?auth=password&report_format=xml", _xml_page())


def row_soap(port: int) -> Job:
    """The same escaped within an envelope."""
    del port
    return _reports("every8d-soap://UID:PWD@", _soap_page())


def preview(port: int) -> Job:
    """A preview of as many recipients as a page has rows."""
    del port
    sms = sms_core.connect("every8d://UID:PWD@")
    message = sms_core.Message(CHINESE, [sms_core.Recipient(_number(row)) for row in range(ROWS)])
    return lambda: sms.preview(message)


FORM = {"content-type": "application/x-www-form-urlencoded"}
PUSHES = {
    "every8d": CallbackRequest(
        "GET",
        "/",
        f"BatchID={BATCH}&RM=%2B886900000001&RT=20251114120000&STATUS=100&SM=&MR=A17&SUBJECT=&NAME=&CHARGE=1.00",
    ),
    "mitake": CallbackRequest(
        "GET",
        "/",
        "msgid=8091234567&dstaddr=0900000001&dlvtime=20060810125612&donetime=20060810165612&statusstr=DELIVRD"
        "&statuscode=0&StatusFlag=4",
    ),
    "smsgo": CallbackRequest("GET", "/", "msgid=1512100111447143&statusstr=DELIVRD&statuscode=0&dstaddr=0900000001"),
    "sms-get": CallbackRequest(
        "POST",
        "/",
        headers=FORM,
        body=b"sms_id=1783822&content=0900000001%7C%240040B0FA7%7C2016-09-13+05%3A07%3A55%7CDELIVRD",
    ),
    "twilio": CallbackRequest(
        "POST",
        "/",
        headers={**FORM, "x-twilio-signature": "qHsv2cUrub2C57HH2F+56y4bKEI="},
        body=b"MessageSid=SM00000000000000000000000000000001&MessageStatus=delivered&To=%2B886900000001"
        b"&From=%2B886900000002&AccountSid=AC1&ApiVersion=2010-04-01",
    ),
}
OPTIONS = {"twilio": "?callback_url=https://example.com/sms"}
"""What a provider needs beside its credentials."""


def _push(provider: str) -> Job:
    sms = sms_core.connect(f"{provider}://UID:PWD@{OPTIONS.get(provider, '')}")
    request = PUSHES[provider]

    def parse() -> None:
        for _ in range(ROWS):
            sms.parse_callback(request)

    return parse


def push_every8d(port: int) -> Job:
    """As many pushes."""
    del port
    return _push("every8d")


def push_mitake(port: int) -> Job:
    """The same."""
    del port
    return _push("mitake")


def push_smsgo(port: int) -> Job:
    """The same."""
    del port
    return _push("smsgo")


def push_smsget(port: int) -> Job:
    """The same."""
    del port
    return _push("sms-get")


def push_twilio(port: int) -> Job:
    """The same, each with a signature to check."""
    del port
    return _push("twilio")


WORK = {
    json_loads: ("a row by json.loads alone", None),
    row_json: ("a delivery row, JSON", Target(6)),
    row_tab: ("a delivery row, TAB", Target(6)),
    row_xml: ("a delivery row, XML", Target(15)),
    row_soap: ("a delivery row, SOAP", None),
    push_every8d: ("a callback, every8d", Target(15)),
    push_mitake: ("a callback, mitake", Target(15)),
    push_smsgo: ("a callback, smsgo", Target(15)),
    push_smsget: ("a callback, sms-get", Target(15)),
    push_twilio: ("a callback, twilio (signed)", None),
    preview: ("a preview of 70 Chinese characters", Target(10)),
}


def parsing(*, quick: bool) -> list[Figure]:
    """Microseconds, the least of all rounds."""
    names = {factory.__name__: described for factory, described in WORK.items()}
    samples = side_by_side([*names], count=2, rounds=9 if quick else 61, module="tests.bench.parsing")
    figures = []
    for name, (described, target) in names.items():
        value = min(samples[name].seconds) / 2 / ROWS * 1e6
        figures.append(Figure(6, described, value, "µs", target))
    base = samples["json_loads"].seconds
    figures.append(Figure(6, "a delivery row, JSON", ratio(samples["row_json"].seconds, base), "of json.loads"))
    return figures
