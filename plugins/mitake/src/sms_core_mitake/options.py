"""What only Mitake understands: options of one send, and options of an account (in the DSN)."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from sms_core import VendorOptions


@frozen
class SendOptions(VendorOptions):
    """What one message asks for. What breaks a rule of the document is refused before anything is sent.

    ``report_url`` (an http or https URL of at most 256 characters) gets the delivery reports; ``object_id`` (at most
    16 characters) is the name of the batch on the vendor's own pages.
    """

    report_url: str = ""
    object_id: str = ""


@frozen
class AccountOptions:
    """The DSN options of this vendor.

    ``long_sms``: whether the account has the right to long texts (長簡訊). The vendor cuts a text down to one SMS in
    silence where it has not, so without it such a text is refused here.
    ``charset``: that of requests. With ``Big5`` a character that it lacks is refused here.
    """

    long_sms: bool = False
    charset: Literal["UTF-8", "Big5"] = "UTF-8"
