"""What only Twilio understands: options of one send."""

from __future__ import annotations

from attrs import frozen
from sms_core import VendorOptions


@frozen
class SendOptions(VendorOptions):
    """Wishes for one message. ``flash`` shows the text at once on the handset."""

    flash: bool = False
