"""A preview counts the text that goes out, as each vendor's sandbox receives it."""

from __future__ import annotations

import pytest

import sms_core
from sms_core import Message, Recipient
from sms_core.testing import FakeTransport
from sms_core.text import count_segments, utf16_length
from sms_core_sandbox import Sandbox

NAMES = [info.name for info in sms_core.providers() if info.name != "memory"]
TO = "0900000001"
TEXTS = {
    "CRLF": "第一行\r\n第二行\r\n",
    "CR": "一\r二",
    "LF": "line\nline",
    "septets of an extension": "{{[~]}} \\ | ^",
    "beyond the basic plane": "𠮷",
    "blanks at its ends": "  text \t ",
    "signs of URLs and XML": "a&b=c%20d+e<f>]]>\"'",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_text_that_is_counted_is_the_one_that_arrives(name: str) -> None:
    with Sandbox(faces=[name]) as box, sms_core.connect(box.dsn(name)) as sms:
        for text in TEXTS.values():
            (counted,) = sms.preview(Message(text, TO)).recipients
            sms.send(text, to=TO)
            received = box.exchange.accepted[-1].text
            assert counted.text == received
            assert counted.characters == utf16_length(received)
            assert counted.segments == count_segments(received).count


@pytest.mark.parametrize("name", NAMES)
def test_so_are_texts_that_are_filled_in(name: str) -> None:
    people = [Recipient(TO, params={"name": "王"}), Recipient("0900000002", params={"name": "Ann\r\nLee"})]
    message = Message("{name}\r\n您好 {{1}}", people)
    with Sandbox(faces=[name]) as box, sms_core.connect(box.dsn(name)) as sms:
        counted = {row.number: (row.text, row.characters) for row in sms.preview(message).recipients}
        sms.send(message)
        received = {sent.number: (sent.text, utf16_length(sent.text)) for sent in box.exchange.accepted}
    assert counted == received


def test_mitake_s_line_break_is_one_character() -> None:
    sms = sms_core.connect("mitake://user:password@", transport=FakeTransport([]))
    (counted,) = sms.preview(Message("a" * 158 + "\r\nb", TO)).recipients
    assert (counted.characters, counted.segments) == (160, 1)
    assert counted.points == 1
