"""What may be shown of a telephone number: enough to tell two apart, too little to call anyone."""

from __future__ import annotations

import re

_DIGIT_RUN = re.compile(r"(?:\+|%2[Bb])?\d(?:[ -]?\d){6,}")


def mask(number: str) -> str:
    """``+886900000123`` becomes ``+8869******23``; of short strings less is shown, or nothing."""
    if len(number) < 8:  # noqa: PLR2004 - nothing that short is safe to show a part of
        return "*" * len(number)
    hidden = max(len(number) - (7 if number.startswith("+") else 6), 4)
    return number[: len(number) - hidden - 2] + "*" * hidden + number[-2:]


def mask_numbers(text: str) -> str:
    """The text with every run of seven or more digits masked, for words that others wrote."""
    return _DIGIT_RUN.sub(lambda run: mask(run.group()), text)
