"""Twilio's codes: those that refuse a request, the states of a message, and why one was not delivered."""

from __future__ import annotations

from http import HTTPStatus

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    NotFound,
    RateLimited,
    RecipientRefused,
    VendorError,
)
from sms_core.provider import NO_VERDICT, RefusalCode, refusal_error

# The pages of twilio.com/docs/api/errors. With any of them nothing was taken.
REQUEST_CODES = {
    # Not AuthenticationFailed, after which a client asks no more: the password may be right, and the account let in again.
    "10001": RefusalCode(VendorError, "Account is not active"),
    "20003": RefusalCode(AuthenticationFailed, "Authenticate"),
    "20403": RefusalCode(VendorError, "Forbidden"),
    "20404": RefusalCode(NotFound, "Not found"),
    "20429": RefusalCode(RateLimited, "Too many requests", retry=True),
    "21211": RefusalCode(RecipientRefused, "Invalid 'To' phone number"),
    "21212": RefusalCode(VendorError, "Invalid 'From' number"),
    "21408": RefusalCode(RecipientRefused, "Permission to send to this region is not enabled"),
    "21602": RefusalCode(ContentRefused, "Message body is required"),
    "21604": RefusalCode(RecipientRefused, "'To' phone number is required"),
    "21606": RefusalCode(VendorError, "The 'From' number cannot send messages"),
    "21608": RefusalCode(RecipientRefused, "A trial account sends to verified numbers only"),
    "21610": RefusalCode(RecipientRefused, "The recipient has unsubscribed"),
    "21611": RefusalCode(VendorError, "The queue of the 'From' number is full", retry=True),
    "21612": RefusalCode(RecipientRefused, "This 'To' cannot be reached from this 'From'"),
    "21614": RefusalCode(RecipientRefused, "'To' is no mobile number"),
    "21617": RefusalCode(ContentRefused, "The message body is too long"),
    "21658": RefusalCode(ContentRefused, "A parameter is too long"),
    "30409": RefusalCode(NotFound, "This message cannot be canceled"),
    "35114": RefusalCode(VendorError, "SendAt is outside its window"),
    "35118": RefusalCode(VendorError, "A booking needs a Messaging Service"),
    "63038": RefusalCode(VendorError, "The account's daily limit of messages is reached", retry=True),
}

# Codes may change, says Twilio, and in 2024 finer ones were split off. For one that is not above, the HTTP status decides
# where the error dictionary says that the request was not carried out: 400 (pages 400 and 70002), 401 (20003), 403 (pages
# 403 and 20403), 404 (20404), 405 (20004). With any other status such a code is no verdict.
BY_HTTP_STATUS: dict[int, RefusalCode] = {
    HTTPStatus.BAD_REQUEST: RefusalCode(VendorError),
    HTTPStatus.UNAUTHORIZED: RefusalCode(AuthenticationFailed),
    HTTPStatus.FORBIDDEN: RefusalCode(VendorError),
    HTTPStatus.NOT_FOUND: RefusalCode(NotFound),
    HTTPStatus.METHOD_NOT_ALLOWED: RefusalCode(VendorError),
}

STATES = {
    "queued": DeliveryStatus.ACCEPTED,
    "accepted": DeliveryStatus.ACCEPTED,
    "scheduled": DeliveryStatus.SCHEDULED,
    "sending": DeliveryStatus.ACCEPTED,  # not with the carrier yet
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.UNDELIVERABLE,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.CANCELLED,
}

REASONS = {
    "21610": (DeliveryStatus.BLOCKED, "The recipient has unsubscribed"),
    "30001": (DeliveryStatus.FAILED, "Queue overflow"),
    "30002": (DeliveryStatus.FAILED, "Account suspended"),
    "30003": (DeliveryStatus.UNDELIVERABLE, "Unreachable destination handset"),
    "30004": (DeliveryStatus.BLOCKED, "Message blocked"),
    "30005": (DeliveryStatus.UNDELIVERABLE, "Unknown destination handset"),
    "30006": (DeliveryStatus.UNDELIVERABLE, "Landline or unreachable carrier"),
    "30007": (DeliveryStatus.REJECTED, "Message filtered"),
    "30008": (DeliveryStatus.FAILED, "Unknown error"),
    "30036": (DeliveryStatus.EXPIRED, "Validity period expired"),
    "30454": (DeliveryStatus.FAILED, "Trial limit"),
    "30500": (DeliveryStatus.FAILED, "Internal failure"),
    "63017": (DeliveryStatus.FAILED, "Rate exceeded"),
    "63038": (DeliveryStatus.FAILED, "Daily message limit"),
}
"""Why a message failed, or was not delivered; more exact than its state."""


def error_of(code: str, vendor_text: str, http_status: int) -> VendorError:
    """The error that a refused request is: by its code, else by its HTTP status, else no verdict."""
    return refusal_error(REQUEST_CODES, code, vendor_text, others=BY_HTTP_STATUS.get(http_status, NO_VERDICT))


def dropped_error(code: str, vendor_text: str) -> VendorError:
    """Why a message was not sent whose first state is ``failed`` or ``canceled``, which is the verdict, whatever the code."""
    return refusal_error(REQUEST_CODES, code, vendor_text, others=RefusalCode(VendorError))


def status_of(state: str, reason: str) -> DeliveryStatus:
    """The status that a state means, told more exactly by the code of a failure; ``UNKNOWN`` for one that nobody knows."""
    status = STATES.get(state, DeliveryStatus.UNKNOWN)
    if status in {DeliveryStatus.FAILED, DeliveryStatus.UNDELIVERABLE} and reason in REASONS:
        return REASONS[reason][0]
    return status


def text_of(reason: str) -> str:
    """The vendor's words for the code of a failure, "" where they are not known."""
    return REASONS[reason][1] if reason in REASONS else ""
