"""From SMS-Get's answer to an operation's result, or to the error that it means."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from sms_core import Balance, MalformedResponse, Outcome, RecipientOutcome, SendResult, VendorError
from sms_core.provider import Check, GetBalance, Operation, Response, Send, answer_text, to_points
from sms_core_smsget.answers import read
from sms_core_smsget.requests import whole_minute

_BATCH_ID = re.compile(r"[!-{}~]{1,20}")  # visible ASCII; digits wherever one was seen
_SENT_FIELDS = 3
_CREDIT_FIELDS = 2


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    text = answer_text(response)
    message = read(text)
    match operation:
        case Send():
            return _sent(operation, message, text)
        case GetBalance():
            return Balance(_credit(message))
        case Check():
            _credit(message)
            return None
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _sent(operation: Send, message: str, text: str) -> SendResult:
    """``message id|points used|points left``: it tells of the whole request, not of each recipient."""
    fields = [field.strip() for field in message.split("|")]
    if len(fields) != _SENT_FIELDS or not _BATCH_ID.fullmatch(fields[0]):
        raise MalformedResponse("not id|used|remaining")
    batch_id, used, remaining = fields[0], to_points(fields[1]), to_points(fields[2])
    count = len(operation.destinations)
    outcome, error = Outcome.ACCEPTED, None
    if operation.destinations[0].send_at is None and used < count:
        # A text costs a point at least, so somebody was left out. A booking may be charged at its time.
        outcome = Outcome.UNKNOWN
        error = VendorError(f"{used} points were charged for {count} recipients, not said who was left out")
    rows = [
        RecipientOutcome(destination.number, outcome, batch_id, destination.reference, error)
        for destination in operation.destinations
    ]
    return SendResult(
        outcomes=tuple(rows),
        accepted=count if outcome is Outcome.ACCEPTED else 0,
        cost=used,
        balance=remaining,
        batches=(batch_id,),
        raw=(text,),
        notes=_notes(operation),
    )


def _notes(operation: Send) -> tuple[str, ...]:
    send_at = operation.destinations[0].send_at
    if send_at is None:
        return ()
    minute = whole_minute(send_at)
    if minute == send_at:
        return ()
    return (f"send_at {send_at.isoformat()} was rounded up to {minute.isoformat()}: SMS-Get books whole minutes",)


def _credit(message: str) -> Decimal:
    """``account|points left`` (chapter 5)."""
    fields = message.rsplit("|", 1)
    if len(fields) != _CREDIT_FIELDS:
        raise MalformedResponse("not account|remaining")
    return to_points(fields[1])
