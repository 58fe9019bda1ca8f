"""Pages of delivery reports (4.2, 4.4) and replies (4.3) in EVERY8D's three forms: TAB, JSON, XML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from attrs import field, frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError

from sms_core import DeliveryReport, InboundMessage, MalformedResponse
from sms_core.callbacks import event_key
from sms_core.numbers import from_vendor
from sms_core.operations import GetInbound, GetReports, Operation, Page
from sms_core.taipei import parse_time
from sms_core.xml import parse_xml
from sms_core_every8d.codes import error_of, status_of

REPORTS_A_PAGE = 1000  # 4.2.1
REPLIES_A_PAGE = 10  # table 4-3-1; 4.3.1 says 1000, which is copied from 4.2.1

REPORT_COLUMNS = ("NAME", "MOBILE", "SEND_TIME", "COST", "STATUS", "RECEIVED_TIME")  # table 4-2-3
FEWEST_REPORT_COLUMNS = 5  # the edition of 2017 had no RECEIVED_TIME

_COUNT = re.compile(r"\d{1,9}", re.ASCII)

Row = Mapping[str, str]


@frozen
class _JsonPage:
    """Tables 4-2-3 and 4-3-3, with lower-case keys; DATA is absent where there is nothing."""

    sms_count: int
    data: list[dict[str, str]] = field(factory=list)


_converter = Converter(detailed_validation=False)
_converter.register_structure_hook(str, lambda value, _: "" if value is None else str(value).strip())


def parse_reports(answer: str | Mapping[str, Any], operation: GetReports) -> Page[DeliveryReport]:
    """One page of delivery reports, in whichever form it came. Raises `MalformedResponse`."""
    if isinstance(answer, str) and answer.startswith("<"):
        count, rows = _from_xml(answer, operation)
    elif isinstance(answer, str):
        count, rows = _from_tab(answer, _report_row, least_tabs=0)
    else:
        count, rows = _from_json(answer)
    reports = tuple(report_of(row, operation.batch_id) for row in rows)
    return Page(reports, _has_more(count, len(reports), operation.page, REPORTS_A_PAGE))


def parse_inbound(answer: str | Mapping[str, Any], operation: GetInbound) -> Page[InboundMessage]:
    """One page of replies, in whichever form it came. Raises `MalformedResponse`."""
    count, rows = _from_tab(answer, _reply_row, least_tabs=3) if isinstance(answer, str) else _from_json(answer)
    replies = tuple(reply_of(row, operation.batch_id) for row in rows)
    return Page(replies, _has_more(count, len(replies), operation.page, REPLIES_A_PAGE))


def report_of(row: Row, batch_id: str) -> DeliveryReport:
    """A row under the names of table 4-2-2 as a report. An unreadable time or cost stays in ``raw`` alone."""
    number, code, reference = from_vendor(row.get("MOBILE", "")), row.get("STATUS", ""), row.get("MR", "")
    if not number or not code:
        raise MalformedResponse("a report without MOBILE or STATUS")
    status, text = status_of(code)
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
        key=event_key("every8d", batch_id, number, reference, code, str(done_at)),
    )


def reply_of(row: Row, batch_id: str) -> InboundMessage:
    """A row under the names of table 4-3-2 as a reply."""
    number, text = from_vendor(row.get("MOBILE", "")), row.get("CONTENT", "")
    if not number:
        raise MalformedResponse("a reply without MOBILE")
    received_at = time_or_none(row.get("RECEIVED_TIME", ""))
    key = event_key("every8d", batch_id, number, "999", text, str(received_at))
    return InboundMessage(number, text, batch_id, received_at, raw=row, key=key)


def time_or_none(text: str) -> datetime | None:
    """A time of Taipei, or None where it cannot be read: a report is not lost for that."""
    try:
        return parse_time(text)
    except ValueError:
        return None


def points_or_none(text: str) -> Decimal | None:
    """Points, or None where they cannot be read."""
    try:
        points = Decimal(text)
    except InvalidOperation:
        return None
    return points if points.is_finite() else None


def _has_more(count: int, rows: int, page: int, size: int) -> bool:
    """SMS_COUNT counts the whole batch. An empty page ends it, whatever the count says."""
    return rows > 0 and (page - 1) * max(rows, size) + rows < count


def _from_json(answer: Mapping[str, Any]) -> tuple[int, list[Row]]:
    try:
        page = _converter.structure({"data": [], **answer}, _JsonPage)
    except (BaseValidationError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise MalformedResponse(f"not SMS_COUNT and DATA ({type(error).__name__})") from None
    return page.sms_count, [{name.upper(): value for name, value in row.items()} for row in page.data]


def _from_tab(text: str, row_of: Callable[[str], Row], least_tabs: int) -> tuple[int, list[Row]]:
    """A line with the count alone, then the records; NAME is often empty, so a record may begin with a TAB.

    A record is a line; the text of a reply may hold line breaks, so it goes on until it has all its columns.
    """
    first, _, rest = text.replace("\r", "").partition("\n")
    if not _COUNT.fullmatch(first.strip()):
        raise MalformedResponse("the first line is no count")
    records: list[str] = []
    for line in rest.split("\n"):
        if records and records[-1].count("\t") < least_tabs:
            records[-1] += f"\n{line}"
        elif line.strip():
            records.append(line)
    return int(first), [row_of(record) for record in records]


def _report_row(line: str) -> Row:
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) < FEWEST_REPORT_COLUMNS:
        raise MalformedResponse(f"a report of {len(columns)} columns")
    return dict(zip(REPORT_COLUMNS, columns, strict=False))


def _reply_row(record: str) -> Row:
    """NAME, MOBILE, CONTENT, time; the content may hold TABs, so the others are taken from both ends."""
    name, _, rest = record.partition("\t")
    mobile, _, rest = rest.partition("\t")
    content, separator, received = rest.rpartition("\t")
    if not separator:
        raise MalformedResponse("a reply of fewer than 4 columns")
    return {"NAME": name.strip(), "MOBILE": mobile.strip(), "CONTENT": content, "RECEIVED_TIME": received.strip()}


def _from_xml(text: str, operation: Operation[Any]) -> tuple[int, list[Row]]:
    """RESPFORMAT=2: the SMS_LOG document of the SOAP interface, as far as anyone knows (table 4-2-2)."""
    document = parse_xml(text, "SMS")
    log = document.get("SMS_LOG")
    if not isinstance(log, dict):
        raise MalformedResponse("no SMS_LOG")
    code = str(log.get("CODE") or "")
    if code != "0":
        raise error_of(operation, code, str(log.get("DESCRIPTION") or ""))
    status = log.get("GET_DELIVERY_STATUS")
    if not isinstance(status, dict) or not _COUNT.fullmatch(str(status.get("@COUNT") or "").strip()):
        raise MalformedResponse("no GET_DELIVERY_STATUS with a COUNT")
    rows = [sms for sms in status.get("SMS") or [] if isinstance(sms, dict)]
    return int(status["@COUNT"]), [_xml_row(sms) for sms in rows]


def _xml_row(sms: Mapping[str, Any]) -> Row:
    row = {name: str(value or "").strip() for name, value in sms.items()}
    return {**row, "SEND_TIME": row.get("SENT_TIME", row.get("SEND_TIME", ""))}
