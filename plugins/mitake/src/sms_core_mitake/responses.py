"""From Mitake's answer to an operation's result, or to the error that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sms_core import (
    Balance,
    Cancellation,
    DeliveryReport,
    DeliveryStatus,
    MalformedResponse,
    Outcome,
    RecipientOutcome,
    SendResult,
    SmsError,
)
from sms_core.provider import (
    Cancel,
    Check,
    Destination,
    GetBalance,
    GetReports,
    Operation,
    Page,
    Response,
    Send,
    decode,
    event_key,
    outcome_after,
    points_or_none,
    raise_for_status,
    time_or_none,
    to_points,
)
from sms_core_mitake.answers import Answer, Fields, read
from sms_core_mitake.codes import CANCELLED, FLAGS, TAKEN, cancel_error, error_of, status_of
from sms_core_mitake.options import SendOptions
from sms_core_mitake.preparation import outside_big5
from sms_core_mitake.requests import client_ids

MSGID = re.compile(r"[#$]?[0-9A-Za-z]{1,20}", re.ASCII)
"""Ten characters so far, digits or hexadecimal ones, some behind a ``#`` or ``$``."""
_CODE = re.compile(r"[0-9A-Za-z*?]", re.ASCII)
_WHOLE_ROW = re.compile(r"\S+\t\S\t\d{14}\b|\S+=", re.ASCII)
_COLUMNS: tuple[str, ...] = ("msgid", "statuscode", "statustime", "smsPoint")


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    raise_for_status(response)
    text = decode(response.body).lstrip("\ufeff \r\n")  # its end is kept: see `Answer.ended`
    answer = read(text)
    match operation:
        case Send():
            return _sent(operation, answer, text)
        case GetBalance():
            return Balance(to_points(answer.first("accountpoint")))
        case Check():
            to_points(answer.first("accountpoint"))
            return None
        case GetReports():
            return _reports(operation, answer, text)
        case Cancel():
            return _cancelled(operation, answer)
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _sent(operation: Send, answer: Answer, text: str) -> SendResult:
    """A section for each SMS, named after its clientid."""
    told = _told(operation, answer)
    if not told:
        raise MalformedResponse("no section that is about what was sent")
    rows = [_outcome(destination, told.get(destination.reference)) for destination in operation.destinations]
    whole = answer.ended and len(told) == len(operation.destinations)
    repeated = sum(_is_repeated(fields) for fields in told.values())
    return SendResult(
        outcomes=tuple(rows),
        accepted=sum(row.outcome is Outcome.ACCEPTED for row in rows),
        cost=_cost(told.values()) if whole else None,
        balance=points_or_none(answer.first("accountpoint")) if answer.ended else None,
        batches=tuple(dict.fromkeys(row.batch_id for row in rows if row.batch_id)),
        raw=(text.rstrip(),),
        notes=_notes(operation, repeated),
    )


def _told(operation: Send, answer: Answer) -> dict[str, Fields]:
    """The sections of an answer by the reference of the destination that each is about."""
    told: dict[str, Fields] = {}
    for client_id, destination in client_ids(operation).items():
        if client_id in answer.sections:
            told[destination.reference] = answer.sections[client_id]
    if not told and len(operation.destinations) == 1 and "1" in answer.sections:  # called so without a clientid
        told[operation.destinations[0].reference] = answer.sections["1"]
    return told


def _is_repeated(fields: Fields) -> bool:
    """Whether the vendor had this SMS before, and now sent nothing."""
    return fields.get("duplicate", "").upper() == "Y"


def _outcome(destination: Destination, fields: Fields | None) -> RecipientOutcome:
    """What a section says of its SMS: only a code of success with a msgid, or another code without one, is a word."""
    if fields is None:
        return _row(destination, Outcome.UNKNOWN, error=MalformedResponse("no section about this SMS"))
    code, msgid = fields.get("statuscode", ""), fields.get("msgid", "")
    named = MSGID.fullmatch(msgid) is not None
    if named and code in TAKEN:
        return _row(destination, Outcome.ACCEPTED, msgid)
    if not _CODE.fullmatch(code):
        return _row(destination, Outcome.UNKNOWN, error=MalformedResponse("no statuscode"))
    if msgid or code in TAKEN:
        error = MalformedResponse("statuscode and msgid contradict each other")
        return _row(destination, Outcome.UNKNOWN, msgid if named else None, error)
    refusal = error_of(code, fields.get("error", ""))
    return _row(destination, outcome_after(refusal), error=refusal)


