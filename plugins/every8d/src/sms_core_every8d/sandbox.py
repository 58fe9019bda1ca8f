"""EVERY8D's side of its HTTP API 2.1, for `sms_core_sandbox`: what the vendor answers, from the vendor's document.

It shares nothing with this package's provider, so that each proves something about the other. Numbers in comments
are sections and tables of "簡訊 API2.1 規格書" version 2.2. Where the document is silent, the live wire decides:
paths and field names in any case, GET as well as POST, JSON or form, errors with status 200.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape, quoteattr

from attrs import field, frozen
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sms_core.http import Request
from sms_core.model import DeliveryStatus
from sms_core.numbers import from_vendor, is_taiwan
from sms_core.taipei import TAIPEI, format_time, parse_time
from sms_core.testing import (
    Batch,
    Draft,
    Event,
    Exchange,
    LoginRefused,
    NoSuchBatch,
    NotBooked,
    Reply,
    StoredMessage,
    behaviour_named,
    behaviour_of,
)
from sms_core.text import utf16_length
from sms_core_sandbox import Face

NAME = "every8d"
PUSH_RETRIES = 10
"""How often a push is tried again (editions of 2016 to 2021; 6.1.3 says "up to a limit")."""
REPORTS_PAGE = 1000
REPLIES_PAGE = 10
STEPS = (70, 134, 201, 268, 333)
"""Characters that 1, 2, 3 … points pay; a longer text is split (2.1.1) and starts over."""
ABROAD = 3
EVENT_CHARACTERS = 17
"""What an EventID adds to the text (table 2-3-1)."""
KILOBYTE = 1024
MMS_STEPS = ((50 * KILOBYTE, Decimal(3)), (300 * KILOBYTE, Decimal(5)))
"""Picture and text together, in bytes, and the points (table 3-2-1)."""
MMS_FORMATS = ("jpg", "jpeg", "png", "gif")
SUBJECT_ASCII, SUBJECT_OTHER = 39, 15
PARAMS = 5

CODES: dict[str, str] = {
    "delivered": "100",
    "slow": "100",
    "replies": "100",
    "handset_off": "101",
    "network_failure": "102",
    "no_such_number": "103",
    "carrier_blacklist": "104",
    "carrier_content": "105",
    "vendor_content": "106",
    "account_error": "-2",
    "parameter_error": "-1",
    "opted_out": "-3",
    "too_late": "-4",
    "too_long": "-5",
    "malformed_number": "-8",
    "refused": "-8",
    "no_mms": "-10",
    "abroad_closed": "500",
}
"""A behaviour's delivery code (annex 1). ``refused`` is reported where other numbers of its request were taken."""

STATES: dict[DeliveryStatus, str] = {
    DeliveryStatus.SCHEDULED: "300",
    DeliveryStatus.NO_CREDIT: "301",
    DeliveryStatus.CANCELLED: "303",
}
"""The delivery code (annex 1) of a message that no handset has had a say about yet."""
SENT = {"SMS": "0", "MMS": "700"}
REPLIED = "999"


class Refusal(Exception):
    """The vendor says no: its code and text (tables 2-3-8, 2-4-8 …; live codes from clients in public)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code},{text}")
        self.code = code
        self.text = text


BAD_TOKEN = ("-301", "連線憑證無效或已過期。")
LOGIN_REFUSALS = {
    "user": ("-100", "無此帳號。"),
    "password": ("-101", "密碼錯誤。"),
    "blocked": ("-101", "密碼錯誤次數過多，帳號已鎖定。"),
}


@frozen
class Call:
    """One request taken apart: ``fields`` with lower-case names from query, form and JSON."""

    exchange: Exchange
    fields: Mapping[str, Any] = field(repr=False)
    token: str = field(default="", repr=False)

    def text(self, name: str) -> str:
        """A field's value as text; "" where it is missing or null."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def user(self) -> str:
        """Who asks, by token or by UID and PWD (2.2.3). Raises `Refusal`."""
        user = self.exchange.session_user(self.token) if self.token else None
        if user is not None:
            return user
        if self.token and not self.text("uid"):
            raise Refusal(*BAD_TOKEN)
        return self.login()

    def login(self) -> str:
        """Who asks, by UID and PWD alone. Raises `Refusal`."""
        if not self.text("uid") or not self.text("pwd"):
            raise Refusal("-300", " 帳號密碼不得為空值。")
        try:
            return self.exchange.login(self.text("uid"), self.text("pwd")).user
        except LoginRefused as error:
            raise Refusal(*LOGIN_REFUSALS[error.reason]) from error

    def number(self, name: str, default: int) -> int:
        """A field's value as a whole number; the default where it is empty. Raises `Refusal`."""
        text = self.text(name).strip()
        try:
            return int(text) if text else default
        except ValueError:
            raise Refusal("-1", "參數錯誤") from None


