"""The one-time code in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_core_sandbox.codes import find_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("您的驗證碼是 123456", "123456"),
        ("【互動資通】驗證碼：48213，請於 10 分鐘內輸入", "48213"),
        ("您的驗證碼是１２３４５６", "123456"),
        ("Your code is 123-456.", "123456"),
        ("123 456 is your Acme code", "123456"),
        ("G-482913 is your verification code.", "482913"),
        ("Use a1B2c3 as your one-time password", "a1B2c3"),
        ("訂單 20261128 的驗證碼是 4821", "4821"),
        ("Call 02-2345-6789. Code 7788", "7788"),
        ("NT$1200 will be paid. OTP 9911", "9911"),
        ("付款 1200 元，OTP 為 9911", "9911"),
        ("https://example.com/1234 or code 5678", "5678"),
        ("2026-11-28 12:30 密碼 665544", "665544"),
        ("Your code is below.\n\n@example.com #774411", "774411"),
        ("Order A20261128-0042 is on its way", None),
        ("Call 0912-345-678", None),
        ("Call +886 2 2345 6789", None),
        ("It costs 12,500 dollars", None),
        ("會議改到三點", None),
        ("verification", None),
        ("", None),
    ],
)
def test_the_rule(text: str, code: str | None) -> None:
    assert find_code(text) == code


CODES = st.text("0123456789", min_size=4, max_size=8) | st.from_regex(r"(?!NT)[A-Z]{1,3}[0-9]{3,5}", fullmatch=True)
"""NT500 is an amount."""
NOISE = st.sampled_from(
    [
        "",
        "Call 0912-345-678. ",
        "電話 02-2345-6789。",
        "https://example.com/a1234?b=56789 ",
        "NT$12,000。",
        "付 3000 元，",
        "2026/11/28 12:30 ",
    ]
)
FORMS = st.sampled_from(
    ["您的驗證碼是 {}", "驗證碼：{}，請勿告訴他人", "Your code is {}.", "{} is your code", "OTP {}"]
)


@given(before=NOISE, form=FORMS, code=CODES, after=NOISE)
def test_a_code_is_found_whatever_is_around_it(before: str, form: str, code: str, after: str) -> None:
    assert find_code(f"{before}{form.format(code)} {after}") == code


@given(st.text(max_size=200))
def test_whatever_is_found_is_a_code(text: str) -> None:
    code = find_code(text)
    assert code is None or (code.isascii() and code.isalnum() and 4 <= len(code) <= 8)
