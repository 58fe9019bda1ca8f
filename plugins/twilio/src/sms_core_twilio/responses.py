"""From Twilio's answer to an operation's result, or to the error that it means."""

from __future__ import annotations

import re
from typing import Any

from sms_core import Balance, MalformedResponse, Outcome, RecipientOutcome, SendResult
from sms_core.fields import to_points
from sms_core.http import Response, answer_text
from sms_core.operations import Check, GetBalance, Operation, Send

from sms_core_twilio.codes import SUCCESS, error_of

_LINE = re.compile(r"(\w+)=(.*)", re.ASCII)


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    text = answer_text(response)
    fields = _fields(text)
    code = fields.get("code", "")
    if not code:
        raise MalformedResponse("no code")
    if code != SUCCESS:
        raise error_of(code, fields.get("message", ""))
    match operation:
        case Send():
            return _sent(operation, fields, text)
        case GetBalance():
            return Balance(to_points(fields.get("balance", "")))
        case Check():
            to_points(fields.get("balance", ""))
            return None
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _fields(text: str) -> dict[str, str]:
    """The answer's fields. Whatever cannot be one raises `MalformedResponse`: after a send, nobody knows then."""
    lines = [_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    if not lines or None in lines:
        raise MalformedResponse("a line that is not name=value")
    return {line[1]: line[2] for line in lines if line}


def _sent(operation: Send, fields: dict[str, str], text: str) -> SendResult:
    """A success is one for all destinations of the request. Without an id it is none."""
    batch_id, cost, balance = (fields.get(name, "") for name in ("id", "points", "balance"))
    if not batch_id:
        raise MalformedResponse("no id")
    rows = (RecipientOutcome(one.number, Outcome.ACCEPTED, batch_id, one.reference) for one in operation.destinations)
    return SendResult(
        outcomes=tuple(rows),
        accepted=len(operation.destinations),
        cost=to_points(cost),
        balance=to_points(balance),
        batches=(batch_id,),
        raw=(text,),
    )
