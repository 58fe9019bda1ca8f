"""EVERY8D's side of its SOAP API 2.1: envelopes in and out, and behind them the same vendor as over HTTP.

Numbers in comments are sections of "Web Services API Specifications-2.1" version 2.0.4. What it leaves open is as ASMX
does it: SOAP 1.1 tells the operation by SOAPAction, which has to be there, 1.2 by the action of its media type or else
by the body's element; an argument outside the service's namespace is none; faults come with status 500.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import unquote
from xml.sax.saxutils import escape

import attrs
from attrs import field, frozen
from starlette.responses import Response

from sms_core.provider import TAIPEI
from sms_core.testing import Exchange, LoginRefused, Reply, StoredMessage
from sms_core_every8d.sandbox.calls import number_of, user_of
from sms_core_every8d.sandbox.pushes import PUSH_RETRIES, soap_push
from sms_core_every8d.sandbox.queries import REPORTS_PAGE, SLASHES, credit, erase, page_of, xml_report
from sms_core_every8d.sandbox.sends import send_mms, send_param, send_sms
from sms_core_every8d.sandbox.wsdl import NAMESPACE, help_page, wsdl
from sms_core_sandbox import Face
from sms_core_sandbox.calls import Call, Refusal, asgi_app, method_not_allowed, not_found
from sms_core_sandbox.values import write_time

ENVELOPES = {
    "text/xml": "http://schemas.xmlsoap.org/soap/envelope/",
    "application/soap+xml": "http://www.w3.org/2003/05/soap-envelope",
}
_ACTION = re.compile(r'action="?([^";]*)"?', re.IGNORECASE)
"""The action in the media type of SOAP 1.2."""
VENDOR = "every8d"
"""Both APIs are of one vendor, and an account has one balance for them."""
NO_KEY = "none"
"""Stands for a missing key, which is as good as a wrong one: over SOAP no call but getConnection has a password."""
LOGIN_REFUSALS = {
    "user": ("-100", "取得連線失敗，無此帳號。"),
    "password": ("-101", "取得連線失敗，密碼錯誤。"),
    "blocked": ("-999", "帳號已封鎖，請洽服務窗口。"),
}


def soap_face(exchange: Exchange) -> Face:
    """EVERY8D over SOAP, over this exchange: the entry point."""
    exchange = exchange.of(VENDOR)
    services = services_of(Connections())

    def answer(call: Call) -> Response:
        return _answer(services, call)

    return Face(
        asgi_app(exchange, "every8d-soap", answer),
        push=soap_push,
        retries=PUSH_RETRIES,
        vendor=VENDOR,
        operations=tuple(
            f"/API21/SOAP/{service} {NAMESPACE}{name}" for service, names in services.items() for name in names
        ),
    )


class Fault(Exception):
    """The service cannot read the call, or fails on it."""

    def __init__(self, words: str, code: str = "Client") -> None:
        super().__init__(words)
        self.words = words
        self.code = code


Handler = Callable[[Call], str]
"""Answers a call whose fields are the operation's arguments, by the document's names."""
Services = dict[str, dict[str, Handler]]


def _answer(services: Services, call: Call) -> Response:
    """Any prefix may stand in front of ``/API21/SOAP/``."""
    page = call.path.lower().rpartition("/api21/soap/")[2]
    service = services.get(page)
    if service is None:
        return not_found()
    if call.method == "GET":
        return _description(call, page.removesuffix(".asmx").upper())
    if call.method != "POST":
        return method_not_allowed("GET", "POST")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ENVELOPES:
        return Response(f"HTTP 415: {media_type} is no SOAP", 415)
    try:
        name, arguments = _read(call.body, ENVELOPES[media_type], _action(call, media_type))
        handler = service.get(name)
        if handler is None:
            raise Fault(f"Server did not recognize the value of HTTP Header SOAPAction: {NAMESPACE}{name}.")
        result = _result(handler, call.with_fields(arguments))
    except Fault as fault:
        return _envelope(media_type, _fault(media_type, fault), 500)
    inner = f'<{name}Response xmlns="{NAMESPACE}"><{name}Result>{escape(result)}</{name}Result></{name}Response>'
    return _envelope(media_type, inner, 200)


def _description(call: Call, service: str) -> Response:
    """What a GET gets: the WSDL, or the page for people."""
    if call.query.lower() == b"wsdl":
        return Response(wsdl(service, call.url), media_type="text/xml")
    return Response(help_page(service), media_type="text/html")


def _action(call: Call, media_type: str) -> str | None:
    """The operation's URI as the headers have it; None where it may be left out and is. Raises `Fault`."""
    if media_type == "text/xml":
        action = call.headers.get("soapaction")
        if action is None:
            raise Fault("Unable to handle request without a valid action parameter. Please supply a valid soap action.")
        return action.strip().strip('"')
    found = _ACTION.search(call.headers["content-type"])
    return found[1] if found else None