@frozen
class Destination:
    """One recipient as the customer wrote it; ``mobile`` is echoed so."""

    mobile: str = field(repr=False)
    text: str = field(repr=False)
    send_time: str = ""
    reference: str = ""
    name: str = field(default="", repr=False)


def face(exchange: Exchange) -> Face:
    """EVERY8D over this exchange: the entry point."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        response = _answer(exchange, path, request, await request.body())
        await response(scope, receive, send)

    return Face(app, push=push, retries=PUSH_RETRIES)


def _answer(exchange: Exchange, path: str, request: HttpRequest, body: bytes) -> Response:
    """Any prefix may stand in front of ``/API21/HTTP/``; on some hosts one does."""
    _, found, name = path.lower().rpartition("/api21/http/")
    endpoint = ENDPOINTS.get(name)
    if not found or endpoint is None:
        page = "<html><body><h2>404 - File or directory not found.</h2></body></html>"
        return Response(page, 404, media_type="text/html")
    handler, says_no = endpoint
    try:
        answer = handler(_call(exchange, request, body))
    except Refusal as refusal:
        answer = says_no(refusal)
    if isinstance(answer, dict):
        return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")
    return Response(answer, media_type="text/xml" if answer.startswith("<?xml") else "text/plain")


def _call(exchange: Exchange, request: HttpRequest, body: bytes) -> Call:
    fields: dict[str, Any] = {}
    try:
        fields.update(_pairs(request.url.query))
        if body.lstrip()[:1] == b"{":
            fields.update((name.lower(), value) for name, value in json.loads(body).items())
        else:
            fields.update(_pairs(body.decode("ascii")))
    except ValueError:
        raise Refusal("-99", "發生例外錯誤") from None
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return Call(exchange, fields, token.strip() if scheme.lower() == "bearer" else "")


def _pairs(encoded: str) -> Iterable[tuple[str, str]]:
    return ((name.lower(), value) for name, value in parse_qsl(encoded, keep_blank_values=True, errors="strict"))


def _no_as_text(refusal: Refusal) -> str:
    return f"{refusal.code},{refusal.text}"


def _no_as_json(refusal: Refusal) -> dict[str, Any]:
    return {"Result": False, "Status": refusal.code, "Msg": refusal.text}


# 1. Connections


def connection(call: Call) -> dict[str, Any]:
    """1.1, 1.2, 1.3: get, check and close a token."""
    if call.number("handlertype", 0) != 3:  # noqa: PLR2004 - table 1-1-1
        raise Refusal("-99", "發生例外錯誤")
    match call.number("verifytype", 0):
        case 1:
            return {"Result": True, "Msg": call.exchange.open_session(call.login())}
        case 2:
            if call.exchange.session_user(call.token) is None:
                raise Refusal(*BAD_TOKEN)
            return {"Result": True}
        case 3:
            if not call.exchange.close_session(call.token):
                raise Refusal(*BAD_TOKEN)
            return {"Result": True}
        case _:
            raise Refusal("-99", "發生例外錯誤")


# 2. SMS


def send_sms(call: Call) -> str:
    """2.2: one text to many numbers."""
    return _sent(_submit(call, call.user(), _destinations(call)))


def send_filtered(call: Call) -> str:
    """2.5: the same, without the numbers that got this text within 24 hours."""
    user, destinations = call.user(), _destinations(call)
    if call.text("issend").strip().lower() == "false":
        found = call.exchange.find_duplicates(user, call.text("msg"), [_e164(one.mobile) for one in destinations])
        held = [(one.mobile, found[_e164(one.mobile)]) for one in destinations if _e164(one.mobile) in found]
        # Tables 2-6-9 and 2-6-10: BATCHID is empty, and without duplicates nothing follows its comma.
        return f"0,0,0,,{_held(held)}" if held else "0,0,0,"
    batch = _submit(call, user, destinations, filtered=True)
    mobiles = {_e164(one.mobile): one.mobile for one in destinations}
    held = [(mobiles[draft.number], batch_id) for draft, batch_id in batch.duplicates]
    if not batch.messages:
        return f"-98,{'/'.join(mobile for mobile, _ in held)}"
    return f"{_sent(batch)},{_held(held)}" if held else _sent(batch)


def _held(duplicates: Sequence[tuple[str, str]]) -> str:
    return "/".join(mobile for mobile, _ in duplicates) + "," + "/".join(batch_id for _, batch_id in duplicates)


def _destinations(call: Call) -> list[Destination]:
    mobiles = [one.strip() for one in call.text("dest").split(",") if one.strip()]
    if not mobiles:
        raise Refusal("-27", "電話號碼不得為空")
    if not call.text("msg") and not call.text("attachment"):
        raise Refusal("-24", "The content is empty.")
    return [Destination(one, call.text("msg"), call.text("st")) for one in mobiles]


def send_param(call: Call) -> dict[str, Any]:
    """2.3, 2.4, 3.4, 3.5: own texts, or parameters for one; with ATTACHMENT it is an MMS, whichever the URL."""
    user = call.user()
    rows = call.fields.get("recipientdatalist")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refusal("-27", "電話號碼不得為空")
    destinations = [_personal(call.text("msg"), {name.lower(): row[name] for name in row}) for row in rows]
    references = [one.reference for one in destinations if one.reference]
    if len(set(references)) != len(references):
        raise Refusal("-99", "MR 於同批發送資料必須是唯一值")
    return {"Result": True, "Msg": _sent(_submit(call, user, destinations))}


_ROW = ("mobile", "param", "sendtime", "mr", "name")
_FIELD = re.compile(r"%field([1-5])%")


def _personal(template: str, row: Mapping[str, Any]) -> Destination:
    value = {name: "" if row.get(name) is None else str(row[name]) for name in _ROW}
    if not value["mobile"].strip():
        raise Refusal("-27", "電話號碼不得為空")
    text = value["param"]
    if template:
        # The document's own examples have three bars where its table 2-5-1 asks for all four.
        params = text.split("|")
        if len(params) > PARAMS:
            raise Refusal("-99", f"參數最多 {PARAMS} 組")
        params += [""] * (PARAMS - len(params))
        text = _FIELD.sub(lambda found: params[int(found[1]) - 1], template)
    return Destination(value["mobile"].strip(), text, value["sendtime"], value["mr"], value["name"])


# 3. MMS


def send_mms(call: Call) -> str:
    """3.3: one text and picture to many numbers."""
    user, destinations = call.user(), _destinations(call)
    if not call.text("sb"):
        raise Refusal("-303", "主旨不得為空")
    if not call.text("attachment"):
        raise Refusal("-304", "圖片不得為空")
    return _sent(_submit(call, user, destinations))


def _picture(call: Call) -> bytes | None:
    encoded = call.text("attachment")
    if not encoded:
        return None
    subject = call.text("sb")
    if len(subject) > (SUBJECT_ASCII if subject.isascii() else SUBJECT_OTHER):
        raise Refusal("-99", "主旨長度超過限制")
    if call.text("type").lower() not in MMS_FORMATS:
        raise Refusal("-305", "圖片附檔名不得為空")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Refusal("-304", "圖片不得為空") from None


# What all sends share


def _submit(call: Call, user: str, destinations: Sequence[Destination], *, filtered: bool = False) -> Batch:
    if all(behaviour_of(one.mobile).refused for one in destinations):
        raise Refusal("-41", "no mobile.")
    picture = _picture(call)
    international = call.exchange.account(user).international and picture is None
    extra = EVENT_CHARACTERS if call.text("eventid") else 0
    return call.exchange.submit(
        user,
        [_draft(one, picture, extra, international=international) for one in destinations],
        face=NAME,
        kind="SMS" if picture is None else "MMS",
        subject=call.text("sb"),
        media=picture,
        filtered=filtered,
    )


def _draft(one: Destination, picture: bytes | None, extra: int, *, international: bool) -> Draft:
    number = _e164(one.mobile)
    behaviour = None
    if not number.startswith("+"):
        behaviour = behaviour_named("malformed_number")
    elif not is_taiwan(number) and not international:
        behaviour = behaviour_named("abroad_closed" if picture is None else "malformed_number")
    cost = _points(utf16_length(one.text) + extra, abroad=number.startswith("+") and not is_taiwan(number))
    if picture is not None:
        cost = _mms_points(len(picture) + len(one.text.encode()))
    return Draft(number, one.text, cost, one.reference, one.name, _send_time(one.send_time), behaviour)


def _e164(mobile: str) -> str:
    """``09…``, ``+886…``, ``886…``; foreign numbers with ``+`` alone. What is no number comes back without one."""
    return from_vendor(mobile)


_SEND_TIME = re.compile(r"\d{12}(\d\d)?", re.ASCII)


def _send_time(text: str) -> datetime | None:
    """``yyyyMMddHHmmss`` of Taipei; the vendor's own words leave the seconds out (table 2-4-8)."""
    if not text.strip():
        return None
    try:
        if not _SEND_TIME.fullmatch(text.strip()):
            raise ValueError(text)
        return parse_time(text)
    except ValueError:
        raise Refusal("-28", "The sendTime format error: yyyyMMddHHmm") from None


