"""What only EVERY8D understands: options of one send, and options of an account (in the DSN)."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from sms_core import VendorOptions

EVENT_LINK_CHARACTERS = 17
"""What the link of an interactive reply adds to the text (table 2-3-1, EventID)."""


@frozen
class SendOptions(VendorOptions):
    """What one message asks for.

    ``event_id`` is an interactive-reply channel (``-1`` for the default one); the vendor appends a link of 17
    characters. ``skip_duplicates`` sends through the vendor's 24-hour filter (2.5): who already got this text
    is held back, comes out as ``REFUSED`` with the earlier batch, and `settle` can later prove what was not sent.
    The filter carries neither names nor references to the vendor.
    """

    event_id: str = ""
    skip_duplicates: bool = False

    @property
    def extra_characters(self) -> int:
        """17 with an ``event_id``, else 0."""
        return EVENT_LINK_CHARACTERS if self.event_id else 0

    @property
    def one_text_per_request(self) -> bool:
        """The filter (2.5) takes one text for all numbers of a request."""
        return self.skip_duplicates


@frozen
class AccountOptions:
    """The DSN options of this vendor.

    ``auth``: a token from 1.1, or user and password in each request. ``report_format``: RESPFORMAT of 4.2 and
    4.3. ``mms_param_path``: where personal MMS go; 3.4.2 prints the SMS address, which may be a misprint for
    ``MMS/SendParam.ashx``. ``filter_sees_all``: say true if you have tried that the 24-hour filter knows plain
    sends too; the document does not say so.
    """

    auth: Literal["token", "password"] = "token"
    report_format: Literal["json", "tab", "xml"] = "json"
    mms_param_path: str = "SendParam.ashx"
    filter_sees_all: bool = False