def _result(handler: Handler, call: Call) -> str:
    try:
        return handler(call)
    except Refusal as refusal:
        return refusal.code  # 1.2, note 1: in the place of CREDIT


def _read(body: bytes, namespace: str, action: str | None) -> tuple[str, list[tuple[str, str]]]:
    """The operation and its arguments. Raises `Fault`."""
    try:
        envelope = ET.fromstring(body)  # noqa: S314 - the sandbox listens to its own machine
    except (ET.ParseError, LookupError, ValueError) as error:  # an encoding that is unknown, or of several bytes
        raise Fault("Server was unable to read request.") from error
    if envelope.tag != f"{{{namespace}}}Envelope":
        raise Fault("Possible SOAP version mismatch", "VersionMismatch")
    operation = envelope.find(f"{{{namespace}}}Body/*")
    if operation is None or not operation.tag.startswith(f"{{{NAMESPACE}}}"):
        raise Fault("Server was unable to read request.")
    name = _local_name(operation)
    if action is not None and action != f"{NAMESPACE}{name}":
        raise Fault(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")
    arguments = [argument for argument in operation if argument.tag.startswith(f"{{{NAMESPACE}}}")]
    return name, [(_local_name(argument), argument.text or "") for argument in arguments]


def _local_name(element: ET.Element) -> str:
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


def _envelope(media_type: str, inner: str, status: int) -> Response:
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPES[media_type]}">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
    return Response(text, status, media_type=media_type)


def _fault(media_type: str, fault: Fault) -> str:
    words = escape(fault.words)
    if media_type == "text/xml":
        return f"<soap:Fault><faultcode>soap:{fault.code}</faultcode><faultstring>{words}</faultstring><detail/></soap:Fault>"
    code = {"Client": "Sender", "Server": "Receiver"}.get(fault.code, fault.code)
    return (
        f"<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{words}</soap:Text></soap:Reason><soap:Detail/></soap:Fault>'
    )


def as_http(call: Call, **names: str) -> Call:
    """The call that the HTTP API would have got: its names for the fields (``content="msg"``), the key as its token."""
    pairs = [(http_name, call.text(soap_name)) for soap_name, http_name in names.items()]
    key = call.text("sessionKey") or NO_KEY
    return attrs.evolve(call.with_fields(pairs), headers={"authorization": f"Bearer {key}"})


# 1. Connections


@frozen
class Connections:
    """An account has one key, which whoever logs in gets too; it ends with the day (1.1)."""

    keys: dict[str, str] = field(factory=dict, repr=False)

    def connect(self, call: Call) -> str:
        """1.1."""
        try:
            user = call.exchange.login(call.text("userID"), call.text("password")).user
        except LoginRefused as error:
            return _connection(*LOGIN_REFUSALS[error.reason])
        key = self.keys.get(user, "")
        if call.exchange.session_user(key) != user:
            today = call.exchange.clock.now().astimezone(TAIPEI).replace(hour=0, minute=0, second=0, microsecond=0)
            key = self.keys[user] = call.exchange.open_session(user, today + timedelta(days=1))
        return _connection("0", "取得連線成功。", key)


def _connection(code: str, words: str, key: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<SMS>\r\n  <GET_CONNECTION>\r\n'
        f"    <CODE>{code}</CODE>\r\n    <SESSION_KEY>{key}</SESSION_KEY>\r\n"
        f"    <DESCRIPTION>{words}</DESCRIPTION>\r\n  </GET_CONNECTION>\r\n</SMS>"
    )