def _points(characters: int, *, abroad: bool) -> Decimal:
    whole, rest = divmod(characters, STEPS[-1])
    points = whole * len(STEPS) + (1 + sum(rest > step for step in STEPS) if rest else 0)
    return Decimal(max(points, 1) * (ABROAD if abroad else 1))


def _mms_points(size: int) -> Decimal:
    for most, points in MMS_STEPS:
        if size <= most:
            return points
    raise Refusal("-314", "圖片大小超過限制")


def _sent(batch: Batch) -> str:
    """CREDIT,SENDED,COST,UNSEND,BATCHID (table 2-3-2)."""
    return f"{batch.credit:.2f},{batch.sent},{batch.cost:f},{batch.unsent},{batch.batch_id}"


# 4. Questions


def credit(call: Call) -> str:
    """4.1: the points left."""
    return f"{call.exchange.account(call.user()).credit:.2f}"


def reports(kind: str) -> Callable[[Call], str | dict[str, Any]]:
    """4.2 and 4.4: the delivery status of a batch, of SMS or of MMS."""

    def handler(call: Call) -> str | dict[str, Any]:
        user, batch_id, form = call.user(), call.text("bid").strip(), call.number("respformat", 0)
        messages = [one for one in _batch(call.exchange, user, batch_id) if one.kind == kind]
        rows = _page(messages, call.number("pno", 1), REPORTS_PAGE)
        if form == 1:
            return _json_page(len(messages), batch_id, [_json_report(one) for one in rows])
        if form == 2:  # noqa: PLR2004 - table 4-2-1
            return _xml_reports(len(messages), rows)
        return _tab_page(len(messages), [_tab_report(one) for one in rows])

    return handler


