"""Chapters 2 and 4: how the vendor tells its customer of a report or a reply, and what it wants to hear."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote_plus, urlencode

from sms_core.http import Request, Response
from sms_core.testing import Push, Reply, StoredMessage
from sms_core_sandbox.pushes import status_200
from sms_core_sandbox.values import write_time
from sms_core_smsget.sandbox import phones

TWO_WAY_CODE = "03"
"""The account's two-way code, the one of the document's example."""

STATES = {
    "delivered": "DELIVRD",
    "slow": "DELIVRD",
    "replies": "DELIVRD",
    "handset_off": "EXPIRED",
    "too_late": "EXPIRED",
    "no_such_number": "UNDELIV",
    "malformed_number": "UNDELIV",
    "no_mms": "UNDELIV",
    "network_failure": "UNKNOWN",
    "account_error": "UNKNOWN",
    "parameter_error": "UNKNOWN",
    "opted_out": "REJECTD",
    "carrier_blacklist": "REJECTD",
    "carrier_content": "REJECTD",
    "vendor_content": "REJECTD",
    "too_long": "REJECTD",
    "refused": "REJECTD",
    "abroad_closed": "REJECTD",
}
"""A behaviour's 回報狀態: the document shows DELIVRD, the others are SMPP's of the same table."""


def push(pushed: Push, callback_url: str) -> Request:
    """A POST of sms_id and content (chapter 2), or of content alone for a reply (chapter 4).

    A reply's text is percent-encoded inside, and then once more with the form. Whoever answers here answers in two
    ways, also to a text that was not sent so, and writes the code in front of it.
    """
    if isinstance(pushed, Reply):
        text = quote_plus(TWO_WAY_CODE + pushed.text)
        fields = {"content": _row(pushed.message, pushed.received_at, text)}
    else:
        state = STATES.get(pushed.behaviour.name, "UNKNOWN")
        fields = {"sms_id": pushed.batch_id, "content": _row(pushed, pushed.done_at or pushed.send_at, state)}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return Request("POST", callback_url, headers, urlencode(fields).encode("ascii"))


def acknowledged(response: Response) -> bool:
    """僅需要回應"ok"字串即可."""
    return status_200(response) and response.body.strip() == b"ok"


def _row(message: StoredMessage, moment: datetime, last: str) -> str:
    time = write_time(moment, "%Y-%m-%d %H:%M:%S")
    return f"{phones.write(message.number)}|{_message_id(message)}|{time}|{last}"


def _message_id(message: StoredMessage) -> str:
    """簡訊辨識 ID: hexadecimal in the document, with a dollar sign on the wire."""
    return f"${int(message.batch_id):07X}{message.position:02X}"
