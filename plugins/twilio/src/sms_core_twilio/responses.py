"""From Twilio's answer to an operation's result, or to the error that it means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sms_core import (
    Balance,
    Cancellation,
    DeliveryReport,
    MalformedResponse,
    Outcome,
    RecipientOutcome,
    SendResult,
)
from sms_core.moments import is_tellable
from sms_core.provider import (
    Cancel,
    Check,
    Destination,
    FindSent,
    GetBalance,
    GetReports,
    Operation,
    Page,
    Response,
    Send,
    Sightings,
    decode,
    event_key,
    from_vendor,
    structure_json,
    to_points,
)
from sms_core_twilio.answers import Listed, Resource, message_of, read, sid_of
from sms_core_twilio.codes import dropped_error, status_of, text_of

CANCELLED = "canceled"
SCHEDULED = "scheduled"
_NOT_SENT = frozenset({"failed", CANCELLED})
"""Undelivered is none of them: that message was sent."""


def parse(operation: Operation[Any], response: Response) -> Any:
    """The result of the operation. Raises the `VendorError` that the answer is, or `MalformedResponse`."""
    answer = read(response)
    match operation:
        case Check():
            structure_json(answer, Listed)
            return None
        case Send():
            return _sent(operation, message_of(answer), decode(response.body))
        case GetBalance():
            return Balance(to_points(_plain(answer.get("balance"))))
        case GetReports():
            return Page((_report(message_of(answer), answer),))
        case Cancel():
            if message_of(answer).status != CANCELLED:
                raise MalformedResponse("cancelled, and its status is another")
            return Cancellation(1)
        case FindSent():
            return _sightings(operation, structure_json(answer, Listed).messages)
        case _:
            raise MalformedResponse("not what this operation is answered with")


def _sent(operation: Send, message: Resource, text: str) -> SendResult:
    """A message that has a sid was taken, unless its first state is already that it was not sent."""
    (destination,) = operation.destinations
    if not message.status:
        raise MalformedResponse("no status")
    error = None
    if message.status in _NOT_SENT:
        words = message.error_message or text_of(message.reason) or message.status
        error = dropped_error(message.reason, words)
    outcome = Outcome.REFUSED if error else Outcome.ACCEPTED
    row = RecipientOutcome(destination.number, outcome, message.sid, destination.reference, error)
    return SendResult(
        outcomes=(row,),
        accepted=0 if error else 1,
        unsent=1 if error else 0,
        cost=message.cost,
        batches=(message.sid,),
        raw=(text,),
        notes=_notes(destination, message),
    )


def _notes(destination: Destination, message: Resource) -> tuple[str, ...]:
    if destination.send_at is None or message.status == SCHEDULED:
        return ()
    return (f"send_at was asked for, and Twilio's state of {message.sid} is {message.status!r}, not {SCHEDULED!r}",)


def _report(message: Resource, answer: Mapping[str, Any]) -> DeliveryReport:
    status = status_of(message.status, message.reason)
    return DeliveryReport(
        number=from_vendor(message.to),
        status=status,
        batch_id=message.sid,
        sent_at=_time_or_none(message.date_sent),
        done_at=_time_or_none(message.date_updated) if status.is_final else None,
        cost=message.cost,
        vendor_code=message.reason or message.status,
        vendor_text=message.error_message or text_of(message.reason),
        raw={name: _plain(value) for name, value in answer.items() if not isinstance(value, dict | list)},
        key=report_key(message.sid, message.status, message.reason),
    )


def report_key(sid: str, state: str, reason: str) -> str:
    """The key of a report; the same for one that is pushed and one that is asked for."""
    return event_key("twilio", sid, state, reason)


def _sightings(operation: FindSent, messages: list[Resource]) -> Sightings:
    """The first message with this text to this number that was made since the send began.

    A fresh one may not be listed yet, and templates have another text: so absence proves nothing.
    """
    if operation.since is None or not operation.text:
        return Sightings({}, absence_is_proof=False)
    began = operation.since.replace(microsecond=0)  # Twilio's times are of whole seconds
    found: list[tuple[datetime, str]] = []
    for message in messages:
        made = _time_or_none(message.date_created)
        if made is not None and made >= began and _is_it(operation, message):
            found.append((made, sid_of(message)))
    if not found:
        return Sightings({}, absence_is_proof=False)
    _, sid = min(found)
    return Sightings({operation.numbers[0]: sid}, absence_is_proof=False)


def _is_it(operation: FindSent, message: Resource) -> bool:
    """Whether a listed message is this text to this number, and Twilio did not drop it."""
    if message.to != operation.numbers[0] or message.body != operation.text:
        return False
    return message.direction == "outbound-api" and message.status not in _NOT_SENT


def _plain(value: object) -> str:
    """A field as text, "" where it is null, missing or no plain value."""
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _time_or_none(text: str) -> datetime | None:
    """An RFC 2822 time, aware; None where there is none, or none that can be read: no event is lost for it."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if not is_tellable(moment):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