def replies(call: Call) -> str | dict[str, Any]:
    """4.3: what recipients of a batch wrote back."""
    user, batch_id = call.user(), call.text("bid").strip()
    found = call.exchange.replies_to(user, batch_id) if _batch(call.exchange, user, batch_id) else ()
    rows = _page(found, call.number("pno", 1), REPLIES_PAGE)
    if call.number("respformat", 0) == 1:
        return _json_page(len(found), batch_id, [_json_reply(one) for one in rows])
    lines = [(one.message.name, one.message.number, one.text, _time(one.received_at, "/")) for one in rows]
    return _tab_page(len(found), lines)


def _batch(exchange: Exchange, user: str, batch_id: str) -> tuple[StoredMessage, ...]:
    try:
        return exchange.batch(user, batch_id)
    except NoSuchBatch:
        return ()


def _page(rows: Sequence[Any], number: int, size: int) -> Sequence[Any]:
    start = (max(number, 1) - 1) * size
    return rows[start : start + size]


def _tab_page(count: int, rows: Iterable[tuple[str, ...]]) -> str:
    """As recorded: the count's line ends CRLF, a row's LF; a count of 0 stands alone."""
    return f"{count}\r\n" + "".join("\t".join(row) + "\n" for row in rows) if count else "0"


def _json_page(count: int, batch_id: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    page: dict[str, Any] = {"SMS_COUNT": count, "BID": batch_id}
    return {**page, "DATA": rows} if rows else page


def _code(one: StoredMessage) -> str:
    if one.status in STATES:
        return STATES[one.status]
    return CODES[one.behaviour.name] if one.status.is_final else SENT[one.kind]


def _mr(one: StoredMessage) -> str:
    """The customer's own MR; else the number that the system gives each message of a batch (table 6-1-1)."""
    return one.reference or str(one.position)


def _time(moment: datetime | None, separator: str) -> str:
    return moment.astimezone(TAIPEI).strftime(f"%Y{separator}%m{separator}%d %H:%M:%S") if moment else ""


def _tab_report(one: StoredMessage) -> tuple[str, ...]:
    times = _time(one.sent_at or one.send_at, "/"), _time(one.done_at, "/")
    return one.name, one.number, times[0], f"{one.cost:.2f}", _code(one), times[1]


def _json_report(one: StoredMessage) -> dict[str, str]:
    return {
        "MR": _mr(one),
        "NAME": one.name,
        "MOBILE": one.number,
        "SEND_TIME": _time(one.sent_at or one.send_at, "-"),
        "COST": f"{one.cost:.2f}",
        "STATUS": _code(one),
        "REAL_COST": f"{one.cost:.2f}",
        # Table 4-4-6: the one time of an MMS that has slashes.
        "RECEIVED_TIME": _time(one.done_at, "-" if one.kind == "SMS" else "/"),
    }


def _json_reply(one: Reply) -> dict[str, str]:
    return {
        "NAME": one.message.name,
        "MOBILE": one.message.number,
        "CONTENT": one.text,
        "RECEIVED_TIME": _time(one.received_at, "/"),
    }


_MOBILE_WIDTH = 20


def _xml_reports(count: int, rows: Sequence[StoredMessage]) -> str:
    """The document shows no XML; its table 4-2-2 has the names of the SOAP API's, where MOBILE is padded."""
    lines = "".join(
        f"<SMS><NAME>{escape(one.name)}</NAME><MOBILE>{one.number:<{_MOBILE_WIDTH}}</MOBILE>"
        f"<SENT_TIME>{_time(one.sent_at or one.send_at, '/')}</SENT_TIME><COST>{one.cost:.2f}</COST>"
        f"<STATUS>{_code(one)}</STATUS><RECEIVED_TIME>{_time(one.done_at, '/')}</RECEIVED_TIME></SMS>"
        for one in rows
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><SMS_LOG><CODE>0</CODE><DESCRIPTION>查詢成功。</DESCRIPTION>'
        f"<GET_DELIVERY_STATUS COUNT={quoteattr(str(count))}>{lines}</GET_DELIVERY_STATUS></SMS_LOG>"
    )


# 5. Bookings


def erase(kind: str) -> Callable[[Call], str]:
    """5.1 and 5.2: cancel a booking. Nothing at all is the answer for a batch that does not exist."""

    def handler(call: Call) -> str:
        user, batch_id = call.user(), call.text("bid").strip()
        messages = _batch(call.exchange, user, batch_id)
        if not messages:
            return ""
        if messages[0].kind != kind:
            raise Refusal("-3", "無法取得指定發送資料")
        try:
            cancelled = call.exchange.cancel(user, batch_id)
        except NotBooked:
            raise Refusal("-4", "資料為刪除狀態或已經送出") from None
        return f"{cancelled.count},{cancelled.refunded:.2f}"

    return handler


# 6. Pushes


def push(event: Event, callback_url: str) -> Request:
    """6.1.2 and table 6-1-1: a GET with all in the query. STATUS 999 is a reply, its text in SM."""
    message = event.message if isinstance(event, Reply) else event
    happened = event.received_at if isinstance(event, Reply) else event.done_at
    fields = {
        "BatchID": message.batch_id,
        "RM": message.number,
        "RT": format_time(happened) if happened else "",
        "STATUS": REPLIED if isinstance(event, Reply) else _code(message),
        "SM": event.text if isinstance(event, Reply) else "",
        "ST": format_time(message.sent_at or message.send_at),
        "MR": _mr(message),
        "SUBJECT": message.subject,
        "NAME": message.name,
        "SOURCE": "API",
        "CHARGE": f"{message.cost:f}",
        "TYPE": message.kind,
        "MSGID": "",
    }
    joint = "&" if "?" in callback_url else "?"
    return Request("GET", f"{callback_url}{joint}{urlencode(fields)}")


Handler = Callable[[Call], str | dict[str, Any]]
SaysNo = Callable[[Refusal], str | dict[str, Any]]

ENDPOINTS: dict[str, tuple[Handler, SaysNo]] = {
    "connectionhandler.ashx": (connection, _no_as_json),
    "sendsms.ashx": (send_sms, _no_as_text),
    "sendsms4filtermessage.ashx": (send_filtered, _no_as_text),
    "sendparam.ashx": (send_param, _no_as_json),
    "sendparamsms.ashx": (send_param, _no_as_json),  # the name in the edition of 2021
    "mms/sendmms.ashx": (send_mms, _no_as_text),
    "mms/sendparam.ashx": (send_param, _no_as_json),  # where one would look for it; 3.4.2 says SendParam.ashx
    "getcredit.ashx": (credit, _no_as_text),
    "getdeliverystatus.ashx": (reports("SMS"), _no_as_text),
    "getreplymessage.ashx": (replies, _no_as_text),
    "mms/getdeliverystatus.ashx": (reports("MMS"), _no_as_text),
    "erasebooking.ashx": (erase("SMS"), _no_as_text),
    "mms/erasebooking.ashx": (erase("MMS"), _no_as_text),
}
"""What stands after ``/API21/HTTP/``, in lower case; what answers; and in which form that says no."""
