"""smsgo's codes: table 1 (statuscode) and table 2 (statusstr of a report)."""

from __future__ import annotations

from attrs import frozen

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    RecipientRefused,
    VendorError,
    VendorUnavailable,
)


@frozen
class Refusal:
    """What a negative statuscode means: as the answer to a request, and (rarely) as the end of a message."""

    error: type[VendorError]
    text: str
    status: DeliveryStatus = DeliveryStatus.REJECTED


# Table 1; below the line what one client in public knows besides.
REQUEST_CODES = {
    "-1": Refusal(VendorError, "CGI string error or Unknow", DeliveryStatus.UNKNOWN),
    "-2": Refusal(AuthenticationFailed, "授權錯誤(帳號/密碼錯誤/IP錯誤)"),
    "-3": Refusal(VendorError, "Priority錯誤(User設定太高的優先權)"),
    "-4": Refusal(VendorError, "A Number違反規則"),
    "-5": Refusal(RecipientRefused, "B Number違反規則"),
    # Whose account is closed, the document does not say; so the client goes on.
    "-6": Refusal(VendorError, "Closed User"),
    "-7": Refusal(ContentRefused, "Invalid Encoding"),
    "-8": Refusal(InsufficientCredit, "點數不夠", DeliveryStatus.NO_CREDIT),
    "-9": Refusal(RecipientRefused, "Invalid msisdn amount"),
    "-10": Refusal(VendorUnavailable, "Send Fail", DeliveryStatus.FAILED),
    # -----
    "-15": Refusal(AuthenticationFailed, "IP not allowed"),
    "-16": Refusal(AuthenticationFailed, "API not enabled"),
    "-21": Refusal(VendorError, "limit reached"),
    "-23": Refusal(ContentRefused, "NCC signature missing"),
}

_UNKNOWN = Refusal(VendorError, "")


def refusal_of(code: str) -> Refusal:
    """The row of a code; a plain `VendorError` for one that nobody knows (-11 … -30 were seen as refusals)."""
    return REQUEST_CODES.get(code, _UNKNOWN)


def error_of(code: str, vendor_text: str) -> VendorError:
    """The error that a negative code is."""
    refusal = refusal_of(code)
    return refusal.error(code=code, vendor_text=vendor_text or refusal.text)


# Table 2, Final Message States. ENROUTE is SMPP's word for a message on its way; the document has none for that.
STATES = {
    "DELIVRD": (DeliveryStatus.DELIVERED, "Message is delivered to Destination"),
    "EXPIRED": (DeliveryStatus.EXPIRED, "Message validity period has expired."),
    "DELETED": (DeliveryStatus.CANCELLED, "Message has been deleted."),
    "UNDELIV": (DeliveryStatus.UNDELIVERABLE, "Message is undeliverable"),
    "ABSENT": (DeliveryStatus.UNDELIVERABLE, "Phone Number is not exists."),
    "SPAM": (DeliveryStatus.REJECTED, "Message Content is spam."),
    "BLOCK": (DeliveryStatus.BLOCKED, "User reject"),
    "ACCEPTD": (
        DeliveryStatus.ACCEPTED,
        "Message is in accepted state (i.e. has been manually read on behalf of the subscriber by customer service)",
    ),
    "UNKNOWN": (DeliveryStatus.UNKNOWN, "Message is in invalid state"),
    "REJECTD": (DeliveryStatus.REJECTED, "Message is in a rejected state"),
    "SYNTAXE": (DeliveryStatus.FAILED, "Syntax Error"),
    "ENROUTE": (DeliveryStatus.SENT, ""),
}


def status_of(code: str, state: str) -> tuple[DeliveryStatus, str]:
    """The status and the vendor's text of a report: by its state, else by a negative code, else ``UNKNOWN``."""
    if state.upper() in STATES:
        return STATES[state.upper()]
    if code.startswith("-"):
        refusal = refusal_of(code)
        return refusal.status, state or refusal.text
    return DeliveryStatus.UNKNOWN, state
