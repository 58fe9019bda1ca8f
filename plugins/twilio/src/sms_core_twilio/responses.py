"""From Twilio's answer (a resource in JSON, or a code with an HTTP status of its own) to a result, or to the error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from sms_core import (
    Balance,
    Cancellation,
    DeliveryReport,
    MalformedResponse,
    Outcome,
    RateLimited,
    RecipientOutcome,
    SendResult,
    VendorUnavailable,
)
from sms_core.callbacks import event_key
from sms_core.http import Response
from sms_core.numbers import from_vendor
from sms_core.provider import (
    Cancel,
    Check,
    FindSent,
    GetBalance,
    GetReports,
    Operation,
    Page,
    Send,
    Sightings,
    decode,
    points_or_none,
    raise_for_status,
    retry_after,
    to_points,
)
from sms_core_twilio.codes import dropped_error, error_of, status_of, text_of

CANCELLED = "canceled"
SCHEDULED = "scheduled"
_NOT_SENT = frozenset({"failed", CANCELLED})
"""Undelivered is none of them: that message was sent."""

_UNSURE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
"""Refusals that leave open what happened: a gateway says the same in JSON of its own."""

_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}", re.ASCII)


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    answer = _answer(response)
    match operation:
        case Send():
            return _sent(operation, answer, decode(response.body))
        case GetReports():
            return Page((_report(answer),))
        case Cancel():
            _sid(answer)
            if answer.get("status") != CANCELLED:
                raise MalformedResponse("cancelled, and its status is another")
            return Cancellation(1)
        case FindSent():
            return _sightings(operation, answer)
        case GetBalance():
            return Balance(to_points(_text(answer, "balance")))
        case Check():
            _messages(answer)
            return None
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _answer(response: Response) -> Mapping[str, Any]:
    """The JSON object of a success. Raises the error of a refusal: Twilio tells it by status and code, both.

    Only a refusal in Twilio's own words is its refusal. Anything else comes from something in between.
    """
    value = _json_or_none(response)
    is_ours = isinstance(value, dict) and (_is_number(value.get("code")) or value.get("status") == response.status)
    if response.status >= HTTPStatus.BAD_REQUEST and is_ours:
        _raise_refusal(value, response)
    raise_for_status(response)
    if not isinstance(value, dict):
        raise MalformedResponse("not a JSON object")
    return value


def _json_or_none(response: Response) -> Any:
    try:
        return json.loads(decode(response.body))
    except (ValueError, RecursionError):
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _raise_refusal(value: Mapping[str, Any], response: Response) -> None:
    """The error of ``code, message, status``; newer services have RFC 9457's ``detail`` and ``title`` for the words."""
    status = response.status
    code = str(value["code"]) if _is_number(value.get("code")) else ""
    words = _text(value, "message") or _text(value, "detail") or _text(value, "title")
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # never processed, says 20429
        raise RateLimited("too many requests", code=code, vendor_text=words, retry_after=retry_after(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _UNSURE:  # 20500: a POST that failed so may have sent
        raise VendorUnavailable(
            f"HTTP {status}", status=status, code=code, vendor_text=words, retry=True, maybe_taken=True
        )
    raise error_of(code, words, status)


def _text(value: Mapping[str, Any], name: str) -> str:
    """A field as text, "" where it is null or missing."""
    found = value.get(name)
    return "" if found is None else str(found)


def _sid(answer: Mapping[str, Any]) -> str:
    sid = answer.get("sid")
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        raise MalformedResponse("no sid of a message")
    return sid


def _sent(operation: Send, answer: Mapping[str, Any], text: str) -> SendResult:
    """A message that has a sid was taken, unless its first state is already that it was not sent."""
    (one,) = operation.destinations
    sid, state, reason = _sid(answer), _text(answer, "status"), _reason(answer)
    if not state:
        raise MalformedResponse("no status")
    error = None
    if state in _NOT_SENT:
        error = dropped_error(reason, _text(answer, "error_message") or text_of(reason) or state)
    outcome = Outcome.REFUSED if error else Outcome.ACCEPTED
    row = RecipientOutcome(one.number, outcome, sid, one.reference, error)
    notes: tuple[str, ...] = ()
    if one.send_at is not None and state != SCHEDULED:
        notes = (f"send_at was asked for, and Twilio's state of {sid} is {state!r}, not {SCHEDULED!r}",)
    return SendResult(
        outcomes=(row,),
        accepted=0 if error else 1,
        unsent=1 if error else 0,
        cost=_cost(answer),
        batches=(sid,),
        raw=(text,),
        notes=notes,
    )


def _cost(answer: Mapping[str, Any]) -> Decimal | None:
    """What it costs, above 0: the price is what the account loses, below 0, and null until it was sent."""
    price = points_or_none(_text(answer, "price"))
    return None if price is None else -price


def _reason(answer: Mapping[str, Any]) -> str:
    code = _text(answer, "error_code")
    return "" if code == "0" else code


def _report(answer: Mapping[str, Any]) -> DeliveryReport:
    sid, state, reason = _sid(answer), _text(answer, "status"), _reason(answer)
    status = status_of(state, reason)
    return DeliveryReport(
        number=from_vendor(_text(answer, "to")),
        status=status,
        batch_id=sid,
        sent_at=_time_or_none(_text(answer, "date_sent")),
        done_at=_time_or_none(_text(answer, "date_updated")) if status.is_final else None,
        cost=_cost(answer),
        vendor_code=reason or state,
        vendor_text=_text(answer, "error_message") or text_of(reason),
        raw={name: _text(answer, name) for name, value in answer.items() if not isinstance(value, dict | list)},
        key=report_key(sid, state, reason),
    )


def report_key(sid: str, state: str, reason: str) -> str:
    """The key of a report; the same for one that is pushed and one that is asked for."""
    return event_key("twilio", sid, state, reason)


def _messages(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = answer.get("messages")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise MalformedResponse("no list of messages")
    return found


def _sightings(operation: FindSent, answer: Mapping[str, Any]) -> Sightings:
    """The first message with this text to this number that was made since the send began.

    A fresh one may not be listed yet, and templates have another text: so absence proves nothing.
    """
    began = operation.since
    if began is None or not operation.text:
        return Sightings({}, absence_is_proof=False)
    began = began.replace(microsecond=0)  # Twilio's times are of whole seconds
    found = [
        (made, _sid(one))
        for one in _messages(answer)
        if _is_it(operation, one) and (made := _time_or_none(_text(one, "date_created"))) and made >= began
    ]
    return Sightings({operation.numbers[0]: min(found)[1]} if found else {}, absence_is_proof=False)


def _is_it(operation: FindSent, one: Mapping[str, Any]) -> bool:
    """Whether a listed message is this text to this number, and Twilio did not drop it."""
    right = _text(one, "to") == operation.numbers[0] and _text(one, "body") == operation.text
    return right and _text(one, "direction") == "outbound-api" and _text(one, "status") not in _NOT_SENT


def _time_or_none(text: str) -> datetime | None:
    """An RFC 2822 time, aware; None where there is none, or none that can be read: no event is lost for it."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
