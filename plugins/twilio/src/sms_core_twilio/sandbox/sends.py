"""Creating a message, and taking a scheduled one back."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import field, frozen
from starlette.responses import JSONResponse, Response

from sms_core.numbers import is_taiwan
from sms_core.testing import Draft, NotBooked, behaviour_of
from sms_core.text import count_segments
from sms_core_sandbox.calls import Call, Refusal
from sms_core_sandbox.values import read_time
from sms_core_twilio.sandbox.calls import no_such_resource, user_of
from sms_core_twilio.sandbox.resources import Details, created, resource

MOST_CHARACTERS = 1600
MOST_MEDIA = 10
SOONEST, LATEST = timedelta(minutes=15), timedelta(days=35)
LONGEST_VALIDITY = 36000
PRICE = Decimal("0.0075")
"""US dollars for a segment; made up, since Twilio has a price for each country and carrier."""
BAD_REQUEST = 400

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)

# "Test credentials": what these numbers are answered with there, they are answered with here.
FROM = {
    "+15005550001": ("21212", "The 'From' number is not a valid phone number"),
    "+15005550007": ("21606", "The 'From' number is not a valid, SMS-capable number of your account"),
    "+15005550008": ("21611", "The queue of this 'From' number is full"),
}
TO = {
    "+15005550001": ("21211", "The 'To' number is not a valid phone number"),
    "+15005550002": ("21612", "The 'To' number cannot be reached from this 'From' number"),
    "+15005550003": ("21408", "Permission to send to this region is not enabled"),
    "+15005550004": ("21610", "Attempt to send to an unsubscribed recipient"),
    "+15005550009": ("21614", "The 'To' number is not a valid mobile number"),
}


@frozen
class Sends:
    """The two pages that create and change messages; ``details`` are kept by the message's sid."""

    details: dict[str, Details] = field(repr=False)

    def create(self, call: Call) -> Response:
        """POST Messages.json: 201, or a refusal of the whole."""
        user = user_of(call)
        number, text, media = call.text("To"), call.text("Body"), call.texts("MediaUrl")
        _check_recipient(call, user, number)
        _check_sender(call)
        _check_content(call, text, media)
        callback = call.text("StatusCallback")
        details = Details(
            sender=call.text("From"),
            service=call.text("MessagingServiceSid"),
            media=len(media),
            booked=bool(call.text("SendAt")),
        )
        cost = PRICE * max(1, count_segments(text).count)
        draft = Draft(number, text, cost, send_at=_send_at(call), report_url=callback)
        if not call.exchange.can_pay(user, [draft]):  # an account that has spent its balance is suspended
            raise Refusal("10001", "Account is not active", 403)
        sid = f"{'MM' if media else 'SM'}{uuid.uuid4().hex}"
        self.details[sid] = details  # before a report can be pushed
        kind = "MMS" if media else "SMS"
        batch = call.exchange.submit(user, [draft], face=call.face, kind=kind, batch_id=sid)
        return JSONResponse(created(batch.messages[0], details), 201)

    def cancel(self, call: Call) -> Response:
        """POST Messages/{Sid}.json with Status=canceled: only while it is scheduled."""
        user, sid = user_of(call), call.path_fields["sid"]
        if not call.batch(user, sid):
            raise no_such_resource()
        _check(call.text("Status") == "canceled", "Nothing that can be changed")
        try:
            call.exchange.cancel(user, sid)
        except NotBooked:
            # The HTTP status is a guess.
            raise Refusal("30409", "This message cannot be canceled", BAD_REQUEST) from None
        (message,) = call.batch(user, sid)
        return JSONResponse(resource(message, self.details[sid]))


def _check(holds: object, words: str) -> None:
    """Refuse what does not hold, without a code, since no document here has one."""
    if not holds:
        raise Refusal("", words, BAD_REQUEST)


def _check_recipient(call: Call, user: str, number: str) -> None:
    if not number:
        raise Refusal("21604", "A 'To' phone number is required", BAD_REQUEST)
    if number in TO:
        raise Refusal(*TO[number], BAD_REQUEST)
    if not _NUMBER.fullmatch(number) or behaviour_of(number).refused:
        raise Refusal("21211", f"The 'To' number {number} is not a valid phone number.", BAD_REQUEST)
    if not is_taiwan(number) and not call.exchange.account(user).international:
        raise Refusal(*TO["+15005550003"], BAD_REQUEST)


def _check_sender(call: Call) -> None:
    sender, service = call.text("From"), call.text("MessagingServiceSid")
    _check(sender or service, "A 'From' number or a 'MessagingServiceSid' is required")
    _check(not service or _SERVICE.fullmatch(service), "The 'MessagingServiceSid' is invalid")
    if sender in FROM:
        raise Refusal(*FROM[sender], BAD_REQUEST)


def _check_content(call: Call, text: str, media: tuple[str, ...]) -> None:
    if not text and not media and not call.text("ContentSid"):
        raise Refusal("21602", "Message body is required", BAD_REQUEST)
    if len(text) > MOST_CHARACTERS:
        raise Refusal("21617", "The concatenated message body exceeds the 1600 character limit", BAD_REQUEST)
    _check(len(media) <= MOST_MEDIA, "At most 10 MediaUrls")
    validity = call.text("ValidityPeriod")
    _check(not validity or _is_validity(validity), "ValidityPeriod is 1 to 36000 seconds")


def _is_validity(text: str) -> bool:
    return _SECONDS.fullmatch(text) is not None and 1 <= int(text) <= LONGEST_VALIDITY


def _send_at(call: Call) -> datetime | None:
    """SendAt with ScheduleType=fixed, of a Messaging Service alone."""
    text, kind = call.text("SendAt"), call.text("ScheduleType")
    if not text and not kind:
        return None
    if not call.text("MessagingServiceSid"):
        raise Refusal("35118", "MessagingServiceSid is required to schedule a message", BAD_REQUEST)
    _check(kind == "fixed", "ScheduleType is fixed")
    now = call.exchange.clock.now()
    try:
        moment = read_time(text, "%Y-%m-%dT%H:%M:%SZ", UTC)
    except ValueError:
        moment = None
    if moment is None or not now + SOONEST <= moment <= now + LATEST:
        raise Refusal("35114", "SendAt time must be between 15 minutes and 35 days in the future", BAD_REQUEST)
    return moment
