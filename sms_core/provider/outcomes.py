"""What an error means for the recipients of a request."""

from __future__ import annotations

from sms_core.errors import RateLimited, SessionExpired, SmsError, TransportError, VendorError, VendorUnavailable
from sms_core.model import Outcome


def outcome_after(error: SmsError) -> Outcome:
    """The outcome for all destinations of a request that was begun and ended in this error."""
    match error:
        case TransportError():
            return Outcome.UNKNOWN if error.sent else Outcome.NOT_SENT
        case VendorError() if error.maybe_taken:
            return Outcome.UNKNOWN
        case RateLimited() | SessionExpired():
            return Outcome.NOT_SENT
        case VendorUnavailable() if error.status is not None:
            return Outcome.NOT_SENT
        case VendorError():
            return Outcome.REFUSED
        case _:
            return Outcome.UNKNOWN
