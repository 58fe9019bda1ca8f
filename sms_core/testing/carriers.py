"""What Taiwan's carriers let through: the sender's name, links and telephone numbers that an account has registered.

Since 2024-11-18 a link or a telephone number in a text has to be registered, since 2025-11-01 a text has to name its
sender, character for character as approved. The vendor takes a text that breaks a rule, and charges it; the carriers
drop it.
"""

from __future__ import annotations

import re

from attrs import field, frozen

_END = r"\s<>\"'，。、；：！？）】」』》"
_TOP = "com|net|org|tw|io|co|cc|me|app|link|info|biz|shop|store|xyz|top|site|online|club|live|tv|ly|gl|to|gd|us|cn|hk|jp|sg"
# With a scheme, or a host that ends in one of the common ways: a bare example.com/x is tapped on a handset all the same.
_LINK = re.compile(
    rf"https?://[^{_END}]+|(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:{_TOP})(?![\w@-]|\.\w)(?:[/?][^{_END}]*)?",
    re.ASCII | re.IGNORECASE,
)
# Taiwan's forms: 02-2345-6789, (02)2345-6789, 0912-345-678, 0800-123-456, +886 912 345 678. A one-time code is shorter.
_TELEPHONE = re.compile(r"(?<![\d+])(?:\+?886[ -]?|\(?0)\d{1,3}\)?(?:[ -]?\d{2,4}){2,3}(?!\d)", re.ASCII)
_NATIONAL_DIGITS = range(9, 11)
_TRAILING = ".,;:!?)"
"""What stands behind a link and is no part of it."""


def _to_tuple(values: object) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError("a list of texts is meant, and this is one text")
    return tuple(str(value) for value in values)  # type: ignore[attr-defined]


@frozen
class Approved:
    """What an account has registered: names of the sender, links, telephone numbers in any form.

    Without ``names`` no name is asked for.
    """

    names: tuple[str, ...] = field(default=(), converter=_to_tuple)
    links: tuple[str, ...] = field(default=(), converter=_to_tuple)
    telephones: tuple[str, ...] = field(default=(), converter=_to_tuple)

    def objection(self, text: str) -> str:
        """Why the carriers drop this text; "" if they let it through."""
        if self.names and not any(name in text for name in self.names):
            return "dropped by the carriers: the text names no approved sender"
        for link in links_of(text):
            if link not in self.links:
                return f"dropped by the carriers: {link} is not registered"
        registered = {_national(telephone) for telephone in self.telephones}
        for telephone in telephones_of(text):
            if _national(telephone) not in registered:
                return f"dropped by the carriers: the telephone number {telephone} is not registered"
        return ""


def links_of(text: str) -> list[str]:
    """The links in a text, with a scheme or without."""
    return [link.rstrip(_TRAILING) for link in _LINK.findall(text)]


def telephones_of(text: str) -> list[str]:
    """Taiwan's telephone numbers in a text, as they are written there, and not those within a link."""
    without_links = _LINK.sub(" ", text)
    return [found for found in _TELEPHONE.findall(without_links) if len(_national(found)) in _NATIONAL_DIGITS]


def _national(telephone: str) -> str:
    digits = re.sub(r"\D", "", telephone)
    return f"0{digits.removeprefix('886')}" if digits.startswith("886") else digits
