"""smsgo's codes: table 1 (statuscode) and table 2 (statusstr of a report)."""

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
from sms_core.provider import SMPP_STATES, RefusalCode, refusal_error

# Table 1; below the line what one client in public knows besides. With any of them nothing was taken: the document's own
# failure (FAQ 7) has no msgid and 0 points, and that one is -1, which is also for what the vendor itself does not know.
REQUEST_CODES = {
    "-1": RefusalCode(VendorError, "CGI string error or Unknow"),
    "-2": RefusalCode(AuthenticationFailed, "授權錯誤(帳號/密碼錯誤/IP錯誤)"),
    "-3": RefusalCode(VendorError, "Priority錯誤(User設定太高的優先權)"),
    "-4": RefusalCode(VendorError, "A Number違反規則"),
    "-5": RefusalCode(RecipientRefused, "B Number違反規則"),
    # Whose account is closed, the document does not say; so the client goes on.
    "-6": RefusalCode(VendorError, "Closed User"),
    "-7": RefusalCode(ContentRefused, "Invalid Encoding"),
    "-8": RefusalCode(InsufficientCredit, "點數不夠"),
    "-9": RefusalCode(RecipientRefused, "Invalid msisdn amount"),
    "-10": RefusalCode(VendorUnavailable, "Send Fail"),
    # -----
    # No AuthenticationFailed, after which a client asks no more: the vendor's page may mend either while it goes on.
    "-15": RefusalCode(VendorError, "IP not allowed"),
    "-16": RefusalCode(VendorError, "API not enabled"),
    "-21": RefusalCode(VendorError, "limit reached"),
    "-23": RefusalCode(ContentRefused, "NCC signature missing"),
}


def error_of(code: str, vendor_text: str) -> VendorError:
    """The error that a negative code is. One that is in no table is no verdict.

    Chapter 3 says that a value below zero is an error of table 1 (如果有錯,值為負,見表1), and nothing of others. That one
    client in public takes all of -11 to -25 and -30 for refusals proves nothing of those that it has no words for.
    """
    return refusal_error(REQUEST_CODES, code, vendor_text)


# A report may have a code of the table in place of a state; all but these mean that the vendor did not send.
FAILED_STATUSES = {
    "-1": DeliveryStatus.UNKNOWN,
    "-8": DeliveryStatus.NO_CREDIT,
    "-10": DeliveryStatus.FAILED,
}

# Table 2, Final Message States. ENROUTE, SMPP's word for a message on its way, is not in it.
STATES = {
    **SMPP_STATES,
    "ABSENT": DeliveryStatus.UNDELIVERABLE,
    "SPAM": DeliveryStatus.REJECTED,
    "BLOCK": DeliveryStatus.BLOCKED,
    "SYNTAXE": DeliveryStatus.FAILED,
}
STATE_TEXTS = {
    "DELIVRD": "Message is delivered to Destination",
    "EXPIRED": "Message validity period has expired.",
    "DELETED": "Message has been deleted.",
    "UNDELIV": "Message is undeliverable",
    "ABSENT": "Phone Number is not exists.",
    "SPAM": "Message Content is spam.",
    "BLOCK": "User reject",
    "ACCEPTD": "Message is in accepted state (i.e. has been manually read on behalf of the subscriber by customer service)",
    "UNKNOWN": "Message is in invalid state",
    "REJECTD": "Message is in a rejected state",
    "SYNTAXE": "Syntax Error",
}


def status_of(code: str, state: str) -> tuple[DeliveryStatus, str]:
    """The status and the vendor's text of a report: by its state, else by a code of the table, else ``UNKNOWN``."""
    if state.upper() in STATES:
        return STATES[state.upper()], STATE_TEXTS.get(state.upper(), "")
    if code in REQUEST_CODES:
        return FAILED_STATUSES.get(code, DeliveryStatus.REJECTED), state or REQUEST_CODES[code].text
    return DeliveryStatus.UNKNOWN, state
