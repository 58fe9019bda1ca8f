"""HTTP chapter 6 and SOAP 3.1: how the vendor tells its customer of a report or a reply."""

from __future__ import annotations

from urllib.parse import urlencode

from sms_core.http import Request
from sms_core.provider import format_time
from sms_core.testing import Push, Reply
from sms_core_every8d.sandbox.queries import code_of, mr_of

PUSH_RETRIES = 10
"""How often a push is tried again (editions of 2016 to 2021; 6.1.3 says "up to a limit")."""
REPLIED = "999"


def push(pushed: Push, callback_url: str) -> Request:
    """HTTP 6.1.2 and table 6-1-1: a GET with all in the query. STATUS 999 is a reply, its text in SM."""
    message = pushed.message if isinstance(pushed, Reply) else pushed
    fields = {
        **_what_happened(pushed),
        "ST": format_time(message.sent_at or message.send_at),
        "MR": mr_of(message),
        "SUBJECT": message.subject,
        "NAME": message.name,
        "SOURCE": "API",
        "CHARGE": f"{message.cost:f}",
        "TYPE": message.kind,
        "MSGID": "",
    }
    return _get(callback_url, fields)


def soap_push(pushed: Push, callback_url: str) -> Request:
    """SOAP 3.1: the same with fewer fields, and whose account it is."""
    message = pushed.message if isinstance(pushed, Reply) else pushed
    return _get(callback_url, {**_what_happened(pushed), "MR": mr_of(message), "USERID": message.user})


def _what_happened(pushed: Push) -> dict[str, str]:
    message = pushed.message if isinstance(pushed, Reply) else pushed
    happened = pushed.received_at if isinstance(pushed, Reply) else pushed.done_at
    return {
        "BatchID": message.batch_id,
        "RM": message.number,
        "RT": format_time(happened) if happened else "",
        "STATUS": REPLIED if isinstance(pushed, Reply) else code_of(message),
        "SM": pushed.text if isinstance(pushed, Reply) else "",
    }


def _get(callback_url: str, fields: dict[str, str]) -> Request:
    joint = "&" if "?" in callback_url else "?"
    return Request("GET", f"{callback_url}{joint}{urlencode(fields)}")
