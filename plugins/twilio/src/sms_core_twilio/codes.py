"""Twilio's codes: those that refuse a request, and the states of a report."""

from __future__ import annotations

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    RecipientRefused,
    VendorError,
    VendorUnavailable,
)
from sms_core.codes import SMPP_STATES, Refusal, refusal_error

SUCCESS = "0"

# The table of the vendor's document, with the vendor's own words. `retry` says that the same again may work.
REQUEST_CODES = {
    "1": Refusal(AuthenticationFailed, "wrong user or password"),
    "2": Refusal(InsufficientCredit, "not enough points"),
    "3": Refusal(RecipientRefused, "no such number"),
    "4": Refusal(ContentRefused, "text refused"),
    "9": Refusal(VendorUnavailable, "busy", retry=True),
}


def error_of(code: str, vendor_text: str) -> VendorError:
    """The error that a code is; one that is in no table is kept in a plain `VendorError`."""
    return refusal_error(REQUEST_CODES, code, vendor_text)


def status_of(state: str) -> DeliveryStatus:
    """The status that a report's state means; ``UNKNOWN`` for one that nobody knows."""
    return SMPP_STATES.get(state.upper(), DeliveryStatus.UNKNOWN)
