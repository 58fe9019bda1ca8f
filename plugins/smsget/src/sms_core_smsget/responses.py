"""From SMS-Get's answer (``stats``, ``error_code``, ``error_msg`` in JSON) to a result, or to the error it means."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from sms_core import Balance, MalformedResponse, Outcome, RecipientOutcome, SendResult, VendorError
from sms_core.http import Response
from sms_core.provider import Check, GetBalance, Operation, Send, answer_text, to_points
from sms_core_smsget.codes import SUCCESS, error_of
from sms_core_smsget.requests import whole_minute

# Chapter 1 says a string True or False; on the wire it is a JSON boolean.
_STATS = {"true": True, "1": True, "false": False, "0": False}
_CODE = re.compile(r"\d{1,3}", re.ASCII)
_BATCH_ID = re.compile(r"[!-{}~]{1,20}")  # visible ASCII; digits wherever one was seen
_SENT_FIELDS = 3
_CREDIT_FIELDS = 2


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    text = answer_text(response)
    message = _success(text)
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


def _success(text: str) -> str:
    """The ``error_msg`` of a success. Raises the error of a refusal.

    Only an answer whose two fields agree counts: after a send, whatever else there is may have been taken.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedResponse("not JSON") from error
    if not isinstance(answer, dict):
        raise MalformedResponse("not a JSON object")
    fields = {name.lower(): str(value).strip() for name, value in answer.items()}
    stats, code = _STATS.get(fields.get("stats", "").lower()), fields.get("error_code", "")
    if stats is None or not _CODE.fullmatch(code):
        raise MalformedResponse("no stats or no error_code")
    code = code.zfill(len(SUCCESS))
    if stats is not (code == SUCCESS):
        raise MalformedResponse("stats and error_code contradict each other")
    message = fields.get("error_msg", "")
    if not stats:
        raise error_of(code, message)
    return message


def _sent(operation: Send, message: str, text: str) -> SendResult:
    """``message id|points used|points left``: it tells of the whole request, not of each recipient."""
    fields = [field.strip() for field in message.split("|")]
    if len(fields) != _SENT_FIELDS or not _BATCH_ID.fullmatch(fields[0]):
        raise MalformedResponse("not id|used|remaining")
    batch_id, used, remaining = fields[0], to_points(fields[1]), to_points(fields[2])
    count, send_at = len(operation.destinations), operation.destinations[0].send_at
    outcome, error = Outcome.ACCEPTED, None
    if send_at is None and used < count:
        # A text costs a point at least, so somebody was left out. A booking may be charged at its time.
        outcome = Outcome.UNKNOWN
        error = VendorError(f"{used} points were charged for {count} recipients, not said who was left out")
    rows = (RecipientOutcome(one.number, outcome, batch_id, one.reference, error) for one in operation.destinations)
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
    if send_at is None or (minute := whole_minute(send_at)) == send_at:
        return ()
    return (f"send_at {send_at.isoformat()} was rounded up to {minute.isoformat()}: SMS-Get books whole minutes",)


def _credit(message: str) -> Decimal:
    """``account|points left`` (chapter 5)."""
    fields = message.rsplit("|", 1)
    if len(fields) != _CREDIT_FIELDS:
        raise MalformedResponse("not account|remaining")
    return to_points(fields[1])