def _close(call: Call) -> str:
    """1.3: it ends for everyone who uses the account."""
    return "1" if call.exchange.close_session(call.text("sessionKey")) else "-1"


# 2 and 5. Sends

_SEND_NAMES = {"subject": "sb", "content": "msg", "mobile": "dest", "sendTime": "st"}


def _send(call: Call) -> str:
    """2.1, 2.2."""
    return send_sms(as_http(call, **_SEND_NAMES))


def _send_personal(call: Call) -> str:
    """2.3: who has no SENDTIME gets the text at sendTime."""
    http = as_http(call, subject="sb")
    user_of(http)
    try:
        users = ET.fromstring(call.text("contentXML"))  # noqa: S314 - as above
    except (ET.ParseError, ValueError):  # half a surrogate pair
        raise Refusal("-99", "主機端發生不明錯誤") from None
    rows = [
        {
            "name": user.get("NAME", ""),
            "mobile": user.get("MOBILE", ""),
            "sendtime": user.get("SENDTIME") or call.text("sendTime"),
            "param": user.text or "",
        }
        for user in users.iterfind("USER")
    ]
    answer = send_param(http.with_fields([*http.fields.items(), ("recipientdatalist", rows)]))
    return str(answer["Msg"])


def _send_mms(call: Call) -> str:
    """5.1: the picture's base64 is percent-encoded once more; one that is not is understood too."""
    http = as_http(call, **_SEND_NAMES, type="type")
    picture = unquote(call.text("attachment"))
    return send_mms(http.with_fields([*http.fields.items(), ("attachment", picture)]))


# 3, 4 and 5. Questions and bookings


def _reports(kind: str) -> Handler:
    """3.2 and 5.2: the delivery status of a batch, of SMS with its replies or of MMS."""

    def handler(call: Call) -> str:
        http = as_http(call, batchID="bid", pageNo="pno")
        user, batch_id = user_of(http), http.text("bid").strip()
        messages = [message for message in call.batch(user, batch_id) if message.kind == kind]
        replies = call.exchange.replies_to(user, batch_id) if messages else ()
        shown = page_of(messages, number_of(http, "pno", 1), REPORTS_PAGE)
        return _sms_log(len(messages), "".join(_sms(message, replies) for message in shown))

    return handler


def _sms_log(count: int, rows: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><SMS_LOG><CODE>0</CODE><DESCRIPTION>發送狀態查詢成功。</DESCRIPTION>'
        f'<GET_DELIVERY_STATUS COUNT="{count}">{rows}</GET_DELIVERY_STATUS></SMS_LOG>'
    )


def _sms(message: StoredMessage, replies: Sequence[Reply]) -> str:
    own = [_reply(reply) for reply in replies if reply.message.position == message.position]
    return f"<SMS>{xml_report(message)}{''.join(own)}</SMS>"


def _reply(reply: Reply) -> str:
    """As in 3.2: a blank behind the time, line breaks around the CDATA."""
    text = reply.text.replace("]]>", "]]]]><![CDATA[>")
    time = write_time(reply.received_at, SLASHES)
    return f"<REPLY_SMS><REPLY_TIME>{time} </REPLY_TIME><MESSAGE>\r\n<![CDATA[{text}]]>\r\n</MESSAGE></REPLY_SMS>"


def _credit(call: Call) -> str:
    """4.1."""
    return credit(as_http(call))


def _erase(kind: str) -> Handler:
    """4.2, 4.3."""
    handler = erase(kind)
    return lambda call: handler(as_http(call, batchID="bid"))


def services_of(connections: Connections) -> Services:
    """What stands after ``/API21/SOAP/``, in lower case, and the operations of each service."""
    return {
        "sms.asmx": {
            "getConnection": connections.connect,
            "closeConnection": _close,
            "sendSMS": _send,
            "sendMessage": _send,
            "sendParamSMS": _send_personal,
            "getDeliveryStatus": _reports("SMS"),
            "getCredit": _credit,
            "eraseBooking": _erase("SMS"),
            "eraseMMSBooking": _erase("MMS"),  # 4.3 prints it here
        },
        "mms.asmx": {
            "sendMMS": _send_mms,
            "getMMSDeliveryStatus": _reports("MMS"),
            "eraseMMSBooking": _erase("MMS"),
        },
    }
