"""Which events were handled."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class HandledEvent(models.Model):
    """An event that the signals' receivers have handled, so that a repeated push is not handled twice.

    ``key`` is the event's own; it holds no number and no text.
    """

    key: models.CharField[str, str] = models.CharField(max_length=255, unique=True)
    handled_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.key
