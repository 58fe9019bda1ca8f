"""What only EVERY8D's SOAP API understands: options of an account (in the DSN)."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from sms_core.provider import SoapVersion


@frozen
class AccountOptions:
    """The DSN options of this API.

    ``soap``: the version of the envelope. ``mms_attachment``: whether the picture's base64 is percent-encoded once more,
    as 5.1 says. ``mms_cancel_at``: the service of eraseMMSBooking, which the document (4.3) leaves open.
    """

    soap: SoapVersion = "1.1"
    mms_attachment: Literal["urlencoded", "base64"] = "urlencoded"
    mms_cancel_at: Literal["MMS", "SMS"] = "MMS"
