"""From smsgo's answer to an operation's result, or to the error that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sms_core import (
    AuthenticationFailed,
    Balance,
    Cancellation,
    DeliveryReport,
    MalformedResponse,
    Outcome,
    RecipientOutcome,
    SendResult,
    VendorError,
)
from sms_core.provider import (
    Account,
    Cancel,
    Check,
    GetBalance,
    GetReports,
    Operation,
    Page,
    Response,
    Send,
    answer_text,
    event_key,
    from_vendor,
    points_or_none,
)
from sms_core_smsgo.answers import Row, read
from sms_core_smsgo.codes import STATES, error_of, status_of
from sms_core_smsgo.options import AccountOptions, SendOptions

_CODE = re.compile(r"0|-\d{1,4}", re.ASCII)
_MSGID = re.compile(r"[1-9]\d{3,19}", re.ASCII)
"""15 or 16 digits so far; ``-1`` stands for none."""
_BARE_NUMBER = re.compile(r"[1-9]\d{6,14}", re.ASCII)
_NO_STATE = frozenset({"", "OK"})


def parse(account: Account, operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    text = answer_text(response)
    match operation:
        case Send():
            return _sent(operation, _only(read(text, bare_lines=False)), text)
        case GetBalance():
            return Balance(_balance(text))
        case Check():
            _balance(text)
            return None
        case GetReports() if not text and account.typed_options(AccountOptions).rtype == "text":
            return Page[DeliveryReport](())  # lines of which there are none
        case GetReports():
            return _reports(operation, read(text))
        case Cancel():
            return _cancelled(operation, _only(read(text)))
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _only(rows: Sequence[Row]) -> Row:
    if len(rows) != 1:
        raise MalformedResponse(f"{len(rows)} results instead of one")
    return rows[0]


def _code(row: Row) -> str:
    """The statuscode. Raises `MalformedResponse` where there is none."""
    code = row.get("statuscode", "")
    if not _CODE.fullmatch(code):
        raise MalformedResponse("no statuscode")
    return code


def _sent(operation: Send, row: Row, text: str) -> SendResult:
    """Chapter 2, 1: one answer for all numbers. Code and id must agree, else it is not known what happened."""
    code, msgid = _code(row), row.get("msgid", "")
    has_id = _MSGID.fullmatch(msgid) is not None
    if has_id is not (code == "0"):
        raise MalformedResponse("statuscode and msgid contradict each other")
    if not has_id:
        raise error_of(code, row.get("statusstr", ""))
    outcomes = [
        RecipientOutcome(destination.number, Outcome.ACCEPTED, msgid, destination.reference)
        for destination in operation.destinations
    ]
    return SendResult(
        outcomes=tuple(outcomes),
        accepted=len(operation.destinations),
        cost=points_or_none(row.get("point", "")),
        batches=(msgid,),
        raw=(text,),
        notes=_notes(operation),
    )


def _notes(operation: Send) -> tuple[str, ...]:
    """Chapter 2, 2: ``?msgid=…`` is appended to the URL as it is."""
    options = operation.options(SendOptions)
    return tuple(
        f"{name} has a query of its own, and smsgo appends ?msgid=… to it: its last value arrives with that behind it"
        for name, url in (("report_url", options.report_url), ("reply_url", options.reply_url))
        if "?" in url
    )


def _balance(text: str) -> Decimal:
    """A bare number, or ``point`` of a row; a row without code and point was seen as a failure (-1)."""
    bare = points_or_none(text)
    if bare is not None and bare < 0:
        raise error_of(text, "")
    if bare is not None:
        return bare
    row = _only(read(text))
    if not row.get("statuscode") and not row.get("point"):
        raise VendorError("neither code nor points", code="-1", vendor_text=row.get("statusstr", ""))
    if row.get("statuscode") and _code(row) != "0":
        raise error_of(row["statuscode"], row.get("statusstr", ""))
    points = points_or_none(row.get("point", ""))
    if points is None:
        raise MalformedResponse("no points")
    return points


def _reports(operation: GetReports, rows: Sequence[Row]) -> Page[DeliveryReport]:
    """One report for each number. A row without a number, or about the credentials, refuses the question."""
    reports = []
    for row in rows:
        code = _code(row)
        number = row.get("dstaddr", "")
        state = row.get("statusstr", "")
        if not number and len(operation.numbers) == 1 and state.upper() in STATES:
            number = operation.numbers[0]
        if code != "0" and (not number or isinstance(error_of(code, state), AuthenticationFailed)):
            raise error_of(code, state)
        if row.get("msgid") not in {None, "", operation.batch_id}:
            continue
        if not number:
            raise MalformedResponse("a report without a number")
        reports.append(report_of(row, number, operation.batch_id))
    return Page(tuple(reports))


def report_of(row: Row, number: str, batch_id: str) -> DeliveryReport:
    """A row of a query or a push as a report. The vendor gives no times."""
    code, state = row.get("statuscode", ""), row.get("statusstr", "")
    status, words = status_of(code, state)
    is_refusal = code not in {"", "0"} and state not in STATES
    e164 = e164_of(number)
    return DeliveryReport(
        number=e164,
        status=status,
        batch_id=batch_id,
        vendor_code=code if is_refusal or state in _NO_STATE else state,
        vendor_text=words,
        raw=row,
        key=event_key("smsgo", batch_id, e164, code, state),
    )


def e164_of(number: str) -> str:
    """E.164 from ``09…``, ``+86…`` or, where the ``+`` got lost on the way, ``86…``."""
    found = from_vendor(number)
    return from_vendor(f"+{found}") if _BARE_NUMBER.fullmatch(found) else found


def _cancelled(operation: Cancel, row: Mapping[str, str]) -> Cancellation:
    """Nobody has documented this answer: its code decides. One booking is cancelled, of how many is not said."""
    code = _code(row)
    if code != "0":
        raise error_of(code, row.get("statusstr", ""))
    if row.get("msgid") not in {None, "", operation.batch_id}:
        raise MalformedResponse("the answer is about another msgid")
    return Cancellation(1)
