"""EVERY8D's side of its SOAP API 2.1: envelopes in and out, and behind them the same vendor as over HTTP.

Numbers in comments are sections of "Web Services API Specifications-2.1" version 2.0.4. What it leaves open is as ASMX
does it: the operation is told by SOAPAction or else by the body's element, faults come with status 500.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import unquote
from xml.sax.saxutils import escape

import attrs
from attrs import field, frozen
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sms_core.provider import TAIPEI
from sms_core.testing import Exchange, LoginRefused, Reply, StoredMessage
from sms_core_every8d.sandbox.calls import Call, Refusal
from sms_core_every8d.sandbox.pushes import PUSH_RETRIES, soap_push
from sms_core_every8d.sandbox.queries import REPORTS_PAGE, batch_of, code_of, credit, erase, local_time, page_of
from sms_core_every8d.sandbox.sends import send_mms, send_param, send_sms
from sms_core_sandbox import Face

NAMESPACE = "http://tempuri.org/"
ENVELOPES = {
    "text/xml": "http://schemas.xmlsoap.org/soap/envelope/",
    "application/soap+xml": "http://www.w3.org/2003/05/soap-envelope",
}
NO_KEY = "none"
"""Stands for a missing key, which is as good as a wrong one: over SOAP no call but getConnection has a password."""
LOGIN_REFUSALS = {
    "user": ("-100", "取得連線失敗，無此帳號。"),
    "password": ("-101", "取得連線失敗，密碼錯誤。"),
    "blocked": ("-999", "帳號已封鎖，請洽服務窗口。"),
}


def soap_face(exchange: Exchange) -> Face:
    """EVERY8D over SOAP, over this exchange: the entry point."""
    keys: dict[str, str] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        response = _answer(exchange, keys, path, request.headers, await request.body())
        await response(scope, receive, send)

    return Face(app, push=soap_push, retries=PUSH_RETRIES)


class Fault(Exception):
    """The service cannot read the call, or fails on it."""

    def __init__(self, words: str, code: str = "Client") -> None:
        super().__init__(words)
        self.words = words
        self.code = code


@frozen
class _SoapCall:
    """One call: its arguments by the document's names, and the keys that getConnection gave, by user."""

    exchange: Exchange
    keys: dict[str, str] = field(repr=False)
    arguments: Mapping[str, str] = field(repr=False)

    def as_http(self, **names: str) -> Call:
        """The same call with HTTP's names for its fields: ``content="msg"``."""
        fields = {there: self.arguments.get(here, "") for here, there in names.items()}
        return Call(self.exchange, fields, self.arguments.get("sessionKey") or NO_KEY, face="every8d-soap")


def _answer(exchange: Exchange, keys: dict[str, str], path: str, headers: Headers, body: bytes) -> Response:
    """Any prefix may stand in front of ``/API21/SOAP/``."""
    service = path.lower().rpartition("/api21/soap/")[2]
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if service not in SERVICES:
        return Response("<html><body><h2>404</h2></body></html>", 404, media_type="text/html")
    if media_type not in ENVELOPES:
        return Response(f"HTTP 415: {media_type} is no SOAP", 415)
    try:
        name, arguments = _read(body, ENVELOPES[media_type], headers.get("soapaction"))
        handler = SERVICES[service].get(name)
        if handler is None:
            raise Fault(f"Server did not recognize the value of HTTP Header SOAPAction: {NAMESPACE}{name}.")
        result = _result(handler, _SoapCall(exchange, keys, arguments))
    except Fault as fault:
        return _envelope(media_type, _fault(media_type, fault), 500)
    inner = f'<{name}Response xmlns="{NAMESPACE}"><{name}Result>{escape(result)}</{name}Result></{name}Response>'
    return _envelope(media_type, inner, 200)


def _result(handler: Handler, call: _SoapCall) -> str:
    try:
        return handler(call)
    except Refusal as refusal:
        return refusal.code  # 1.2, note 1: in the place of CREDIT


