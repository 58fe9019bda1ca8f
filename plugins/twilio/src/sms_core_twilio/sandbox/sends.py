"""Creating a message, and taking a scheduled one back."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import frozen
from starlette.responses import JSONResponse, Response

from sms_core.numbers import is_taiwan
from sms_core.testing import Draft, NotBooked, StoredMessage, behaviour_of
from sms_core.text import count_segments
from sms_core_sandbox.calls import Call, Refusal
from sms_core_sandbox.values import read_time
from sms_core_twilio.sandbox.calls import NO_CONTENT, no_such_resource, user_of
from sms_core_twilio.sandbox.resources import Book, Details, created, resource

MOST_CHARACTERS = 1600
MOST_MEDIA = 10
SOONEST, LATEST = timedelta(minutes=15), timedelta(days=35)
LONGEST_VALIDITY = 36000
PRICE = Decimal("0.0075")
"""US dollars for a segment; made up, since Twilio has a price for each country and carrier."""
BAD_REQUEST = 400

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_CALLBACK = re.compile(r"https?://[^\s/]+", re.ASCII)
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
    """The pages that create, change and delete messages."""

    book: Book

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
            media=media,
            booked=bool(call.text("SendAt")),
        )
        cost = PRICE * max(1, count_segments(text).count)
        draft = Draft(number, text, cost, send_at=_send_at(call), report_url=callback)
        if not call.exchange.can_pay(user, [draft]):  # an account that has spent its balance is suspended
            raise Refusal("10001", "Account is not active", 403)
        sid = f"{'MM' if media else 'SM'}{uuid.uuid4().hex}"
        self.book.keep(user, sid, details)  # before a report can be pushed
        kind = "MMS" if media else "SMS"
        batch = call.exchange.submit(user, [draft], face=call.face, kind=kind, batch_id=sid)
        return JSONResponse(created(batch.messages[0], details), 201)

    def update(self, call: Call) -> Response:
        """POST Messages/{Sid}.json: Status=canceled while it is scheduled, or an empty Body, which redacts it."""
        user, message = self._find(call)
        redacts = "Body" in call.fields and not call.text("Body")
        cancels = call.text("Status") == "canceled"
        if redacts is cancels or call.text("Body") or call.text("Status") not in {"", "canceled"}:
            raise Refusal("30400", "Parameters are not valid", BAD_REQUEST)
        if redacts:
            self.book.change(message, redacted=True)
        else:
            self._cancel(call, user, message)
        (message,) = call.batch(user, message.batch_id)
        return JSONResponse(resource(message, self.book.of(message)))

    def delete(self, call: Call) -> Response:
        """DELETE Messages/{Sid}.json, of one that has come to its end."""
        _, message = self._find(call)
        if not message.status.is_final:
            # The HTTP status is a guess.
            raise Refusal("20009", "Cannot delete this resource before it is complete", 409)
        self.book.change(message, deleted=True)
        return Response(status_code=NO_CONTENT)

    def _find(self, call: Call) -> tuple[str, StoredMessage]:
        user = user_of(call)
        message = self.book.find(call, user, call.path_fields["sid"])
        if message is None:
            raise no_such_resource()
        return user, message

    def _cancel(self, call: Call, user: str, message: StoredMessage) -> None:
        try:
            call.exchange.cancel(user, message.batch_id)
        except NotBooked:
            # The HTTP status is a guess.
            raise Refusal("30409", "This message cannot be canceled", BAD_REQUEST) from None


def _check(holds: object, code: str, words: str) -> None:
    """Refuse what does not hold."""
    if not holds:
        raise Refusal(code, words, BAD_REQUEST)


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
    _check(sender or service, "21603", "A 'From' or 'MessagingServiceSid' parameter is required to send a message")
    _check(not service or _SERVICE.fullmatch(service), "21705", "The Messaging Service is invalid")
    if sender in FROM:
        raise Refusal(*FROM[sender], BAD_REQUEST)


def _check_content(call: Call, text: str, media: tuple[str, ...]) -> None:
    if not text and not media and not call.text("ContentSid"):
        raise Refusal("21602", "Message body is required", BAD_REQUEST)
    if len(text) > MOST_CHARACTERS:
        raise Refusal("21617", "The concatenated message body exceeds the 1600 character limit", BAD_REQUEST)
    _check(len(media) <= MOST_MEDIA, "21623", "Number of media files exceeds allowed limit")
    _check(all(url.startswith(("http://", "https://")) for url in media), "21620", "Invalid media URL(s)")
    callback = call.text("StatusCallback")
    _check(not callback or _CALLBACK.match(callback), "21609", "The 'StatusCallback' URL is not a valid URL")
    validity = call.text("ValidityPeriod")
    _check(not validity or _is_validity(validity), "21624", "Invalid validity period value")


def _is_validity(text: str) -> bool:
    return _SECONDS.fullmatch(text) is not None and 1 <= int(text) <= LONGEST_VALIDITY


def _send_at(call: Call) -> datetime | None:
    """SendAt with ScheduleType=fixed, of a Messaging Service alone."""
    text, kind = call.text("SendAt"), call.text("ScheduleType")
    if not text and not kind:
        return None
    if not call.text("MessagingServiceSid"):
        raise Refusal("35118", "MessagingServiceSid is required to schedule a message", BAD_REQUEST)
    _check(kind == "fixed", "35126", "The ScheduleType value provided is not supported for this channel")
    _check(text, "35111", "SendAt timestamp is missing")
    now = call.exchange.clock.now()
    try:
        moment = read_time(text, "%Y-%m-%dT%H:%M:%SZ", UTC)
    except ValueError:
        moment = None
    if moment is None or not now + SOONEST <= moment <= now + LATEST:
        raise Refusal("35114", "SendAt time must be between 15 minutes and 35 days in the future", BAD_REQUEST)
    return moment
