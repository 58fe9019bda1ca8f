"""Chapter 2 and 回覆簡訊: how the vendor tells its customer of a report or a reply."""

from __future__ import annotations

from urllib.parse import urlencode

from sms_core.http import Request
from sms_core.provider import TAIPEI
from sms_core.testing import Push, Reply
from sms_core_smsgo.sandbox.queries import local, state_of

PUSH_RETRIES = 3
"""Chapter 2: re-try 次數為三次."""
OUR_NUMBER = "0900000000"
"""The number that a reply goes to; the document does not say which it is."""


def push(pushed: Push, callback_url: str) -> Request:
    """A GET with all in the query, in the order of the examples of chapter 3."""
    return Request(
        "GET", f"{callback_url}?{urlencode(_reply(pushed) if isinstance(pushed, Reply) else _report(pushed))}"
    )


def _report(message: Push) -> dict[str, str]:
    assert not isinstance(message, Reply)
    number = local(message.number)
    return {"msgid": message.batch_id, "statusstr": state_of(message), "statuscode": "0", "dstaddr": number}


def _reply(reply: Reply) -> dict[str, str]:
    """The encoding of the text is undocumented; taken to be UTF-8, as it is in requests."""
    return {
        "msgid": reply.message.batch_id,
        "srcaddr": local(reply.message.number),
        "dstaddr": OUR_NUMBER,
        "smbody": reply.text,
        "encoding": "ASCII" if reply.text.isascii() else "BIG5",
        "timestamp": f"{reply.received_at.astimezone(TAIPEI):%Y/%m/%d %H:%M:%S}",
    }
