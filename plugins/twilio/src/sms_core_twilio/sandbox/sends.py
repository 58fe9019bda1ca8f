"""Creating a message, and taking a scheduled one back."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from starlette.responses import JSONResponse, Response

from sms_core.testing import Draft, NoSuchBatch, NotBooked, behaviour_of
from sms_core.testing.records import current_allowance
from sms_core.text import count_segments
from sms_core_twilio.sandbox.calls import Call, Refusal
from sms_core_twilio.sandbox.resources import Kept, created, message

NAME = "twilio"
MOST_CHARACTERS = 1600
MOST_MEDIA = 10
SOONEST, LATEST = timedelta(minutes=15), timedelta(days=35)
LONGEST_VALIDITY = 36000
PRICE = Decimal("0.0075")
"""US dollars for a segment; made up, since Twilio has a price for each country and carrier."""

_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

# "Test credentials": what these numbers are answered with there, they are answered with here.
FROM = {
    "+15005550001": (21212, "The 'From' number is not a valid phone number"),
    "+15005550007": (21606, "The 'From' number is not a valid, SMS-capable number of your account"),
    "+15005550008": (21611, "The queue of this 'From' number is full"),
}
TO = {
    "+15005550001": (21211, "The 'To' number is not a valid phone number"),
    "+15005550002": (21612, "The 'To' number cannot be reached from this 'From' number"),
    "+15005550003": (21408, "Permission to send to this region is not enabled"),
    "+15005550004": (21610, "Attempt to send to an unsubscribed recipient"),
    "+15005550009": (21614, "The 'To' number is not a valid mobile number"),
}


def create(call: Call) -> Response:
    """POST Messages.json: 201, or a refusal of the whole."""
    number, text, media = call.text("To"), call.text("Body"), call.all("MediaUrl")
    sender, service = call.text("From"), call.text("MessagingServiceSid")
    _check_recipient(call, number)
    _check_sender(sender, service)
    if not text and not media and not call.text("ContentSid"):
        raise Refusal(400, 21602, "Message body is required")
    if len(text) > MOST_CHARACTERS:
        raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    _check(len(media) <= MOST_MEDIA, "At most 10 MediaUrls")
    _check(_is_validity(call.text("ValidityPeriod")), "ValidityPeriod is 1 to 36000 seconds")
    kept = Kept(sender, service, len(media), bool(call.text("SendAt")), call.text("StatusCallback"))
    draft = Draft(number, text, PRICE * max(1, count_segments(text).count), send_at=_send_at(call, service))
    _check_credit(call, draft)
    sid = f"{'MM' if media else 'SM'}{uuid.uuid4().hex}"
    call.kept[sid] = kept  # before a report can be pushed
    batch = call.exchange.submit(call.user, [draft], face=NAME, kind="MMS" if media else "SMS", batch_id=sid)
    return JSONResponse(created(batch.messages[0], kept, call.user), 201)


def cancel(call: Call) -> Response:
    """POST Messages/{Sid}.json with Status=canceled: only while it is scheduled."""
    try:
        call.exchange.batch(call.user, call.sid)
    except NoSuchBatch:
        raise Refusal(404, 20404, "The requested resource was not found") from None
    _check(call.text("Status") == "canceled", "Nothing that can be changed")
    try:
        call.exchange.cancel(call.user, call.sid)
    except NotBooked:
        raise Refusal(400, 30409, "This message cannot be canceled") from None  # the HTTP status is a guess
    (one,) = call.exchange.batch(call.user, call.sid)
    return JSONResponse(message(one, call.kept[call.sid], call.user))


def _check(holds: object, message: str) -> None:
    """A refusal whose code no document here has."""
    if not holds:
        raise Refusal(400, None, message)


def _check_recipient(call: Call, number: str) -> None:
    if not number:
        raise Refusal(400, 21604, "A 'To' phone number is required")
    if number in TO:
        raise Refusal(400, *TO[number])
    if not _NUMBER.fullmatch(number) or behaviour_of(number).refused:
        raise Refusal(400, 21211, f"The 'To' number {number} is not a valid phone number.")
    if not number.startswith("+886") and not call.exchange.account(call.user).international:
        raise Refusal(400, *TO["+15005550003"])


def _check_sender(sender: str, service: str) -> None:
    _check(sender or service, "A 'From' number or a 'MessagingServiceSid' is required")
    _check(not service or _SERVICE.fullmatch(service), "The 'MessagingServiceSid' is invalid")
    if sender in FROM:
        raise Refusal(400, *FROM[sender])


def _is_validity(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_VALIDITY)


def _send_at(call: Call, service: str) -> datetime | None:
    """SendAt with ScheduleType=fixed, of a Messaging Service alone."""
    text, kind = call.text("SendAt"), call.text("ScheduleType")
    if not text and not kind:
        return None
    if not service:
        raise Refusal(400, 35118, "MessagingServiceSid is required to schedule a message")
    _check(kind == "fixed", "ScheduleType is fixed")
    now = call.exchange.clock.now()
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if _TIME.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None or not now + SOONEST <= moment <= now + LATEST:
        raise Refusal(400, 35114, "SendAt time must be between 15 minutes and 35 days in the future")
    return moment


def _check_credit(call: Call, draft: Draft) -> None:
    """An account that has spent its balance is suspended."""
    allowance = current_allowance()
    if draft.cost > call.exchange.account(call.user).credit or (allowance is not None and allowance.left < 1):
        raise Refusal(403, 10001, "Account is not active")