def _read(body: bytes, namespace: str, action: str | None) -> tuple[str, dict[str, str]]:
    try:
        envelope = ET.fromstring(body)  # noqa: S314 - the sandbox listens to its own machine
    except ET.ParseError as error:
        raise Fault("Server was unable to read request.") from error
    if envelope.tag != f"{{{namespace}}}Envelope":
        raise Fault("Possible SOAP version mismatch", "VersionMismatch")
    call = envelope.find(f"{{{namespace}}}Body/*")
    if call is None or not call.tag.startswith(f"{{{NAMESPACE}}}"):
        raise Fault("Server was unable to read request.")
    name = call.tag.removeprefix(f"{{{NAMESPACE}}}")
    if action is not None and action.strip('"') != f"{NAMESPACE}{name}":
        raise Fault(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")
    return name, {one.tag.removeprefix(f"{{{NAMESPACE}}}"): one.text or "" for one in call}


def _envelope(media_type: str, inner: str, status: int) -> Response:
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{ENVELOPES[media_type]}">'
        f"<soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
    return Response(text, status, media_type=media_type)


def _fault(media_type: str, fault: Fault) -> str:
    words = escape(fault.words)
    if media_type == "text/xml":
        return f"<soap:Fault><faultcode>soap:{fault.code}</faultcode><faultstring>{words}</faultstring></soap:Fault>"
    code = {"Client": "Sender", "Server": "Receiver"}.get(fault.code, fault.code)
    return (
        f"<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{words}</soap:Text></soap:Reason></soap:Fault>'
    )


# 1. Connections


def _connect(call: _SoapCall) -> str:
    """1.1: an account has one key, which whoever logs in gets too; it ends with the day."""
    try:
        user = call.exchange.login(call.arguments.get("userID", ""), call.arguments.get("password", "")).user
    except LoginRefused as error:
        return _connection(*LOGIN_REFUSALS[error.reason])
    key = call.keys.get(user, "")
    if call.exchange.session_user(key) != user:
        today = call.exchange.clock.now().astimezone(TAIPEI).replace(hour=0, minute=0, second=0, microsecond=0)
        key = call.keys[user] = call.exchange.open_session(user, today + timedelta(days=1))
    return _connection("0", "取得連線成功。", key)


def _connection(code: str, words: str, key: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<SMS>\r\n  <GET_CONNECTION>\r\n'
        f"    <CODE>{code}</CODE>\r\n    <SESSION_KEY>{key}</SESSION_KEY>\r\n"
        f"    <DESCRIPTION>{words}</DESCRIPTION>\r\n  </GET_CONNECTION>\r\n</SMS>"
    )


def _close(call: _SoapCall) -> str:
    """1.3: it ends for everyone who uses the account."""
    return "1" if call.exchange.close_session(call.arguments.get("sessionKey", "")) else "-1"


# 2 and 5. Sends

_ONE_TEXT = {"subject": "sb", "content": "msg", "mobile": "dest", "sendTime": "st"}


def _send(call: _SoapCall) -> str:
    """2.1, 2.2."""
    return send_sms(call.as_http(**_ONE_TEXT))


def _send_personal(call: _SoapCall) -> str:
    """2.3: who has no SENDTIME gets the text at sendTime."""
    http = call.as_http(subject="sb")
    http.user()
    try:
        users = ET.fromstring(call.arguments.get("contentXML", ""))  # noqa: S314 - as above
    except ET.ParseError:
        raise Refusal("-99", "主機端發生不明錯誤") from None
    rows = [
        {
            "name": one.get("NAME", ""),
            "mobile": one.get("MOBILE", ""),
            "sendtime": one.get("SENDTIME") or call.arguments.get("sendTime", ""),
            "param": one.text or "",
        }
        for one in users.iterfind("USER")
    ]
    return str(send_param(attrs.evolve(http, fields={**http.fields, "recipientdatalist": rows}))["Msg"])


def _send_mms(call: _SoapCall) -> str:
    """5.1: the picture's base64 is percent-encoded once more; one that is not is understood too."""
    http = call.as_http(**_ONE_TEXT, attachment="attachment", type="type")
    picture = unquote(http.text("attachment"))
    return send_mms(attrs.evolve(http, fields={**http.fields, "attachment": picture}))


# 3, 4 and 5. Questions and bookings

_MOBILE_WIDTH = 20


def _reports(kind: str) -> Callable[[_SoapCall], str]:
    """3.2 and 5.2: the delivery status of a batch, of SMS with its replies or of MMS."""

    def handler(call: _SoapCall) -> str:
        http = call.as_http(batchID="bid", pageNo="pno")
        user, batch_id = http.user(), http.text("bid").strip()
        messages = [one for one in batch_of(call.exchange, user, batch_id) if one.kind == kind]
        replies = call.exchange.replies_to(user, batch_id) if messages else ()
        rows = page_of(messages, http.number("pno", 1), REPORTS_PAGE)
        return _sms_log(len(messages), "".join(_sms(one, replies) for one in rows))

    return handler


def _sms_log(count: int, rows: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><SMS_LOG><CODE>0</CODE><DESCRIPTION>發送狀態查詢成功。</DESCRIPTION>'
        f'<GET_DELIVERY_STATUS COUNT="{count}">{rows}</GET_DELIVERY_STATUS></SMS_LOG>'
    )


def _sms(one: StoredMessage, replies: Sequence[Reply]) -> str:
    """As recorded: NAME is empty without a name, MOBILE padded."""
    answers = (reply for reply in replies if reply.message.position == one.position)
    return (
        f"<SMS><NAME>{escape(one.name)}</NAME><MOBILE>{one.number:<{_MOBILE_WIDTH}}</MOBILE>"
        f"<SENT_TIME>{local_time(one.sent_at or one.send_at, '/')}</SENT_TIME><COST>{one.cost:.2f}</COST>"
        f"<STATUS>{code_of(one)}</STATUS>{''.join(map(_reply, answers))}</SMS>"
    )


def _reply(reply: Reply) -> str:
    """As in 3.2: a blank behind the time, line breaks around the CDATA."""
    text = reply.text.replace("]]>", "]]]]><![CDATA[>")
    time = local_time(reply.received_at, "/")
    return f"<REPLY_SMS><REPLY_TIME>{time} </REPLY_TIME><MESSAGE>\r\n<![CDATA[{text}]]>\r\n</MESSAGE></REPLY_SMS>"


def _credit(call: _SoapCall) -> str:
    """4.1."""
    return credit(call.as_http())


def _erase(kind: str) -> Callable[[_SoapCall], str]:
    """4.2, 4.3."""
    handler = erase(kind)
    return lambda call: handler(call.as_http(batchID="bid"))


Handler = Callable[[_SoapCall], str]

SERVICES: dict[str, dict[str, Handler]] = {
    "sms.asmx": {
        "getConnection": _connect,
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
"""What stands after ``/API21/SOAP/``, in lower case, and the operations of each service."""
