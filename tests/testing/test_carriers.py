"""Which texts Taiwan's carriers let through, for an account that has registered this and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core.testing import Approved
from sms_core.testing.carriers import links_of, telephones_of


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("請看 https://e8d.tw/a?b=1，謝謝", ["https://e8d.tw/a?b=1"]),
        ("請看（http://e8d.tw/a）。", ["http://e8d.tw/a"]),
        ("see e8d.tw/a, or www.Example.com.", ["e8d.tw/a", "www.Example.com"]),
        ("請看e8d.tw。", ["e8d.tw"]),
        ("寄到 shop@example.com", []),
        ("Mr.Wang 1.5 e.g. Node.js", []),
    ],
)
def test_links(text: str, found: list[str]) -> None:
    assert links_of(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("請電02-2345-6789或0800-123-456", ["02-2345-6789", "0800-123-456"]),
        ("(02)2345-6789 0912345678", ["(02)2345-6789", "0912345678"]),
        ("+886 912 345 678", ["+886 912 345 678"]),
        ("驗證碼 012345，訂單 012345678901，2026-11-28 09:30", []),
        ("https://e8d.tw/0912345678", []),
    ],
)
def test_telephones(text: str, found: list[str]) -> None:
    assert telephones_of(text) == found


def test_a_telephone_is_the_same_in_any_form() -> None:
    approved = Approved(telephones=["+886223456789"])
    assert approved.objection("請電 (02)2345-6789") == ""
    assert "0223456780" in approved.objection("請電 0223456780")


def test_a_name_counts_character_for_character() -> None:
    approved = Approved(names=["Shop", "互動資通"])
    assert [approved.objection(text) == "" for text in ("Shop: hi", "【互動資通】", "shop: hi", "Ｓｈｏｐ: hi")] == [
        True,
        True,
        False,
        False,
    ]
    assert Approved().objection("hi") == "", "without names none is asked for"


@given(st.text())
def test_any_text_gets_a_verdict(text: str) -> None:
    approved = Approved(names=["店"], links=links_of(text), telephones=telephones_of(text))
    assert approved.objection(f"店{text}") == "" or links_of(f"店{text}") != links_of(text)
