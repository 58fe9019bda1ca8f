"""EVERY8D's pushes: chapter 6 of the document, and what ``wire-facts`` §3 adds."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

import sms_core
from sms_core import CallbackRefused, CallbackRequest, InboundMessage

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
SMS = sms_core.connect("every8d://Test:XXX@")

REPORT = {
    "BatchID": BATCH,
    "RM": "+886900000001",
    "RT": "20211216160906",
    "STATUS": "100",
    "SM": "",
    "ST": "20211216160900",
    "MR": "order-17",
    "SUBJECT": "主旨",
    "NAME": "小明",
    "SOURCE": "API",
    "CHARGE": "1.00",
    "TYPE": "SMS",
    "MSGID": "",
}
REPLY = REPORT | {"STATUS": "999", "SM": "好的 謝謝+1"}


def push(query: str, method: str = "GET") -> CallbackRequest:
    return CallbackRequest(method, "/Report.aspx", query)


@pytest.mark.parametrize("text", ["100%", "50% off", "+1", "%zz", "a+b", "%E4"])
def test_a_reply_with_a_percent_sign_stays_as_it_is(text: str) -> None:
    (reply,) = SMS.parse_callback(push(urlencode(REPLY | {"SM": text}))).events
    assert isinstance(reply, InboundMessage)
    assert reply.text == text


def test_a_repeated_push_has_the_same_key_and_another_event_another() -> None:
    def key(fields: dict[str, str]) -> str:
        return SMS.parse_callback(push(urlencode(fields))).events[0].key

    keys = [key(REPORT), key(REPORT | {"STATUS": "0"}), key(REPLY), key(REPORT | {"MR": "order-18"})]
    assert len(set(keys)) == 4
    assert key(REPORT) == keys[0]
    assert "886900000001" not in "".join(keys)


def test_another_method_is_refused() -> None:
    with pytest.raises(CallbackRefused, match="GET or POST, not DELETE") as caught:
        SMS.parse_callback(push(urlencode(REPORT), "DELETE"))
    assert caught.value.status == 405
