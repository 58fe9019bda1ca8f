"""Pages of delivery reports (4.2, 4.4) and replies (4.3) in the API's three forms: TAB, JSON, XML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from sms_core import DeliveryReport, InboundMessage, MalformedResponse
from sms_core.provider import GetInbound, GetReports, Page, plain_text, structure_json
from sms_core_every8d.http.answers import Answer, Verdict
from sms_core_every8d.reports import Row, has_more, read_log, reply_of, report_of

REPLIES_A_PAGE = 10  # table 4-3-1; 4.3.1 says 1000, which is copied from 4.2.1

REPORT_COLUMNS = ("NAME", "MOBILE", "SEND_TIME", "COST", "STATUS", "RECEIVED_TIME")  # table 4-2-3
FEWEST_REPORT_COLUMNS = 5  # the edition of 2017 had no RECEIVED_TIME

_COUNT = re.compile(r"\d{1,9}", re.ASCII)


@frozen
class JsonPage:
    """Tables 4-2-3 and 4-3-3, with lower-case keys; DATA is absent where there is nothing."""

    sms_count: int
    data: list[Any] = field(factory=list)


def parse_reports(answer: Answer, operation: GetReports) -> Page[DeliveryReport]:
    """One page of delivery reports, in whichever form it came. Raises `MalformedResponse`."""
    if isinstance(answer, str) and answer.startswith("<"):
        log = read_log(answer, operation)  # as far as anyone knows (table 4-2-2)
        count, rows = log.count, log.rows
    elif isinstance(answer, str):
        count, rows = _from_tab(answer, _report_row, least_tabs=0)
    else:
        count, rows = _from_json(answer)
    reports = tuple([report_of(row, operation.batch_id, "http") for row in rows])
    return Page(reports, has_more(count, len(reports), operation.page))


def parse_inbound(answer: Answer, operation: GetInbound) -> Page[InboundMessage]:
    """One page of replies, in whichever form it came. Raises `MalformedResponse`."""
    if isinstance(answer, str):
        count, rows = _from_tab(answer, _reply_row, least_tabs=3)
    else:
        count, rows = _from_json(answer)
    replies = tuple([reply_of(row, operation.batch_id) for row in rows])
    return Page(replies, has_more(count, len(replies), operation.page, REPLIES_A_PAGE))


def _from_json(answer: Answer) -> tuple[int, list[Row]]:
    if isinstance(answer, Verdict):
        raise MalformedResponse("a verdict instead of a page")
    page = structure_json(answer, JsonPage)
    return page.sms_count, [_json_row(row) for row in page.data]


def _json_row(row: Any) -> Row:
    """A row by the names of table 4-2-2. Not by cattrs, which would take twice the time for thousands of rows in a page."""
    if not isinstance(row, dict):
        raise MalformedResponse("a row that is no JSON object")
    return {name.upper(): value.strip() if isinstance(value, str) else plain_text(value) for name, value in row.items()}


def _from_tab(text: str, row_of: Callable[[str], Row], least_tabs: int) -> tuple[int, list[Row]]:
    """A line with the count alone, then the records; NAME is often empty, so a record may begin with a TAB.

    A record is a line; the text of a reply may hold line breaks, so it goes on until it has all its columns.
    """
    first, _, rest = text.replace("\r", "").partition("\n")
    if not _COUNT.fullmatch(first.strip()):
        raise MalformedResponse("the first line is no count")
    records: list[str] = []
    lines: list[str] = []
    tabs = 0
    for line in rest.split("\n"):
        if not lines and not line.strip():
            continue
        lines.append(line)
        tabs += line.count("\t")
        if tabs >= least_tabs:
            records.append("\n".join(lines))
            lines, tabs = [], 0
    if lines:  # which has too few columns
        records.append("\n".join(lines))
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
