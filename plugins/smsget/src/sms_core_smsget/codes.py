"""SMS-Get's codes: those that refuse a request, and the states of a pushed report."""

from __future__ import annotations

from attrs import frozen

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    RecipientRefused,
    VendorError,
)

SUCCESS = "000"


@frozen
class Refusal:
    """What a code means, and the vendor's text for it."""

    error: type[VendorError]
    text: str


# The tables of chapters 1, 3 and 5. Nothing was taken with any of them, and trying the same again cannot help.
REQUEST_CODES = {
    "001": Refusal(VendorError, "參數錯誤"),
    "002": Refusal(VendorError, "預約時間參數錯誤"),
    "003": Refusal(VendorError, "預約時間過期"),
    "004": Refusal(ContentRefused, "訊息長度過長"),
    "005": Refusal(AuthenticationFailed, "帳號密碼錯誤"),
    # The user and password may be right, so this is no AuthenticationFailed: a client remembers that one and asks no
    # more, but an address is let in at the vendor's page, while the client goes on.
    "006": Refusal(VendorError, "IP 無法存取"),
    "007": Refusal(RecipientRefused, "收件者人數為 0"),
    "008": Refusal(RecipientRefused, "收件人超過 250 人"),
    "009": Refusal(InsufficientCredit, "點數不足"),
    "010": Refusal(VendorError, "尚未申請雙向功能"),
}


def error_of(code: str, vendor_text: str) -> VendorError:
    """The error that a code is; an unknown code is kept in a plain `VendorError`."""
    refusal = REQUEST_CODES.get(code, Refusal(VendorError, ""))
    return refusal.error(code=code, vendor_text=vendor_text or refusal.text)


# The document shows DELIVRD alone (chapter 2): a final state of SMPP 3.4, table 5-8. So these are the others.
STATES = {
    "DELIVRD": DeliveryStatus.DELIVERED,
    "EXPIRED": DeliveryStatus.EXPIRED,
    "DELETED": DeliveryStatus.CANCELLED,
    "UNDELIV": DeliveryStatus.UNDELIVERABLE,
    "ACCEPTD": DeliveryStatus.ACCEPTED,
    "UNKNOWN": DeliveryStatus.UNKNOWN,
    "REJECTD": DeliveryStatus.REJECTED,
}


def status_of(state: str) -> DeliveryStatus:
    """The status that a state means; ``UNKNOWN`` for one that SMPP does not have."""
    return STATES.get(state.upper(), DeliveryStatus.UNKNOWN)
