"""SMS-Get's codes: those that refuse a request, and the states of a pushed report."""

from __future__ import annotations

from sms_core import (
    AuthenticationFailed,
    ContentRefused,
    DeliveryStatus,
    InsufficientCredit,
    RecipientRefused,
    VendorError,
)
from sms_core.provider import SMPP_STATES, RefusalCode, refusal_error

SUCCESS = "000"

# The tables of chapters 1, 3 and 5. Nothing was taken with any of them, and trying the same again cannot help.
REQUEST_CODES = {
    "001": RefusalCode(VendorError, "參數錯誤"),
    "002": RefusalCode(VendorError, "預約時間參數錯誤"),
    "003": RefusalCode(VendorError, "預約時間過期"),
    "004": RefusalCode(ContentRefused, "訊息長度過長"),
    "005": RefusalCode(AuthenticationFailed, "帳號密碼錯誤"),
    # The user and password may be right, so this is no AuthenticationFailed: a client remembers that one and asks no
    # more, but an address is let in at the vendor's page, while the client goes on.
    "006": RefusalCode(VendorError, "IP 無法存取"),
    "007": RefusalCode(RecipientRefused, "收件者人數為 0"),
    "008": RefusalCode(RecipientRefused, "收件人超過 250 人"),
    "009": RefusalCode(InsufficientCredit, "點數不足"),
    "010": RefusalCode(VendorError, "尚未申請雙向功能"),
}

# A code that is in no table refuses too: it comes with a ``stats`` of False, which is 發送失敗 (chapters 1, 3 and 5),
# whatever the code.
OTHERS = RefusalCode(VendorError)


def error_of(code: str, vendor_text: str) -> VendorError:
    """The error that a code is. One that is in no table is kept by a `VendorError`."""
    return refusal_error(REQUEST_CODES, code, vendor_text, others=OTHERS)


def status_of(state: str) -> DeliveryStatus:
    """The status that a state means; ``UNKNOWN`` for one that SMPP does not have.

    The document shows DELIVRD alone (chapter 2), so the others are taken to be SMPP's too.
    """
    return SMPP_STATES.get(state.upper(), DeliveryStatus.UNKNOWN)
