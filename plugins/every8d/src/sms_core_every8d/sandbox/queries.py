"""Chapters 1, 4 and 5: tokens, points, delivery status, replies and bookings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sms_core.model import DeliveryStatus
from sms_core.testing import NotBooked, Reply, StoredMessage
from sms_core_every8d.sandbox.calls import BAD_TOKEN, log_in, number_of, user_of
from sms_core_sandbox.calls import Call, Refusal
from sms_core_sandbox.values import write_time

REPORTS_PAGE = 1000
REPLIES_PAGE = 10
DASHES = "%Y-%m-%d %H:%M:%S"
SLASHES = "%Y/%m/%d %H:%M:%S"
"""The two forms of a time in answers."""
MOBILE_WIDTH = 20
"""MOBILE is padded with blanks in XML."""

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

UNFINISHED: dict[DeliveryStatus, str] = {
    DeliveryStatus.SCHEDULED: "300",
    DeliveryStatus.NO_CREDIT: "301",
    DeliveryStatus.CANCELLED: "303",
}
"""The delivery code (annex 1) of a message that no handset has had a say about yet."""
SENT = {"SMS": "0", "MMS": "700"}


# 1. Connections


def connection(call: Call) -> dict[str, Any]:
    """1.1, 1.2, 1.3: get, check and close a token."""
    if number_of(call, "handlertype", 0) != 3:  # noqa: PLR2004 - table 1-1-1
        raise Refusal("-99", "發生例外錯誤")
    match number_of(call, "verifytype", 0):
        case 1:
            return {"Result": True, "Msg": call.exchange.open_session(log_in(call))}
        case 2:
            if call.exchange.session_user(call.bearer_token) is None:
                raise Refusal(*BAD_TOKEN)
            return {"Result": True}
        case 3:
            if not call.exchange.close_session(call.bearer_token):
                raise Refusal(*BAD_TOKEN)
            return {"Result": True}
        case _:
            raise Refusal("-99", "發生例外錯誤")


# 4. Questions


def credit(call: Call) -> str:
    """4.1: the points left."""
    return f"{call.exchange.account(user_of(call)).credit:.2f}"


def reports(kind: str) -> Callable[[Call], str | dict[str, Any]]:
    """4.2 and 4.4: the delivery status of a batch, of SMS or of MMS."""

    def handler(call: Call) -> str | dict[str, Any]:
        user, batch_id = user_of(call), call.text("bid").strip()
        form = number_of(call, "respformat", 0)
        messages = [message for message in call.batch(user, batch_id) if message.kind == kind]
        shown = page_of(messages, number_of(call, "pno", 1), REPORTS_PAGE)
        if form == 1:
            return _json_page(len(messages), batch_id, [_json_report(message) for message in shown])
        if form == 2:  # noqa: PLR2004 - table 4-2-1
            return _xml_reports(len(messages), shown)
        return _tab_page(len(messages), [_tab_report(message) for message in shown])

    return handler


def replies(call: Call) -> str | dict[str, Any]:
    """4.3: what recipients of a batch wrote back."""
    user, batch_id = user_of(call), call.text("bid").strip()
    found = call.exchange.replies_to(user, batch_id) if call.batch(user, batch_id) else ()
    shown = page_of(found, number_of(call, "pno", 1), REPLIES_PAGE)
    if number_of(call, "respformat", 0) == 1:
        return _json_page(len(found), batch_id, [_json_reply(reply) for reply in shown])
    return _tab_page(len(found), [_tab_reply(reply) for reply in shown])


def page_of(rows: Sequence[Any], number: int, size: int) -> Sequence[Any]:
    """One page, counted from 1."""
    start = (max(number, 1) - 1) * size
    return rows[start : start + size]


def code_of(message: StoredMessage) -> str:
    """The delivery code (annex 1) of a message as it stands."""
    if message.status in UNFINISHED:
        return UNFINISHED[message.status]
    return CODES[message.behaviour.name] if message.status.is_final else SENT[message.kind]


def mr_of(message: StoredMessage) -> str:
    """The customer's own MR; else the number that the system gives each message of a batch (table 6-1-1)."""
    return message.reference or str(message.position)


def _tab_page(count: int, rows: Iterable[tuple[str, ...]]) -> str:
    """As recorded: the count's line ends CRLF, a row's LF; a count of 0 stands alone."""
    if not count:
        return "0"
    lines = "".join("\t".join(row) + "\n" for row in rows)
    return f"{count}\r\n{lines}"


def _json_page(count: int, batch_id: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    page: dict[str, Any] = {"SMS_COUNT": count, "BID": batch_id}
    if rows:
        page["DATA"] = rows
    return page


def _tab_report(message: StoredMessage) -> tuple[str, ...]:
    sent_at = write_time(message.sent_at or message.send_at, SLASHES)
    done_at = write_time(message.done_at, SLASHES)
    return message.name, message.number, sent_at, f"{message.cost:.2f}", code_of(message), done_at


def _tab_reply(reply: Reply) -> tuple[str, ...]:
    message = reply.message
    return message.name, message.number, reply.text, write_time(reply.received_at, SLASHES)


def _json_report(message: StoredMessage) -> dict[str, str]:
    return {
        "MR": mr_of(message),
        "NAME": message.name,
        "MOBILE": message.number,
        "SEND_TIME": write_time(message.sent_at or message.send_at, DASHES),
        "COST": f"{message.cost:.2f}",
        "STATUS": code_of(message),
        "REAL_COST": f"{message.cost:.2f}",
        # Table 4-4-6: the one time of an MMS that has slashes.
        "RECEIVED_TIME": write_time(message.done_at, DASHES if message.kind == "SMS" else SLASHES),
    }


def _json_reply(reply: Reply) -> dict[str, str]:
    return {
        "NAME": reply.message.name,
        "MOBILE": reply.message.number,
        "CONTENT": reply.text,
        "RECEIVED_TIME": write_time(reply.received_at, SLASHES),
    }


def _xml_reports(count: int, messages: Sequence[StoredMessage]) -> str:
    """The document shows no XML; its table 4-2-2 has the names of the SOAP API's, where MOBILE is padded."""
    rows = ""
    for message in messages:
        received = f"<RECEIVED_TIME>{write_time(message.done_at, SLASHES)}</RECEIVED_TIME>"
        rows += f"<SMS>{xml_report(message)}{received}</SMS>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><SMS_LOG><CODE>0</CODE><DESCRIPTION>查詢成功。</DESCRIPTION>'
        f"<GET_DELIVERY_STATUS COUNT={quoteattr(str(count))}>{rows}</GET_DELIVERY_STATUS></SMS_LOG>"
    )


def xml_report(message: StoredMessage) -> str:
    """The elements of a message that HTTP's XML and SOAP have in common. NAME is empty without a name."""
    return (
        f"<NAME>{escape(message.name)}</NAME><MOBILE>{message.number:<{MOBILE_WIDTH}}</MOBILE>"
        f"<SENT_TIME>{write_time(message.sent_at or message.send_at, SLASHES)}</SENT_TIME>"
        f"<COST>{message.cost:.2f}</COST><STATUS>{code_of(message)}</STATUS>"
    )


# 5. Bookings


def erase(kind: str) -> Callable[[Call], str]:
    """5.1 and 5.2: cancel a booking. Nothing at all is the answer for a batch that does not exist."""

    def handler(call: Call) -> str:
        user, batch_id = user_of(call), call.text("bid").strip()
        messages = call.batch(user, batch_id)
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
