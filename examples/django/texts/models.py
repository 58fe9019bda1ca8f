"""What was sent, and what became of it."""

from __future__ import annotations

from typing import Any

from django.db import models

from sms_core import Outcome


class Message(models.Model):
    """A text to one number, written down before it is sent: unknown, until the send has told."""

    reference = models.CharField(max_length=32)
    number = models.CharField(max_length=32)
    text = models.TextField()
    outcome = models.CharField(max_length=16, default=Outcome.UNKNOWN.value)
    batch_id = models.CharField(max_length=64, default="")

    class Meta:
        """One row for each recipient."""

        constraints = (models.UniqueConstraint(fields=("reference", "number"), name="one_row_for_each_recipient"),)

    def __str__(self) -> str:
        return self.reference

    @classmethod
    def with_status(cls) -> list[dict[str, Any]]:
        """Every message with its ``status``, None before a report.

        Reports come late, doubled and in any order, even before the send has returned: so all are kept, and the
        highest stands.
        """
        reports = Report.objects.filter(batch_id=models.OuterRef("batch_id"), number=models.OuterRef("number"))
        latest = reports.order_by("-standing", "-pk").values("status")[:1]
        columns = ("reference", "number", "text", "outcome", "status")
        return list(cls.objects.order_by("pk").annotate(status=models.Subquery(latest)).values(*columns))


class Report(models.Model):
    """A delivery report. ``standing`` is its status's place in `sms_core.tracking.STATUS_ORDER`."""

    batch_id = models.CharField(max_length=64)
    number = models.CharField(max_length=32)
    status = models.CharField(max_length=16)
    standing = models.PositiveSmallIntegerField()

    class Meta:
        """Found by what it is about."""

        indexes = (models.Index(fields=("batch_id", "number")),)

    def __str__(self) -> str:
        return self.status


class Reply(models.Model):
    """What a recipient wrote back."""

    batch_id = models.CharField(max_length=64)
    number = models.CharField(max_length=32)
    text = models.TextField()

    def __str__(self) -> str:
        return self.batch_id
