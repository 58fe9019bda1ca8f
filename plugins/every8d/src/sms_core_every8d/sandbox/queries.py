"""Chapters 1, 4 and 5: tokens, points, delivery status, replies and bookings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sms_core.model import DeliveryStatus
from sms_core.provider import TAIPEI
from sms_core.testing import Exchange, NoSuchBatch, NotBooked, Reply, StoredMessage
from sms_core_every8d.sandbox.calls import BAD_TOKEN, Call, Refusal

REPORTS_PAGE = 1000
REPLIES_PAGE = 10
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


# 4. Questions


def credit(call: Call) -> str:
    """4.1: the points left."""
    return f"{call.exchange.account(call.user()).credit:.2f}"


def reports(kind: str) -> Callable[[Call], str | dict[str, Any]]:
    """4.2 and 4.4: the delivery status of a batch, of SMS or of MMS."""

    def handler(call: Call) -> str | dict[str, Any]:
        user, batch_id, form = call.user(), call.text("bid").strip(), call.number("respformat", 0)
        messages = [one for one in batch_of(call.exchange, user, batch_id) if one.kind == kind]
        rows = page_of(messages, call.number("pno", 1), REPORTS_PAGE)
        if form == 1:
            return _json_page(len(messages), batch_id, [_json_report(one) for one in rows])
        if form == 2:  # noqa: PLR2004 - table 4-2-1
            return _xml_reports(len(messages), rows)
        return _tab_page(len(messages), [_tab_report(one) for one in rows])

    return handler


def replies(call: Call) -> str | dict[str, Any]:
    """4.3: what recipients of a batch wrote back."""
    user, batch_id = call.user(), call.text("bid").strip()
    found = call.exchange.replies_to(user, batch_id) if batch_of(call.exchange, user, batch_id) else ()
    rows = page_of(found, call.number("pno", 1), REPLIES_PAGE)
    if call.number("respformat", 0) == 1:
        return _json_page(len(found), batch_id, [_json_reply(one) for one in rows])
    lines = [(one.message.name, one.message.number, one.text, local_time(one.received_at, "/")) for one in rows]
    return _tab_page(len(found), lines)


def batch_of(exchange: Exchange, user: str, batch_id: str) -> tuple[StoredMessage, ...]:
    """The messages of a batch; none for one that this user does not have."""
    try:
        return exchange.batch(user, batch_id)
    except NoSuchBatch:
        return ()


def page_of(rows: Sequence[Any], number: int, size: int) -> Sequence[Any]:
    """One page, counted from 1."""
    start = (max(number, 1) - 1) * size
    return rows[start : start + size]


def _tab_page(count: int, rows: Iterable[tuple[str, ...]]) -> str:
    """As recorded: the count's line ends CRLF, a row's LF; a count of 0 stands alone."""
    return f"{count}\r\n" + "".join("\t".join(row) + "\n" for row in rows) if count else "0"


def _json_page(count: int, batch_id: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    page: dict[str, Any] = {"SMS_COUNT": count, "BID": batch_id}
    return {**page, "DATA": rows} if rows else page


def code_of(one: StoredMessage) -> str:
    """The delivery code (annex 1) of a message as it stands."""
    if one.status in STATES:
        return STATES[one.status]
    return CODES[one.behaviour.name] if one.status.is_final else SENT[one.kind]


def mr_of(one: StoredMessage) -> str:
    """The customer's own MR; else the number that the system gives each message of a batch (table 6-1-1)."""
    return one.reference or str(one.position)


def local_time(moment: datetime | None, separator: str) -> str:
    """A time of Taipei, its date with this separator; "" for none."""
    return moment.astimezone(TAIPEI).strftime(f"%Y{separator}%m{separator}%d %H:%M:%S") if moment else ""


def _tab_report(one: StoredMessage) -> tuple[str, ...]:
    times = local_time(one.sent_at or one.send_at, "/"), local_time(one.done_at, "/")
    return one.name, one.number, times[0], f"{one.cost:.2f}", code_of(one), times[1]


def _json_report(one: StoredMessage) -> dict[str, str]:
    return {
        "MR": mr_of(one),
        "NAME": one.name,
        "MOBILE": one.number,
        "SEND_TIME": local_time(one.sent_at or one.send_at, "-"),
        "COST": f"{one.cost:.2f}",
        "STATUS": code_of(one),
        "REAL_COST": f"{one.cost:.2f}",
        # Table 4-4-6: the one time of an MMS that has slashes.
        "RECEIVED_TIME": local_time(one.done_at, "-" if one.kind == "SMS" else "/"),
    }


def _json_reply(one: Reply) -> dict[str, str]:
    return {
        "NAME": one.message.name,
        "MOBILE": one.message.number,
        "CONTENT": one.text,
        "RECEIVED_TIME": local_time(one.received_at, "/"),
    }


_MOBILE_WIDTH = 20


def _xml_reports(count: int, rows: Sequence[StoredMessage]) -> str:
    """The document shows no XML; its table 4-2-2 has the names of the SOAP API's, where MOBILE is padded."""
    lines = "".join(
        f"<SMS><NAME>{escape(one.name)}</NAME><MOBILE>{one.number:<{_MOBILE_WIDTH}}</MOBILE>"
        f"<SENT_TIME>{local_time(one.sent_at or one.send_at, '/')}</SENT_TIME><COST>{one.cost:.2f}</COST>"
        f"<STATUS>{code_of(one)}</STATUS><RECEIVED_TIME>{local_time(one.done_at, '/')}</RECEIVED_TIME></SMS>"
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
        messages = batch_of(call.exchange, user, batch_id)
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
