"""The signals that tell of what a vendor pushed.

A receiver that raises makes the vendor push the event again; what it wrote to the database of the handled events is
then undone.
"""

from django.dispatch import Signal

delivery_reported = Signal()
"""Sent with ``report``, a `sms_core.DeliveryReport`, and ``alias``, its account in ``SMS``; the sender is its class."""

message_received = Signal()
"""Sent with ``message``, a `sms_core.InboundMessage`, and ``alias``, its account in ``SMS``; the sender is its class."""
