"""What is done when a vendor tells something. The mark that an event was handled is in the same transaction."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from sms_core import DeliveryReport, InboundMessage
from sms_core.tracking import STATUS_ORDER
from sms_core_django import delivery_reported, message_received
from texts.models import Reply, Report


@receiver(delivery_reported)
def keep_report(report: DeliveryReport, **_: Any) -> None:
    """Write a report down."""
    Report.objects.create(
        batch_id=report.batch_id,
        number=report.number,
        status=report.status.value,
        standing=STATUS_ORDER.index(report.status),
    )


@receiver(message_received)
def keep_reply(message: InboundMessage, **_: Any) -> None:
    """Write a reply down."""
    Reply.objects.create(batch_id=message.batch_id, number=message.number, text=message.text)
