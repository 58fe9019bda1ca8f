"""The one-time code in a text.

A code is 4 to 8 letters and digits (ASCII or full-width), at least one of them a digit, with no letter or digit next to
it; or two groups of three digits (``123-456``, ``123 456``). What is a part of something longer (``A20261128-0042``), of an address, a telephone number, an amount of
money, a date or a time is no code. Of several the first one behind a word for it (``code``, ``OTP``, ``PIN``, ``驗證碼``, ``密碼`` …)
in the same sentence counts, else the last one before such a word, else the first of the text. A last line
``@example.com #123456``, which browsers read, goes before all else.
"""

from __future__ import annotations

import re
import unicodedata

_ADDRESSES = r"""
      https?://\S+ | www\.\S+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
    | (?<![\w@])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|net|org|tw|io|app|me|ly|cc|co|gov|edu|info)\b(?:/\S*)?
"""
_TIMES = r"""
      (?<!\d)(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日? | (?<!\d)(?:19|20)\d\d年 | (?<!\d)\d{1,2}:\d\d(?::\d\d)?
"""
_MONEY = r"""
      (?:NT\$?|NTD|TWD|USD|US\$|HK\$|EUR|JPY|RMB|CNY|[$€£¥])\s*\d[\d,]*(?:\.\d+)?
    | \d[\d,]*(?:\.\d+)?\s*(?:元|圓|塊|点|點|(?:NTD?|TWD|USD|EUR|dollars?|[€£¥%])(?!\s?[$\d]))
    | (?<!\d)\d{1,3}(?:,\d{3})+(?:\.\d+)? | (?<![\d.])\d+\.\d+(?![\d.])
"""
_TELEPHONES = r"""
      \+\d[\d\s().-]{6,}\d
    | (?<![A-Za-z0-9])(?=(?:[\s()-]{0,2}\d){9})\(?0\d{1,4}\)?(?:[\s-]?\d{2,4}){2,4}(?:\#\d+)?(?!\d)
    | (?<![A-Za-z0-9])0\d{1,2}-\d{6,8}(?:\#\d+)?(?!\d)
    | (?<!\d)\d{3,4}(?:-\d{3,4}){2,}(?!\d)
"""
# In this order: a date behind a code is no part of a telephone number.
_NO_CODES = [re.compile(pattern, re.VERBOSE | re.IGNORECASE) for pattern in (_ADDRESSES, _TIMES, _MONEY, _TELEPHONES)]
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]{2}[-_/.])"  # G-123456 is told by its digits, A20261128-0042 is something else
    r"(?:\d{3}[ -]\d{3}(?![ -]?\d)|(?=[A-Za-z]*\d)[A-Za-z0-9]{4,8})"
    r"(?![A-Za-z0-9])(?![-_/][A-Za-z0-9])"
)
_WORD = re.compile(
    r"驗證碼|验证码|認證碼|认证码|驗證|認證|動態密碼|動態碼|檢核碼|確認碼|簡訊碼|校驗碼|授權碼|啟用碼|密碼|密码|代碼|"
    r"\b(?:verification|security|login|access|one-time|auth\w*|confirm\w*)?\s*(?:codes?|passcode|password)\b|\bOTP\b|\bPIN\b|コード",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[。！？!?；;\n])|(?<=\.)(?=\s)")
_FOR_BROWSERS = re.compile(r"(?m)^@[\w.-]+(?::\d+)? #([A-Za-z0-9]{4,8})(?: @[\w.-]+)?\s*\Z")


def find_code(text: str) -> str | None:
    """The code, without what groups its digits; None where there is none."""
    plain = unicodedata.normalize("NFKC", text)
    for_browsers = _FOR_BROWSERS.search(plain)
    if for_browsers:
        return for_browsers[1]
    # Something that is no letter, no digit and no blank stands for what is no code, so that nothing grows together.
    for no_code in _NO_CODES:
        plain = no_code.sub(lambda found: "\0" * len(found[0]), plain)
    for sentence in _SENTENCE.split(plain):
        found = _beside_a_word(sentence)
        if found:
            return _bare(found)
    anywhere = _CODE.search(plain)
    return _bare(anywhere[0]) if anywhere else None


def _beside_a_word(sentence: str) -> str | None:
    word = _WORD.search(sentence)
    if word is None:
        return None
    behind = _CODE.search(sentence, word.end())
    if behind:
        return behind[0]
    before = _CODE.findall(sentence, 0, word.start())
    return str(before[-1]) if before else None


def _bare(code: str) -> str:
    return code.replace(" ", "").replace("-", "")
