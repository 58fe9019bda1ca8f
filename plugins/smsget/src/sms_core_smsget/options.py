"""What only SMS-Get understands: options of one send, and options of an account (in the DSN)."""

from __future__ import annotations

import re
from typing import Any

import attrs
from attrs import field, frozen

from sms_core import ConfigurationError, VendorOptions

TWO_WAY_FACTOR = 2
"""What a two-way text costs, as times of a plain one (recorded on the wire; the document prices both alike)."""

_CODE = re.compile(r"\d\d", re.ASCII)


@frozen
class SendOptions(VendorOptions):
    """What one message asks for.

    ``two_way`` lets the recipients answer (chapter 3): Taiwan only, at twice the price, and only for accounts that
    have applied for it. They write the account's two-digit code in front of their text, so say so in yours.
    """

    two_way: bool = False

    @property
    def price_factor(self) -> int:
        """2 for a two-way text, else 1."""
        return TWO_WAY_FACTOR if self.two_way else 1

    @property
    def taiwan_only(self) -> bool:
        """Two-way texts reach numbers of Taiwan only (chapter 3)."""
        return self.two_way


def _two_digits(instance: object, attribute: attrs.Attribute[str], value: Any) -> None:
    del instance
    if value and not _CODE.fullmatch(value):
        raise ConfigurationError(f"DSN option {attribute.name!r} is the account's two-way code: two digits, such as 03")


@frozen
class AccountOptions:
    """The DSN options of this vendor.

    ``code`` is the account's two-way code (chapter 4), two digits, which recipients write in front of their replies.
    With it, that code is taken off a reply's text; without it, whichever two digits the text begins with.
    """

    code: str = field(default="", validator=_two_digits)
