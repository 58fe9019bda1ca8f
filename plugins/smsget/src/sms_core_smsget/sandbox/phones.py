"""手機號碼輸入格式 of chapter 1: the vendor's forms as regular expressions, and the E.164 that each stands for."""

from __future__ import annotations

import re

FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.ASCII), prefix)
    for pattern, prefix in (
        (r"0(9\d{8})", "+886"),  # 台灣 10 碼
        (r"(1\d{10})", "+86"),  # 大陸 11 碼
        (r"(\d{8})", "+852"),  # 香港 8 碼
        (r"853(\d{8})", "+853"),  # 澳門 11 碼
        (r"81(\d{10})", "+81"),  # 日本 12 碼
        (r"60(\d{9,10})", "+60"),  # 馬來西亞 11 或 12 碼
        (r"84(\d{9,10})", "+84"),  # 越南 11 或 12 碼
        (r"62(\d{10,11})", "+62"),  # 印尼 12 或 13 碼
        (r"66(\d{9})", "+66"),  # 泰國 11 碼
        (r"61(\d{9})", "+61"),  # 澳洲 11 碼
        (r"65(\d{8})", "+65"),  # 新加坡 10 碼
        (r"63(\d{10})", "+63"),  # 菲律賓 12 碼
        (r"971(\d{9})", "+971"),  # 阿拉伯聯合大公國 12 碼
        (r"855(\d{8,9})", "+855"),  # 柬埔寨 11 碼或 12 碼
        (r"001(\d{10})", "+1"),  # 美國 13 碼
        (r"82(1\d{8,9})", "+82"),  # 韓國 11 或 12 碼
    )
)

_WRITTEN = {"+886": "0", "+86": "", "+852": "", "+1": "001"}
"""What a form has in place of a prefix; the others have the prefix without its plus."""
_LONGEST_FIRST = sorted((prefix for _, prefix in FORMS), key=len, reverse=True)


def read(phone: str) -> str | None:
    """The E.164 number; None for what is in none of the forms."""
    for form, prefix in FORMS:
        if found := form.fullmatch(phone.strip()):
            return prefix + found[1]
    return None


def write(number: str) -> str:
    """The form of an E.164 number that `read` gave."""
    prefix = next(prefix for prefix in _LONGEST_FIRST if number.startswith(prefix))
    return _WRITTEN.get(prefix, prefix[1:]) + number[len(prefix) :]
