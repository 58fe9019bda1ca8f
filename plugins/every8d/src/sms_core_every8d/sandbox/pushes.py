"""HTTP chapter 6 and SOAP 3.1: how the vendor tells its customer of a report or a reply."""

from __future__ import annotations

from sms_core.http import Request
from sms_core.testing import Push, Reply
from sms_core_every8d.sandbox.queries import code_of, mr_of
from sms_core_sandbox.pushes import message_of, query_push
from sms_core_sandbox.values import write_time

PUSH_RETRIES = 10
"""How often a push is tried again (editions of 2016 to 2021; 6.1.3 says "up to a limit")."""
REPLIED = "999"
TIME = "%Y%m%d%H%M%S"


def push(pushed: Push, callback_url: str) -> Request:
    """HTTP 6.1.2 and table 6-1-1: a GET with all in the query. STATUS 999 is a reply, its text in SM."""
    message = message_of(pushed)
    fields = {
        **_common(pushed),
        "ST": write_time(message.sent_at or message.send_at, TIME),
        "MR": mr_of(message),
        "SUBJECT": message.subject,
        "NAME": message.name,
        "SOURCE": "API",
        "CHARGE": f"{message.cost:f}",
        "TYPE": message.kind,
        "MSGID": "",
    }
    return query_push(callback_url, fields)


def soap_push(pushed: Push, callback_url: str) -> Request:
    """SOAP 3.1: the same with fewer fields, and whose account it is."""
    message = message_of(pushed)
    return query_push(callback_url, {**_common(pushed), "MR": mr_of(message), "USERID": message.user})


def _common(pushed: Push) -> dict[str, str]:
    """The fields that both APIs push."""
    message = message_of(pushed)
    fields = {"BatchID": message.batch_id, "RM": message.number}
    if isinstance(pushed, Reply):
        fields |= {"RT": write_time(pushed.received_at, TIME), "STATUS": REPLIED, "SM": pushed.text}
    else:
        fields |= {"RT": write_time(pushed.done_at, TIME), "STATUS": code_of(pushed), "SM": ""}
    return fields
