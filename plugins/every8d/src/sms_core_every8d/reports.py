"""Delivery reports and replies as both APIs and the pushes tell of them, and the SMS_LOG document that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from attrs import frozen

from sms_core import DeliveryReport, InboundMessage, MalformedResponse
from sms_core.provider import (
    Operation,
    event_key,
    from_vendor,
    parse_tree,
    points_or_none,
    time_or_none,
    to_count,
)
from sms_core_every8d.codes import Api, error_of, status_of

REPORTS_A_PAGE = 1000  # HTTP 4.2.1, SOAP 3.2

Row = Mapping[str, str]


def report_of(row: Row, batch_id: str, api: Api) -> DeliveryReport:
    """A row under the names of HTTP's table 4-2-2 as a report. An unreadable time or cost stays in ``raw`` alone."""
    number = from_vendor(row.get("MOBILE", ""))
    code, reference = row.get("STATUS", ""), row.get("MR", "")
    if not number or not code:
        raise MalformedResponse("a report without MOBILE or STATUS")
    status, text = status_of(code, api)
    done_at = time_or_none(row.get("RECEIVED_TIME", ""))
    return DeliveryReport(
        number=number,
        status=status,
        batch_id=batch_id,
        reference=reference,
        sent_at=time_or_none(row.get("SEND_TIME", "")),
        done_at=done_at,
        cost=points_or_none(row.get("COST", "")),
        vendor_code=code,
        vendor_text=text,
        raw=row,
        key=event_key("every8d", batch_id, number, reference, code, _instant(done_at)),
    )


def reply_of(row: Row, batch_id: str) -> InboundMessage:
    """A row under the names of HTTP's table 4-3-2 as a reply."""
    number, text = from_vendor(row.get("MOBILE", "")), row.get("CONTENT", "")
    if not number:
        raise MalformedResponse("a reply without MOBILE")
    received_at = time_or_none(row.get("RECEIVED_TIME", ""))
    key = event_key("every8d", batch_id, number, "999", text, _instant(received_at))
    return InboundMessage(number, text, batch_id, received_at, raw=row, key=key)


def _instant(moment: datetime | None) -> str:
    """A time as a part of a key, which is the same in whichever form the vendor wrote it."""
    return "" if moment is None else str(moment.timestamp())


def has_more(count: int, rows: int, page: int, size: int = REPORTS_A_PAGE) -> bool:
    """Whether a page follows. ``count`` is of the whole batch. An empty page ends it, whatever the count says."""
    return rows > 0 and (page - 1) * max(rows, size) + rows < count


@frozen
class SmsLog:
    """An SMS_LOG document (SOAP 3.2): how many messages the batch has, and this page's rows of them.

    A row has the names of HTTP's table 4-2-2. ``replies`` are the REPLY_SMS of these rows, under those of 4-3-2.
    """

    count: int
    rows: list[Row]
    replies: list[Row]


def read_log(text: str, operation: Operation[Any]) -> SmsLog:
    """SOAP 3.2 and 5.2, and HTTP's RESPFORMAT=2. Raises the error of its CODE, or `MalformedResponse`."""
    log = parse_tree(text)
    if log.tag != "SMS_LOG":
        raise MalformedResponse("no SMS_LOG")
    code = text_in(log, "CODE")
    if not code:
        raise MalformedResponse("no CODE")
    if code != "0":
        raise error_of(operation, code, text_in(log, "DESCRIPTION"))
    status = log.find("GET_DELIVERY_STATUS")
    if status is None:
        raise MalformedResponse("no GET_DELIVERY_STATUS")
    rows: list[Row] = []
    replies: list[Row] = []
    for message in status.iterfind("SMS"):
        rows.append(_report(message))
        replies.extend(_reply(message, reply) for reply in message.iterfind("REPLY_SMS"))
    return SmsLog(to_count(status.get("COUNT", "")), rows, replies)


def _report(message: Element) -> Row:
    row = _texts(message)
    row.pop("REPLY_SMS", None)
    if "SENT_TIME" in row:
        row["SEND_TIME"] = row["SENT_TIME"]
    return row


def _reply(message: Element, reply: Element) -> Row:
    row = _texts(reply)
    return {
        **row,
        "NAME": text_in(message, "NAME"),
        "MOBILE": text_in(message, "MOBILE"),
        "CONTENT": row.get("MESSAGE", ""),
        "RECEIVED_TIME": row.get("REPLY_TIME", ""),
    }


def _texts(element: Element) -> dict[str, str]:
    return {child.tag: (child.text or "").strip() for child in element}


def text_in(element: Element, name: str) -> str:
    """What stands under a name, stripped: MOBILE comes padded, and MESSAGE with line breaks around its CDATA."""
    return element.findtext(name, "").strip()