def _row(
    destination: Destination, outcome: Outcome, batch_id: str | None = None, error: SmsError | None = None
) -> RecipientOutcome:
    return RecipientOutcome(destination.number, outcome, batch_id, destination.reference, error)


def _cost(sections: Iterable[Fields]) -> Decimal | None:
    """The points of those that were taken just now; None unless the vendor says them of all."""
    cost = Decimal()
    for fields in sections:
        if "msgid" not in fields or _is_repeated(fields):
            continue
        points = points_or_none(fields.get("smspoint", ""))
        if points is None:
            return None
        cost += points
    return cost


def _notes(operation: Send, repeated: int) -> tuple[str, ...]:
    notes = []
    if repeated:
        count = f"{repeated} of {len(operation.destinations)}"
        reason = "had the reference, number and text of an earlier send"
        notes.append(f"{count} {reason}: Mitake sent nothing again, and gave the answer it had given then")
    if any(outside_big5(destination.text) for destination in operation.destinations):
        notes.append("a text has characters outside Big5: whether Mitake delivers them is not documented")
    if "?" in operation.options(SendOptions).report_url:
        notes.append("report_url has a query of its own: whether Mitake keeps it in its pushes is not documented")
    return tuple(notes)


def _reports(operation: GetReports, answer: Answer, text: str) -> Page[DeliveryReport]:
    """``msgid<TAB>statuscode<TAB>statustime<TAB>smsPoint`` for each SMS, in any order."""
    if not answer.ended and not _WHOLE_ROW.match(text.rpartition("\n")[2]):
        raise MalformedResponse("half a row")
    asked = {bare(batch_id): batch_id for batch_id in operation.batches}
    reports: list[DeliveryReport] = []
    refused: list[str] = []
    for line in text.split("\n"):
        if not line.strip() or line.lower().startswith("accountpoint="):
            continue
        row = _row_of(line)
        batch_id = asked.get(bare(row["msgid"]))
        if batch_id is None:
            continue
        code = row["statuscode"]
        if code not in FLAGS:
            refused.append(code)
            continue
        numbers = operation.batches[batch_id]
        number = numbers[0] if len(numbers) == 1 else ""
        reports.append(report_of(batch_id, number, code, row["statustime"], row))
    if refused and not reports:
        raise error_of(refused[0])
    if not reports:
        raise MalformedResponse("nothing about what was asked")
    return Page(tuple(reports))


def _row_of(line: str) -> Fields:
    columns = [column.strip() for column in line.split("\t")]
    columns += [""] * (len(_COLUMNS) - len(columns))
    row: dict[str, str] = dict(zip(_COLUMNS, columns, strict=False))
    if not MSGID.fullmatch(row["msgid"]) or not _CODE.fullmatch(row["statuscode"]):
        raise MalformedResponse("a line that is not msgid, statuscode and time")
    return row


def bare(msgid: str) -> str:
    """A msgid as it is compared: some clients strip the ``#`` before it."""
    return msgid.lstrip("#").upper()


def report_of(batch_id: str, number: str, flag: str, time: str, fields: Fields, state: str = "") -> DeliveryReport:
    """A row of a query or a push as a report; the same state by either way has the same key."""
    status, words = status_of(flag, state)
    sent_at = fields.get("dlvtime", "")
    if not sent_at and status is DeliveryStatus.SENT:
        sent_at = time
    return DeliveryReport(
        number=number,
        status=status,
        batch_id=batch_id,
        sent_at=time_or_none(sent_at),
        done_at=time_or_none(time) if status.is_final else None,
        cost=points_or_none(fields.get("smsPoint", "")),
        vendor_code=flag or state,
        vendor_text=words,
        raw=fields,
        key=event_key("mitake", bare(batch_id), flag or state),
    )


def _cancelled(operation: Cancel, answer: Answer) -> Cancellation:
    """``msgid=code`` for the one that was asked for. How many points come back is not said."""
    told = {bare(msgid): code for msgid, code in answer.fields.items()}
    code = told.get(bare(operation.batch_id), "")
    if not _CODE.fullmatch(code):
        raise MalformedResponse("nothing about this booking")
    if code != CANCELLED:
        raise cancel_error(code)
    return Cancellation(1)
