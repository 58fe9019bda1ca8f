"""From a SOAP answer to an operation's result, or to the error that it means.

Sends and questions answer in text; getConnection and the queries in an XML document, escaped within that text.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from sms_core import Balance, MalformedResponse, SendResult, VendorError
from sms_core.provider import (
    TAIPEI,
    Cancel,
    Check,
    GetBalance,
    GetInbound,
    GetReports,
    Login,
    Logout,
    Operation,
    Page,
    Response,
    Send,
    Session,
    parse_tree,
    points_or_none,
    soap_result,
    to_points,
)
from sms_core_every8d.codes import error_of
from sms_core_every8d.counts import TOKEN, cancellation, read_counts, read_refusal, sent
from sms_core_every8d.reports import SmsLog, has_more, read_log, reply_of, report_of, text_in
from sms_core_every8d.soap.requests import name_of

CLOSED = "1"  # 1.3

_COUNTS = 3  # SENDED, COST and UNSEND


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    text = soap_result(response, name_of(operation) or "")
    match operation:
        case Login():
            return _session(operation, text)
        case Logout():
            return _closed(operation, text)
        case Check():
            _credit(operation, text)
            return None
        case Send():
            return _sent(operation, text)
        case GetBalance():
            return Balance(_credit(operation, text))
        case GetReports():
            log = _log(operation, text)
            reports = [report_of(row, operation.batch_id, "soap") for row in log.rows]
            return Page(tuple(reports), has_more(log.count, len(log.rows), operation.page))
        case GetInbound():  # a page is of messages, of which each may have some replies or none
            log = _log(operation, text)
            replies = [reply_of(row, operation.batch_id) for row in log.replies]
            return Page(tuple(replies), has_more(log.count, len(log.rows), operation.page))
        case Cancel():
            _refuse(operation, text)
            return cancellation(text)
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _refuse(operation: Operation[Any], text: str) -> None:
    refusal = read_refusal(text)
    if refusal is not None:
        code, words = refusal
        raise error_of(operation, code, words)


def _session(operation: Login, text: str) -> Session:
    """1.1. A key is good for the day."""
    _refuse(operation, text)
    document = parse_tree(text)
    connection = document.find("GET_CONNECTION")
    if document.tag != "SMS" or connection is None:
        raise MalformedResponse("no GET_CONNECTION")
    code, key = text_in(connection, "CODE"), text_in(connection, "SESSION_KEY")
    if not code:
        raise MalformedResponse("no CODE")
    if code != "0":
        raise error_of(operation, code, text_in(connection, "DESCRIPTION"))
    if not TOKEN.fullmatch(key):
        raise MalformedResponse("no SESSION_KEY")
    return Session(key, _end_of_day(operation.now))


def _end_of_day(moment: datetime) -> datetime:
    """Midnight in Taipei: 有效期為單日，隔日即失效 (1.1)."""
    today = moment.astimezone(TAIPEI).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)


def _sent(operation: Send, text: str) -> SendResult:
    """CREDIT,SENDED,COST,UNSEND,BATCH_ID (1.2). A CREDIT below zero is a code, and nothing was sent (note 1)."""
    fields = text.split(",")
    credit = points_or_none(fields[0])
    if credit is not None and credit < 0:
        raise _refusal(operation, credit, fields[1:])
    result = sent(read_counts(fields), operation.destinations, text)
    return attrs.evolve(result, notes=_notes(operation))


def _refusal(operation: Send, credit: Decimal, rest: list[str]) -> VendorError:
    """What a CREDIT below zero says. The document shows no whole answer, so what follows may be words or counts.

    Counts are zero, empty or the code once more (``-301,-301,-301,-301,`` was seen in a stub). One above zero
    contradicts the code: `MalformedResponse`, for the vendor may have taken some.
    """
    counts = [points_or_none(field) for field in rest[:_COUNTS]]
    if any(count is not None and count > 0 for count in counts):
        raise MalformedResponse("a code below zero together with SENDED, COST or UNSEND")
    has_words = any(field.strip() and points_or_none(field) is None for field in rest)
    words = ",".join(rest).strip() if has_words else ""
    return error_of(operation, f"{credit.normalize():f}", words)


def _notes(operation: Send) -> tuple[str, ...]:
    name = name_of(operation)
    if name != "sendParamSMS" and any(destination.name for destination in operation.destinations):
        return (f"the recipients' names stayed here: {name} has no place for them",)
    return ()


def _log(operation: GetReports | GetInbound, text: str) -> SmsLog:
    _refuse(operation, text)
    return read_log(text, operation)


def _credit(operation: Operation[Any], text: str) -> Decimal:
    """4.1."""
    _refuse(operation, text)
    return to_points(text)


def _closed(operation: Logout, text: str) -> None:
    """1.3: ``1``, or ``-1`` for a failure."""
    if text == CLOSED:
        return
    if text == "-1":
        raise VendorError(code="-1", vendor_text="關閉連線失敗")
    _refuse(operation, text)
    raise MalformedResponse("neither 1 nor -1")
