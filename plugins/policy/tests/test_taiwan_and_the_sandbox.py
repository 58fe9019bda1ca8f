"""Each rule against the sandbox's carriers: what passes here is delivered there, and what is dropped there is refused here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sms_core
from sms_core import Message, Recipient
from sms_core.testing.carriers import Approved
from sms_core_policy import PolicyRefused, TaiwanRules
from sms_core_sandbox import Sandbox

SENDERS = ["互動資通", "XYZ店"]
URLS = ["https://shop.example.tw/a", "reurl.cc/ok"]
PHONES = ["02-2345-6789", "0800-123-456"]
RULES = TaiwanRules(SENDERS, URLS, PHONES, url_match="exact")

NAMES = ["互動資通", "【互動資通】", "XYZ店", "互动資通", "ＸＹＺ店", "xyz店", "X YZ店", "別家", ""]
LINKS = [
    "",
    *URLS,
    "reurl.cc/no",
    "https://shop.example.tw/ab",
    "http://shop.example.tw/a",
    "SHOP.example.tw/a",
    "evil.tw",
    "bit.ly/x",
    "https://evil.tw/?q=1",
]
NUMBERS = [
    "",
    *PHONES,
    "(02)2345-6789",
    "0223456789",
    "+886-2-2345-6789",
    "02-2345-6780",
    "0912-345-678",
    "+886912345678",
    "0809-123-456",
    "02-2345-6789#12",
    "037-123456",
]
FRAMES = ["{name}您好，請上 {link} 或電 {number} 查詢。", "{link}，{number}，{name}"]
HERE_ALONE = [
    "shop．example．tw/a",
    "192.0.2.1/a",
    "例子.台灣",
    "xn--fsqu00a.xn--kpry57d",
    "a.museum/x",
    "+1 202 555 0100",
    "070-1010-1234",
]
"""What the page says that the sandbox's carriers do not find: nobody has told how the real ones do."""


def texts() -> Iterator[str]:
    for name, frame in itertools.product(NAMES, FRAMES):
        for link in LINKS:
            yield frame.format(name=name, link=link, number="")
        for number in NUMBERS:
            yield frame.format(name=name, link=URLS[0], number=number)


def refused(wanted: list[str]) -> list[bool]:
    """Whether the rules refuse each of these."""
    to = [Recipient(number, text=text) for number, text in zip(numbers_of(wanted), wanted, strict=True)]
    with sms_core.connect("memory://taiwan", plugins=[RULES]) as sms:
        found = sms.plan(Message("", to), skip_refused=True).refused
    assert all(isinstance(error, PolicyRefused) for error in found.values())
    return [place in found for place in range(len(wanted))]


def numbers_of(wanted: list[str]) -> list[str]:
    return [f"+8869{place:08d}" for place in range(len(wanted))]


def dropped(wanted: list[str]) -> list[bool]:
    """Whether the sandbox's carriers drop each of these, which a client without rules sends."""
    with Sandbox() as box:
        box.exchange.of("every8d").add_account(
            "shop", "secret", credit=10_000, approved=Approved(SENDERS, URLS, PHONES)
        )
        with sms_core.connect(box.dsn("every8d", user="shop", password="secret")) as sms:
            to = [Recipient(number, text=text) for number, text in zip(numbers_of(wanted), wanted, strict=True)]
            assert sms.send(Message("", to)).accepted == len(wanted), "the vendor takes them all, and the points"
        told = {message.number: message.notes for message in box.exchange.messages}
    return [any("dropped by the carriers" in note for note in told[number]) for number in numbers_of(wanted)]


def test_what_passes_is_delivered_and_what_is_dropped_is_refused() -> None:
    wanted = list(dict.fromkeys(texts()))
    here, there = refused(wanted), dropped(wanted)
    assert [(text, is_refused) for text, is_refused in zip(wanted, here, strict=True)] == list(
        zip(wanted, there, strict=True)
    )
    assert 30 < here.count(False) < len(wanted) - 30


def test_where_they_differ_the_rules_are_the_stricter_ones() -> None:
    wanted = [f"互動資通您好：{found} 謝謝" for found in HERE_ALONE]
    assert refused(wanted) == [True] * len(wanted)
    assert dropped(wanted) == [False] * len(wanted)
