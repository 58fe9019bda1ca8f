"""Chapter 2 and 回覆簡訊: how the vendor tells its customer of a report or a reply, and what it wants to hear."""

from __future__ import annotations

import re

from sms_core.http import Request, Response
from sms_core.testing import Push, Reply, StoredMessage
from sms_core_sandbox.pushes import plain_200, second_query_push
from sms_core_sandbox.values import local_number, write_time
from sms_core_smsgo.sandbox.queries import state_of

PUSH_RETRIES = 3
"""Chapter 2: re-try 次數為三次."""
OUR_NUMBER = "0900000000"
"""The number that a reply goes to; the document does not say which it is."""

_ACKNOWLEDGEMENT = re.compile(rb"magicid=tccrd_sms_gateway_rpack\nmsgid=\d+\n")


def push(pushed: Push, callback_url: str) -> Request:
    """A GET with all in the query, in the order of the examples of chapter 3.

    Chapter 2, 2: ``response字串?msgid=…``, whatever the URL has already.
    """
    fields = _reply(pushed) if isinstance(pushed, Reply) else _report(pushed)
    return second_query_push(callback_url, fields)


def acknowledged(response: Response) -> bool:
    """Chapter 2, 2: status 200, Text/Plain, and two lines that each end with chr(10)."""
    return plain_200(response) and _ACKNOWLEDGEMENT.fullmatch(response.body) is not None


def _report(message: StoredMessage) -> dict[str, str]:
    return {
        "msgid": message.batch_id,
        "statusstr": state_of(message),
        "statuscode": "0",
        "dstaddr": local_number(message.number),
    }


def _reply(reply: Reply) -> dict[str, str]:
    """The encoding of the text is undocumented; taken to be UTF-8, as it is in requests."""
    return {
        "msgid": reply.message.batch_id,
        "srcaddr": local_number(reply.message.number),
        "dstaddr": OUR_NUMBER,
        "smbody": reply.text,
        "encoding": "ASCII" if reply.text.isascii() else "BIG5",
        "timestamp": write_time(reply.received_at, "%Y/%m/%d %H:%M:%S"),
    }
